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
from pvae_lib.probing.base import Representation
from pvae_lib.probing.encodings import Presence, Rank
from pvae_lib.probing.linear import PCA, Expression, RandomProjection


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
    known = set(inspect.signature(entry.build).parameters) - {"seed", "trained", *entry.settings}
    for setting in settings:
        if setting not in known:
            raise InputError(f"{name!r} has no setting {setting!r}; {nearest(setting, known)}")
    offered = {"seed": seed, "trained": trained}
    taken = inspect.signature(entry.build).parameters
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
