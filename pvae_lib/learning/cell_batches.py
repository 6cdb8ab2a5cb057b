"""Batches of cells alone, without controls and labels, for objectives that only reconstruct.

As in `pvae_lib.learning.batches`, `draw(step)` makes everything random as a function of the seed
and the step, and `gather(draws)` looks the cells up: a resumed run sees the same batches.
"""

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.learning.batches import resident
from pvae_lib.learning.randomness import NormalNoise, generator


class CellBatches:
    """Batches of a fixed size, every cell once an epoch in a fresh order.

    An incomplete last batch is left out; another order in the next epoch reaches its cells.

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
        check_whole(batch_size=batch_size)
        if batch_size > len(cells):
            raise InputError(
                f"batch_size={batch_size} does not fit {len(cells)} training cells: "
                f"choose a batch size from 1 to {len(cells)}."
            )
        self.device = torch.device(device)
        self.rows, self.n_genes = resident(x, self.device), x.shape[1]
        self.cells, self.batch_size, self.seed = np.asarray(cells), batch_size, seed
        self.noise, self.hide = noise, hide
        self.steps_per_epoch = len(self.cells) // batch_size
        self._normal = NormalNoise(seed, "noise", self.device)
        self._order: tuple[int, np.ndarray] | None = None  # of the epoch that is running

    def draw(self, step: int) -> dict[str, Tensor]:
        """index (B,), and where wanted noise (B, width) and hidden (B, n_genes)."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if self._order is None or self._order[0] != epoch:
            self._order = epoch, generator(self.seed, "order", epoch).permutation(self.cells)
        rows = self._order[1][within * self.batch_size : (within + 1) * self.batch_size]
        draws = {"index": torch.from_numpy(rows.astype(np.int64)).to(self.device)}
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
