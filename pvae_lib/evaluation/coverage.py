"""How often held-out cells fall into the intervals that predicted cells span, gene by gene."""

import numpy as np


def coverage(prediction: np.ndarray, truth: np.ndarray, level: float) -> float:
    """Share of true values inside the central interval of the predicted ones, mean over genes.

    Parameters
    ----------
    prediction, truth
        (n, genes) and (m, genes) cells, log1p of median-normalised counts.
    level
        Of the interval between the empirical quantiles (1 ± level) / 2, its ends included.

    Returns
    -------
    A share; NaN where all predicted cells are the same point, which spans no interval.

    Notes
    -----
    Expression has many exact zeros, and an interval that ends at 0 holds them all: cells of the
    true distribution cover more than `level`. Compare with the ceiling's row, not with `level`.
    """
    if (prediction == prediction[0]).all():
        return float("nan")
    low, high = np.quantile(prediction, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return float(((truth >= low) & (truth <= high)).mean())
