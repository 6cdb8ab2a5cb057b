"""Batches of cells as raw counts, for models of counts that hold variables shared by all cells."""

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from pvae_lib.learning.batches import as_tensor, resident
from pvae_lib.learning.epochs import EveryCellBatches
from pvae_lib.learning.randomness import NormalNoise


class CountBatches(EveryCellBatches):
    """Every cell once an epoch in a fresh order.

    Parameters
    ----------
    counts
        (n, n_genes) raw counts, CSR: all cells, training or not.
    total, target_total
        (n,) totals over all genes of the source, and the one to which expression is normalised.
    u
        (n, k) float32, what was done to each cell.
    cells
        Indices of the cells to train on.
    noise
        Name → (rows, width) of the standard normal draws that the objective wants at each step;
        None for the rows means one a cell of the batch.

    Raises
    ------
    InputError
        Batch larger than the data.
    """

    def __init__(
        self,
        counts: sp.csr_matrix,
        total: np.ndarray,
        target_total: float,
        u: np.ndarray,
        cells: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        noise: dict[str, tuple[int | None, int]],
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(cells, batch_size=batch_size, seed=seed, device=device)
        self.rows = resident(counts, self.device)
        self.total = as_tensor(np.asarray(total, np.float32)[:, None]).to(self.device)  # (n, 1)
        self.target_total = target_total
        self.u = as_tensor(np.asarray(u, np.float32)).to(self.device)
        self.shapes = {name: (rows or batch_size, width) for name, (rows, width) in noise.items()}
        self._normal = {name: NormalNoise(seed, name, self.device) for name in noise}

    def draw(self, step: int) -> dict[str, Tensor]:
        """index (B,) of the cells, and the named noises."""
        (index,) = self._of_step(step)
        noises = {name: self._normal[name](*shape, step) for name, shape in self.shapes.items()}
        return {"index": index, **noises}

    def gather(self, draws: dict[str, Tensor]) -> dict[str, Tensor]:
        """counts (B, n_genes), total (B, 1), x (B, n_genes) log1p expression, u, and the noises."""
        index = draws["index"]
        counts, total = self.rows.dense(index), self.total.index_select(0, index)
        return {
            "counts": counts,
            "total": total,
            "x": torch.log1p(counts * (self.target_total / total)),
            "u": self.u.index_select(0, index),
            **{name: draws[name] for name in self.shapes},
        }
