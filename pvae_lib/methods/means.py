"""Methods that predict one mean for every cell: the bars that a model has to clear."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from pvae_lib.exceptions import InputError
from pvae_lib.methods.base import Method
from pvae_lib.screen import CONTROL, Screen
from pvae_lib.screen.labels import genes_of, multi_hot
from pvae_lib.splits import Split


@dataclass(frozen=True, eq=False)
class TrainingMeans:
    """Means of a split's training cells, log1p of median-normalised counts.

    Attributes
    ----------
    control
        (n_genes,) float64 mean of the training controls.
    singles
        Perturbed gene → (n_genes,) float64 mean of its training cells.
    """

    control: np.ndarray
    singles: dict[str, np.ndarray]

    @classmethod
    def of(cls, screen: Screen, split: Split) -> Self:
        """Means over the training cells of each single and of the control."""
        labels = screen.condition[split.train]
        singles = [c for c in split.train_conditions(screen) if len(genes_of(c)) == 1]
        return cls(
            control=screen.mean(split.train[labels == CONTROL]),
            singles={s: screen.mean(split.train[labels == s]) for s in singles},
        )

    @property
    def perturbed(self) -> np.ndarray:
        """(n_genes,) the centroid: mean over the training singles of their means.

        Raises
        ------
        InputError
            The split trains on no single perturbation.
        """
        if not self.singles:
            raise InputError(
                "The split trains on no single perturbation, so there is no perturbed mean to "
                "compare with. Choose a split that trains on singles."
            )
        return np.mean(list(self.singles.values()), axis=0)

    def of_genes(self, condition: str) -> list[np.ndarray]:
        """The means of the singles that a condition combines.

        Raises
        ------
        InputError
            A gene of the condition has no training cells as a single.
        """
        missing = [g for g in genes_of(condition) if g not in self.singles]
        if missing:
            raise InputError(
                f"{condition!r} cannot be put together from single perturbations: no training "
                f"cell has {' or '.join(missing)} perturbed alone. Leave this condition out, or "
                "train on a split that holds the single."
            )
        return [self.singles[g] for g in genes_of(condition)]

    def additive_delta(self, condition: str) -> np.ndarray:
        """(n_genes,) sum over the condition's genes of (mean of the single − control mean)."""
        return np.sum([m - self.control for m in self.of_genes(condition)], axis=0)


class MeansMethod(Method):
    """A method that needs nothing but `TrainingMeans`, and no training beyond them."""

    def fit(self, screen: Screen, split: Split, means: TrainingMeans | None = None) -> Self:
        """Take the means of the training cells, or `means` where they were computed before."""
        self._remember(screen, split)
        self.means_ = TrainingMeans.of(screen, split) if means is None else means
        return self

    def check_known(self, condition: str) -> None:
        """Refuse a gene that the screen never perturbs; one that never trained is fine.

        Raises
        ------
        InputError
            Not fitted, or the gene is no target of the screen.
        """
        self.check_fitted()
        multi_hot(condition, self.targets_)


class _ConstantMethod(MeansMethod):
    """Repeats one mean profile for all cells."""

    def predict_mean(self, condition: str) -> np.ndarray:
        """(n_genes,) float64, the profile predicted for a condition."""
        raise NotImplementedError

    def predict(self, controls: Screen, condition: str, n: int, seed: int) -> np.ndarray:
        """(n, n_genes) float32: the same profile n times; controls and seed play no part."""
        self.check_request(controls, n, seed)
        self.check_known(condition)
        return np.tile(self.predict_mean(condition).astype(np.float32), (n, 1))


class ControlMean(_ConstantMethod):
    """The mean of the training controls: nothing changed."""

    def predict_mean(self, condition: str) -> np.ndarray:
        return self.means_.control


class PerturbedMean(_ConstantMethod):
    """The mean over training singles of their means: every perturbation does the same."""

    def predict_mean(self, condition: str) -> np.ndarray:
        return self.means_.perturbed


class MeanOfSingles(_ConstantMethod):
    """The average of the singles that a condition combines."""

    def predict_mean(self, condition: str) -> np.ndarray:
        return np.mean(self.means_.of_genes(condition), axis=0)


class Additive(_ConstantMethod):
    """mean(A) + mean(B) − mean(control): effects add on the log scale."""

    def predict_mean(self, condition: str) -> np.ndarray:
        return self.means_.control + self.means_.additive_delta(condition)
