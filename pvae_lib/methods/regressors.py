"""scikit-learn regressors from which genes are perturbed (multi-hot u) to the change of the mean.

Each row of the training table is a condition, whatever its number of cells, as each condition
counts once in the scores; the control is no row, since u = 0 is no change by construction.
Hyper-parameters are fixed beforehand and are the library's own defaults unless said otherwise:
cross-validation over singles could not choose them, because the column of a held-out single is 0
in every other row, so that a one-hot model can say nothing about it.
"""

from typing import Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import ElasticNet, Ridge
from sklearn.neighbors import KNeighborsRegressor

from pvae_lib.exceptions import InputError, check_number, check_whole
from pvae_lib.methods.means import ConstantMethod, TrainingMeans
from pvae_lib.screen.labels import genes_of, multi_hot


class RegressedMean(ConstantMethod):
    """control + f(u), f a scikit-learn regressor fitted on the training conditions' deltas.

    Learns from the singles, and from the training doubles too where `with_doubles` is set: such a
    row is no like-for-like rival of the others. It can be asked for genes that have trained only.

    Attributes
    ----------
    regressor_
        The fitted regressor, (n, n_targets) → (n, n_genes).
    conditions_
        The conditions that are its rows.
    """

    with_doubles = False

    def make_regressor(self, n: int) -> RegressorMixin:
        """The regressor for n training rows, not fitted yet.

        Raises
        ------
        InputError
            A parameter is not usable.
        """
        raise NotImplementedError

    def row_order(self, n: int) -> np.ndarray:
        """(n,) the order of the training rows."""
        return np.arange(n)

    def fit_means(self, means: TrainingMeans) -> Self:
        """Fit the regressor on multi-hot u and the deltas of the training conditions.

        Raises
        ------
        InputError
            No single trains; `with_doubles`, and no double does; a parameter is not usable.
        """
        super().fit_means(means)
        if not means.singles or (self.with_doubles and not means.doubles):
            raise InputError(
                f"{type(self).__name__} has no {'doubles' if means.singles else 'singles'} to "
                "learn from. Choose a split that trains on them."
            )
        rows = means.singles | (means.doubles if self.with_doubles else {})
        self.columns_ = sorted({gene for condition in rows for gene in genes_of(condition)})
        self.conditions_ = [list(rows)[i] for i in self.row_order(len(rows))]
        u = np.stack([multi_hot(c, self.columns_) for c in self.conditions_])
        deltas = np.stack([rows[c] - means.control for c in self.conditions_])
        self.regressor_ = self.make_regressor(len(rows)).fit(u.astype(np.float64), deltas)
        return self

    def predict_mean(self, condition: str) -> np.ndarray:
        unseen = [g for g in genes_of(condition) if g not in self.columns_]
        if unseen:
            raise InputError(
                f"{condition!r} cannot be predicted: {' or '.join(unseen)} is perturbed in no "
                "condition that this method learned from. Leave this condition out, or train on a "
                "split that holds it."
            )
        u = multi_hot(condition, self.columns_)[None].astype(np.float64)
        return self.means_.control + self.regressor_.predict(u)[0]


class RidgeMean(RegressedMean):
    """Ridge regression without an intercept: u = 0 changes nothing.

    On one-hot singles the solution is known: each delta divided by 1 + alpha. It is the additive
    mean with a scale of 1 / (1 + alpha), at the default alpha = 1 the mean of the two singles
    exactly, and no new information.

    Parameters
    ----------
    alpha
        Weight of the squared coefficients; 1 is scikit-learn's default.
    with_doubles
        Learn from the training doubles too; then a gene's coefficient is pooled over all
        conditions that hold it, which is more than the additive knows.
    """

    def __init__(self, alpha: float = 1.0, with_doubles: bool = False):
        self.alpha = alpha
        self.with_doubles = with_doubles

    def make_regressor(self, n: int) -> Ridge:
        check_number(alpha=self.alpha)
        return Ridge(alpha=self.alpha, fit_intercept=False)

    def count_parameters(self) -> int:
        """Coefficients, one a perturbed gene and gene."""
        return self.regressor_.coef_.size


