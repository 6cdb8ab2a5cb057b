"""The guard, by itself and through the real commands that run notebooks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.runs.notebook_guard import check_cells, guard

CELL = "epochs: int = 2\nseeds: list[int] = [0]"
VALUES = {"epochs": 2, "seeds": [0]}


def test_no_kernel_no_check():
    guard()


def test_defaults_and_known_names_pass():
    check_cells(["", "import os", CELL], VALUES)
    check_cells(["", CELL, "# Parameters\nepochs = 3\n"], VALUES | {"epochs": 3})


def test_unknown_injected_name():
    with pytest.raises(InputError, match="'epoch'.*did you mean 'epochs'"):
        check_cells(["", CELL, "# Parameters\nepoch = 3\n"], VALUES | {"epoch": 3})


def test_wrong_type_injected_or_edited_by_hand():
    with pytest.raises(InputError, match="'epochs'.*must be int.*1.5"):
        check_cells(["", CELL], VALUES | {"epochs": 1.5})


def test_the_last_parameters_cell_counts():
    old = ["", "epoch: int = 2", "# Parameters\nepoch = 3\n", "guard()"]
    check_cells([*old, CELL], VALUES)


def test_without_a_parameters_cell_it_says_what_to_do():
    with pytest.raises(InputError, match="run the cell above"):
        check_cells(["", "import os"], {})


def command(*words: str, cwd: Path) -> subprocess.CompletedProcess:
    """One of this environment's own commands, as a user would type it."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        words, cwd=cwd, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=300
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            ["-p", "epoch", "5"],
            "InputError: Unknown parameter 'epoch' of this notebook: did you mean",
        ),
        (["-p", "epochs", "many"], "InputError: Parameter 'epochs' of this notebook must be int"),
        (["-p", "seeds", "[0, 1]"], "write -y 'seeds: [0, 1]'"),
    ],
)
def test_papermill_fails_before_the_first_real_cell(make_notebook, given, message):
    notebook = make_notebook("open('started', 'w')")
    done = command("papermill", notebook.name, "out.ipynb", *given, cwd=notebook.parent)
    assert done.returncode != 0
    assert message in done.stderr
    assert not (notebook.parent / "started").exists()


def test_papermill_passes_with_right_parameters(make_notebook):
    notebook = make_notebook("assert (epochs, seeds, alpha) == (5, [0, 1], 1)")
    given = ["-p", "epochs", "5", "-p", "alpha", "1", "-y", "seeds: [0, 1]"]
    done = command("papermill", notebook.name, "out.ipynb", *given, cwd=notebook.parent)
    assert done.returncode == 0, done.stderr


def test_plain_runs_and_nbval_pass(make_notebook):
    notebook = make_notebook("assert epochs == 2")
    execute = ["jupyter", "nbconvert", "--to", "notebook", "--execute", "--inplace", notebook.name]
    done = command(*execute, cwd=notebook.parent)
    assert done.returncode == 0, done.stderr
    plain = ["pytest", "-q", "-p", "no:cacheprovider", "--nbval", notebook.name]
    done = command(*plain, cwd=notebook.parent)
    assert done.returncode == 0, done.stdout
    assert "3 passed" in done.stdout
