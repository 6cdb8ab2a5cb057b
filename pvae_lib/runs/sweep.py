"""`python -m pvae_lib.runs.sweep GRID.yaml`: every run of a grid by Snakemake, then one table."""

import argparse
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.files import write_atomically
from pvae_lib.runs import gathered, record
from pvae_lib.runs.grid import Grid, read_grid
from pvae_lib.runs.keep import check_name, keep
from pvae_lib.runs.lock import alone

SNAKEFILE = Path(__file__).resolve().parents[2] / "workflow" / "Snakefile"
# -n may stand among other letters of Snakemake that take no value: "-np", "-kn".
DRY_RUN = re.compile(r"--dry-?run|-[kpfFqtvaeSDl]*n[a-zA-Z]*")


def main(arguments: list[str] | None = None) -> int:
    """The command; its exit status is 0 when every run is done, 2 for what a user can mend."""
    options, snakemake_options = _options(arguments)
    try:
        check_whole(cores=options.cores)
        if options.record:
            check_name(options.record)
        grid = read_grid(options.grid)
        folder = Path(options.out or Path("runs") / grid.path.stem).absolute()
        print(f"{len(grid.points)} runs of {grid.notebook} into {folder}", flush=True)
        status = sweep(grid, folder, options.cores, snakemake_options)
        if any(map(DRY_RUN.fullmatch, snakemake_options)):
            return status
        failed = gathered.write(grid, folder)
        print(f"{len(grid.points) - len(failed)} of {len(grid.points)} runs are done: {folder}")
        for name, reason in failed.items():
            print(f"  {name}: {reason}", file=sys.stderr)
        _warn_of_other_code(grid, folder)
        if options.record:
            _record(grid, folder, options.record, options.note, len(failed))
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nInterrupted. What is done is kept; the same command resumes it.", file=sys.stderr)
        return 130
    return status or int(bool(failed))


def _warn_of_other_code(grid: Grid, folder: Path) -> None:
    today = record.commit()
    for commit, n in gathered.commits(grid, folder).items():
        if commit != today:
            print(
                f"  {n} of them by the code of commit {commit}, today's is {today}: to make them "
                f"anew, delete their folders (column `commit` of {gathered.SWEEP}) or choose "
                "another for the sweep (--out).",
                file=sys.stderr,
            )


def _record(grid: Grid, folder: Path, name: str, note: str, missing: int) -> None:
    if missing:
        raise InputError(
            f"Not recorded as {name}: {missing} of {len(grid.points)} runs (above) are not done. "
            "The same command goes on with them."
        )
    for file in keep(grid, folder, name, note):
        print(f"  {file}")


def sweep(grid: Grid, folder: Path, cores: int, more: Sequence[str] = ()) -> int:
    """Run what is not done yet; returns Snakemake's exit status.

    A run's folder under `folder` is named by its parameters. A failed run does not stop the others;
    it, and one that was killed, starts again at its last checkpoint when the sweep is called again.

    A run that is done is not made again, whatever has changed since but its parameters and the
    notebook's name: neither code, nor what the notebook says, nor a file of data is part of its
    folder's name. The command warns of runs made by another commit than today's; to make them anew,
    delete their folders or choose another.

    Parameters
    ----------
    cores
        How many runs at once, one thread each.
    more
        Further options for Snakemake: `--profile …` for a cluster, `--dry-run`.

    Raises
    ------
    InputError
        Snakemake is not installed, the folder cannot be written, or a sweep is running there.
    """
    if importlib.util.find_spec("snakemake") is None:
        raise InputError(
            "Sweeps need Snakemake: pip install --constraint constraints.txt --editable '.[sweep]'."
        )
    # Snakemake's own lock outlives a kill -9 and would refuse to resume; this one does not.
    with alone(folder, "Another sweep"):
        _write_points(grid, folder)
        process = subprocess.Popen(_command(grid, folder, cores, more))
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()  # Snakemake heard the Ctrl-C too, and ends its runs in good order
            raise


def _command(grid: Grid, folder: Path, cores: int, more: Sequence[str]) -> list[str]:
    config = {"folder": folder, "notebook": grid.notebook, "root": Path.cwd()}
    return [
        *(sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE)),
        *("--directory", str(folder), "--cores", str(cores)),
        *("--keep-going", "--rerun-incomplete", "--rerun-triggers", "mtime", "--nolock"),
        *("--quiet", "rules", "host", "reason"),
        *more,
        *("--config", *(f"{name}={value}" for name, value in config.items())),
    ]


def _write_points(grid: Grid, folder: Path) -> None:
    for point in grid.points:
        with write_atomically(folder / "points" / f"{point.name}.yaml") as path:
            path.write_text(yaml.safe_dump(dict(point.parameters), sort_keys=False))
    with write_atomically(folder / "points.yaml") as path:
        labels = {p.name: {"label": p.label, "seed": p.seed} for p in grid.points}
        path.write_text(yaml.safe_dump(labels, sort_keys=False))


def _options(arguments: list[str] | None) -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="python -m pvae_lib.runs.sweep",
        description=__doc__,
        epilog="Any other option goes to Snakemake: --profile workflow/profiles/slurm, --dry-run.",
    )
    parser.add_argument("grid", help="the grid file (see pvae_lib.runs.grid)")
    parser.add_argument("--out", help="the sweep's folder (default: the grid's name under runs/)")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="runs at once")
    parser.add_argument("--record", metavar="NAME", help="keep the tables in notebooks/results/")
    parser.add_argument("--note", default="", help="what a reader of that record should know")
    return parser.parse_known_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
