"""How much of the truth an estimate holds: components, blocks, leak, graph.

Estimated and true latents are arrays of the same cells. Regressions are fitted on the training
cells and scored on the test cells, so that a block which explains nothing scores about 0 and not
the optimism of its dimension. MCC is computed on test cells alone.
"""

import numpy as np
from scipy.optimize import linear_sum_assignment
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score, roc_auc_score


def match(z: np.ndarray, z_hat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For every true component its estimate, one to one, maximising the summed |Pearson r|.

    z (n, d), z_hat (n, d') with d' ≥ d. Returns the columns of z_hat (d,), and the signed
    correlations (d,). A constant estimated column correlates 0.
    """
    d = z.shape[1]
    scale = np.concatenate([z, z_hat], 1).std(0)
    centred = np.concatenate([z - z.mean(0), z_hat - z_hat.mean(0)], 1)
    centred = centred / np.where(scale > 0, scale, 1.0)
    r = (centred.T @ centred / len(z))[:d, d:]  # (d, d')
    _, columns = linear_sum_assignment(-np.abs(r))
    return columns, r[np.arange(d), columns]


def mcc(z: np.ndarray, z_hat: np.ndarray) -> float:
    """Mean correlation coefficient: mean |Pearson r| after Hungarian matching, 0 to 1."""
    return float(np.abs(match(z, z_hat)[1]).mean())


def block_r2(
    z_train: np.ndarray, z_hat_train: np.ndarray, z_test: np.ndarray, z_hat_test: np.ndarray
) -> float:
    """R² of a linear regression from the estimated block to the true one, averaged over its
    dimensions, on test cells. Below 0 where the fit does worse than the mean."""
    fitted = LinearRegression().fit(z_hat_train, z_train)
    return float(r2_score(z_test, fitted.predict(z_hat_test)))


def environment_accuracy(
    z_train: np.ndarray,
    environment_train: np.ndarray,
    z_test: np.ndarray,
    environment_test: np.ndarray,
) -> float:
    """Share of test cells whose environment a linear discriminant reads off the block.

    An invariant block gives chance: 1 / number of environments.
    """
    # A collapsed block has singular covariance; a little shrinkage keeps the solve defined.
    classifier = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=1e-3)
    spread = z_train.std(0)
    scale = np.where(spread > 0, spread, 1.0)
    classifier.fit(z_train / scale, environment_train)
    return float(classifier.score(z_test / scale, environment_test))


def shd(support: np.ndarray, estimate: np.ndarray) -> int:
    """Structural Hamming distance of two directed graphs (d, d) bool with j → i at [i, j].

    Edges to add, remove or turn round; an edge turned round counts once.
    """
    different = np.asarray(support, bool) != np.asarray(estimate, bool)
    return int(np.triu(different | different.T, 1).sum())


def matched_graph(graph: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """A graph or weight matrix over estimated components, renumbered as the true ones."""
    return graph[np.ix_(columns, columns)]


def graph_auc(support: np.ndarray, strength: np.ndarray) -> float:
    """Area under the ROC curve of edge strengths (d, d) against the true edges, off the diagonal.

    Undefined, nan, for a graph with no edge.
    """
    off_diagonal = ~np.eye(len(support), dtype=bool)
    truth = np.asarray(support, bool)[off_diagonal]
    if truth.all() or not truth.any():
        return float("nan")
    return float(roc_auc_score(truth, np.abs(strength)[off_diagonal]))
