"""Exercise notebooks keep to the conventions that apply to them."""

from pathlib import Path

import nbformat
import pytest

TESTS = Path(__file__).resolve().parents[1]
NOTEBOOKS = TESTS.parent / "notebooks"
SOURCES = sorted((NOTEBOOKS / "exercises").glob("*.ipynb"))


@pytest.fixture(scope="module")
def lessons(load):
    return load(TESTS / "notebooks" / "lessons.py")


def breaches(path: Path, lessons) -> list[str]:
    """Everything that an exercise notebook does against the conventions, in words."""
    notebook = nbformat.read(path, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    found = [*lessons._cells(notebook), *lessons._parameters(notebook), *lessons._text(notebook)]
    if "is refused unrun" not in notebook.cells[0].source:
        found.append("does not say what is refused when it is handed in")
    if not (NOTEBOOKS / path.name).exists():
        found.append("no lesson has this name")
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        found.append("the kernel's name is not python3")
    if any(cell.outputs or cell.execution_count for cell in code):
        found.append("outputs are stored: they show the solution")
    abouts = [cell.metadata.get("nbgrader", {}) for cell in notebook.cells]
    names = [about["grade_id"] for about in abouts if "grade_id" in about]
    if len(names) != len(set(names)):
        found.append("two cells have one name")
    for number, cell in enumerate(code, 1):
        about = cell.metadata.get("nbgrader", {})
        if not (about.get("locked") or about.get("solution")):
            found.append(f"cell {number} is neither locked nor an answer")
        if about.get("solution") and "BEGIN SOLUTION" not in cell.source:
            found.append(f"cell {number} is an answer without a solution")
        if "plt.show" in cell.source or "%matplotlib" in cell.source:
            found.append(f"cell {number} shows a figure without words: use figures.show")
    graded = [about for about in abouts if about.get("grade")]
    by_hand = [about for about in graded if about.get("solution")]
    if len(graded) < 3 or not by_hand or len(by_hand) == len(graded):
        found.append("needs three graded tasks, by tests and by hand")
    hidden = [cell for cell in code if "BEGIN HIDDEN TESTS" in cell.source]
    if not hidden:
        found.append("no test is hidden")
    words = "\n".join(c.source for c in notebook.cells if c.cell_type == "markdown")
    if by_hand and ("Rubric" not in words or "full answer" not in words):
        found.append(
            "a task marked by hand needs a rubric, and *A full answer* says … for students"
        )
    return found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_exercises_keep_to_the_conventions(path, lessons):
    assert breaches(path, lessons) == []


@pytest.mark.parametrize(
    ("spoil", "breach"),
    [
        (lambda n: n.cells[1].update(source="student = 0"), "name: type = literal"),
        (lambda n: n.cells[2].update(source="import os"), "not the guard"),
        (lambda n: n.cells[3].update(execution_count=1), "outputs are stored"),
        (lambda n: n.cells[3].metadata.clear(), "neither locked"),
        (lambda n: n.cells[3].update(source="x = 1\n" * 21), "over 20 lines"),
        (lambda n: n.cells[3].update(source="plt.show()"), "figures.show"),
        (lambda n: n.cells[0].update(source="# Exercises"), "minutes"),
        (lambda n: n.cells[0].update(source="# Exercises"), "what is refused"),
        (lambda n: n.metadata.kernelspec.update(name="pvae"), "python3"),
    ],
)
def test_a_breach_is_found(tmp_path, lessons, spoil, breach):
    notebook = nbformat.read(SOURCES[0], as_version=4)
    spoil(notebook)
    nbformat.write(notebook, tmp_path / SOURCES[0].name)
    assert any(breach in words for words in breaches(tmp_path / SOURCES[0].name, lessons))
