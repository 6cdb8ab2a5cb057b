"""Every file of notebooks/params fits the lesson that it is named after."""

from pathlib import Path

import pytest

from pvae_lib.runs.execute import parameters_of
from pvae_lib.runs.parameters import check_names, check_value
from pvae_lib.runs.record import read_parameters

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
FILES = sorted((NOTEBOOKS / "params").glob("*.yaml"))


def lesson_of(file: Path) -> Path:
    """norman2019_full.yaml belongs to 05_norman2019.ipynb."""
    named = [
        path
        for path in NOTEBOOKS.glob("*.ipynb")
        if file.stem.startswith(path.stem.split("_", 1)[1])
    ]
    assert len(named) == 1, f"{file.name} must start with the name of one lesson, found {named}"
    return named[0]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_a_parameter_file_fits_its_lesson(file):
    lesson = lesson_of(file)
    known, given = parameters_of(lesson), read_parameters(file)
    check_names(given, known, lesson.name)
    for name, value in given.items():
        check_value(known[name], value, lesson.name)
