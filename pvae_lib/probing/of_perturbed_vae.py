"""PerturbedVAE's own representations: h, z_iota and z_nu of one network, trained or not."""

from copy import deepcopy
from typing import Self

import joblib
import numpy as np
from sklearn.base import clone

from pvae_lib.exceptions import InputError, nearest
from pvae_lib.learning.randomness import seeded_initialisation
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.model import PerturbedVAE
from pvae_lib.model.config import one_of
from pvae_lib.probing.base import Kind, Representation
from pvae_lib.screen import Screen
from pvae_lib.splits import Split

BLOCKS = ("h", "z_iota", "z_nu")
# The last network trained here: three blocks of it are fitted one after another, and a fit is a
# function of its parameters and its cells, so that nothing but time depends on this.
_last_fit: dict[str, PerturbedVAEMethod] = {}


class UntrainedPerturbedVAE(PerturbedVAEMethod):
    """PerturbedVAE at the weights that training with its seed starts from."""

    def fit(self, screen: Screen, split: Split) -> Self:
        """Initialise the network for this screen, and leave it there."""
        self._remember(screen, split)
        self._check_parameters()
        with seeded_initialisation(self.seed):
            self.network_ = PerturbedVAE(self._network_config(screen.n_genes)).eval()
        return self


class PerturbedVAEBlock(Representation):
    """One block of PerturbedVAE as a representation. Its training sees labels: it is given u.

    h is the encoder's last hidden layer and z_iota the invariant background: neither reads the
    label of the cell that it embeds, but the network was trained on labels, so embed cells that it
    was not trained on where that matters. z_nu reads the cell's own u: a probe of u on it is
    circular, and shows only that u went in.

    Parameters
    ----------
    block
        "h", "z_iota" or "z_nu".
    method
        The PerturbedVAEMethod. One that is fitted is used as it is, whatever cells `fit` is given,
        so that three blocks need one training; one that is not is fitted on those cells, controls
        among them, and left as it was.

    Attributes
    ----------
    method_ : the fitted method
    """

    def __init__(self, block: str, method: PerturbedVAEMethod) -> None:
        self.block = block
        self.method = method

    @property
    def has_samples(self) -> bool:
        """h is a function of the cell; the two blocks of z are distributions."""
        return self.block != "h"

    def _fit(self, screen: Screen, cells: np.ndarray) -> None:
        one_of("block", self.block, BLOCKS)
        if self.method.__sklearn_is_fitted__():
            self.method.check_genes(screen)
            self.method_ = self.method
            return
        kind = type(self.method).__name__
        key = joblib.hash((kind, self.method.get_params(), screen.fingerprint, cells))
        if key not in _last_fit:
            split = Split("all-given-cells", cells, {}, screen.fingerprint)
            fitted = clone(self.method).fit(screen, split)
            _last_fit.clear()
            _last_fit[key] = fitted
        self.method_ = deepcopy(_last_fit[key])  # a reader may change what she is handed

    def _embed(self, screen: Screen, kind: Kind, seed: int) -> np.ndarray:
        return self.method_.embed(screen, kind, seed)[self.block]


def of_perturbed_vae(
    block: str,
    seed: int = 0,
    trained: bool = True,
    method: PerturbedVAEMethod | None = None,
    **settings: object,
) -> PerturbedVAEBlock:
    """A block of the `method` given, or of a new one with these settings.

    Raises
    ------
    InputError
        Both a method and settings, a method where none is to be trained, or an unknown setting.
    """
    if method is None:
        kind = PerturbedVAEMethod if trained else UntrainedPerturbedVAE
        known = kind().get_params()
        for setting in settings:
            if setting not in known:
                raise InputError(
                    f"PerturbedVAE has no setting {setting!r}; {nearest(setting, known)}"
                )
        return PerturbedVAEBlock(block, kind(seed=seed, **settings))
    if settings or not trained:
        raise InputError(
            "A method that is given is taken as it is: leave out trained and all other settings, "
            "or leave out the method."
        )
    return PerturbedVAEBlock(block, method)
