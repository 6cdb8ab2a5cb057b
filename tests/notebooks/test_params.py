"""Every file of notebooks/params fits a lesson."""

from pathlib import Path

import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.runs.execute import parameters_of
from pvae_lib.runs.grid import read_grid
from pvae_lib.runs.parameters import check_names, check_value
from pvae_lib.runs.record import read_parameters

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
GRIDS = sorted((NOTEBOOKS / "params").glob("grid_*.yaml"))
FILES = sorted(set((NOTEBOOKS / "params").glob("*.yaml")) - set(GRIDS))


def misfit(file: Path, lesson: Path) -> str | None:
    """Why the lesson refuses the file's parameters, if it does."""
    try:
        known, given = parameters_of(lesson), read_parameters(file)
        check_names(given, known, lesson.name)
        for name, value in given.items():
            check_value(known[name], value, lesson.name)
    except InputError as error:
        return str(error)
    return None


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_parameter_file_fits_a_lesson(file):
    reasons = [misfit(file, lesson) for lesson in sorted(NOTEBOOKS.glob("*.ipynb"))]
    assert None in reasons, reasons


@pytest.mark.parametrize("file", GRIDS, ids=lambda file: file.name)
def test_every_point_of_a_grid_fits_its_notebook(file, monkeypatch):
    monkeypatch.chdir(NOTEBOOKS.parent)  # a grid names its notebook from there
    assert len(read_grid(file).points) > 1
