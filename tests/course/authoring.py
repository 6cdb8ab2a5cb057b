"""Cells of an exercise notebook, with nbgrader's metadata; what builders and tests share."""

import nbformat
from nbformat import v4

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
PARAMETERS = "student: int = 0  # seed of your own data"
GUARD = "from pvae_lib.runs import guard\n\nguard()"


def text(source: str) -> nbformat.NotebookNode:
    """Words to read."""
    return v4.new_markdown_cell(source.strip())


def given(name: str, source: str, *tags: str) -> nbformat.NotebookNode:
    """Code that students run and leave as it is: restored when it is altered."""
    return _code(name, source, *tags, locked=True)


def answer(name: str, source: str) -> nbformat.NotebookNode:
    """Code that students write, its solution between BEGIN SOLUTION and END SOLUTION."""
    return _code(name, source, solution=True)


def graded(name: str, points: int, source: str) -> nbformat.NotebookNode:
    """Tests that score the answer above them, all points or none; some may be hidden."""
    return _code(name, source, locked=True, points=points)


def by_hand(name: str, points: int, source: str) -> nbformat.NotebookNode:
    """An answer in words, marked by hand: a model answer and its rubric as the solution."""
    cell = v4.new_markdown_cell(source.strip())
    cell.metadata = nbformat.from_dict({"nbgrader": _about(name, solution=True, points=points)})
    return cell


def notebook(*cells: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The first cell is the title's; parameters and guard follow it."""
    start = [given("parameters", PARAMETERS, "parameters"), given("guard", GUARD)]
    made = v4.new_notebook(cells=[cells[0], *start, *cells[1:]])
    for number, cell in enumerate(made.cells):
        # The same notebook gives the same bytes.
        cell["id"] = cell.metadata.get("nbgrader", {}).get("grade_id", f"text-{number}")
    made.metadata = nbformat.from_dict({"kernelspec": KERNEL, "language_info": {"name": "python"}})
    return made


def _code(name: str, source: str, *tags: str, **about) -> nbformat.NotebookNode:
    cell = v4.new_code_cell(source.strip("\n"))
    cell.metadata = nbformat.from_dict({"nbgrader": _about(name, **about)})
    if tags:
        cell.metadata["tags"] = list(tags)
    return cell


def _about(name: str, *, locked=False, solution=False, points: int | None = None) -> dict:
    about = {"grade_id": name, "schema_version": 3, "grade": points is not None}
    about |= {"locked": locked, "solution": solution, "task": False}
    return about | ({} if points is None else {"points": points})
