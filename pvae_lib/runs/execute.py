"""One run of a notebook: parameters checked, a folder for what it leaves, an HTML page."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nbformat

from pvae_lib.exceptions import InputError
from pvae_lib.runs import export, record
from pvae_lib.runs.lock import alone
from pvae_lib.runs.parameters import Parameter, check_names, check_value, declared

# The kernel's own log shares the terminal: a warning at each start, a traceback at each Ctrl-C.
# What a cell raises or writes comes back by another way.
KERNEL_ARGUMENTS = ["--log-level=CRITICAL"]


class NotebookFailed(RuntimeError):
    """A cell raised something that is no InputError; the message ends with its traceback."""


def parameters_of(notebook: str | os.PathLike) -> dict[str, Parameter]:
    """The parameters that a notebook file declares.

    Raises
    ------
    InputError
        The file is missing, is no notebook, or has no cell of typed assignments tagged
        `parameters`.
    """
    path = Path(notebook)
    try:
        cells = nbformat.read(path, as_version=4).cells
    except OSError as error:
        raise InputError(f"Cannot read the notebook {path}: {error.strerror}.") from error
    except Exception as error:  # nbformat raises several kinds for what is no notebook
        raise InputError(f"{path} is not a Jupyter notebook.") from error
    for cell in cells:
        if "parameters" in cell.metadata.get("tags", []):
            found = declared(cell.source)
            if found is not None:
                return found
    raise InputError(
        f"{path} has no cell tagged `parameters` that holds only lines `name: type = default`."
    )


def run_notebook(
    notebook: str | os.PathLike,
    parameters: Mapping[str, Any],
    out: str | os.PathLike,
    *,
    quiet: bool = False,
) -> Path:
    """Execute a notebook with these parameters and keep everything it leaves in the folder `out`.

    The folder gets the executed notebook (up to the failing cell, should one fail), the same as one
    HTML page, `parameters.yaml`, and whatever the notebook writes into its own parameter `out`,
    which is set to the folder: by custom `results.csv` and `table.md`, the latter printed at the
    end. The same call again resumes an interrupted run, as far as the notebook keeps checkpoints.

    Relative paths among the parameters are meant from the current folder, where the kernel runs.

    Returns
    -------
    The folder.

    Raises
    ------
    InputError
        Nothing was started: an unknown or wrongly typed parameter, an unwritable folder, a folder
        that holds a run with other parameters or in which a run is at work. Or the notebook itself
        met such an error.
    NotebookFailed
        A cell failed otherwise.
    KeyboardInterrupt
        Ctrl-C; the folder keeps what is done.
    """
    notebook, folder = Path(notebook), Path(out).absolute()
    known = parameters_of(notebook)
    check_names(parameters, known, notebook.name)
    for name, value in parameters.items():
        check_value(known[name], value, notebook.name)
    asked = {name: value for name, value in parameters.items() if name != "out"}
    defaults = {name: p.default for name, p in known.items() if name != "out"}
    given = asked | ({"out": str(folder)} if "out" in known else {})
    with alone(folder, "Another run"):
        record.refuse_other_run(folder, notebook, defaults | asked)
        _recorded_run(notebook, given, defaults | asked, folder, quiet)
    return folder


def _recorded_run(
    notebook: Path, given: Mapping[str, Any], whole: Mapping[str, Any], folder: Path, quiet: bool
) -> None:
    facts = record.facts(notebook, whole, folder)
    record.write(folder, facts)
    start = time.monotonic()
    status = "failed"
    try:
        _execute(notebook, given, folder, quiet)
        status = "finished"
    except KeyboardInterrupt:
        status = "interrupted"
        raise
    finally:
        facts |= {"status": status, "minutes": round((time.monotonic() - start) / 60, 2)}
        _finish(folder, notebook.name, facts)


def _execute(notebook: Path, parameters: Mapping[str, Any], folder: Path, quiet: bool) -> None:
    import papermill
    from nbclient.exceptions import DeadKernelError
    from nbconvert.filters import strip_ansi

    # Bars are silent in a kernel unless asked for; papermill hands its stderr to the terminal.
    before = os.environ.get("PVAE_PROGRESS")
    os.environ["PVAE_PROGRESS"] = "0" if quiet else (before or "1")
    try:
        papermill.execute_notebook(
            str(notebook),
            str(folder / notebook.name),
            parameters=dict(parameters),
            kernel_name="python3",
            progress_bar=False,
            stderr_file=None if quiet else sys.stderr,
            extra_arguments=KERNEL_ARGUMENTS,
        )
    except papermill.PapermillExecutionError as error:
        if error.ename == "InputError":
            raise InputError(error.evalue) from None
        raise NotebookFailed(
            f"Cell {error.exec_count} of {notebook.name} failed: {error.ename}: {error.evalue}\n"
            + strip_ansi("\n".join(error.traceback))
        ) from None
    except DeadKernelError as error:
        raise NotebookFailed(
            f"The kernel of {notebook.name} died; most often the machine ran out of memory. "
            "Smaller data or fewer seeds at once may fit."
        ) from error
    except OSError as error:
        raise InputError(
            f"Cannot write into {folder}: {error.strerror or error}. "
            "Free some space there or choose another folder."
        ) from error
    finally:
        if before is None:
            del os.environ["PVAE_PROGRESS"]
        else:
            os.environ["PVAE_PROGRESS"] = before


def _finish(folder: Path, name: str, facts: Mapping[str, Any]) -> None:
    record.write(folder, facts)
    executed = folder / name
    if not executed.exists():
        return
    notebook = nbformat.read(executed, as_version=4)
    export.tidy(notebook)
    nbformat.write(notebook, executed)
    export.write_html(notebook, executed.with_suffix(".html"))
