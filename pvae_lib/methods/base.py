"""The one surface of every baseline, peer and model."""

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.screen import Screen
from pvae_lib.screen.labels import multi_hot
from pvae_lib.splits import Split

# What a method that models cells can be asked for, as its parameter `prediction`.
PREDICTIONS = ("samples", "means")


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

        A method that overrides this calls `check_request` first.

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
            A gene of the condition is unknown, or was never trained on; or what `check_request`
            refuses.
        """

    def count_parameters(self) -> int:
        """How many numbers `fit` learned by optimisation; 0 for one that only takes means.

        Those of `network_` where there is one; what learns otherwise overrides this.
        """
        network = getattr(self, "network_", None)
        return 0 if network is None else sum(p.numel() for p in network.parameters())

    def check_fitted(self) -> None:
        """Raise InputError unless `fit` has come to its end."""
        try:
            check_is_fitted(self)
        except NotFittedError as error:
            raise InputError(
                f"This {type(self).__name__} is not fitted yet: call fit(screen, split) first."
            ) from error

    def check_genes(self, screen: Screen) -> None:
        """Raise InputError unless a screen has the genes trained on, in their order."""
        if not np.array_equal(screen.genes, self.genes_):
            raise InputError(
                f"Screen {screen.name!r} has other genes ({screen.n_genes}) than the one trained "
                f"on ({len(self.genes_)}): select the same genes in the same order."
            )

    def check_request(self, controls: Screen, n: int, seed: int) -> None:
        """Refuse what no method can predict from.

        Raises
        ------
        InputError
            Not fitted; controls with other genes than those trained on; or what `check_draw`
            refuses.
        """
        self.check_fitted()
        self.check_genes(controls)
        check_draw(controls, n, seed)

    @staticmethod
    def draw_controls(controls: Screen, n: int, seed: int) -> np.ndarray:
        """(n,) indices into `controls`: one pairing for all methods of a seed.

        Without replacement; where more cells are asked for than there are controls, every control
        serves once before any serves again. So few controls add no more noise than they must.

        Raises
        ------
        InputError
            What `check_draw` refuses.
        """
        check_draw(controls, n, seed)
        rng = np.random.default_rng(seed)
        rounds = -(-n // controls.n_cells)
        return np.concatenate([rng.permutation(controls.n_cells) for _ in range(rounds)])[:n]

    def check_condition(self, condition: str) -> np.ndarray:
        """(n_targets,) float32 multi-hot u of a condition that this method can be asked for.

        Raises
        ------
        InputError
            Not fitted, a gene is unknown to the screen, or no training cell had it perturbed.
        """
        self.check_fitted()
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
        """Keep which genes the training cells had perturbed; refuse a split of another screen.

        What an earlier fit learned is forgotten, so that one that fails leaves nothing half old.
        """
        split.check(screen)
        if not screen.is_control[split.train].any():
            raise InputError(f"Split {split.name!r} trains on no control cells; include them.")
        for learned in [name for name in vars(self) if name.endswith("_")]:
            delattr(self, learned)
        self.targets_, self.genes_ = screen.targets, screen.genes
        seen = screen.u[split.train].any(axis=0)
        self.trained_targets_ = {t for t, s in zip(screen.targets, seen, strict=True) if s}


def check_draw(controls: Screen, n: int, seed: int) -> None:
    """Refuse controls that cells cannot be drawn from.

    Raises
    ------
    InputError
        n below 1 or a seed below 0, or either no whole number; no control cells; or perturbed
        cells among them, which would let a prediction see what it is asked for.
    """
    check_whole(n=n)
    check_whole(at_least=0, seed=seed)
    if controls.n_cells == 0:
        raise InputError(f"Screen {controls.name!r} has no cells to predict from: give controls.")
    perturbed = int((~controls.is_control).sum())
    if perturbed:
        raise InputError(
            f"{perturbed} of the {controls.n_cells} cells to predict from are perturbed: give "
            "control cells alone, as in screen[screen.is_control]."
        )
