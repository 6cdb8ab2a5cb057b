"""Batches of cells, each beside a control cell, from data that stays in memory.

On a GPU `gather` is recorded together with the rest of the step and replayed, so it has fixed
shapes and never waits for the host.
"""

import warnings

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from pvae_lib.exceptions import InputError
from pvae_lib.learning.epochs import EveryCellBatches
from pvae_lib.learning.pairing import check_pairing, match
from pvae_lib.learning.randomness import NormalNoise, generator

# Below this share of non-zeros the sparse first layer is faster than the dense one (measured;
# see benchmarks/README.md).
SPARSE_BELOW = 0.2


def as_tensor(array: np.ndarray) -> Tensor:
    """A tensor on the same memory; the array may be read-only, since nothing here writes to it."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(np.ascontiguousarray(array))


class DenseRows:
    """Cells as one dense tensor (n_cells, n_genes) on the device."""

    def __init__(self, x: Tensor) -> None:
        self.x = x

    def dense(self, index: Tensor) -> Tensor:
        """(B, n_genes)."""
        return self.x.index_select(0, index)

    def first_half_and_all(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """x (B, n_genes) of the first half of the index, and all rows (2B, n_genes)."""
        rows = self.dense(index)
        return rows[: len(index) // 2], rows


class SparseRows:
    """Cells as one CSR matrix in main memory; only the rows of a batch are ever made dense."""

    def __init__(self, matrix: sp.csr_matrix) -> None:
        self.matrix = matrix
        density = matrix.nnz / max(1, np.prod(matrix.shape, dtype=float))
        # torch multiplies sparse by dense fast through MKL only, which Apple's builds lack.
        self.sparse_products = density < SPARSE_BELOW and torch.backends.mkl.is_available()

    def dense(self, index: Tensor) -> Tensor:
        """(B, n_genes)."""
        return torch.from_numpy(self.matrix[index.numpy()].toarray())

    def first_half_and_all(self, index: Tensor) -> tuple[Tensor, Tensor | tuple[Tensor, Tensor]]:
        """x (B, n_genes) of the first half, and all rows: dense, or (rows, rowsᵀ) as CSR."""
        if not self.sparse_products:
            rows = self.dense(index)
            return rows[: len(index) // 2], rows
        rows = self.matrix[index.numpy()]
        x = torch.from_numpy(rows[: len(index) // 2].toarray())
        return x, (_csr_tensor(rows), _csr_tensor(rows.T.tocsr()))


def _csr_tensor(matrix: sp.csr_matrix) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return torch.sparse_csr_tensor(
            torch.from_numpy(matrix.indptr.astype(np.int32, copy=False)),
            torch.from_numpy(matrix.indices.astype(np.int32, copy=False)),
            torch.from_numpy(matrix.data),
            size=matrix.shape,
            check_invariants=False,
        )


def resident(x: np.ndarray | sp.spmatrix, device: torch.device) -> DenseRows | SparseRows:
    """Cells (n_cells, n_genes) float32 held where training runs.

    On the CPU the array or CSR matrix is used in place, without a copy. An accelerator holds
    it dense, filled in blocks.

    Raises
    ------
    InputError
        The accelerator's free memory cannot hold the dense array.
    """
    if not sp.issparse(x):
        return DenseRows(as_tensor(np.asarray(x, np.float32)).to(device))
    matrix = sp.csr_matrix(x, dtype=np.float32)
    if device.type == "cpu":
        return SparseRows(matrix)
    try:
        dense = torch.empty(matrix.shape, device=device)
    except RuntimeError as error:  # out of memory, by whatever name the device gives it
        raise InputError(
            f"{matrix.shape[0]} cells × {matrix.shape[1]} genes need "
            f"{4e-9 * np.prod(matrix.shape, dtype=float):.1f} GB on {device}, more than is free: "
            "keep fewer genes, or train with device='cpu'."
        ) from error
    for start in range(0, len(dense), 8192):
        block = matrix[start : start + 8192].toarray()
        dense[start : start + 8192] = torch.from_numpy(block).to(device)
    return DenseRows(dense)


class PairedBatches(EveryCellBatches):
    """Every cell once an epoch in a fresh order, each with a control.

    Parameters
    ----------
    x
        (n, n_genes) float32, dense or CSR: all cells, training or not.
    u
        (n, n_targets) float32.
    cells, controls
        Indices into x of the cells to train on, and of the control cells to pair them with.
    noise
        Widths of the standard normal draws that the objective wants per cell, by name.
    pairing, given
        See `pvae_lib.learning.pairing`; `given` (n,) holds, for every cell of x, the index of
        its control.

    Raises
    ------
    InputError
        Batch larger than the data, no controls, unknown pairing, missing or unusable `given`.
    """

    def __init__(
        self,
        x: np.ndarray | sp.spmatrix,
        u: np.ndarray,
        cells: np.ndarray,
        controls: np.ndarray,
        *,
        batch_size: int,
        seed: int,
        noise: dict[str, int],
        pairing: str = "random",
        given: np.ndarray | None = None,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(cells, batch_size=batch_size, seed=seed, device=device)
        check_pairing(pairing)
        if len(controls) == 0:
            raise InputError("There are no control cells to pair with: include them in training.")
        if (pairing == "given") != (given is not None):
            raise InputError("pairing='given' and the array of given pairs go together.")
        if given is not None:
            given = np.asarray(given)
            whole = given.shape == (x.shape[0],) and given.dtype.kind in "iu"
            if not whole or given.min() < 0 or given.max() >= x.shape[0]:
                raise InputError(
                    f"given holds one control index, a whole number from 0 to {x.shape[0] - 1}, "
                    f"for each of the {x.shape[0]} cells; this one has {given.size} entries."
                )
        self.rows = resident(x, self.device)
        self.u = as_tensor(np.asarray(u, np.float32)).to(self.device)
        self.controls, self.noise = np.asarray(controls), dict(noise)
        self.pairing, self.given = pairing, given
        self._normal = NormalNoise(seed, "noise", self.device)

    def draw(self, step: int) -> dict[str, Tensor]:
        """index (2B,): B cells, then their controls; noise (B, sum of widths)."""
        (index,) = self._of_step(step)
        if self.pairing in ("nearest", "optimal_transport"):
            index = self._matched(index)
        noise = self._normal(self.batch_size, sum(self.noise.values()), step)
        return {"index": index, "noise": noise}

    def gather(self, draws: dict[str, Tensor]) -> dict[str, Tensor | tuple[Tensor, Tensor]]:
        """x (B, n_genes); cells, the 2B rows of x and its controls; u (B, n_targets); noise."""
        x, cells = self.rows.first_half_and_all(draws["index"])
        u = self.u.index_select(0, draws["index"][: self.batch_size])
        noise = draws["noise"].split(list(self.noise.values()), dim=1)
        return {"x": x, "cells": cells, "u": u, **dict(zip(self.noise, noise, strict=True))}

    def _plan(self, epoch: int) -> tuple[np.ndarray, ...]:
        """(steps_per_epoch, 2B): cells, then their controls."""
        (order,) = super()._plan(epoch)
        if self.given is not None:
            partners = self.given[order]
        else:
            partners = generator(self.seed, "controls", epoch).choice(self.controls, order.shape)
        return (np.concatenate([order, partners], axis=1),)

    def _matched(self, index: Tensor) -> Tensor:
        """The same batch with its random controls dealt out by distance."""
        cells, candidates = index.chunk(2)
        chosen = match(self.pairing, self.rows.dense(cells), self.rows.dense(candidates))
        return torch.cat([cells, candidates[torch.from_numpy(chosen).to(self.device)]])
