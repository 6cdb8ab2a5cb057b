"""The one surface of every baseline, peer and model."""

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator

from pvae_lib.exceptions import InputError
from pvae_lib.screen import Screen
from pvae_lib.screen.labels import multi_hot
from pvae_lib.splits import Split


class Method(BaseEstimator, ABC):
    """Configure, `fit(screen, split)`, `predict(controls, condition, n, seed)`.

    In scikit-learn's manner `__init__` only stores, `fit` returns self, and what is learned ends in
    an underscore, so that `get_params` is the record of a run.
    """

    @abstractmethod
    def fit(self, screen: Screen, split: Split) -> Self:
        """Learn from the split's training cells and from nothing else.

        A method that overrides this calls `_remember` first.
        """

    @abstractmethod
    def predict(self, controls: Screen, condition: str, n: int, seed: int) -> np.ndarray:
        """Predict n cells of a condition, seen or not, from control cells.

        Parameters
        ----------
        controls
            A screen of control cells: their expression, raw counts and totals.
        condition
            A label such as "KLF1+MAP2K6".
        n, seed
            How many cells, and the seed of every draw.

        Returns
        -------
        (n, n_genes) float32, log1p of median-normalised counts. Row i answers to the control cell
        `draw_controls(controls, n, seed)[i]`.

        Raises
        ------
        InputError
            A gene of the condition is unknown, or was never trained on.
        """

    @staticmethod
    def draw_controls(controls: Screen, n: int, seed: int) -> np.ndarray:
        """(n,) indices into `controls`: one pairing for all methods of a seed.

        Without replacement; where more cells are asked for than there are controls, every control
        serves once before any serves again. So few controls add no more noise than they must.
        """
        rng = np.random.default_rng(seed)
        rounds = -(-n // controls.n_cells)
        return np.concatenate([rng.permutation(controls.n_cells) for _ in range(rounds)])[:n]

    def check_condition(self, condition: str) -> np.ndarray:
        """(n_targets,) float32 multi-hot u of a condition that this method can be asked for.

        Raises
        ------
        InputError
            A gene is unknown to the screen, or no training cell had it perturbed.
        """
        u = multi_hot(condition, self.targets_)
        unseen = [
            t
            for t, on in zip(self.targets_, u, strict=True)
            if on and t not in self.trained_targets_
        ]
        if unseen:
            raise InputError(
                f"{condition!r} cannot be predicted: no training cell has {' or '.join(unseen)} "
                "perturbed. Train on a split that holds it, or leave this condition out."
            )
        return u

    def _remember(self, screen: Screen, split: Split) -> None:
        """Keep which genes the training cells had perturbed; refuse a split of another screen."""
        split.check(screen)
        if not screen.is_control[split.train].any():
            raise InputError(f"Split {split.name!r} trains on no control cells; include them.")
        self.targets_ = screen.targets
        seen = screen.u[split.train].any(axis=0)
        self.trained_targets_ = {t for t, s in zip(screen.targets, seen, strict=True) if s}
