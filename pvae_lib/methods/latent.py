"""Effects added in a latent space and decoded: LatentAdditive, and its linear case PCA."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Self

import numpy as np
from sklearn.decomposition import PCA

from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.methods.base import Method
from pvae_lib.methods.means import ConstantMethod, TrainingMeans
from pvae_lib.screen import CONTROL, Screen
from pvae_lib.screen.labels import genes_of
from pvae_lib.splits import Split


class LatentAdditive(Method):
    """Encode a control cell, add the latent deltas of the condition's genes, decode.

    ẑ = z(control cell) + Σ over genes of (mean z of the single − mean z of the controls), all means
    over training cells. A subclass says how cells are encoded and latents decoded.

    Attributes
    ----------
    latent_
        TrainingMeans in the latent space, (n_latent,) each.
    """

    @abstractmethod
    def _fit_latent(self, screen: Screen, split: Split) -> Callable[[np.ndarray], np.ndarray]:
        """Learn the latent space from the split's training cells.

        Returns
        -------
        Mask over the training cells → their (cells, n_latent) latents.
        """

    @abstractmethod
    def _decode_moved(
        self, controls: Screen, index: np.ndarray, delta: np.ndarray, condition: str, seed: int
    ) -> np.ndarray:
        """(len(index), n_genes) log1p expression of `controls[index]`, moved by delta."""

    def fit(self, screen: Screen, split: Split) -> Self:
        """Learn the latent space, then the means of the training singles in it.

        Raises
        ------
        InputError
            A parameter without meaning, or what learning the space refuses.
        """
        self._remember(screen, split)
        latents = self._fit_latent(screen, split)
        labels = screen.condition[split.train]
        singles = [c for c in split.train_conditions(screen) if len(genes_of(c)) == 1]
        means = {c: latents(labels == c).mean(axis=0) for c in [CONTROL, *singles]}
        self.latent_ = TrainingMeans(means.pop(CONTROL), means)
        return self

    def predict(self, controls: Screen, condition: str, n: int, seed: int) -> np.ndarray:
        """(n, n_genes) float32 decoded cells, log1p of median-normalised counts.

        Raises
        ------
        InputError
            A gene of the condition has no training cells as a single; or as in `Method.predict`.
        """
        self.check_request(controls, n, seed)
        self.check_condition(condition)
        delta = self.latent_.additive_delta(condition)  # 0 for the control
        index = self.draw_controls(controls, n, seed)
        return self._decode_moved(controls, index, delta, condition, seed).astype(np.float32)


class PCAAdditive(LatentAdditive):
    """Add in the space of the training cells' first principal components, decode linearly.

    All of it is linear, so the mean of the predicted cells is the mean of the controls and the
    additive delta, both seen through the components: what lies outside them is lost, of the noise
    and of the effects alike, and with as many components as genes it is `ShiftedControlCells`. The
    spread is that of controls within the components, so smaller than that of cells.

    Parameters
    ----------
    n_components
        50, a habit of the field, fixed beforehand; fewer where there are fewer cells or genes.
    seed
        Of the solver's start.

    Attributes
    ----------
    pca_
        The fitted PCA of log1p of median-normalised counts, all training cells alike.
    """

    def __init__(self, n_components: int = 50, seed: int = 0):
        self.n_components = n_components
        self.seed = seed

    def _fit_latent(self, screen: Screen, split: Split) -> Callable[[np.ndarray], np.ndarray]:
        cells = screen.expression[split.train].astype(np.float64)
        check_whole(at_least=0, seed=self.seed)
        # Sparse rows need an iterative solver; it is exact up to rounding.
        self.pca_ = PCA(
            _n_components(self.n_components, cells.shape),
            svd_solver="arpack",
            random_state=self.seed,
        ).fit(cells)
        return lambda mask: self.pca_.transform(cells[mask])

    def _decode_moved(
        self, controls: Screen, index: np.ndarray, delta: np.ndarray, condition: str, seed: int
    ) -> np.ndarray:
        cells = controls.expression[index].astype(np.float64)
        return self.pca_.inverse_transform(self.pca_.transform(cells) + delta)

    def count_parameters(self) -> int:
        """Loadings."""
        return self.pca_.components_.size


class PCAAdditiveMean(ConstantMethod):
    """Add in the space of the principal components of condition means, decode: where no cells are.

    The components are those of the training singles' deltas and the control's 0, one row each. As
    all is linear, the prediction is the additive delta projected onto the components: a smoothing
    that drops directions in which singles differ little, and adds nothing about combinations. With
    all components (as many as singles) it is `Additive`.

    Parameters
    ----------
    n_components
        As in `PCAAdditive`.
    """

    def __init__(self, n_components: int = 50):
        self.n_components = n_components

    def fit_means(self, means: TrainingMeans) -> Self:
        """Find the components of the singles' deltas.

        Raises
        ------
        InputError
            Fewer than three singles train; `n_components` is no whole number.
        """
        super().fit_means(means)
        if len(means.singles) < 3:
            raise InputError(
                f"{len(means.singles)} singles train: principal components need at least three."
            )
        deltas = [m - means.control for m in means.singles.values()]
        rows = np.stack([np.zeros_like(means.control), *deltas])
        self.pca_ = PCA(_n_components(self.n_components, rows.shape), svd_solver="full").fit(rows)
        return self

    def predict_mean(self, condition: str) -> np.ndarray:
        zero = self.pca_.transform(np.zeros((1, len(self.means_.control))))
        singles = np.stack([m - self.means_.control for m in self.means_.of_genes(condition)])
        latent = zero + np.sum(self.pca_.transform(singles) - zero, axis=0)
        return self.means_.control + self.pca_.inverse_transform(latent)[0]

    def count_parameters(self) -> int:
        """Loadings."""
        return self.pca_.components_.size


def _n_components(n_components: int, shape: tuple[int, int]) -> int:
    """As many as asked for, or as rows and genes allow."""
    check_whole(n_components=n_components)
    return min(n_components, min(shape) - 1)
