"""The one surface of everything that turns cells into vectors."""

from abc import ABC, abstractmethod
from typing import Literal, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator

from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.learning.randomness import generator
from pvae_lib.model.config import one_of
from pvae_lib.screen import Screen

Kind = Literal["means", "samples"]
KINDS = ("means", "samples")
ROWS_AT_ONCE = 2048


class Representation(BaseEstimator, ABC):
    """Configure, `fit(screen, cells)`, `embed(screen)`.

    In scikit-learn's manner `__init__` only stores, `fit` returns self, and what is learned ends in
    an underscore. No representation reads labels, but those made of PerturbedVAE.

    Attributes
    ----------
    has_samples
        Whether the vector of a cell is a distribution, so that there are samples beside means.
    genes_
        The genes it was fitted on; `embed` takes no others.
    """

    has_samples: bool = False

    def fit(self, screen: Screen, cells: np.ndarray) -> Self:
        """Learn from the given cells of a screen (indices or a mask) and from no others.

        Raises
        ------
        InputError
            No cells, a cell twice, or cells that the screen does not have; and what the
            representation itself refuses.
        """
        for learned in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, learned)
        self._fit(screen, check_cells(screen, cells))
        self.genes_ = screen.genes  # last: a fit that failed leaves nothing to embed with
        return self

    def embed(self, screen: Screen, kind: Kind = "means", seed: int = 0) -> np.ndarray:
        """One vector a cell, (n_cells, d) float32.

        Parameters
        ----------
        screen
            Any cells, on the genes of the fit.
        kind
            "means", or "samples" where `has_samples`. What is no distribution is its own mean.
        seed
            Of every draw: of the samples, and of the encodings that are random by nature.

        Raises
        ------
        InputError
            Not fitted, other genes, no cells, an unknown kind, or samples of a representation
            that has none.
        """
        one_of("kind", kind, KINDS)
        check_whole(at_least=0, seed=seed)
        self._check_ready(screen)
        if screen.n_cells == 0:
            raise InputError(f"Screen {screen.name!r} has no cells to embed.")
        if kind == "samples" and not self.has_samples:
            raise InputError(
                f"{self!r} gives each cell one vector, no distribution: ask for kind='means'."
            )
        return np.ascontiguousarray(self._embed(screen, kind, seed), np.float32)

    def _check_ready(self, screen: Screen) -> None:
        if not hasattr(self, "genes_"):
            raise InputError(f"This {self!r} is not fitted yet: call fit(screen, cells) first.")
        if not np.array_equal(screen.genes, self.genes_):
            raise InputError(
                f"Screen {screen.name!r} has other genes ({screen.n_genes}) than the one fitted "
                f"on ({len(self.genes_)}): select the same genes in the same order."
            )

    @abstractmethod
    def _fit(self, screen: Screen, cells: np.ndarray) -> None:
        """Learn from distinct, sorted indices."""

    @abstractmethod
    def _embed(self, screen: Screen, kind: Kind, seed: int) -> np.ndarray:
        """(n_cells, d) of a request that has been checked."""


class VectorsInBlocks(Representation):
    """One whose network of torch embeds some thousand cells at a time into `d` numbers each."""

    d: int

    @abstractmethod
    def _vectors(
        self, screen: Screen, rows: slice, kind: Kind, rng: np.random.Generator
    ) -> torch.Tensor:
        """(rows, d) of some cells, without gradients; whatever is drawn comes from `rng`."""

    @torch.no_grad()
    def _embed(self, screen: Screen, kind: Kind, seed: int) -> np.ndarray:
        rng = generator(seed, "embed")
        found = np.empty((screen.n_cells, self.d), np.float32)
        for start in range(0, screen.n_cells, ROWS_AT_ONCE):
            rows = slice(start, min(start + ROWS_AT_ONCE, screen.n_cells))
            found[rows] = self._vectors(screen, rows, kind, rng).numpy()
        return found


def check_cells(screen: Screen, cells: np.ndarray) -> np.ndarray:
    """Sorted indices of distinct cells, from indices or a mask.

    Raises
    ------
    InputError
        None, one twice, or not cells of this screen.
    """
    try:
        found = np.atleast_1d(np.arange(screen.n_cells)[cells])
    except IndexError as error:
        raise InputError(
            f"cells are no cells of screen {screen.name!r} ({error}): give indices from 0 to "
            f"{screen.n_cells - 1}, or one truth value a cell."
        ) from error
    if len(found) == 0:
        raise InputError("There are no cells to fit on: give at least one.")
    distinct, times = np.unique(found, return_counts=True)
    if (times > 1).any():
        raise InputError(f"Cell {distinct[times > 1][0]} is given twice: name each cell once.")
    return distinct
