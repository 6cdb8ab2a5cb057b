"""Lessons run in place: clean outputs, or the file as it was."""

import nbformat
import pytest

from pvae_lib.runs.refresh import main

STREAMS = """\
import os, sys
from tqdm import tqdm
for _ in tqdm(range(3)):
    pass
print("data" if "PVAE_DATA" in os.environ else "no data", epochs)"""


@pytest.fixture(autouse=True)
def other_environment(monkeypatch):
    """refresh changes the variables of its own process, which here is the tests'."""
    monkeypatch.setenv("PVAE_DATA", "somewhere")
    monkeypatch.setenv("PVAE_PROGRESS", "1")


def test_what_is_stored_is_the_same_anywhere(make_notebook, capsys):
    path = make_notebook(STREAMS)
    before = nbformat.read(path, as_version=4)
    before.cells[2].metadata = {"tags": ["nbval-ignore-output"], "execution": {"a": "time"}}
    before.metadata["widgets"] = {}
    nbformat.write(before, path)
    assert main([str(path)]) == 0
    after = nbformat.read(path, as_version=4)
    assert [cell.execution_count for cell in after.cells] == [1, 2, 3]
    assert [dict(cell.metadata) for cell in after.cells] == [
        {"tags": ["parameters"]},
        {},
        {"tags": ["nbval-ignore-output"]},
    ]
    assert [(o.name, o.text) for o in after.cells[2].outputs] == [("stdout", "no data 2\n")]
    assert set(after.metadata) == {"kernelspec", "language_info"}
    assert after.metadata.kernelspec.name == "python3"
    assert [cell.id for cell in after.cells] == [cell.id for cell in before.cells]


def test_a_failing_lesson_is_left_as_it_was(make_notebook, capsys):
    path = make_notebook("1 / 0")
    before = path.read_bytes()
    assert main([str(path)]) == 1
    assert path.read_bytes() == before
    assert "ZeroDivisionError" in capsys.readouterr().err
