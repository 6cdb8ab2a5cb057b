"""Submissions made from a release: answers filled in, spoilt, handed in."""

from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat


def named(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    """nbgrader's name → cell."""
    cells = [c for c in notebook.cells if "nbgrader" in c.metadata]
    return {c.metadata["nbgrader"]["grade_id"]: c for c in cells}


def solutions(source: Path) -> dict[str, str]:
    """Name → solution of every answer of a source notebook."""
    cells = named(nbformat.read(source, as_version=4))
    return {n: c.source for n, c in cells.items() if c.metadata["nbgrader"]["solution"]}


def hand_in(
    released: Path, target: Path, answers: Mapping[str, str], change: Callable | None = None
) -> None:
    """Write a released notebook with these answers (name → source), changed further if asked."""
    notebook = nbformat.read(released, as_version=4)
    for name, source in answers.items():
        named(notebook)[name].source = source.strip("\n")
    if change:
        change(notebook)
    target.parent.mkdir(parents=True, exist_ok=True)
    nbformat.write(notebook, target)
