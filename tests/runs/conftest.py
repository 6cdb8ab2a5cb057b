"""A tiny notebook with the house's parameters and guard cells."""

from pathlib import Path

import nbformat
import pytest

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
