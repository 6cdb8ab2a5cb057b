"""Links between lessons lead somewhere, and the stored map of lesson 00 is that of the folder."""

import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
LESSONS = sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)")


def links(text: str) -> set[str]:
    return set(LINK.findall(text))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.name)
def test_links_in_a_lesson_lead_to_files(path):
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    missing = {link for link in links(text) if not (NOTEBOOKS / link).exists()}
    assert not missing


def test_the_stored_map_lists_the_lessons_that_are_there():
    notebook = nbformat.read(NOTEBOOKS / "00_start_here.ipynb", as_version=4)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = "\n".join(output.get("data", {}).get("text/markdown", "") for output in outputs)
    assert links(shown) == {path.name for path in LESSONS}, (
        "a lesson came or went: make notebooks NOTEBOOKS=notebooks/00_start_here.ipynb"
    )
