"""What the runs of a sweep left, as tables.

`sweep.csv` is tidy and stands alone: one row a run, method and metric (means over conditions, and
what the run says of its training), each with the parameters, the seed, the versions, the device,
the minutes and the git commit. `results.csv` has the project's usual columns with every condition,
the method's name carrying the setting, so that what reads a table of results reads it too.
"""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pvae_lib import results
from pvae_lib.evaluation.metrics import ALL, REFERENCES
from pvae_lib.files import write_atomically
from pvae_lib.runs import record
from pvae_lib.runs.grid import BASE, Grid, Point
from pvae_lib.runs.parameters import load_yaml

SWEEP, RESULTS, TRAINING = "sweep.csv", "results.csv", "training.csv"


def write(grid: Grid, folder: Path) -> dict[str, str]:
    """Write both tables from the runs that are done; returns those that are not, with a reason.

    Raises
    ------
    InputError
        Two runs disagree about a reference of one seed, or the folder cannot be written.
    """
    rows, tables, missing = [], [], {}
    for point in grid.points:
        run = folder / point.name
        if not (run / "done").exists():
            missing[f"{point.name} ({point.label}, seed {point.seed})"] = _reason(run)
            continue
        facts = _facts(point, grid, _record(run))
        for file in (RESULTS, TRAINING):
            if not (run / file).exists():
                continue
            table = results.read(run / file)
            rows.append(_means(table).assign(**facts))
            if file == RESULTS:
                tables.append(_conditions(table, point, grid))
    for file in (SWEEP, RESULTS):
        (folder / file).unlink(missing_ok=True)  # an earlier grid's, should this one leave none
    if rows:
        columns = ["run", "label", *grid.varied, "seed", *results.COLUMNS[:4], "value"]
        whole = pd.concat(rows, ignore_index=True)
        columns = list(dict.fromkeys(c for c in columns if c in whole))
        with write_atomically(folder / SWEEP) as path:
            whole[columns + [c for c in whole if c not in columns]].to_csv(path, index=False)
    if tables:
        results.write(results.merge(tables), folder / RESULTS)
    return missing


def commits(grid: Grid, folder: Path) -> Counter[str | None]:
    """By the code of which commit (`pvae_lib.runs.record.commit`) how many done runs ended."""
    runs = [folder / point.name for point in grid.points]
    return Counter(_record(run)["commit"] for run in runs if (run / "done").exists())


def _record(run: Path) -> Mapping[str, Any]:
    return load_yaml((run / record.FILE).read_text(encoding="utf-8"))


def _means(table: pd.DataFrame) -> pd.DataFrame:
    """Rows of means alone; what holds for the whole run (no condition) stays as it is."""
    seeds = table["seed"].nunique()
    over_all = (table["condition"] == ALL) & (table["seed"].isna() if seeds > 1 else True)
    chosen = table[over_all & ~table["metric"].str.contains("_low$|_high$")]
    return (chosen if over_all.any() else table).drop(columns="seed")


def _facts(point: Point, grid: Grid, run: Mapping[str, Any]) -> dict[str, Any]:
    starts = [*run.get("earlier", []), run]
    return {
        "run": point.name,
        "label": point.label,
        **{name: point.parameters[name] for name in grid.varied},
        "seed": point.seed,
        "device": run["device"],
        "machine": run["machine"],
        # All starts of a run that was stopped and went on; NaN where one was killed untimed.
        "minutes": round(sum(_minutes(start) for start in starts), 2),
        "commit": run["commit"],
        "versions": ", ".join(f"{name} {version}" for name, version in run["versions"].items()),
    }


def _minutes(start: Mapping[str, Any]) -> float:
    minutes = start.get("minutes")
    return float("nan") if minutes is None else minutes


def _conditions(table: pd.DataFrame, point: Point, grid: Grid) -> pd.DataFrame:
    """Every condition, methods named by their setting; the references are those of every run."""
    table = table[table["condition"] != ALL]
    if grid.metrics:
        table = table[table["metric"].isin(grid.metrics)]
    return table.assign(method=named(table["method"], pd.Series(point.label, table.index)))


def named(methods: pd.Series, labels: pd.Series) -> pd.Series:
    """A method's name with the setting it ran in; a reference's, and that of the base, as it is."""
    plain = methods.isin(REFERENCES) | (labels == BASE)
    return methods.where(plain, methods + ", " + labels)


def _reason(run: Path) -> str:
    """Why a run is not done, as far as its folder says."""
    log = run / "log.txt"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    errors = [line for line in lines if line.startswith("Error: ")]
    if errors:
        return f"{errors[-1].rstrip('.')}. The notebook up to there, and log.txt, are in {run}."
    return "it was stopped before its end." if lines else "not started."
