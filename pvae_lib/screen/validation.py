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


def check_shape(counts: sp.csr_matrix) -> None:
    """Refuse a screen of one gene, or without cells.

    Raises
    ------
    InputError
        Fewer than two genes, or no cells.
    """
    n_cells, n_genes = counts.shape
    if n_genes < 2:
        raise InputError(f"The screen has {n_genes} gene(s); a profile needs at least two.")
    if n_cells == 0:
        raise InputError("The screen has no cells.")


def check_totals(total_counts: np.ndarray, row_sums: np.ndarray, cells: np.ndarray) -> np.ndarray:
    """(n_cells,) float64 copy of each cell's total over all genes of its source, raw counts.

    Parameters
    ----------
    row_sums
        (n_cells,) counts of each cell over the genes at hand: no total can be smaller.

    Raises
    ------
    InputError
        Another number of totals than of cells, text, NaN, infinite or zero totals, or totals below
        the row sums; the first few cells are listed.
    """
    try:
        totals = np.array(total_counts, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(f"total_counts are no numbers ({error}); give raw counts.") from error
    if totals.shape != row_sums.shape:
        raise InputError(
            f"total_counts have shape {totals.shape}, but there are {len(row_sums)} cells: give "
            "one total a cell."
        )
    drop = "drop them, as with scanpy.pp.filter_cells(adata, min_counts=1)."
    # float32 holds a large total with some 7 digits only.
    too_small = totals < row_sums * (1 - 1e-6)
    for wrong, what, mend in (
        (np.isnan(totals), "have the total NaN", "give their total counts, or drop them."),
        (np.isinf(totals), "have an infinite total", "give their total counts, or drop them."),
        ((totals == 0) & (row_sums == 0), "have no counts", drop),
        (
            too_small,
            "have a total below the sum of their counts",
            "total_counts are raw counts over all genes of the source, not only those at hand.",
        ),
    ):
        if wrong.any():
            shown = ", ".join(map(str, np.asarray(cells)[wrong][:5]))
            raise InputError(f"{int(wrong.sum())} cells {what} ({shown}); {mend}")
    return totals
