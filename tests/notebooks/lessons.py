"""What every lesson keeps to; each check gives the breaches that it finds, in words."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat

from pvae_lib.runs.parameters import declared

LONGEST_CELL = 20
LARGEST = 1_000_000
GUARD = "guard()"
# A page of orientation: it runs no experiment, so it has nothing to set and nothing to practise.
ORIENTATION = "00_start_here.ipynb"
MACHINE_PATH = re.compile(r"(/home/|/root/|/Users/|/tmp/|/var/folders/|/work/|[A-Z]:\\+Users)")
TAGS = {"parameters", "nbval-ignore-output", "nbval-skip", "hide-input"}


def breaches(path: Path) -> list[str]:
    """Everything that a lesson does against the conventions."""
    notebook = nbformat.read(path, as_version=4)
    found = list(_stored(notebook)) + list(_cells(notebook)) + list(_figures(notebook))
    found += list(_text(notebook))
    if path.stat().st_size >= LARGEST:
        found.append("the file has 1 MB or more: smaller figures, or fewer")
    if path.name != ORIENTATION:
        found += list(_parameters(notebook)) + list(_exercises(notebook))
    return found


def functions(path: Path) -> list[str]:
    """The names of functions and classes that a lesson defines."""
    names = []
    for cell in _code(nbformat.read(path, as_version=4)):
        plain = "\n".join(x for x in cell.source.splitlines() if not x.startswith(("%", "!")))
        definitions = (ast.FunctionDef, ast.ClassDef)
        names += [node.name for node in ast.parse(plain).body if isinstance(node, definitions)]
    return names


def _code(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _markdown(notebook) -> str:
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def _stored(notebook) -> Iterator[str]:
    counts = [cell.execution_count for cell in _code(notebook)]
    if counts != list(range(1, len(counts) + 1)):
        yield "not executed from first to last cell: make notebooks"
    if "widgets" in notebook.metadata:
        yield "an orphan widget is stored: use pvae_lib.progress.bar, then make notebooks"
    if notebook.metadata.get("kernelspec", {}).get("name") != "python3":
        yield "the kernel's name is not python3: make notebooks"
    for number, cell in enumerate(_code(notebook), 1):
        if "execution" in cell.metadata or "papermill" in cell.metadata:
            yield f"cell {number} stores times: make notebooks"
        for output in cell.outputs:
            if output.output_type == "error" or output.get("name") == "stderr":
                yield f"cell {number} stores an error or stderr"
            if MACHINE_PATH.search(_words(output)):
                yield f"the output of cell {number} names a path of one machine"


def _words(output) -> str:
    data = output.get("data", {})
    return str(output.get("text", "")) + "".join(
        str(value) for kind, value in data.items() if kind.startswith("text/")
    )


def _cells(notebook) -> Iterator[str]:
    for number, cell in enumerate(_code(notebook), 1):
        tags = set(cell.metadata.get("tags", []))
        if len([line for line in cell.source.splitlines() if line.strip()]) > LONGEST_CELL:
            yield f"cell {number} has over {LONGEST_CELL} lines that are not blank"
        if tags - TAGS:
            yield f"cell {number} has the unknown tag {sorted(tags - TAGS)}"
        if MACHINE_PATH.search(cell.source):
            yield f"cell {number} names a path of one machine"
        if "PVAE_DATA" in cell.source and not tags & {"nbval-ignore-output", "nbval-skip"}:
            yield f"cell {number} reads PVAE_DATA without the tag nbval-ignore-output"


def _parameters(notebook) -> Iterator[str]:
    cells = _code(notebook)
    tagged = [i for i, cell in enumerate(cells) if "parameters" in cell.metadata.get("tags", [])]
    if len(tagged) != 1:
        yield f"{len(tagged)} cells are tagged parameters, not 1"
        return
    if declared(cells[tagged[0]].source) is None:
        yield "the parameters cell holds more than lines `name: type = literal`"
    after = cells[tagged[0] + 1].source if tagged[0] + 1 < len(cells) else ""
    if "pvae_lib.runs import guard" not in after or GUARD not in after:
        yield "the cell after the parameters is not the guard"


def _figures(notebook) -> Iterator[str]:
    for number, cell in enumerate(_code(notebook), 1):
        for output in cell.outputs:
            if "image/png" not in output.get("data", {}):
                continue
            alt = output.metadata.get("image/png", {}).get("alt", "")
            if len(alt) < 20:
                yield f"a figure of cell {number} has no alternative text: use figures.show"


def _text(notebook) -> Iterator[str]:
    text = _markdown(notebook)
    if not text.lstrip().startswith("# "):
        yield "does not open with a title"
    if not re.search(r"\d+ (minutes?|min)\b", text[:3000]):
        yield "does not say at the start how many minutes it takes"
    if re.search(r"!\[\s*\]\(", text):
        yield "an image in the text has no alternative text"


def _exercises(notebook) -> Iterator[str]:
    parts = re.split(r"^#+ .*exercises.*$", _markdown(notebook), flags=re.MULTILINE | re.IGNORECASE)
    if len(parts) != 2:
        yield f"{len(parts) - 1} headings `Exercises`, not 1"
        return
    section = re.split(r"^##? ", parts[1], flags=re.MULTILINE)[0]
    if len(re.findall(r"^(?:\d+\. |[-*] |#{3,} )", section, re.MULTILINE)) < 3:
        yield "fewer than 3 exercises"
