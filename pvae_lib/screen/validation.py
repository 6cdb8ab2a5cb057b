"""What makes a counts matrix a counts matrix; each refusal names the thing and the mend."""

import numpy as np
import scipy.sparse as sp

from pvae_lib.exceptions import InputError


def check_counts(counts: sp.csr_matrix) -> None:
    """Refuse anything but finite, non-negative whole numbers.

    Raises
    ------
    InputError
        NaN or infinite, negative, or non-integer values; the last names log-transformed data.
    """
    values = counts.data
    if not np.isfinite(values).all():
        bad = int((~np.isfinite(values)).sum())
        raise InputError(f"The counts hold {bad} NaN or infinite values; mend or drop them first.")
    if (values < 0).any():
        bad = int((values < 0).sum())
        raise InputError(
            f"The counts hold {bad} negative values: this looks like scaled or residual data. "
            "Give raw counts (counts_layer=… names a layer)."
        )
    # One block at a time: a mask over all values of a full screen would cost a second copy.
    for start in range(0, len(values), 10_000_000):
        block = values[start : start + 10_000_000]
        if (block != np.rint(block)).any():
            hint = (
                f"they look log-transformed (largest value {values.max():.2f})"
                if values.max() < 20
                else "they look normalised"
            )
            raise InputError(
                f"The counts are not whole numbers: {hint}. "
                "Give raw counts (counts_layer=… names a layer that holds them)."
            )


def check_names(names: np.ndarray, what: str) -> None:
    """Refuse duplicate gene or cell names.

    Raises
    ------
    InputError
        The first few duplicates are listed.
    """
    distinct, times = np.unique(np.asarray(names, dtype=str), return_counts=True)
    if (times > 1).any():
        shown = ", ".join(distinct[times > 1][:5])
        raise InputError(
            f"{int((times > 1).sum())} {what} names occur more than once ({shown}); make them "
            f"unique, as with adata.{'var' if what == 'gene' else 'obs'}_names_make_unique()."
        )


def check_shape(counts: sp.csr_matrix, total_counts: np.ndarray, cells: np.ndarray) -> None:
    """Refuse a screen of one gene, or one with cells that hold no counts at all.

    Raises
    ------
    InputError
        Fewer than two genes, no cells, or cells with a total of zero (the first few are listed).
    """
    n_cells, n_genes = counts.shape
    if n_genes < 2:
        raise InputError(f"The screen has {n_genes} gene(s); a profile needs at least two.")
    if n_cells == 0:
        raise InputError("The screen has no cells.")
    empty = ~(np.asarray(total_counts) > 0)
    if empty.any():
        shown = ", ".join(map(str, np.asarray(cells)[empty][:5]))
        raise InputError(
            f"{int(empty.sum())} cells have no counts ({shown}); drop them, as with "
            "scanpy.pp.filter_cells(adata, min_counts=1)."
        )
