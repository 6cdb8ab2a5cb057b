"""`python -m pvae_lib.runs NOTEBOOK …`: run a notebook into a folder of its own."""

import argparse
import logging
import re
import sys
import time
from pathlib import Path
from typing import Any

import yaml

from pvae_lib.exceptions import InputError
from pvae_lib.runs.execute import NotebookFailed, parameters_of, run_notebook
from pvae_lib.runs.parameters import Parameter, check_names, parse
from pvae_lib.runs.record import read_parameters

TABLE = "table.md"


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status: 2 for what a user can mend, 1 for a failing cell."""
    options = _options(arguments)
    start = time.time()
    folder = Path(options.out or "runs")
    try:
        known = parameters_of(options.notebook)
        parameters = _gather(options, known)
        folder = Path(options.out or Path("runs") / _name(options, known))
        shown = ", ".join(f"{name}={value}" for name, value in parameters.items())
        print(f"Running {options.notebook} ({shown or 'its defaults'}) into {folder}", flush=True)
        run_notebook(options.notebook, parameters, folder)
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    except NotebookFailed as error:
        # A claim that did not hold comes after the numbers that show why: those are wanted.
        _print_table(folder, start)
        print(f"Error: {error}\nThe notebook up to there is in {folder}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        # The cell that was cut off has nobody left to hear of it; asyncio would print it.
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        print(
            f"\nInterrupted. What is done is kept in {folder}; the same command resumes it.",
            file=sys.stderr,
        )
        return 130
    _print_table(folder, start)
    print("\n".join(f"  {p}" for p in sorted(folder.iterdir()) if not p.name.startswith(".")))
    return 0


def _print_table(folder: Path, start: float) -> None:
    """Print the table of this run; one of an earlier run in the same folder would mislead."""
    table = folder / TABLE
    # File systems round times of change, some to two seconds.
    if table.exists() and table.stat().st_mtime >= start - 2:
        print(table.read_text(encoding="utf-8"), flush=True)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pvae_lib.runs", description=__doc__)
    parser.add_argument("notebook", type=Path)
    parser.add_argument(
        "-p",
        dest="values",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="a parameter of the notebook; a list may be written '0 1 2'",
    )
    parser.add_argument(
        "-f",
        dest="files",
        action="append",
        default=[],
        metavar="FILE.yaml",
        help="parameters, or the parameters.yaml of an earlier run; -p goes before -f",
    )
    parser.add_argument("--out", help="the run's folder (default: a name under runs/)")
    return parser.parse_args(arguments)


def _gather(options: argparse.Namespace, known: dict[str, Parameter]) -> dict[str, Any]:
    parameters: dict[str, Any] = {}
    for file in options.files:
        parameters |= read_parameters(file)
    check_names([name for name, _ in options.values], known, options.notebook.name)
    for name, value in options.values:
        try:
            parameters[name] = parse(value, known[name])
        except yaml.YAMLError as error:
            raise InputError(
                f"Cannot read the value {value!r} of the parameter {name!r}."
            ) from error
    return parameters


def _name(options: argparse.Namespace, known: dict[str, Parameter]) -> str:
    """A folder's name that says what was asked for: files, the screen, then other parameters."""
    values = dict(options.values)
    words = [Path(file).stem for file in options.files]
    if "screen" in values:
        words.append(Path(values.pop("screen")).stem)
    elif not words:
        words.append(str(known["screen"].default) if "screen" in known else "defaults")
    if "screen" not in known:
        words.insert(0, options.notebook.stem)
    words += [f"{name}-{value}" for name, value in values.items() if name != "out"]
    return "_".join(re.sub(r"[^A-Za-z0-9.+]+", "-", word).strip("-.") for word in words) or "run"


if __name__ == "__main__":
    sys.exit(main())
