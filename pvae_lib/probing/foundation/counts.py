"""What a model's own preprocessing begins with: a screen's raw counts and its genes' names."""

import anndata as ad
import numpy as np
import scipy.sparse as sp

from pvae_lib.exceptions import InputError, nearest
from pvae_lib.screen.preprocessing import tidy
from pvae_lib.screen.validation import check_counts


def raw_counts(adata: ad.AnnData) -> sp.csr_matrix:
    """(n_cells, n_genes) float32 raw counts: the layer "counts" where there is one, else X.

    Raises
    ------
    InputError
        No cells or no counts, or anything but finite, non-negative whole numbers.
    """
    counts = adata.layers["counts"] if "counts" in adata.layers else adata.X
    if counts is None or not adata.n_obs:
        raise InputError(
            "The AnnData has no cells with raw counts; put them in X or in layers['counts']."
        )
    counts = tidy(counts)
    check_counts(counts)
    return counts


def gene_names(adata: ad.AnnData, gene_column: str | None) -> np.ndarray:
    """(n_genes,) object, names of the genes: the index of `.var`, or a column of it.

    Raises
    ------
    InputError
        No such column.
    """
    if gene_column is None:
        return adata.var_names.astype(str).to_numpy(dtype=object)
    if gene_column not in adata.var:
        raise InputError(
            f"No column {gene_column!r} in var; {nearest(gene_column, adata.var.columns)}"
        )
    return adata.var[gene_column].astype(str).to_numpy(dtype=object)


def check_expressed(known: sp.csr_matrix, cells: np.ndarray, model: str) -> None:
    """Refuse cells that express none of the genes that a model knows.

    Raises
    ------
    InputError
        Naming the first few.
    """
    empty = np.diff(known.indptr) == 0
    if empty.any():
        raise InputError(
            f"{int(empty.sum())} cells express no gene that {model} knows "
            f"({', '.join(map(str, cells[empty][:5]))}); drop them, and give it all genes of the "
            "source rather than a selection."
        )
