"""The one table of results: written, read, gathered, recorded, and made readable.

A tidy table has the columns screen, method, condition, metric, seed, value: one row a condition,
method, metric and seed. Means over conditions have the condition "all", their intervals the
metrics `<metric>_low` and `<metric>_high`, and over several seeds the seed is empty.
"""

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from pvae_lib.evaluation.intervals import summarise
from pvae_lib.evaluation.metrics import ALL, COLUMNS, METRICS, REFERENCES
from pvae_lib.exceptions import InputError, nearest
from pvae_lib.files import write_atomically

RECORDED = Path(__file__).resolve().parent.parent / "notebooks" / "results"
SHOWN = (
    "nrmse",
    "bias2_over_V",
    "var_over_V",
    "r2_inherited",
    "delta_pearson_control",
    "delta_pearson_centroid",
    "delta_pearson_centroid_de20",
    "mmd",
    "e_distance",
    "discrimination",
)
UNDEFINED = "–"
# A bootstrap over fewer conditions than this covers less than it says; doubles that share a gene
# are not independent either.
FEW_CONDITIONS = 10
# The same reference scored on two machines differs in the last digits only.
SAME = 1e-4


def write(table: pd.DataFrame, path: str | os.PathLike) -> Path:
    """Write a tidy table as CSV, whole or not at all.

    Raises
    ------
    InputError
        Columns are missing, or the folder cannot be written.
    """
    _check_columns(table, "The table")
    with write_atomically(path) as partial:
        table[list(COLUMNS)].to_csv(partial, index=False)
    return Path(path)


def read(path: str | os.PathLike) -> pd.DataFrame:
    """Read a tidy table.

    Raises
    ------
    InputError
        No such file, no CSV, or columns are missing.
    """
    try:
        table = pd.read_csv(
            path,
            dtype={"screen": str, "method": str, "condition": str, "metric": str},
            # Only an empty number is missing: "NA" may be the name of a gene.
            keep_default_na=False,
            na_values={"seed": [""], "value": [""]},
            float_precision="round_trip",
        )
    except OSError as error:
        raise InputError(f"No results at {path} ({error.strerror}); check the path.") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is no table of results: {error}. Run the audit again.") from error
    _check_columns(table, str(path))
    try:
        return table[list(COLUMNS)].astype({"seed": "Int64", "value": float})
    except (ValueError, TypeError) as error:
        raise InputError(
            f"{path}: seeds must be whole numbers and values numbers ({error}). Restore the file."
        ) from error


def gather(paths: Iterable[str | os.PathLike]) -> pd.DataFrame:
    """One table of several runs, read from their files; see `merge`.

    Raises
    ------
    InputError
        No paths, or what `read` and `merge` refuse.
    """
    tables = [read(path) for path in paths]
    if not tables:
        raise InputError("No results to gather: no paths were given. Check the folder or pattern.")
    return merge(tables)


