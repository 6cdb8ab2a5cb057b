"""The lessons keep to the conventions; and the checks of that do find breaches."""

from collections import Counter
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import nbformat
import pytest

HERE = Path(__file__).resolve().parent
NOTEBOOKS = sorted((HERE.parents[1] / "notebooks").glob("*.ipynb"))

_spec = spec_from_file_location("lessons", HERE / "lessons.py")
lessons = module_from_spec(_spec)
_spec.loader.exec_module(lessons)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_lesson_keeps_to_the_conventions(path):
    assert not lessons.breaches(path)


def test_no_helper_is_defined_in_two_lessons():
    names = Counter(name for path in NOTEBOOKS for name in set(lessons.functions(path)))
    twice = [name for name, count in names.items() if count > 1]
    assert not twice, f"move into pvae_lib: {twice}"


def good() -> nbformat.NotebookNode:
    """A lesson that keeps to everything."""
    v4 = nbformat.v4
    picture = v4.new_output(
        "display_data",
        data={"image/png": "iVBORw0KGgo=", "text/plain": "<Figure>"},
        metadata={"image/png": {"alt": "Two lines that cross in the middle."}},
    )
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    cells = [
        v4.new_markdown_cell("# A lesson\n\nTakes 3 minutes on a laptop."),
        v4.new_code_cell("epochs: int = 2  # passes", metadata={"tags": ["parameters"]}),
        v4.new_code_cell("from pvae_lib.runs import guard\n\nguard()"),
        v4.new_code_cell("draw()", outputs=[picture]),
        v4.new_markdown_cell("## Exercises\n\n1. One.\n2. Two.\n3. Three.\n\n## What is next"),
    ]
    for number, cell in enumerate(cells[1:4], 1):
        cell.execution_count = number
    return v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def check(notebook: nbformat.NotebookNode, folder: Path, name: str = "01_x.ipynb") -> list[str]:
    nbformat.write(notebook, folder / name)
    return lessons.breaches(folder / name)


def test_a_good_lesson_passes(tmp_path):
    assert check(good(), tmp_path) == []


def _stream(notebook, name, text):
    notebook.cells[3].outputs.append(nbformat.v4.new_output("stream", name=name, text=text))


def _set(notebook, number, **values):
    notebook.cells[number].update(values)


@pytest.mark.parametrize(
    ("spoil", "breach"),
    [
        (lambda n: _set(n, 3, execution_count=7), "first to last"),
        (lambda n: _stream(n, "stderr", "a warning"), "stderr"),
        (lambda n: _stream(n, "stdout", "saved /home/ada/runs/x"), "path of one machine"),
        (lambda n: _set(n, 3, source="x = 1\n" * 21), "over 20 lines"),
        (lambda n: _set(n, 3, source="import os; os.environ['PVAE_DATA']"), "nbval-ignore-output"),
        (lambda n: n.cells[3].metadata.update(tags=["raises-exception"]), "unknown tag"),
        (lambda n: n.cells[3].metadata.update(execution={"iopub.execute_input": "x"}), "times"),
        (lambda n: n.cells[3].outputs[0].metadata.clear(), "alternative text"),
        (lambda n: n.metadata.update(widgets={}), "widget"),
        (lambda n: n.metadata.kernelspec.update(name="pvae"), "python3"),
        (lambda n: n.cells[1].metadata.clear(), "0 cells are tagged"),
        (lambda n: _set(n, 1, source="epochs = 2"), "name: type = literal"),
        (lambda n: _set(n, 2, source="import os"), "not the guard"),
        (lambda n: _set(n, 0, source="A lesson of 3 minutes"), "title"),
        (lambda n: _set(n, 0, source="# A lesson"), "minutes"),
        (lambda n: _set(n, 0, source="# A lesson, 3 minutes ![](x.png)"), "image in the text"),
        (
            lambda n: _set(n, 4, source="## Exercises\n1. One.\n2. Two.\n## Next\n1. a"),
            "fewer than 3",
        ),
        (lambda n: n.cells.pop(), "headings `Exercises`"),
    ],
)
def test_a_breach_is_found(tmp_path, spoil, breach):
    notebook = good()
    spoil(notebook)
    found = check(notebook, tmp_path)
    assert len(found) == 1 and breach in found[0], found


def test_a_large_file_is_found(tmp_path):
    notebook = good()
    notebook.cells[3].outputs[0].data["image/png"] = "A" * lessons.LARGEST
    assert "1 MB" in check(notebook, tmp_path)[0]
