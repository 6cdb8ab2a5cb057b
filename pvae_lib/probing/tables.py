"""The table of probes, and its short form in the house's one table of results."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

from pvae_lib.evaluation.intervals import LEVEL
from pvae_lib.evaluation.metrics import ALL
from pvae_lib.evaluation.metrics import COLUMNS as RESULTS_COLUMNS
from pvae_lib.exceptions import InputError

__all__ = ["ALL", "COLUMNS", "label", "summarise"]

# One row a representation, target, metric, class, fold and seed.
COLUMNS = (
    "screen",
    "representation",
    "trained",
    "kind",
    "target",
    "metric",
    "seed",
    "fold",
    "class",
    "value",
)
SAMPLES = "samples"


def label(representation: str, trained: bool = True, kind: str = "means") -> str:
    """How a representation is called in results and figures: "VAE, untrained, samples"."""
    return representation + ("" if trained else ", untrained") + f", {SAMPLES}" * (kind == SAMPLES)


def interval(values: Sequence[float], folds: int) -> tuple[float, float, float]:
    """Mean and 95 % interval of the scores of repeated cross-validation.

    The corrected resampled t-test of Nadeau and Bengio (2003): folds share training cells, so the
    variance of the mean is s² (1/J + n_test/n_train) for J scores, not s²/J. It speaks of other
    splits of these cells (and other training seeds), not of another experiment.
    """
    values = np.asarray(values, dtype=float)
    n = len(values)
    mean = float(values.mean())
    if n < 2:
        return mean, np.nan, np.nan
    spread = values.std(ddof=1) * np.sqrt(1 / n + 1 / (folds - 1))
    half = float(student.ppf((1 + LEVEL) / 2, n - 1) * spread)
    return mean, mean - half, mean + half


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """The table of probes as a table of results (`pvae_lib.results`), to record and to draw.

    method is the representation's `label`, condition the class or "all", metric "target: metric".
    For each seed there is the mean over folds; over all seeds (seed empty) the mean and, as
    `<metric>_low` and `<metric>_high`, its interval over folds and seeds (`interval`).

    Raises
    ------
    InputError
        Columns are missing, or the table is empty.
    """
    missing = [c for c in COLUMNS if c not in table.columns]
    if missing or table.empty:
        what = f"lacks the columns {', '.join(missing)}" if missing else "is empty"
        raise InputError(f"The table of probes {what}; probe() makes one.")
    methods = [
        label(*row)
        for row in table[["representation", "trained", "kind"]].itertuples(index=False, name=None)
    ]
    tidy = table.assign(
        method=methods, condition=table["class"], metric=table["target"] + ": " + table["metric"]
    )
    key = ["screen", "method", "condition", "metric"]
    by_seed = tidy.groupby([*key, "seed"], sort=False, as_index=False)["value"].mean()
    rows = [tuple(row) for row in by_seed[list(RESULTS_COLUMNS)].itertuples(index=False)]
    for group, part in tidy.groupby(key, sort=False):
        found = interval(part["value"], part["fold"].nunique())
        for suffix, value in zip(("", "_low", "_high"), found, strict=True):
            rows.append((*group[:3], group[3] + suffix, pd.NA, value))
    summary = pd.DataFrame(rows, columns=list(RESULTS_COLUMNS))
    return summary.astype({"seed": "Int64"})
