"""A tiny notebook with the house's parameters and guard cells."""

import contextlib
import io
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
import yaml

PARAMETERS = """\
# what a run may change
screen: str = "twin"  # which screen
seeds: list[int] = [0]
epochs: int = 2
alpha: float = 0.5
limit: int | None = None
out: str = ""  # the run's folder"""

GUARD = "from pvae_lib.runs import guard\n\nguard()"


def write_notebook(path: Path, *cells: str, parameters: str | None = PARAMETERS) -> Path:
    """A notebook of code cells after the parameters cell and the guard."""
    code = nbformat.v4.new_code_cell
    start = []
    if parameters is not None:
        start = [code(parameters, metadata={"tags": ["parameters"]}), code(GUARD)]
    notebook = nbformat.v4.new_notebook(cells=start + [code(cell) for cell in cells])
    notebook.metadata.kernelspec = {
        "name": "python3",
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
    }
    nbformat.write(notebook, path)
    return path


@pytest.fixture(scope="session")
def notebook_writer():
    """write_notebook, for fixtures that outlive a test."""
    return write_notebook


@pytest.fixture
def make_notebook(tmp_path):
    """Write a tiny notebook of these cells into the test's folder."""

    def make(*cells: str, parameters: str | None = PARAMETERS, name: str = "tiny.ipynb") -> Path:
        return write_notebook(tmp_path / name, *cells, parameters=parameters)

    return make


SWEPT = """\
alpha: float = 0.5
width: int = 2
seed: int = 0
device: str = "cpu"
out: str = ""  # the run's folder"""

# Each execution leaves a line; files named by the point make it wait, or fail.
COUNT = """\
from pathlib import Path
with open("executions.txt", "a") as file:
    file.write(f"{alpha:g} {seed}\\n")"""
STUMBLE = """\
import time
while Path(f"slow-{alpha:g}-{seed}").exists():
    time.sleep(0.1)
assert not Path(f"broken-{alpha:g}-{seed}").exists(), "this point is broken" """
TABLES = """\
from pvae_lib.files import write_atomically
def write(name, rows):
    text = "\\n".join(["screen,method,condition,metric,seed,value", *rows, ""])
    with write_atomically(Path(out, name)) as path:
        path.write_text(text)
values = {("control mean", "nrmse"): 1 + seed, ("Tiny", "nrmse"): 2 + alpha / 3 + seed}
values |= {("control mean", "mmd"): 0.1 + seed, ("Tiny", "mmd"): 0.2 + alpha}
write("results.csv", [
    f"twin,{method},{condition},{metric},{seed},{value + shift}"
    for (method, metric), value in values.items()
    for condition, shift in (("A+B", -0.1), ("C+D", 0.1), ("all", 0))
])
write("training.csv", [f"twin,Tiny,training,kl_iota,{seed},{alpha}"])"""


@pytest.fixture(scope="session")
def sweep_writer():
    """Write a tiny notebook that can be swept, and a grid of it, into a folder."""

    def write(folder: Path, **grid) -> Path:
        write_notebook(folder / "tiny.ipynb", COUNT, STUMBLE, TABLES, parameters=SWEPT)
        content = {"notebook": "tiny.ipynb", "metrics": ["nrmse"]} | grid
        (folder / "grid.yaml").write_text(yaml.safe_dump(content))
        return folder

    return write


@pytest.fixture(scope="session")
def command():
    """Call the sweep's command from where we stand; gives its status and what it printed."""
    from pvae_lib.runs import sweep  # here, for the seconds that its imports take other tests

    def call(*words: object) -> SimpleNamespace:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = sweep.main([str(word) for word in words])
        return SimpleNamespace(status=status, out=out.getvalue(), err=err.getvalue())

    return call