def merge(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """One table of several runs, summarised anew over all of their seeds.

    A row found in two runs, as the references of one seed are, is kept once.

    Raises
    ------
    InputError
        Two runs disagree about a value.
    """
    table = pd.concat(tables, ignore_index=True)
    table = table[table["condition"] != ALL]
    key = [c for c in COLUMNS if c != "value"]
    extremes = table.groupby(key, dropna=False, sort=False)["value"].agg(["min", "max"])
    apart = extremes[(extremes["max"] - extremes["min"]) > SAME * (1 + extremes["max"].abs())]
    if len(apart):
        screen, method, condition, metric, seed = apart.index[0]
        raise InputError(
            f"Two runs disagree about {method!r} on {screen!r}, {condition!r}, seed {seed}: "
            f"{metric} is {apart['min'].iloc[0]:.6g} and {apart['max'].iloc[0]:.6g}. "
            "Give the methods different names, or gather runs of one setting."
        )
    return summarise(table.drop_duplicates(key))


def ordered(methods: Iterable[str]) -> list[str]:
    """References in their fixed order, then the methods in order of appearance."""
    found = list(dict.fromkeys(methods))
    return [r for r in REFERENCES if r in found] + [m for m in found if m not in REFERENCES]


def overall(table: pd.DataFrame) -> pd.DataFrame:
    """Means and intervals over conditions (and over seeds, where there are several), wide.

    Returns
    -------
    One row a (screen, method), one column a metric, `<metric>_low` and `<metric>_high`.
    """
    if not (table["condition"] == ALL).any():
        table = summarise(table)
    means = table[table["condition"] == ALL]
    pooled = means["seed"].isna()
    several = means.loc[pooled, "screen"].unique()
    means = means[pooled | ~means["screen"].isin(several)]
    return means.pivot_table(
        index=["screen", "method"], columns="metric", values="value", sort=False, dropna=False
    ).dropna(how="all")


def readable(table: pd.DataFrame, metrics: Sequence[str] = SHOWN, digits: int = 3) -> str:
    """A Markdown table a screen: rows methods, columns metrics, `mean [low, high]`.

    A value that is defined for no condition is "–"; one that is defined for some has a star.

    Parameters
    ----------
    table
        Tidy table, summarised or not.
    metrics
        Names from `pvae_lib.evaluation.metrics.METRICS`.

    Raises
    ------
    InputError
        Unknown metric.
    """
    for metric in metrics:
        if metric not in METRICS:
            raise InputError(f"No metric {metric!r}; {nearest(metric, METRICS)}")
    wide = overall(table)
    raw = table[table["condition"] != ALL]
    return "\n\n".join(
        _markdown(screen, wide.loc[screen], raw[raw["screen"] == screen], metrics, digits)
        for screen in dict.fromkeys(wide.index.get_level_values("screen"))
    )


def _markdown(
    screen: str, wide: pd.DataFrame, raw: pd.DataFrame, metrics: Sequence[str], digits: int
) -> str:
    partly = raw.assign(defined=raw["value"].notna()).groupby(["method", "metric"])["defined"]
    partly = partly.agg(lambda defined: defined.any() and not defined.all())
    stars = False
    lines = [
        "| " + " | ".join(["method", *(_heading(m) for m in metrics)]) + " |",
        "|" + "---|" * (len(metrics) + 1),
    ]
    for method in ordered(wide.index):
        cells = [method]
        for metric in metrics:
            text = _interval(wide.loc[method], metric, digits)
            if partly.get((method, metric), False):
                text, stars = text + " *", True
            cells.append(text)
        lines.append("| " + " | ".join(cells) + " |")
    seeds, conditions = raw["seed"].nunique(), raw["condition"].nunique()
    note = (
        f"{screen}: mean over {conditions} conditions and {seeds} seed{'s' * (seeds != 1)} "
        "[95 % bootstrap interval over conditions]; ↓ lower is better, ↑ higher is better, "
        f"{UNDEFINED} not defined."
    )
    if conditions < FEW_CONDITIONS:
        note += f" With {conditions} conditions that share genes, read the intervals as too narrow."
    return "\n".join([*lines, "", note + (" * some conditions not defined." if stars else "")])


def _heading(metric: str) -> str:
    arrow = {"lower": " ↓", "higher": " ↑", None: ""}[METRICS[metric].better]
    return METRICS[metric].label + arrow


def _interval(row: pd.Series, metric: str, digits: int) -> str:
    mean, low, high = (row.get(metric + end, np.nan) for end in ("", "_low", "_high"))
    if not np.isfinite(mean):
        return UNDEFINED
    text = _number(mean, digits)
    if np.isfinite(low) and _number(low, digits) != _number(high, digits):
        text += f" [{_number(low, digits)}, {_number(high, digits)}]"
    return text


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def record(
    name: str,
    table: pd.DataFrame,
    parameters: Mapping[str, object],
    folder: str | os.PathLike = RECORDED,
) -> tuple[Path, Path]:
    """Keep a table and the parameters that made it: `NAME.csv` beside `NAME.yaml`.

    Raises
    ------
    InputError
        As `write`; or a parameter is no plain value (text, number, list, mapping).
    """
    folder = Path(folder)
    try:
        text = yaml.safe_dump(dict(parameters), sort_keys=False, allow_unicode=True)
    except yaml.YAMLError as error:
        raise InputError(
            f"The parameters of {name!r} cannot be recorded: {error}. Use plain values."
        ) from error
    _check_columns(table, "The table")
    with write_atomically(folder / f"{name}.yaml") as partial:
        partial.write_text(text, encoding="utf-8")
    return write(table, folder / f"{name}.csv"), folder / f"{name}.yaml"


def recorded(
    name: str, folder: str | os.PathLike = RECORDED
) -> tuple[pd.DataFrame, dict[str, object]]:
    """A recorded table and its parameters.

    Raises
    ------
    InputError
        No such record; those at hand are named.
    """
    folder = Path(folder)
    known = sorted(p.stem for p in folder.glob("*.csv") if p.with_suffix(".yaml").exists())
    if name not in known:
        hint = nearest(name, known) if known else "none is recorded yet."
        raise InputError(f"No recorded results {name!r} in {folder}; {hint}")
    parameters = yaml.safe_load((folder / f"{name}.yaml").read_text(encoding="utf-8"))
    return read(folder / f"{name}.csv"), parameters


def _check_columns(table: pd.DataFrame, what: str) -> None:
    missing = [c for c in COLUMNS if c not in table.columns]
    if missing:
        raise InputError(
            f"{what} lacks the columns {', '.join(missing)}; a table of results has "
            f"{', '.join(COLUMNS)}."
        )
