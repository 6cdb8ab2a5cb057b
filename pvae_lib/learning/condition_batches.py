"""Batches of cells of one condition each, beside as many control cells.

What compares two clouds of cells, as a maximum mean discrepancy does, needs batches that are
clouds: 32 cells under one perturbation and 32 controls, not a mixture of all perturbations.
"""

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor

from pvae_lib.exceptions import InputError
from pvae_lib.learning.batches import as_tensor, resident
from pvae_lib.learning.epochs import EpochBatches
from pvae_lib.learning.randomness import NormalNoise, generator


class ConditionBatches(EpochBatches):
    """Batches of a fixed size, each from one condition, with as many random controls.

    An epoch deals every condition's cells, in a fresh order, into batches, and gives the batches
    in random order. The rest that fills no batch is left out until the next epoch's order; a
    condition with fewer cells than a batch repeats its cells, as evenly as can be, to fill one.

    Parameters
    ----------
    x
        (n, n_genes) float32, dense or CSR: all cells, training or not.
    u
        (n, n_targets) float32. Cells with the same row are of one condition.
    cells, controls
        Indices into x of the perturbed cells to train on, and of the control cells.
    noise
        Widths of the standard normal draws that the objective wants per cell, by name.

    Raises
    ------
    InputError
        No perturbed cells, no controls, or a batch size that is no whole number.
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
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__(batch_size=batch_size, seed=seed, device=device)
        for kind, found in (("perturbed", cells), ("control", controls)):
            if len(found) == 0:
                raise InputError(f"There are no {kind} cells to train on: include them.")
        self.rows = resident(x, self.device)
        self.controls, self.noise = np.asarray(controls), dict(noise)
        distinct, code = np.unique(np.asarray(u)[cells], axis=0, return_inverse=True)
        self.u = as_tensor(distinct.astype(np.float32)).to(self.device)  # (n_conditions, n_targets)
        self.cells_of = [np.asarray(cells)[code == k] for k in range(len(distinct))]
        self.per_epoch = np.array([max(1, len(c) // batch_size) for c in self.cells_of])
        self.steps_per_epoch = int(self.per_epoch.sum())
        self._normal = NormalNoise(seed, "noise", self.device)

    def draw(self, step: int) -> dict[str, Tensor]:
        """condition (1,); index (2B,): B cells of it, then B controls; noise (B, sum of widths)."""
        condition, index = self._of_step(step)
        return {
            "condition": condition,
            "index": index,
            "noise": self._normal(self.batch_size, sum(self.noise.values()), step),
        }

    def gather(self, draws: dict[str, Tensor]) -> dict[str, Tensor]:
        """x and x_control, each (B, n_genes); u (1, n_targets); noise."""
        x, x_control = self.rows.dense(draws["index"]).chunk(2)
        u = self.u.index_select(0, draws["condition"])
        noise = draws["noise"].split(list(self.noise.values()), dim=1)
        return {"x": x, "x_control": x_control, "u": u} | dict(zip(self.noise, noise, strict=True))

    def _plan(self, epoch: int) -> tuple[np.ndarray, ...]:
        """(steps_per_epoch, 1) conditions and (steps_per_epoch, 2B) cells, then controls."""
        rng = generator(self.seed, "order", epoch)
        condition = np.repeat(np.arange(len(self.cells_of)), self.per_epoch)
        cells = np.concatenate(
            [self._dealt(c, n, rng) for c, n in zip(self.cells_of, self.per_epoch, strict=True)]
        )
        controls = generator(self.seed, "controls", epoch).choice(self.controls, cells.shape)
        order = rng.permutation(self.steps_per_epoch)
        return condition[order, None], np.concatenate([cells, controls], axis=1)[order]

    def _dealt(self, cells: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n, B) cells of one condition: each once before any comes again."""
        wanted = n * self.batch_size
        rounds = -(-wanted // len(cells))
        order = np.concatenate([rng.permutation(cells) for _ in range(rounds)])
        return order[:wanted].reshape(n, self.batch_size)
