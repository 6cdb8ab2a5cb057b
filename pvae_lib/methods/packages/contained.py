"""Room for a package that draws from global generators, prints and warns: all is put back after."""

import io
import logging
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout

import numpy as np
import torch

from pvae_lib.learning.randomness import generator

# Lightning's word for a torch device.
ACCELERATORS = {"cpu": "cpu", "cuda": "gpu", "mps": "mps"}
TALKATIVE = ("lightning", "lightning.pytorch", "pytorch_lightning", "scvi", "state")


@contextmanager
def contained(seed: int, purpose: str, quiet: bool = True) -> Iterator[None]:
    """Seed Python's, numpy's and torch's global generators, and put them back afterwards.

    Peers' packages draw from these; ours never do, so nothing of ours depends on a peer having run.
    On CUDA its generators are seeded too, and left so.

    Parameters
    ----------
    seed, purpose
        What the draws are a function of.
    quiet
        Swallow what the package prints, logs below an error and warns of.
    """
    key = int(generator(seed, purpose).integers(2**31))
    of_python, of_numpy = random.getstate(), np.random.get_state()
    loggers = [logging.getLogger(name) for name in TALKATIVE]
    levels = [logger.level for logger in loggers]
    try:
        with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
            random.seed(key)
            np.random.seed(key)
            torch.manual_seed(key)
            if not quiet:
                yield
                return
            warnings.simplefilter("ignore")
            for logger in loggers:
                logger.setLevel(logging.ERROR)
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
