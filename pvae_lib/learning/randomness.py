"""Randomness without state: every draw is a function of (seed, purpose, counter).

Nothing has to be stored to resume a run, and no draw depends on what else was drawn before it.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor


def _key(seed: int, purpose: str, counter: int, size: int) -> int:
    digest = hashlib.blake2b(f"{seed}/{purpose}/{counter}".encode(), digest_size=size).digest()
    return int.from_bytes(digest, "little")


def generator(seed: int, purpose: str, counter: int = 0) -> np.random.Generator:
    """A fresh numpy generator for one draw."""
    return np.random.Generator(np.random.Philox(key=_key(seed, purpose, counter, 16)))


def standard_normal(rng: np.random.Generator, rows: int, width: int) -> Tensor:
    """Standard normal draws (rows, width), float32, the next ones of a generator."""
    return torch.from_numpy(rng.standard_normal((rows, width), np.float32))


class NormalNoise:
    """Standard normal draws (rows, width) on a device, a function of (seed, purpose, counter).

    On CUDA they are made on the device, so that nothing is copied to it in the loop; the
    numbers then differ from those of the CPU.
    """

    def __init__(self, seed: int, purpose: str, device: torch.device) -> None:
        self.seed, self.purpose, self.device = seed, purpose, device
        self.on_device = torch.Generator(device) if device.type == "cuda" else None

    def __call__(self, rows: int, width: int, counter: int = 0) -> Tensor:
        if self.on_device is not None:
            self.on_device.manual_seed(_key(self.seed, self.purpose, counter, 8) >> 1)
            return torch.randn(rows, width, generator=self.on_device, device=self.device)
        rng = generator(self.seed, self.purpose, counter)
        return standard_normal(rng, rows, width).to(self.device)


@contextmanager
def seeded_initialisation(seed: int) -> Iterator[None]:
    """torch initialises modules from its global generator: seed it here, and put it back after."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(_key(seed, "initialisation", 0, 8) >> 1)
        yield
