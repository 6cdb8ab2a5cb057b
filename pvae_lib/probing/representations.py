"""The registry: every representation of a cell by name, with its idea and where it comes from.

pca = make("PCA-50").fit(screen, cells)
vectors = pca.embed(screen)                            # (n_cells, 50) float32
untrained = make("VAE", trained=False).fit(screen, cells)
"""

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from pvae_lib.exceptions import InputError, check_whole, nearest
from pvae_lib.probing.autoencoders import AE, VAE, MaskedAE
from pvae_lib.probing.base import Representation
from pvae_lib.probing.encodings import Presence, Rank
from pvae_lib.probing.linear import PCA, Expression, RandomProjection
from pvae_lib.probing.of_perturbed_vae import of_perturbed_vae
from pvae_lib.probing.of_scvi import ScVI
from pvae_lib.probing.stored import from_obsm

__all__ = ["REPRESENTATIONS", "Entry", "from_obsm", "make"]


@dataclass(frozen=True)
class Entry:
    """One representation of the registry.

    Attributes
    ----------
    idea, source
        What it does, and where it comes from, in words.
    extra
        The optional extra of pyproject.toml that it needs, or None.
    learned
        Whether weights are trained, so that `trained=False` gives the same thing before training.
    sees_u
        Whether a cell's vector is made from the cell's own label. A probe of u is then circular.
    """

    idea: str
    source: str
    extra: str | None
    learned: bool
    build: Callable[..., Representation] = field(repr=False)
    settings: dict = field(default_factory=dict)
    sees_u: bool = False


REPRESENTATIONS: dict[str, Entry] = {
    "expression": Entry(
        "all genes, log1p of median-normalised counts", "scanpy's convention", None, False,
        Expression,
    ),
    "random projection": Entry(
        "50 random directions of expression", "scikit-learn", None, False, RandomProjection
    ),
    "PCA-10": Entry(
        "the 10 directions of most variance", "scikit-learn", None, False, PCA, {"k": 10}
    ),
    "PCA-50": Entry(
        "the 50 directions of most variance", "scikit-learn", None, False, PCA, {"k": 50}
    ),
    "rank": Entry(
        "the order of a cell's genes, each against its own median",
        "input of Geneformer (Theodoris et al. 2023)", None, False, Rank,
    ),
    "presence": Entry(
        "which genes a weighted draw from the cell contains",
        "input of UCE (Rosen et al. 2023)", None, False, Presence,
    ),
    "AE": Entry(
        "the code that reconstructs expression best", "autoencoder, squared error", None, True, AE
    ),
    "VAE": Entry(
        "a distribution of codes, held near N(0, I)",
        "Kingma and Welling 2014, Gaussian around expression", None, True, VAE,
    ),
    "scVI": Entry(
        "a VAE of raw counts", "Lopez et al. 2018, scvi-tools", "scvi", True, ScVI
    ),
    "masked autoencoder": Entry(
        "hidden continuous values are regressed from the others",
        "objective of scFoundation (Hao et al. 2024)", None, True, MaskedAE,
    ),
    "PerturbedVAE h": Entry(
        "the encoder's hidden layer, trained with labels", "the paper", None, True,
        of_perturbed_vae, {"block": "h"},
    ),
    "PerturbedVAE z_iota": Entry(
        "the invariant background, trained with labels", "the paper", None, True,
        of_perturbed_vae, {"block": "z_iota"},
    ),
    "PerturbedVAE z_nu": Entry(
        "the responsive block, which reads the cell's own label: circular for u", "the paper",
        None, True, of_perturbed_vae, {"block": "z_nu"}, sees_u=True,
    ),
}  # fmt: skip


def make(name: str, seed: int = 0, trained: bool = True, **settings: object) -> Representation:
    """The representation of that name, not yet fitted.

    Parameters
    ----------
    name
        One of `REPRESENTATIONS`, or "PCA-k" for any k.
    seed
        Of the initial weights, the order of the batches and every draw of the fit.
    trained
        False: the same architecture at its initial weights (for those that are `learned`).
    settings
        Parameters of the representation's class, such as `epochs=5` for "VAE".

    Raises
    ------
    InputError
        Unknown name or setting, a seed that is no whole number, or `trained=False` where nothing
        is trained.
    """
    check_whole(at_least=0, seed=seed)
    entry = _entry(name)
    if not trained and not entry.learned:
        raise InputError(
            f"{name!r} trains no weights, so there is nothing before training: leave trained "
            'out (the untrained counterpart of a PCA is "random projection").'
        )
    taken = inspect.signature(entry.build).parameters
    if all(parameter.kind is not parameter.VAR_KEYWORD for parameter in taken.values()):
        known = set(taken) - {"seed", "trained", *entry.settings}
        for setting in settings:
            if setting not in known:
                raise InputError(f"{name!r} has no setting {setting!r}; {nearest(setting, known)}")
    offered = {"seed": seed, "trained": trained}
    given = {key: value for key, value in offered.items() if key in taken}
    return entry.build(**given, **entry.settings, **settings)


def _entry(name: str) -> Entry:
    if name in REPRESENTATIONS:
        return REPRESENTATIONS[name]
    components = re.fullmatch(r"PCA-([1-9]\d*)", str(name))
    if components is None:
        raise InputError(
            f"No representation {name!r}; {nearest(name, REPRESENTATIONS)} "
            f"Known: {', '.join(REPRESENTATIONS)}, and PCA-k for any k."
        )
    k = int(components[1])
    return Entry(f"the {k} directions of most variance", "scikit-learn", None, False, PCA, {"k": k})