class ElasticNetMean(RegressedMean):
    """Elastic net without an intercept.

    On one-hot singles the solution is known: with threshold t and shrinkage s, each entry of a
    delta becomes sign · max(|delta| − t, 0) / (1 + s). So it is an additive mean of thresholded
    singles. scikit-learn divides the squared error by the number of rows n, so that its penalty
    would grow with the number of conditions (at its default alpha = 1 everything is 0): here the
    penalty is that of one condition, alpha = penalty / n, and t = penalty · l1_ratio, in units of
    expression, s = penalty · (1 − l1_ratio).

    Parameters
    ----------
    penalty, l1_ratio
        Fixed beforehand, not tuned: at 0.1 and scikit-learn's 0.5 changes below .05 are cut.
    """

    def __init__(self, penalty: float = 0.1, l1_ratio: float = 0.5):
        self.penalty = penalty
        self.l1_ratio = l1_ratio

    def make_regressor(self, n: int) -> ElasticNet:
        check_number(penalty=self.penalty, l1_ratio=self.l1_ratio)
        return ElasticNet(alpha=self.penalty / n, l1_ratio=self.l1_ratio, fit_intercept=False)

    def count_parameters(self) -> int:
        """Coefficients that are not 0."""
        return int(np.count_nonzero(self.regressor_.coef_))


class KNNMean(RegressedMean):
    """The mean change of the k training conditions whose u is nearest.

    For a two-hot query, its two singles lie at distance 1 and all other singles at √3: of five
    neighbours two are informative and three are arbitrary ones among equals. Which of the tied rows
    win depends on their order, so the rows are shuffled by the seed: the spread over seeds shows
    what the ties do.

    Parameters
    ----------
    k
        Neighbours, equally weighted; 5 is the paper's and scikit-learn's.
    seed
        Of the order of the rows.
    """

    def __init__(self, k: int = 5, seed: int = 0):
        self.k = k
        self.seed = seed

    def make_regressor(self, n: int) -> KNeighborsRegressor:
        check_whole(k=self.k)
        if n < self.k:
            raise InputError(f"k={self.k} neighbours among {n} training conditions: lower k.")
        return KNeighborsRegressor(n_neighbors=self.k, algorithm="brute")

    def row_order(self, n: int) -> np.ndarray:
        check_whole(at_least=0, seed=self.seed)
        return np.random.default_rng(self.seed).permutation(n)


class RandomForestMean(RegressedMean):
    """A random forest of scikit-learn's defaults, all genes at once.

    A tree on one-hot singles isolates one single after another, so a two-hot query ends in the leaf
    of whichever of its genes its path meets first (or, where the tree's bootstrap sample misses
    both, among the rest). It never sees both genes on, and cannot add: the forest comes near a
    blend of the two singles and the mean of all.

    Parameters
    ----------
    n_trees, seed
        Number of trees, and the seed of their samples.
    """

    def __init__(self, n_trees: int = 100, seed: int = 0):
        self.n_trees = n_trees
        self.seed = seed

    def make_regressor(self, n: int) -> RandomForestRegressor:
        check_whole(n_trees=self.n_trees)
        check_whole(at_least=0, seed=self.seed)
        return RandomForestRegressor(n_estimators=self.n_trees, random_state=self.seed)

    def count_parameters(self) -> int:
        """One value a leaf and gene, one threshold an inner node."""
        trees = [estimator.tree_ for estimator in self.regressor_.estimators_]
        leaves = sum(tree.n_leaves for tree in trees)
        inner = sum(tree.node_count - tree.n_leaves for tree in trees)
        return int(leaves * len(self.means_.control) + inner)
