"""Keep a finished sweep in the project: two recorded tables that lessons read.

`NAME` holds every condition of every run, for the metrics that the grid names. `NAME_runs` holds
what is said of whole runs: means over conditions of every metric (condition "all") and what the
training ended at (condition "training"), by setting and seed; of the references only the metrics
that `NAME` lacks.
"""

import re
from pathlib import Path
from typing import Any

import pandas as pd

from pvae_lib import results
from pvae_lib.evaluation.metrics import ALL, REFERENCES
from pvae_lib.exceptions import InputError
from pvae_lib.runs import gathered
from pvae_lib.runs.grid import Grid, load_grid

DIGITS = 6  # significant ones, in the recorded files


def check_name(name: str) -> None:
    """InputError for a name that is no plain file name."""
    if not re.fullmatch(r"\w+", name):
        raise InputError(f"A record's name is letters, digits and _ alone, not {name!r}.")


def keep(
    grid: Grid, folder: Path, name: str, note: str = "", into: Path = results.RECORDED
) -> list[Path]:
    """Record a sweep whose runs are all done and gathered; returns the files.

    Raises
    ------
    InputError
        The runs left no table of results, or the files cannot be written.
    """
    if not (folder / gathered.RESULTS).exists():
        raise InputError(f"Nothing to record: no run of {grid.notebook} left a results.csv.")
    table = results.read(folder / gathered.RESULTS)
    runs = pd.read_csv(
        folder / gathered.SWEEP, keep_default_na=False, na_values={"seed": [""], "minutes": [""]}
    )
    runs["value"] = pd.to_numeric(runs["value"])
    about = _about(grid, runs, name, note)
    files = results.record(name, short(table[table["condition"] != ALL]), about, into)
    whole = results.record(f"{name}_runs", short(_whole_runs(runs, grid)), about, into)
    return [*files, *whole]


def _whole_runs(runs: pd.DataFrame, grid: Grid) -> pd.DataFrame:
    own = ~runs["method"].isin(REFERENCES)
    named = runs.assign(method=gathered.named(runs["method"], runs["label"]))
    # The references are those of every run: once a seed.
    references = named[~own & bool(grid.metrics) & ~named["metric"].isin(grid.metrics)]
    references = references.drop_duplicates(["screen", "method", "condition", "metric", "seed"])
    return pd.concat([references, named[own]], ignore_index=True)


def short(table: pd.DataFrame) -> pd.DataFrame:
    """The table with as many digits as recorded files carry."""
    return table.assign(value=[float(f"{value:.{DIGITS}g}") for value in table["value"]])


def _about(grid: Grid, runs: pd.DataFrame, name: str, note: str) -> dict[str, Any]:
    """What made the tables: enough to make them again, and to see what each run was."""
    entries = runs.drop_duplicates("run")
    command = f"make sweep GRID={grid.path} RECORD={name}"
    return {
        "note": note,
        "command": f'{command} NOTE="…"' if note else command,
        "grid": load_grid(grid.path),
        "parameters": dict(grid.base),
        # What differs from the parameters above, the seed aside.
        "settings": {point.label: dict(point.changed) for point in grid.points},
        "machine": "; ".join(entries["machine"].unique()),
        "versions": "; ".join(entries["versions"].unique()),
        "runs": [
            {
                "run": row.run,
                "label": row.label,
                "seed": None if pd.isna(row.seed) else int(row.seed),
                "minutes": None if pd.isna(row.minutes) else round(float(row.minutes), 2),
                "commit": row.commit or None,
                "device": row.device,
            }
            for row in entries.itertuples()
        ],
    }
