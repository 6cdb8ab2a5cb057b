"""Methods that predict one mean for every cell: the bars that a model has to clear."""

from dataclasses import dataclass, field
from typing import Self

import numpy as np
from sklearn.utils.sparsefuncs import mean_variance_axis

from pvae_lib.exceptions import InputError
from pvae_lib.methods.base import Method
from pvae_lib.screen import CONTROL, Screen
from pvae_lib.screen.labels import genes_of, multi_hot
from pvae_lib.splits import Split


@dataclass(frozen=True, eq=False)
class TrainingMeans:
    """Means of the conditions that a method may learn from.

    Of a split's training cells, log1p of median-normalised counts; or of pseudobulk, where the
    control is 0 and the means are log fold changes against it.

    Attributes
    ----------
    control
        (n_genes,) float64 mean of the training controls.
    singles
        Perturbed gene → (n_genes,) float64 mean of its training cells.
    doubles
        Label → (n_genes,) float64 mean, for the doubles that train; {} where none does.
    noise
        Label (the control's among them) → squared sampling error expected of its mean, summed over
        genes; None where nothing tells it.
    """

    control: np.ndarray
    singles: dict[str, np.ndarray]
    doubles: dict[str, np.ndarray] = field(default_factory=dict)
    noise: dict[str, float] | None = None

    @classmethod
    def of(cls, screen: Screen, split: Split) -> Self:
        """Means over the training cells of the control and of each perturbation."""
        labels = screen.condition[split.train]
        cells = {c: split.train[labels == c] for c in [CONTROL, *split.train_conditions(screen)]}
        means = {c: screen.mean(found) for c, found in cells.items()}
        return cls(
            control=means[CONTROL],
            singles={c: mean for c, mean in means.items() if len(genes_of(c)) == 1},
            doubles={c: mean for c, mean in means.items() if len(genes_of(c)) == 2},
            noise={c: _sampling_noise(screen, found) for c, found in cells.items()},
        )

    @property
    def targets(self) -> list[str]:
        """The perturbed genes of the singles and doubles, sorted."""
        return sorted({g for c in [*self.singles, *self.doubles] for g in genes_of(c)})

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


def _sampling_noise(screen: Screen, cells: np.ndarray) -> float:
    """Variance of the mean of these cells, summed over genes; NaN of a single cell."""
    if len(cells) < 2:
        return float("nan")
    _, variance = mean_variance_axis(screen.expression[cells], axis=0)
    return float(variance.sum(dtype=np.float64)) / (len(cells) - 1)


class MeansMethod(Method):
    """A method that needs nothing but `TrainingMeans`, so it works where there are no cells too.

    Of a screen, `fit` takes them from the training cells; of pseudobulk, `fit_means` is given them.
    """

    def fit(self, screen: Screen, split: Split, means: TrainingMeans | None = None) -> Self:
        """Learn from the means of the training cells, or `means` if they were computed before."""
        self._remember(screen, split)
        return self.fit_means(TrainingMeans.of(screen, split) if means is None else means)

    def fit_means(self, means: TrainingMeans) -> Self:
        """Learn from means alone; a method that overrides this calls it first."""
        self.means_ = means
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


class ConstantMethod(MeansMethod):
    """Repeats one mean profile for all cells."""

    def predict_mean(self, condition: str) -> np.ndarray:
        """(n_genes,) float64, the profile predicted for a condition.

        Raises
        ------
        InputError
            A gene of the condition never trained, where the method needs it.
        """
        raise NotImplementedError

    def predict(self, controls: Screen, condition: str, n: int, seed: int) -> np.ndarray:
        """(n, n_genes) float32: the same profile n times; controls and seed play no part."""
        self.check_request(controls, n, seed)
        self.check_known(condition)
        return np.tile(self.predict_mean(condition).astype(np.float32), (n, 1))


class ControlMean(ConstantMethod):
    """The mean of the training controls: nothing changed."""

    def predict_mean(self, condition: str) -> np.ndarray:
        return self.means_.control


class PerturbedMean(ConstantMethod):
    """The mean over training singles of their means: every perturbation does the same."""

    def predict_mean(self, condition: str) -> np.ndarray:
        return self.means_.perturbed


class MeanOfSingles(ConstantMethod):
    """The average of the singles that a condition combines.

    Its delta from control is half the additive one, so ΔPearson against control is the same.
    """

    def predict_mean(self, condition: str) -> np.ndarray:
        return np.mean(self.means_.of_genes(condition), axis=0)


class Additive(ConstantMethod):
    """mean(A) + mean(B) − mean(control): effects add on the log scale."""

    def predict_mean(self, condition: str) -> np.ndarray:
        return self.means_.control + self.means_.additive_delta(condition)
