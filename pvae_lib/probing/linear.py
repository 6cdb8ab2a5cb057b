"""Expression as it is, and its linear projections."""

import numpy as np
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.random_projection import GaussianRandomProjection

from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.probing.base import Kind, Representation
from pvae_lib.screen import Screen


class Expression(Representation):
    """All genes, log1p of median-normalised counts: what every other representation starts from."""

    def _fit(self, screen: Screen, cells: np.ndarray) -> None:
        pass

    def _embed(self, screen: Screen, kind: Kind, seed: int) -> np.ndarray:
        return screen.dense(slice(None))


class RandomProjection(Representation):
    """k random directions of expression (scikit-learn): a width without any learning."""

    def __init__(self, k: int = 50, seed: int = 0) -> None:
        self.k = k
        self.seed = seed

    def _fit(self, screen: Screen, cells: np.ndarray) -> None:
        check_whole(k=self.k)
        projection = GaussianRandomProjection(self.k, random_state=self.seed)
        self.projection_ = projection.fit(screen.expression[cells])

    def _embed(self, screen: Screen, kind: Kind, seed: int) -> np.ndarray:
        return self.projection_.transform(screen.expression)


class PCA(Representation):
    """The k directions in which the expression of the fitted cells varies most (scikit-learn).

    Nothing is whitened: a component keeps the size of its variation.
    """

    def __init__(self, k: int = 50, seed: int = 0) -> None:
        self.k = k
        self.seed = seed

    def _fit(self, screen: Screen, cells: np.ndarray) -> None:
        check_whole(k=self.k)
        most = min(len(cells), screen.n_genes) - 1
        if self.k > most:
            raise InputError(
                f"PCA-{self.k} does not fit {len(cells)} cells × {screen.n_genes} genes: "
                f"choose k from 1 to {most}."
            )
        # ARPACK takes the sparse matrix as it is, and its answer does not depend on a draw.
        pca = SklearnPCA(self.k, svd_solver="arpack", random_state=self.seed)
        self.pca_ = pca.fit(screen.expression[cells])

    def _embed(self, screen: Screen, kind: Kind, seed: int) -> np.ndarray:
        return self.pca_.transform(screen.expression)
