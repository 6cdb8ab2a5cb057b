"""Any embedding that was made elsewhere and kept in `.obsm["X_…"]`."""

import os
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from pvae_lib.exceptions import InputError, nearest
from pvae_lib.probing.base import Kind, Representation
from pvae_lib.probing.foundation.aligned import store
from pvae_lib.screen import Screen
from pvae_lib.screen.anndata_io import open_h5ad

KEY = "X_stored"


class Stored(Representation):
    """Vectors by the names of their cells; there is nothing to fit, and `fit` may be left out.

    Parameters
    ----------
    values, cells
        (n, d) numbers and the (n,) names of their rows. More cells than a screen has do no harm.
    source
        What messages call the embedding.
    width
        The d that is expected, where it is known.
    """

    def __init__(
        self, values: np.ndarray, cells: np.ndarray, source: str, width: int | None = None
    ) -> None:
        self.values = values
        self.cells = cells
        self.source = source
        self.width = width

    def __repr__(self) -> str:
        return f"Stored({self.source}, {np.shape(self.values)})"

    def _check_ready(self, screen: Screen) -> None:
        pass  # it needs no fit, and knows no genes

    def _fit(self, screen: Screen, cells: np.ndarray) -> None:
        pass

    def _embed(self, screen: Screen, kind: Kind, seed: int) -> np.ndarray:
        asked = ad.AnnData(obs=pd.DataFrame(index=screen.cells.astype(str)))
        store(asked, KEY, self.values, self.cells, source=self.source, width=self.width)
        return asked.obsm[KEY]


def from_obsm(adata: ad.AnnData | str | os.PathLike, key: str, width: int | None = None) -> Stored:
    """The embedding in `adata.obsm[key]` (or in that of an .h5ad file) as a representation.

        representation = from_obsm(adata, "X_mine")
        table = probe(representation.embed(screen), screen.condition)

    Cells are matched with a screen's by name, so neither their order nor further cells matter.

    Raises
    ------
    InputError
        No such key (the nearest are named), no matrix of numbers, or a file that cannot be read.
        At embedding: another width than expected, cells of the screen that have no vector, a cell
        named twice, NaN or infinite values.
    """
    source = f".obsm[{key!r}]"
    if not isinstance(adata, ad.AnnData):
        source += f" of {adata}"
        adata = open_h5ad(Path(adata))
    if key not in adata.obsm:
        held = nearest(key, adata.obsm.keys()) if len(adata.obsm) else "obsm is empty."
        raise InputError(f"There is no {source}; {held}")
    values = adata.obsm[key]
    try:
        values = np.asarray(values.toarray() if sp.issparse(values) else values, np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"{source} is no matrix of numbers: {error}") from error
    return Stored(values, adata.obs_names.to_numpy(dtype=object), source, width)
