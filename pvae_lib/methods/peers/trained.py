"""What every trained peer shares: from a screen to a trained network, and block by block to cells.

A peer says what its network, its objective and its batches are, and how a block of control cells
becomes predicted cells. Seeds, devices, checkpoints and resuming are those of `pvae_lib.learning`.
"""

import hashlib
from abc import abstractmethod
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from pvae_lib.exceptions import check_whole
from pvae_lib.learning import TrainingSettings, train
from pvae_lib.learning.device import resolve_device
from pvae_lib.learning.loop import Batches, Objective
from pvae_lib.learning.randomness import generator, seeded_initialisation, standard_normal
from pvae_lib.methods.base import Method
from pvae_lib.screen import Screen
from pvae_lib.screen.labels import canonical_label
from pvae_lib.splits import Split

ROWS_AT_ONCE = 2048
# These do not change what is learned, so a checkpoint made with others may be resumed.
NOT_IDENTITY = {"device", "checkpoint", "prediction"}


class Normal:
    """Standard normal draws, (rows, width) a call; what counts need comes from its `rng`."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def __call__(self, rows: int, width: int) -> Tensor:
        return standard_normal(self.rng, rows, width)


class TrainedPeer(Method):
    """A method with the parameters epochs, batch_size, learning_rate, seed, device, checkpoint.

    Attributes
    ----------
    network_ : the trained network, on the CPU whatever it was trained on
    history_ : DataFrame, one row a step: every term of the objective
    """

    NAME: str  # as tables call it

    @abstractmethod
    def _network(self, screen: Screen, split: Split) -> nn.Module:
        """The network to train; initialised under the method's seed. Checks its parameters."""

    @abstractmethod
    def _objective(self) -> Objective:
        """(network, batch) → named scalars, "loss" among them."""

    @abstractmethod
    def _batches(self, screen: Screen, split: Split, device: torch.device) -> Batches:
        """Batches of the split's training cells."""

    @abstractmethod
    def _cells(self, controls: Screen, rows: np.ndarray, u: Tensor, normal: Normal) -> Tensor:
        """(len(rows), n_genes) log1p expression under u (1, n_targets), from `controls[rows]`.

        Runs without gradients. Whatever is drawn comes from `normal`.
        """

    def _identity(self) -> dict:
        """What makes this training run this run, JSON-able, beside its data.

        A peer whose parameters JSON cannot hold overrides this.
        """
        return {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in self.get_params().items()
            if name not in NOT_IDENTITY
        }

    def fit(self, screen: Screen, split: Split) -> Self:
        """Train on the split's cells.

        Raises
        ------
        InputError
            A parameter without meaning, no controls, a device that is absent, a loss that is no
            number, or a checkpoint that is damaged or belongs to another run.
        """
        self._remember(screen, split)
        check_whole(at_least=0, seed=self.seed)
        settings = TrainingSettings(self.epochs, self.learning_rate)
        device = resolve_device(self.device)
        with seeded_initialisation(self.seed):
            network = self._network(screen, split)
        origin = {
            "method": self.NAME,
            "screen": screen.fingerprint,
            "split": split.name,
            "training cells": hashlib.blake2b(split.train.tobytes(), digest_size=8).hexdigest(),
        }
        self.history_ = train(
            network,
            self._objective(),
            self._batches(screen, split, device),
            settings,
            checkpoint=self.checkpoint,
            identity=self._identity() | origin,
            name=f"{self.NAME}, seed {self.seed}",
        )
        self.network_ = network.cpu()
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")  # an interrupted fit has learned nothing to be used

    @torch.no_grad()
    def predict(self, controls: Screen, condition: str, n: int, seed: int) -> np.ndarray:
        """One cell under `condition` for each of n drawn control cells.

        Returns (n, n_genes) float32, log1p of median-normalised counts.

        Raises
        ------
        InputError
            A gene of the condition is unknown or was never trained on, or what `check_request`
            refuses.
        """
        self.check_request(controls, n, seed)
        u = torch.from_numpy(self.check_condition(condition)[None])  # (1, n_targets)
        index = self.draw_controls(controls, n, seed)
        normal = Normal(generator(seed, f"predict {canonical_label(condition)}"))
        found = np.empty((n, len(self.genes_)), np.float32)
        for start in range(0, n, ROWS_AT_ONCE):
            rows = index[start : start + ROWS_AT_ONCE]
            found[start : start + len(rows)] = self._cells(controls, rows, u, normal)
        return found
