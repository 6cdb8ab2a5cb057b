"""Batches of cells alone, without controls and labels, for objectives that only reconstruct."""

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from pvae_lib.learning.batches import resident
from pvae_lib.learning.epochs import EveryCellBatches
from pvae_lib.learning.randomness import NormalNoise, generator


class CellBatches(EveryCellBatches):
    """Every cell once an epoch in a fresh order.

    Parameters
    ----------
    x
        (n, n_genes) float32, dense or CSR: all cells, training or not.
    cells
        Indices into x of the cells to train on.
    noise
        Width of the standard normal draws that the objective wants per cell.
    hide
        The share of the values to be hidden, drawn value by value: 1 in "hidden" (B, n_genes).

    Raises
    ------
    InputError
        Batch larger than the data.
    """

    def __init__(
        self,
        x: np.ndarray | sp.spmatrix,
        cells: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        noise: int = 0,
        hide: float = 0.0,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(cells, batch_size=batch_size, seed=seed, device=device)
        self.rows, self.n_genes = resident(x, self.device), x.shape[1]
        self.noise, self.hide = noise, hide
        self._normal = NormalNoise(seed, "noise", self.device)

    def draw(self, step: int) -> dict[str, Tensor]:
        """index (B,), and where wanted noise (B, width) and hidden (B, n_genes)."""
        (index,) = self._of_step(step)
        draws = {"index": index}
        if self.noise:
            draws["noise"] = self._normal(self.batch_size, self.noise, step)
        if self.hide:
            rng = generator(self.seed, "hidden", step)
            uniform = rng.random((self.batch_size, self.n_genes), np.float32)
            draws["hidden"] = torch.from_numpy(np.float32(uniform < self.hide)).to(self.device)
        return draws

    def gather(self, draws: dict[str, Tensor]) -> dict[str, Tensor]:
        """x (B, n_genes), and what was drawn."""
        return {**draws, "x": self.rows.dense(draws["index"])}
