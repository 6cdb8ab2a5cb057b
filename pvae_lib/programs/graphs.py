"""One graph of a Λνν that depends on u: the ways to make it, and what they leave out.

The paper draws one graph and an edge where |weight| > 0.25; how a u-dependent Λνν becomes that
graph it does not say. A latent's scale is free (the decoder undoes it), so a raw weight can be made
as large as one likes: only weights between components of unit variance mean something.
"""

from typing import Literal

import numpy as np

from pvae_lib.exceptions import InputError, nearest

# The paper's (Norman2019).
THRESHOLD = 0.25
KINDS = ("mean", "mean_abs", "control")


def one_graph(
    Lambda: np.ndarray,
    control: np.ndarray,
    n_cells: np.ndarray,
    kind: Literal["mean", "mean_abs", "control"] = "mean",
) -> np.ndarray:
    """(d, d) weights, j → i at [i, j], out of Λνν(u) (C, d, d).

    "mean" over the perturbations weighted by their cells; "mean_abs", the same of |Λ|, which has
    no sign; "control", Λνν(u = 0).

    Raises
    ------
    InputError
        Unknown kind.
    """
    if kind not in KINDS:
        raise InputError(f"No kind of graph {kind!r}; {nearest(kind, KINDS)}")
    if kind == "control":
        return control
    return np.average(Lambda if kind == "mean" else np.abs(Lambda), axis=0, weights=n_cells)


def standardise(Lambda: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """Weights (…, d, d) between components of unit variance: Λ_ij sd_j / sd_i.

    Invariant to any rescaling zν_i → c_i zν_i. Edges of a component that does not vary are 0.
    """
    inverse = np.divide(1.0, sd, out=np.zeros_like(sd), where=sd > 0)
    return Lambda * sd * inverse[:, None]


def n_edges(weights: np.ndarray, threshold: float = THRESHOLD) -> int:
    """How many weights exceed the threshold in size."""
    return int((np.abs(weights) > threshold).sum())


def share_of_mean(Lambda: np.ndarray, n_cells: np.ndarray) -> float:
    """How much of Λνν(u) (C, d, d) one graph can stand for: Σ (mean over u)² / Σ mean over u of Λ².

    1 if Λνν does not depend on u; about 1 / C if the perturbations have nothing in common.
    """
    mean = np.average(Lambda, axis=0, weights=n_cells)
    square = np.average(Lambda**2, axis=0, weights=n_cells)
    return float((mean**2).sum() / square.sum()) if square.any() else np.nan


def against_the_mean(
    Lambda: np.ndarray, n_cells: np.ndarray, threshold: float = THRESHOLD
) -> float:
    """Of the mean graph's edges, the share of cells under whose own u the weight is no such edge.

    No such edge: below the threshold, or of the other sign. NaN where the mean graph has no edge.
    """
    mean = np.average(Lambda, axis=0, weights=n_cells)
    edges = np.abs(mean) > threshold
    if not edges.any():
        return np.nan
    lacking = (Lambda * np.sign(mean))[:, edges] <= threshold  # (C, n_edges)
    return float(np.average(lacking.mean(1), weights=n_cells))


def reordered(Lambda: np.ndarray, beta_nu: np.ndarray, order: np.ndarray) -> np.ndarray:
    """(C, d, d) the weights of the same prior if arrows had to follow another order.

    The prior's covariance A⁻¹ diag(βν) A⁻ᵀ has one factor of this form in each order of the
    components (a Cholesky factor), and all of them give the same cells. `order` (d,) lists the
    components from first to last; an arrow of the answer points from earlier to later in it.
    """
    d = Lambda.shape[-1]
    A_inverse = np.linalg.inv(np.eye(d) - Lambda)
    covariance = A_inverse * beta_nu[:, None, :] @ A_inverse.swapaxes(-1, -2)
    factor = np.linalg.cholesky(covariance[:, order][:, :, order])
    unit = factor / np.diagonal(factor, axis1=-2, axis2=-1)[:, None, :]
    back = np.argsort(order)
    return (np.eye(d) - np.linalg.inv(unit))[:, back][:, :, back]
