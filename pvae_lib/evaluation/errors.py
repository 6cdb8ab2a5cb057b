"""How far predicted cells are from true cells: nRMSE, what it is made of, and three R².

All functions take arrays and nothing else. Cells are rows. Expression is log1p of
median-normalised counts, so an error has the same unit and V, bias² and Var(x̂) its square,
summed over genes.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import r2_score

BATCH = 32  # cells in a batch of the inherited evaluation code


def mean_square(values: np.ndarray) -> float:
    """Mean of the squares of all entries of an array."""
    flat = np.ascontiguousarray(values).reshape(-1)
    return float(np.dot(flat, flat)) / flat.size


def nrmse(prediction: np.ndarray, truth: np.ndarray) -> float:
    """Relative root mean squared error, sqrt(mean (x̂ − x)² / mean x²), of paired cells.

    Parameters
    ----------
    prediction
        (n, genes) predicted cells; row i is paired with row i of `truth`.
    truth
        (n, genes) true cells.

    Returns
    -------
    A number without unit; NaN where every true value is 0.

    Source: the paper's RMSE of cells; that it is relative is inferred from its Table 14, where
    L2 / RMSE is about 29, the norm of a mean profile, and not the square root of 5,000 genes.
    """
    scale = mean_square(truth)
    return float(np.sqrt(mean_square(prediction - truth) / scale)) if scale > 0 else float("nan")


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean profile, variance around it (divisor n) and mean square of cells.

    `mean` is (genes,) float64; `variance` and `square` are summed over genes.
    """

    mean: np.ndarray
    variance: float
    square: float

    @classmethod
    def of(cls, cells: np.ndarray) -> Self:
        """Moments of an (n, genes) array."""
        genes = cells.shape[1]
        mean = column_means(cells)
        # Around the mean, not as a difference of squares: a collapsed model's variance is tiny.
        variance = mean_square(cells - mean.astype(cells.dtype)) * genes
        return cls(mean, variance, mean_square(cells) * genes)


@dataclass(frozen=True)
class Decomposition:
    """The parts of a paired squared error: nRMSE² · second_moment = V + bias2 + var + cross.

    Each part is summed over genes. `cross` is −2 × the covariance of the pairs: 0 in expectation
    when the control cell behind each prediction was drawn at random.
    """

    V: float
    bias2: float
    var: float
    cross: float
    second_moment: float

    @property
    def nrmse(self) -> float:
        """As `nrmse` of the cells; NaN where every true value is 0."""
        error = max(self.V + self.bias2 + self.var + self.cross, 0.0)
        return float(np.sqrt(error / self.second_moment)) if self.second_moment > 0 else np.nan

    @property
    def bias2_over_V(self) -> float:
        return self.bias2 / self.V if self.V > 0 else np.nan

    @property
    def var_over_V(self) -> float:
        return self.var / self.V if self.V > 0 else np.nan


def decompose(
    prediction: np.ndarray,
    truth: np.ndarray,
    predicted: Moments | None = None,
    true: Moments | None = None,
) -> Decomposition:
    """Split the paired squared error into V, bias² and Var(x̂); exact, with the cross term.

    Variances use the divisor n, and bias² is that of the sample means: it contains the noise
    V/n of the true mean, so a perfect mean still shows a little of it.

    Parameters
    ----------
    prediction
        (n, genes) predicted cells, row i paired with row i of `truth`.
    truth
        (n, genes) true cells.
    predicted, true
        Their moments, where they were computed before.
    """
    predicted = Moments.of(prediction) if predicted is None else predicted
    true = Moments.of(truth) if true is None else true
    bias2 = float(np.sum((predicted.mean - true.mean) ** 2))
    error = mean_square(prediction - truth) * truth.shape[1]
    cross = error - true.variance - bias2 - predicted.variance
    return Decomposition(true.variance, bias2, predicted.variance, cross, true.square)


def column_means(cells: np.ndarray) -> np.ndarray:
    """(genes,) float64 mean over the rows of an (n, genes) array."""
    return cells.mean(axis=0, dtype=np.float64)


def r2_inherited(predicted_mean: ArrayLike, true_mean: ArrayLike) -> float:
    """R² of mean profiles as inherited code computes it: arguments swapped, clipped at 0.

    `sklearn.metrics.r2_score(y_true=prediction, y_pred=truth)`: errors are measured against the
    spread of the *prediction*. Source: Discrepancy-VAE's evaluation notebooks.

    Parameters
    ----------
    predicted_mean, true_mean
        (genes,) means over the whole condition or over a batch.
    """
    return max(float(r2_score(predicted_mean, true_mean)), 0.0)


def r2(predicted_mean: ArrayLike, true_mean: ArrayLike) -> float:
    """R² of mean profiles the right way round: 1 − error / spread of the truth; can be negative.

    Parameters
    ----------
    predicted_mean, true_mean
        (genes,).
    """
    return float(r2_score(true_mean, predicted_mean))


def r2_pearson(predicted_mean: ArrayLike, true_mean: ArrayLike) -> float:
    """Squared Pearson correlation of mean profiles: blind to a shift and to a scale.

    Parameters
    ----------
    predicted_mean, true_mean
        (genes,).
    """
    return pearson(np.asarray(predicted_mean), np.asarray(true_mean)) ** 2


def pearson(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson correlation of two vectors; NaN where one of them does not vary."""
    a, b = a - a.mean(), b - b.mean()
    norm = np.sqrt(np.dot(a, a) * np.dot(b, b))
    return float(np.dot(a, b) / norm) if norm > 0 else float("nan")


def r2_inherited_of_batches(prediction: np.ndarray, truth: np.ndarray, batch: int = BATCH) -> float:
    """`r2_inherited` of the means of batches of paired cells, averaged over full batches.

    Fewer cells than one batch count as a single batch. Noisy means pull the number down, so it
    reads below `r2_inherited` of whole-condition means.

    Parameters
    ----------
    prediction, truth
        (n, genes) paired cells in random order.
    batch
        Cells in a batch.
    """
    batch = min(batch, len(truth))
    scores = r2_score(
        _batch_means(prediction, batch), _batch_means(truth, batch), multioutput="raw_values"
    )
    return float(np.mean(np.maximum(scores, 0.0)))


def _batch_means(cells: np.ndarray, batch: int) -> np.ndarray:
    """(genes, full batches) float64 means over consecutive rows."""
    full = len(cells) // batch
    return cells[: full * batch].reshape(full, batch, -1).mean(axis=1, dtype=np.float64).T
