"""What all kinds of batches share: an epoch is planned from the seed, and a step looks it up."""

from abc import ABC, abstractmethod

import numpy as np
import torch
from torch import Tensor

from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.learning.randomness import generator


class EpochBatches(ABC):
    """Batches of a fixed size, each a function of the seed and the step alone.

    A batch is made in two moves. `draw(step)` makes everything random; `gather(draws)` looks the
    cells up. A resumed run sees the same batches.

    Attributes
    ----------
    steps_per_epoch
        Set by the subclass.

    Raises
    ------
    InputError
        A batch size that is no whole number.
    """

    steps_per_epoch: int

    def __init__(self, *, batch_size: int, seed: int, device: torch.device | str) -> None:
        check_whole(batch_size=batch_size)
        self.batch_size, self.seed, self.device = batch_size, seed, torch.device(device)
        self._planned: tuple[int, tuple[Tensor, ...]] | None = None

    @abstractmethod
    def _plan(self, epoch: int) -> tuple[np.ndarray, ...]:
        """What the steps of an epoch look up: whole numbers, each (steps_per_epoch, …)."""

    def _of_step(self, step: int) -> tuple[Tensor, ...]:
        """A step's part of its epoch's plan, which is made once and kept while it lasts."""
        epoch, within = divmod(step, self.steps_per_epoch)
        if self._planned is None or self._planned[0] != epoch:
            plan = (torch.from_numpy(part.astype(np.int64)) for part in self._plan(epoch))
            self._planned = epoch, tuple(part.to(self.device) for part in plan)
        return tuple(part[within] for part in self._planned[1])


class EveryCellBatches(EpochBatches):
    """Every cell once an epoch, in a fresh order.

    An incomplete last batch is left out; another order in the next epoch reaches its cells.

    Parameters
    ----------
    cells
        Indices of the cells to train on.

    Raises
    ------
    InputError
        Batch larger than the data, or a batch size that is no whole number.
    """

    def __init__(
        self, cells: np.ndarray, *, batch_size: int, seed: int, device: torch.device | str
    ) -> None:
        super().__init__(batch_size=batch_size, seed=seed, device=device)
        if batch_size > len(cells):
            raise InputError(
                f"batch_size={batch_size} does not fit {len(cells)} training cells: "
                f"choose a batch size from 1 to {len(cells)}."
            )
        self.cells = np.asarray(cells)
        self.steps_per_epoch = len(self.cells) // batch_size

    def _plan(self, epoch: int) -> tuple[np.ndarray, ...]:
        """(steps_per_epoch, B) cells."""
        order = generator(self.seed, "order", epoch).permutation(self.cells)
        whole = order[: self.steps_per_epoch * self.batch_size]
        return (whole.reshape(self.steps_per_epoch, self.batch_size),)
