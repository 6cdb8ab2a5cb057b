"""Effects added in a latent space and decoded: LatentAdditive, and its linear case PCA."""

from abc import abstractmethod
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

    ẑ = z(control cell) + Σ over genes of (mean z of the single − mean z of the controls). A
    subclass says how cells are encoded and latents decoded.

    Attributes
    ----------
    latent_deltas_
        Perturbed gene → (n_latent,) delta of its training cells.
    """

    @abstractmethod
    def fit_latent(self, screen: Screen, split: Split) -> None:
        """Learn the latent space from the split's training cells."""

    @abstractmethod
    def encode(self, cells: Screen) -> np.ndarray:
        """(n_cells, n_latent) of cells with the genes trained on."""

    @abstractmethod
    def decode(self, latents: np.ndarray, source: Screen, seed: int) -> np.ndarray:
        """(n, n_genes) log1p of median-normalised counts; row i was made of cell i of `source`."""

    def fit(self, screen: Screen, split: Split) -> Self:
        """Learn the latent space, then the deltas of the training singles in it."""
        self._remember(screen, split)
        self.fit_latent(screen, split)
        labels = screen.condition[split.train]
        singles = [c for c in split.train_conditions(screen) if len(genes_of(c)) == 1]
        means = {
            c: self.encode(screen[split.train[labels == c]]).mean(axis=0, dtype=np.float64)
            for c in [CONTROL, *singles]
        }
        self.latent_deltas_ = {s: means[s] - means[CONTROL] for s in singles}
        return self

    def predict(self, controls: Screen, condition: str, n: int, seed: int) -> np.ndarray:
        """(n, n_genes) float32 decoded cells.

        Raises
        ------
        InputError
            A gene of the condition has no training cells as a single; or as in `Method.predict`.
        """
        self.check_request(controls, n, seed)
        self.check_condition(condition)
        missing = [g for g in genes_of(condition) if g not in self.latent_deltas_]
        if missing:
            raise InputError(
                f"{condition!r} cannot be put together from single perturbations: no training "
                f"cell has {' or '.join(missing)} perturbed alone. Leave this condition out, or "
                "train on a split that holds the single."
            )
        source = controls[self.draw_controls(controls, n, seed)]
        shift = sum(self.latent_deltas_[g] for g in genes_of(condition))
        return np.asarray(self.decode(self.encode(source) + shift, source, seed), dtype=np.float32)


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

    def fit_latent(self, screen: Screen, split: Split) -> None:
        cells = screen.expression[split.train].astype(np.float64)
        check_whole(at_least=0, seed=self.seed)
        # Sparse rows need an iterative solver; it is exact up to rounding.
        self.pca_ = PCA(
            _n_components(self.n_components, cells.shape),
            svd_solver="arpack",
            random_state=self.seed,
        ).fit(cells)

    def encode(self, cells: Screen) -> np.ndarray:
        return self.pca_.transform(cells.expression.astype(np.float64))

    def decode(self, latents: np.ndarray, source: Screen, seed: int) -> np.ndarray:
        return self.pca_.inverse_transform(latents)

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
