"""Which doubles are additive, by the authors' own fits of them.

Norman et al. fitted the change of every double by c1 × (change of the first single) + c2 × (change
of the second), robustly (Theil-Sen). Additivity is c1 = c2 = 1 and a fit that explains the double.
The fits saw the doubles: classes sort what is scored, and no method may learn from them.
"""

import os
from collections.abc import Sequence

import pandas as pd

from pvae_lib.evaluation.metrics import COLUMNS
from pvae_lib.exceptions import InputError, check_number
from pvae_lib.screen.labels import canonical_label
from pvae_lib.sources.pseudobulk import NAME, find

FILE = "norman2019_gi_fits.csv"
# The authors' symbols that other copies of the screen spell otherwise.
SPELLINGS = {"FOXL2NB": "C3orf72", "RHOXF2B": "RHOXF2", "CBARP": "C19orf26"}
# Our name of a quantity → its column in the authors' table.
QUANTITIES = {
    "coef_first": "ts_coef_first",
    "coef_second": "ts_coef_second",
    "fit": "ts_linear_dcor",
}
FITS = "authors' fit"
ADDITIVE, NON_ADDITIVE = "additive", "non-additive"
TOLERANCE, MIN_FIT = 0.4, 0.7


def load_fits(folder: str | os.PathLike | None = None) -> pd.DataFrame:
    """The authors' fits, a row a double, under the labels of the pseudobulk.

    Out of `folder`, by default the one that the variable PVAE_DATA names.

    Returns
    -------
    Index: canonical label; columns coef_first and coef_second (Theil-Sen coefficients of the two
    singles, alphabetical) and fit (distance correlation of the double with the fit, 0 to 1).

    Raises
    ------
    InputError
        PVAE_DATA is not set, the folder lacks the file, or columns are missing.
    """
    path = find(FILE, folder)
    table = pd.read_csv(path)
    missing = [c for c in ("name", *QUANTITIES.values()) if c not in table.columns]
    if missing:
        raise InputError(f"{path} lacks the columns {', '.join(missing)}. Restore the file.")
    fits = table[list(QUANTITIES.values())].set_axis(list(QUANTITIES), axis=1)
    genes = [[SPELLINGS.get(g, g) for g in name.split("_")] for name in table["name"]]
    for row, pair in enumerate(genes):
        if pair != sorted(pair):  # the label's order is alphabetical; coefficients follow it
            first, second = fits.loc[row, "coef_first"], fits.loc[row, "coef_second"]
            fits.loc[row, ["coef_first", "coef_second"]] = second, first
    return fits.set_axis([canonical_label("+".join(pair)) for pair in genes], axis=0)


def as_table(fits: pd.DataFrame) -> pd.DataFrame:
    """Fits as a tidy table, to be recorded beside the scores."""
    rows = [
        (NAME, FITS, double, quantity, 0, float(value))
        for double, row in fits.iterrows()
        for quantity, value in row.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def from_table(table: pd.DataFrame) -> pd.DataFrame:
    """Fits out of the tidy table that `as_table` gives."""
    own = table[table["method"] == FITS]
    wide = own.pivot(index="condition", columns="metric", values="value")
    return wide[list(QUANTITIES)].rename_axis(index=None, columns=None)


def classify(
    fits: pd.DataFrame, tolerance: float = TOLERANCE, min_fit: float = MIN_FIT
) -> pd.Series:
    """ "additive" or "non-additive" for each double.

    Additive: both coefficients within `tolerance` of 1, and `fit` at least `min_fit`. The defaults
    are round numbers, not estimates: vary them with `over_thresholds`. Coefficients are pulled
    towards 0 by the noise of the singles, so a narrow tolerance leaves few additive pairs.

    Raises
    ------
    InputError
        A threshold is no number from 0 up.
    """
    check_number(tolerance=tolerance, min_fit=min_fit)
    near = (fits[["coef_first", "coef_second"]] - 1).abs().le(tolerance).all(axis=1)
    additive = near & (fits["fit"] >= min_fit)
    return additive.map({True: ADDITIVE, False: NON_ADDITIVE}).rename("class")


def over_thresholds(
    table: pd.DataFrame,
    fits: pd.DataFrame,
    metric: str,
    methods: Sequence[str],
    tolerances: Sequence[float] = (0.2, 0.3, 0.4, 0.5, 0.6),
    min_fits: Sequence[float] = (0.0, 0.7, 0.8),
) -> pd.DataFrame:
    """Medians over additive and over non-additive doubles, for each pair of thresholds.

    Parameters
    ----------
    table
        Tidy table of scores; values of several seeds are averaged first.
    fits
        From `load_fits`; doubles without a fit are in no class.

    Returns
    -------
    One row a (tolerance, min_fit, class): the number of scored doubles `n`, and the median of
    `metric` for each method.
    """
    chosen = table[(table["metric"] == metric) & table["method"].isin(methods)]
    wide = chosen.pivot_table(index="condition", columns="method", values="value", aggfunc="mean")
    rows = []
    for tolerance in tolerances:
        for min_fit in min_fits:
            classes = classify(fits, tolerance, min_fit).reindex(wide.index)
            for kind in (ADDITIVE, NON_ADDITIVE):
                part = wide[classes == kind]
                medians = {m: part[m].median() for m in methods}
                rows.append(
                    {"tolerance": tolerance, "min_fit": min_fit, "class": kind, "n": len(part)}
                    | medians
                )
    return pd.DataFrame(rows).set_index(["tolerance", "min_fit", "class"])
