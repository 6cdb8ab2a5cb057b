"""What a perturbation changed: ΔPearson, DE genes and discrimination of conditions.

Means are (genes,) profiles of log1p of median-normalised counts. A delta is a mean minus a
reference: the control mean, or the perturbed centroid (the mean over training singles of their
condition means).
"""

import numpy as np
from scipy.stats import rankdata, ttest_ind_from_stats

from pvae_lib.evaluation.errors import pearson

N_DE = 20
# A delta smaller than this part of its reference is rounding, and its direction means nothing.
ROUNDING = 1e-6


def delta_pearson(
    predicted_mean: np.ndarray, true_mean: np.ndarray, reference: np.ndarray
) -> float:
    """Pearson correlation over genes of (predicted − reference) and (true − reference).

    Parameters
    ----------
    predicted_mean, true_mean, reference
        (genes,).

    Returns
    -------
    A correlation; NaN where the prediction or the truth *is* the reference, because the
    direction of a zero change is undefined.
    """
    predicted, true = predicted_mean - reference, true_mean - reference
    if _is_rounding(predicted, reference) or _is_rounding(true, reference):
        return float("nan")
    return pearson(predicted, true)


def _is_rounding(delta: np.ndarray, reference: np.ndarray) -> bool:
    return bool(np.linalg.norm(delta) <= ROUNDING * np.linalg.norm(reference))


def de_genes(
    cells: np.ndarray,
    control_mean: np.ndarray,
    control_variance: np.ndarray,
    n_control: int,
    n_genes: int = N_DE,
) -> np.ndarray:
    """Indices of the genes that differ most from control: largest |Welch's t|.

    Choose them on cells that are not scored, or the choice itself looks like skill.

    Parameters
    ----------
    cells
        (n, genes) perturbed cells, n ≥ 2.
    control_mean, control_variance
        (genes,) of the control cells, variance with divisor n − 1.
    n_control
        number of control cells.
    n_genes
        how many genes; all where there are fewer.

    Returns
    -------
    (min(n_genes, genes),) sorted indices. Ties go to the earlier gene.
    """
    with np.errstate(divide="ignore", invalid="ignore"):  # genes that never vary
        t, _ = ttest_ind_from_stats(
            cells.mean(axis=0, dtype=np.float64),
            cells.std(axis=0, ddof=1, dtype=np.float64),
            len(cells),
            control_mean,
            np.sqrt(control_variance),
            n_control,
            equal_var=False,
        )
    size = np.where(np.isnan(t), 0.0, np.abs(t))
    return np.sort(np.argsort(-size, kind="stable")[:n_genes])


def discrimination(
    predicted_means: np.ndarray, true_means: np.ndarray, centroid: np.ndarray
) -> np.ndarray:
    """How well each prediction points at its own condition among all scored ones.

    1 − rank / (conditions − 1), where rank counts the *other* conditions whose true delta from
    the centroid has a larger cosine with the predicted delta (a tie counts half). 1 is best,
    0.5 is random.

    Parameters
    ----------
    predicted_means, true_means
        (conditions, genes), rows in the same order.
    centroid
        (genes,) the perturbed mean.

    Returns
    -------
    (conditions,) float64; NaN where the prediction is the centroid, and everywhere with
    fewer than two conditions.
    """
    n = len(true_means)
    scores = np.full(n, np.nan)
    if n < 2:
        return scores
    true = _unit(true_means - centroid, centroid)
    cosine = _unit(predicted_means - centroid, centroid) @ true.T  # (predicted, true)
    for row in range(n):
        if np.isfinite(cosine[row]).all():
            scores[row] = 1 - (rankdata(-cosine[row])[row] - 1) / (n - 1)
    return scores


def _unit(deltas: np.ndarray, reference: np.ndarray) -> np.ndarray:
    norms = np.linalg.norm(deltas, axis=1, keepdims=True)
    return deltas / np.where(norms > ROUNDING * np.linalg.norm(reference), norms, np.nan)
