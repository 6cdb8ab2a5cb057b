"""What rules are made of: each turns tables into a verdict, by thresholds that are stated."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from pvae_lib import results
from pvae_lib.claims.base import FAILS, HOLDS, OPEN, NotAtHand, Verdict
from pvae_lib.evaluation.intervals import ROUNDING, SEED_ERRORS, differences, verdicts
from pvae_lib.evaluation.metrics import ALL, METRICS

Rule = Callable[..., Verdict]
OURS = "PerturbedVAE"
TURNED = {"better": "worse", "worse": "better", "not apart": "not apart", "–": "–"}


def number(value: float, digits: int = 3, sign: bool = False) -> str:
    """A number for readers, with a true minus."""
    return f"{value:{'+' if sign else ''}.{digits}f}".replace("-", "−")


def verdict(good: bool, bad: bool) -> str:
    """`HOLDS`, `FAILS`, or `OPEN` where neither."""
    return FAILS if bad else HOLDS if good else OPEN


def seeds(
    table: pd.DataFrame,
    method: str,
    metric: str,
    *,
    screen: str | None = None,
    condition: str | None = None,
) -> pd.Series:
    """One value a seed (or one without a seed), indexed by it.

    Raises
    ------
    NotAtHand
        No such row.
    """
    chosen = (table["method"] == method) & (table["metric"] == metric) & table["value"].notna()
    if screen is not None:
        chosen &= table["screen"] == screen
    if condition is not None:
        chosen &= table["condition"] == condition
    rows = table[chosen]
    if rows.empty:
        place = ", ".join(repr(x) for x in (screen, condition) if x is not None)
        raise NotAtHand(f"no row {method!r} with {metric!r}" + (f" in {place}" if place else ""))
    # Rows over all seeds have none; they stand aside where there are seeds.
    own = rows[rows["seed"].notna()]
    rows = own if len(own) else rows
    return rows.set_index(rows["seed"].astype("Int64"))["value"].sort_index()


def beside(values: pd.Series | np.ndarray, threshold: float) -> str:
    """ "above", "below" or "not apart": the mean against a threshold, by two standard errors.

    With one seed there is no spread, so nothing is apart.
    """
    values = np.asarray(values, float)
    if len(values) < 2:
        return "not apart"
    error = SEED_ERRORS * values.std(ddof=1) / np.sqrt(len(values))
    apart = values.mean() - threshold
    if abs(apart) <= max(error, ROUNDING):
        return "not apart"
    return "above" if apart > 0 else "below"


def spread(values: pd.Series | np.ndarray, digits: int = 2) -> str:
    """Mean ± standard deviation over seeds."""
    values = np.asarray(values, float)
    text = number(values.mean(), digits)
    return text + (f" ± {number(values.std(ddof=1), digits)}" if len(values) > 1 else "")


def ahead(first: str, rivals: Sequence[str], metric: str, *, elsewhere: Sequence[str] = ()) -> Rule:
    """`first` is better than every rival, condition by condition (`differences`, `verdicts`).

    It fails as soon as one rival is ahead. It cannot be told while no rival is ahead but one is not
    apart, is not in the table, or is only known `elsewhere`.
    """

    def rule(table: pd.DataFrame) -> Verdict:
        return paired(table, first, rivals, metric, elsewhere)

    return rule


def paired(
    table: pd.DataFrame,
    first: str,
    rivals: Sequence[str],
    metric: str,
    elsewhere: Sequence[str] = (),
) -> Verdict:
    """The rule of `ahead`, on a table."""
    used = table[(table["metric"] == metric) & (table["condition"] != ALL)]
    known = set(used.loc[used["value"].notna(), "method"])
    here = [rival for rival in rivals if rival in known]
    if first not in known or not here:
        lacking = [name for name in (first, *rivals) if name not in known]
        raise NotAtHand(f"no condition of {', '.join(lacking)} with {METRICS[metric].label}")
    used = used[used["method"].isin([first, *here])]
    numbers, parts, said = {}, [], []
    # All rivals against `first` in one bootstrap: the same differences, signs turned.
    found = differences(used, first, metric)
    apart = verdicts(found, METRICS[metric].better).map(TURNED)
    found = -found[["difference", "low", "high"]].rename(columns={"low": "high", "high": "low"})
    for rival in here:
        row = found.loc[rival]
        said.append(apart[rival])
        numbers |= {f"{rival}: {end}": float(row[end]) for end in ("difference", "low", "high")}
        ends = ", ".join(number(row[end], sign=True) for end in ("low", "high"))
        parts.append(f"{rival} {number(row['difference'], sign=True)} [{ends}], {said[-1]}")
    absent = [rival for rival in (*rivals, *elsewhere) if rival not in known]
    n = used["condition"].nunique()
    why = f"{METRICS[metric].label} over {n} conditions, {first} minus " + "; ".join(parts)
    if absent:
        why += f"; not in the table: {', '.join(absent)}"
    good = set(said) == {"better"} and not absent
    return Verdict(verdict(good, "worse" in said), numbers, why)


def reported_ahead(first: str, second: str, metric: str, condition: str, sign: int) -> Rule:
    """Two numbers of the paper's tables: `first` is better; sign −1 where lower is better."""

    def rule(table: pd.DataFrame) -> Verdict:
        one, other = (
            float(seeds(table, name, metric, condition=condition).iloc[0])
            for name in (first, second)
        )
        why = f"{METRICS[metric].label} as reported: {first} {one:.4f}, {second} {other:.4f}"
        good = sign * (one - other) > 0
        return Verdict(verdict(good, not good), {first: one, second: other}, why)

    return rule


def of_singles(rule: Rule) -> Rule:
    """The same rule on held-out cells of single perturbations."""

    def judged(table: pd.DataFrame) -> Verdict:
        single = table[
            (table["condition"] != ALL) & ~table["condition"].str.contains("+", regex=False)
        ]
        if single.empty:
            raise NotAtHand("no single perturbation is scored: every cell of them trains")
        return rule(single)

    return judged


def interval(table: pd.DataFrame, screen: str, method: str, metric: str) -> np.ndarray:
    """(3,) mean, low and high of a summarised table.

    Raises
    ------
    NotAtHand
        No such row.
    """
    names = [metric, f"{metric}_low", f"{metric}_high"]
    rows = (table["screen"] == screen) & (table["method"] == method) & table["metric"].isin(names)
    wide = results.overall(table[rows]) if rows.any() else pd.DataFrame()
    if (screen, method) not in wide.index or not set(names) <= set(wide.columns):
        raise NotAtHand(f"no row {method!r} with {metric!r} in {screen!r}")
    found = wide.loc[(screen, method), names].to_numpy(float)
    if not np.isfinite(found).all():
        raise NotAtHand(f"no row {method!r} with {metric!r} in {screen!r}")
    return found


def shown(found: np.ndarray, digits: int = 3) -> str:
    """Mean [low, high]."""
    mean, low, high = (number(x, digits) for x in found)
    return f"{mean} [{low}, {high}]"
