"""From raw counts to log1p of median-normalised counts, as scanpy does it."""

import anndata as ad
import numpy as np
import pandas as pd
import scanpy as sc
import scipy.sparse as sp
from sklearn.utils.sparsefuncs import inplace_row_scale

from pvae_lib.exceptions import InputError


def tidy(counts: sp.spmatrix | np.ndarray) -> sp.csr_matrix:
    """float32 CSR in sorted order, without repeated entries or explicit zeros.

    The caller's arrays are never written to: they are shared where nothing has to be done (a
    full screen is gigabytes), and copied otherwise. Read-only arrays are copied too, since not all
    that reads a Screen takes them.

    Raises
    ------
    InputError
        Not a matrix of numbers.
    """
    try:
        tidied = sp.csr_matrix(counts, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The counts are no matrix of numbers ({error}): give raw counts, (cells, genes), as a "
            "numpy array or a scipy sparse matrix in memory."
        ) from error
    arrays = (tidied.data, tidied.indices, tidied.indptr)
    clean = tidied.has_canonical_format and np.count_nonzero(tidied.data) == tidied.nnz
    if not clean or not all(array.flags.writeable for array in arrays):
        tidied = tidied.copy()
        tidied.sum_duplicates()
        tidied.eliminate_zeros()
    return tidied


def normalise(
    counts: sp.csr_matrix, total_counts: np.ndarray, target_total: float
) -> sp.csr_matrix:
    """log1p of counts scaled to `target_total`; (n_cells, n_genes) float32 CSR.

    The same numbers as scanpy's normalize_total (target: the median) and log1p. Scaled here by
    scikit-learn because scanpy cannot be given totals that count genes the matrix does not hold.
    The index arrays are those of `counts`, shared.
    """
    expression = sp.csr_matrix(
        (counts.data.astype(np.float32), counts.indices, counts.indptr), counts.shape
    )
    inplace_row_scale(expression, (target_total / total_counts).astype(np.float32))
    np.log1p(expression.data, out=expression.data)
    return expression


def highly_variable(expression: sp.csr_matrix, n: int) -> np.ndarray:
    """(n_genes,) bool: scanpy's highly variable genes (its default flavour, on log1p data)."""
    adata = ad.AnnData(
        expression, var=pd.DataFrame(index=np.arange(expression.shape[1]).astype(str))
    )
    adata.uns["log1p"] = {"base": None}
    sc.pp.highly_variable_genes(adata, n_top_genes=n)
    return adata.var["highly_variable"].to_numpy()


def share_indices(counts: sp.csr_matrix, expression: sp.csr_matrix) -> dict[str, sp.csr_matrix]:
    """Both matrices of a Screen on one pair of index arrays, which halves what they cost."""
    expression = sp.csr_matrix((expression.data, counts.indices, counts.indptr), counts.shape)
    return {"counts": counts, "expression": expression}
