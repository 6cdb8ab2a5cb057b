"""`make course`: from source notebooks with solutions to what students get."""

import shutil
import zipfile
from collections.abc import Iterable
from pathlib import Path

import nbformat

from pvae_lib.course import roster, settings
from pvae_lib.exceptions import InputError
from pvae_lib.files import write_atomically
from pvae_lib.runs.execute import parameters_of
from pvae_lib.runs.lock import alone

EXERCISES = Path(__file__).resolve().parents[2] / "notebooks" / "exercises"
SEED = "student"
INJECTED = "injected-parameters"
BUSY = "Another release or grading"


def release(
    course: Path, students: Iterable[str] = (), sources: Path = EXERCISES
) -> dict[str, Path]:
    """Generate the student release of every source notebook, and a set a student on the roster.

    The course folder gets source/ (a copy, with solutions), release/ (LESSON/LESSON.ipynb),
    exercises.zip (the same), students/NAME/ and students/NAME.zip (with the seed of her data),
    roster.csv, gradebook.db and nbgrader_config.py. The same call again makes all of it anew,
    without lessons that have no source any more, and keeps roster and grades.

    Returns
    -------
    Lesson → its notebook in the release.

    Raises
    ------
    InputError
        No source notebooks, one without the parameter `student`, one that nbgrader refuses, or
        one in which graded cells were added, removed or renamed although submissions were graded
        in this folder (texts and points may change). Or the folder is at work or cannot be written.
    """
    course = Path(course)
    found = sorted(Path(sources).glob("*.ipynb"))
    if not found:
        raise InputError(f"There are no exercises in {sources}: no notebook LESSON.ipynb.")
    for path in found:
        if SEED not in parameters_of(path):
            raise InputError(f"{path} has no parameter `{SEED}: int = 0`, the seed of a student.")
    with alone(course, BUSY), settings.contained(course) as errors:
        settings.prepare(course)
        _drop_others(course, {path.stem for path in found})
        released = {}
        for path in found:
            source = course / "source" / path.stem / path.name
            source.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, source)
            released[path.stem] = _generate(course, path.stem, errors)
        _zip(course / "exercises.zip", list(released.values()))
        for name, seed in roster.enrol(course, students).items():
            folder = course / "students" / name
            folder.mkdir(parents=True, exist_ok=True)
            for path in released.values():
                own = with_seed(nbformat.read(path, as_version=4), seed)
                nbformat.write(own, folder / path.name)
            # Not with_suffix: a name may hold a dot.
            archive = folder.with_name(f"{name}.zip")
            _zip(archive, [folder / path.name for path in released.values()])
    return released


def _drop_others(course: Path, lessons: set[str]) -> None:
    """Remove what an earlier release left of lessons that are none any more."""
    for kind in ("source", "release"):
        for folder in (course / kind).glob("*"):
            if folder.is_dir() and folder.name not in lessons:
                shutil.rmtree(folder)
    for notebook in (course / "students").glob("*/*.ipynb"):
        if notebook.stem not in lessons:
            notebook.unlink()


def lessons(course: Path) -> dict[str, Path]:
    """Lesson → its notebook in the release of a course folder.

    Raises
    ------
    InputError
        The folder holds no release.
    """
    found = sorted((course / "release").glob("*/*.ipynb"))
    if not found or not (course / "gradebook.db").exists():
        raise InputError(f"{course} holds no course: make course first, or give its folder.")
    return {path.stem: path for path in found}


def with_seed(notebook: nbformat.NotebookNode, seed: int) -> nbformat.NotebookNode:
    """The notebook with the seed set by papermill, in place of any that was set before."""
    from papermill.parameterize import parameterize_notebook

    kept = [c for c in notebook.cells if INJECTED not in c.metadata.get("tags", [])]
    notebook = nbformat.from_dict({**notebook, "cells": kept})
    if seed == roster.PLAIN_SEED:
        return notebook
    # papermill expects what its own reader adds.
    notebook.metadata["papermill"] = {}
    for cell in notebook.cells:
        cell.metadata.setdefault("tags", [])
    notebook = parameterize_notebook(notebook, {SEED: seed})
    del notebook.metadata["papermill"]
    (injected,) = [c for c in notebook.cells if INJECTED in c.metadata["tags"]]
    injected["id"] = INJECTED  # a random one would make every release another file
    return notebook


def _generate(course: Path, lesson: str, errors: list[str]) -> Path:
    del errors[:]
    try:
        settings.converter("GenerateAssignment", course, lesson).start()
    except (Exception, SystemExit) as error:  # nbgrader raises and logs in several kinds
        reason = errors[0] if errors else str(error)
        raise InputError(f"nbgrader cannot release {lesson}: {reason}") from error
    return course / "release" / lesson / f"{lesson}.ipynb"


def _zip(path: Path, files: Iterable[Path]) -> None:
    with write_atomically(path) as partial, zipfile.ZipFile(partial, "w") as archive:
        for file in files:
            # A fixed time: the same release gives the same bytes.
            entry = zipfile.ZipInfo(f"exercises/{file.name}", (2026, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, file.read_bytes(), zipfile.ZIP_DEFLATED)
