"""What the peers that model raw counts share: their batches, and cells sampled from their rates."""

from abc import abstractmethod

import numpy as np
import torch
from torch import Tensor

from pvae_lib.learning.count_batches import CountBatches
from pvae_lib.methods.base import PREDICTIONS
from pvae_lib.methods.peers.trained import Normal, TrainedPeer
from pvae_lib.model.config import one_of
from pvae_lib.model.counts import CountStart
from pvae_lib.screen import Screen
from pvae_lib.splits import Split

DRAWS_OF_A_MEAN = 32


class CountPeer(TrainedPeer):
    """A trained peer whose network has a CountDecoder called `decoder`.

    prediction
        "samples": each control cell's latents, what the perturbation adds, and then negative
        binomial counts are drawn, with the control cell's total; the counts are normalised with
        that total and log1p'd. "means": the mean of 32 such cells for each control cell. (The rate
        itself, put through log1p, would exceed the mean of log1p counts and shift every gene.)
    """

    @abstractmethod
    def _latents(self, x: Tensor, u: Tensor, normal: Normal) -> Tensor:
        """z (B, d_z) under u (1, n_targets) for control cells x (B, n_genes) log1p expression."""

    @abstractmethod
    def _labels(self, screen: Screen, split: Split) -> np.ndarray:
        """(n_cells, k) float32: what the network reads of each cell's perturbation."""

    @abstractmethod
    def _noise(self) -> dict[str, tuple[int | None, int]]:
        """The draws of a step; see CountBatches."""

    def _start(self, screen: Screen, split: Split) -> CountStart:
        """Where the decoder starts, from the training cells. Checks `prediction`."""
        one_of("prediction", self.prediction, PREDICTIONS)
        return CountStart.of(screen.counts[split.train], screen.total_counts[split.train])

    def _batches(self, screen: Screen, split: Split, device: torch.device) -> CountBatches:
        return CountBatches(
            screen.counts,
            screen.total_counts,
            screen.target_total,
            self._labels(screen, split),
            split.train,
            batch_size=self.batch_size,
            seed=self.seed,
            noise=self._noise(),
            device=device,
        )

    def _cells(self, controls: Screen, rows: np.ndarray, u: Tensor, normal: Normal) -> Tensor:
        x = torch.from_numpy(controls.dense(rows))  # (B, n_genes)
        total = torch.from_numpy(controls.total_counts[rows].astype(np.float32))[:, None]  # (B, 1)
        theta = self.network_.decoder.theta().numpy()
        draws = DRAWS_OF_A_MEAN if self.prediction == "means" else 1
        found = torch.zeros_like(x)
        for _ in range(draws):
            mu = self.network_.decoder(self._latents(x, u, normal), total).exp().numpy()
            rate = normal.rng.standard_gamma(theta, mu.shape) * (mu / theta)
            counts = torch.from_numpy(normal.rng.poisson(rate).astype(np.float32))
            found += torch.log1p(counts * (controls.target_total / total))
        return found / draws
