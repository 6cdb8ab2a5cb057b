"""The guard cell: a misspelt or wrongly typed parameter stops the notebook before it starts.

papermill injects what it is given in a cell of its own after the `parameters` cell. An unknown name
makes it warn and go on, so the default would be used without a word. The guard therefore looks,
from inside the kernel, at what was run before it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from pvae_lib.exceptions import InputError
from pvae_lib.runs.parameters import assigned, check_names, check_value, declared

# How papermill opens the cell that it injects.
INJECTED = "# Parameters\n"


def guard() -> None:
    """Check this notebook's parameters; belongs in the cell straight after the `parameters` cell.

    Raises
    ------
    InputError
        A name was injected that the parameters cell does not declare, a value is not of the
        declared type, or no parameters cell was run before this one.
    """
    try:
        from IPython import get_ipython
    except ImportError:
        return
    shell = get_ipython()
    if shell is None:  # a plain script has no cells
        return
    history = shell.user_ns["In"]
    if len(history) < 2:  # nbval keeps no history; it injects nothing either
        return
    check_cells(history[:-1], shell.user_ns)


def check_cells(cells: Sequence[str], values: Mapping[str, Any]) -> None:
    """The guard's work on the cells run so far (the guard's own left out) and their variables.

    The last parameters cell counts, so that a reader may edit it and run it again; an injected cell
    counts only when it came after.
    """
    injected: list[str] = []
    for source in reversed(cells):
        if source.startswith(INJECTED):
            injected += assigned(source)
            continue
        parameters = declared(source)
        if parameters is None:
            continue
        check_names(injected, parameters, "this notebook")
        for parameter in parameters.values():
            check_value(parameter, values[parameter.name], "this notebook")
        return
    raise InputError(
        "No parameters cell was run before guard(): run the cell above this one first."
    )
