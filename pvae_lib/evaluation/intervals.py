"""Means over conditions, and differences between methods, with 95 % bootstrap intervals."""

from typing import Literal

import numpy as np
import pandas as pd

from pvae_lib.evaluation.metrics import ALL, COLUMNS
from pvae_lib.exceptions import InputError, nearest

LEVEL = 0.95
# Two methods that agree on paper differ by rounding, always to one side: no difference at all.
ROUNDING = 1e-5
# With few seeds this is a rough screen, not a test at 95 %.
SEED_ERRORS = 2


def bootstrap_means(
    values: np.ndarray, *, n_resamples: int = 5000, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Column means and their percentile bootstrap intervals over rows.

    All columns share the resampled rows, so differences between columns keep their pairing. With
    few rows (five conditions, say) the interval is too narrow: it cannot know what it never saw.

    Parameters
    ----------
    values
        (conditions, columns); NaN is left out.
    n_resamples, seed
        Of the bootstrap.

    Returns
    -------
    mean, low, high
        (columns,) each; low and high are NaN with fewer than two defined rows.
    """
    n = len(values)
    defined = np.isfinite(values)
    filled = np.where(defined, values, 0.0)
    draws = np.random.default_rng(seed).integers(n, size=(n_resamples, n))
    weights = np.zeros((n_resamples, n))
    np.add.at(weights, (np.arange(n_resamples)[:, None], draws), 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):  # a column, or a resample, all NaN
        mean = filled.sum(axis=0) / defined.sum(axis=0)
        means = (weights @ filled) / (weights @ defined)
    low, high = np.full((2, values.shape[1]), np.nan)
    enough = defined.sum(axis=0) >= 2
    if enough.any():
        tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
        low[enough], high[enough] = np.nanquantile(means[:, enough], tails, axis=0)
    return mean, low, high


def summarise(table: pd.DataFrame, *, n_resamples: int = 5000, seed: int = 0) -> pd.DataFrame:
    """Append means over conditions, and their intervals, to a tidy table.

    For each seed, and where there are several also over all seeds (first the mean over seeds of
    each condition, then over conditions), rows with condition "all" are added: the mean under the
    metric's own name, and the interval as `<metric>_low` and `<metric>_high`. Rows over all seeds
    have no seed (an empty field in CSV). Earlier summary rows are replaced.

    Parameters
    ----------
    table
        Tidy table of one or more audits (columns screen, method, condition, metric, seed, value).
    n_resamples, seed
        Of the bootstrap over conditions; it does not reflect the spread between seeds.
    """
    raw = table[table["condition"] != ALL].astype({"seed": "Int64"})
    parts = [raw]
    for screen, of_screen in raw.groupby("screen", sort=False):
        seeds = list(of_screen["seed"].unique())
        for which in [*seeds, pd.NA] if len(seeds) > 1 else seeds:
            chosen = of_screen if which is pd.NA else of_screen[of_screen["seed"] == which]
            wide = chosen.pivot_table(
                index="condition",
                columns=["method", "metric"],
                values="value",
                aggfunc="mean",
                dropna=False,
                sort=False,
            )
            found = bootstrap_means(wide.to_numpy(), n_resamples=n_resamples, seed=seed)
            for suffix, values in zip(("", "_low", "_high"), found, strict=True):
                part = pd.DataFrame(
                    {
                        "screen": screen,
                        "method": wide.columns.get_level_values("method"),
                        "condition": ALL,
                        "metric": wide.columns.get_level_values("metric") + suffix,
                        "seed": pd.array([which] * len(values), dtype="Int64"),
                        "value": values,
                    }
                )
                parts.append(part)
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def differences(
    table: pd.DataFrame, bar: str, metric: str, *, n_resamples: int = 5000, seed: int = 0
) -> pd.DataFrame:
    """How far each method is from one of them, condition by condition, with 95 % intervals.

    Differences are paired: first the mean over seeds of each condition, then method − bar within
    a condition, then a bootstrap over the conditions. What makes a condition hard for all cancels.
    The spread over seeds is paired too: both rows saw the same held-out and control cells there.

    Parameters
    ----------
    table
        Tidy table of one screen.
    bar
        The method to compare with.
    metric
        A metric of the table.
    n_resamples, seed
        Of the bootstrap; it does not reflect the spread between seeds.

    Returns
    -------
    One row a method but the bar: `difference`, `low`, `high`, the number of `conditions` in which
    both are defined, `seed_sd`, the standard deviation (divisor n − 1) over seeds of the mean over
    conditions of method − bar, NaN for a single seed, and the number of those `seeds`.

    Raises
    ------
    InputError
        Several screens, or no such method or metric in the table.
    """
    raw = table[table["condition"] != ALL]
    if raw["screen"].nunique() != 1:
        raise InputError(
            "Differences are taken on one screen: choose one with table[table.screen == …]."
        )
    for column, name in (("metric", metric), ("method", bar)):
        if name not in (known := set(raw[column])):
            raise InputError(f"No {column} {name!r} in the table; {nearest(name, known)}")
    raw = raw[raw["metric"] == metric]
    wide = raw.pivot_table(
        index="condition", columns="method", values="value", sort=False, dropna=False
    )
    apart = wide.drop(columns=bar).sub(wide[bar], axis=0)
    mean, low, high = bootstrap_means(apart.to_numpy(), n_resamples=n_resamples, seed=seed)
    cases = raw.pivot_table(
        index=["seed", "condition"], columns="method", values="value", dropna=False
    )
    of_seeds = cases.drop(columns=bar).sub(cases[bar], axis=0).groupby("seed").mean()
    found = {
        "difference": mean,
        "low": low,
        "high": high,
        "conditions": apart.notna().sum(),
        "seed_sd": of_seeds.std(),
        "seeds": of_seeds.count(),
    }
    return pd.DataFrame(found, index=apart.columns)


def verdicts(differences: pd.DataFrame, better: Literal["lower", "higher"]) -> pd.Series:
    """What `differences` allow to say of each method: "better", "worse", "not apart" or "–".

    "not apart" where the interval holds 0 (or ends within `ROUNDING` of it) or there is none, and
    where another choice of seeds may turn it: with two seeds or more, where the difference is
    within `SEED_ERRORS` standard errors of its mean over seeds. "–" where the method has no value.
    """
    sign = 1 if better == "higher" else -1
    ends = sign * differences[["low", "high"]]
    found = pd.Series("not apart", index=differences.index, name="verdict")
    found[ends.min(axis=1) > ROUNDING] = "better"
    found[ends.max(axis=1) < -ROUNDING] = "worse"
    error = differences["seed_sd"] / np.sqrt(differences["seeds"])  # NaN for a single seed
    found[differences["difference"].abs() < SEED_ERRORS * error] = "not apart"
    found[differences["difference"].isna()] = "–"
    return found
