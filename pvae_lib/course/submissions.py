"""What was handed in: found, read, checked, and made ready for nbgrader."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from pvae_lib.course import tripwire
from pvae_lib.course.release import INJECTED, SEED, with_seed
from pvae_lib.course.roster import NAME
from pvae_lib.exceptions import InputError, nearest

GRADED, REPAIRED, STOPPED, FAILED, REFUSED = "graded", "repaired", "stopped", "failed", "refused"
UNREADABLE, UNKNOWN, TWICE, NOTHING = "unreadable", "unknown lesson", "handed in twice", "nothing"
NOBODY, NOT_ENROLLED, NO_PAGE = "unknown student", "not on the roster", "no feedback"
# How students pack what they were given.
ARCHIVES = tuple(ending for _, endings, _ in shutil.get_unpack_formats() for ending in endings)
Notebook = Cell = nbformat.NotebookNode


@dataclass
class Submission:
    """One student's notebook of one lesson, and what became of it.

    status: GRADED, or what was wrong with it; reason: that in words.
    """

    student: str
    lesson: str
    path: Path | None = None
    status: str = GRADED
    reasons: list[str] = field(default_factory=list)

    @property
    def reason(self) -> str:
        return "; ".join(self.reasons)

    @property
    def runs(self) -> bool:
        """Whether there is something to run."""
        return self.status in (GRADED, REPAIRED, NOT_ENROLLED)

    def report(self, status: str, reason: str) -> None:
        self.status = status
        self.reasons.append(reason)


def collect(folder: Path, released: dict[str, Path]) -> list[Submission]:
    """Everything in a folder of submissions, FOLDER/STUDENT/…/LESSON.ipynb, in order.

    Raises
    ------
    InputError
        No such folder, or nothing in it.
    """
    if not folder.is_dir():
        raise InputError(f"There is no folder {folder}: SUBMISSIONS needs a folder a student.")
    found = []
    for entry in sorted(p for p in folder.iterdir() if not p.name.startswith((".", "__"))):
        if entry.is_dir():
            found += _of_student(entry, released)
        elif entry.name.endswith((".ipynb", *ARCHIVES)):
            loose = Submission("", entry.stem, entry)
            loose.report(NOBODY, f"{entry.name} lies in no student's folder{_unpack(entry)}")
            found.append(loose)
    if not found:
        raise InputError(f"{folder} holds no submissions: it needs a folder a student.")
    return found


def _of_student(folder: Path, released: dict[str, Path]) -> list[Submission]:
    paths = [p for p in folder.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts]
    paths.sort(key=lambda p: (len(p.parts), p))
    found: dict[str, Submission] = {}
    others = []
    for path in paths:
        submission = Submission(folder.name, path.stem, path)
        if not NAME.fullmatch(folder.name):
            submission.report(NOBODY, "a student's folder has only letters, digits, '.', '_', '-'")
            others.append(submission)
        elif path.stem not in released:
            hint = nearest(path.stem, released)
            submission.report(UNKNOWN, f"no lesson is called {path.stem}; {hint}")
            others.append(submission)
        elif path.stem in found:
            graded = found[path.stem].path.relative_to(folder)
            submission.report(TWICE, f"{path.relative_to(folder)} is left out; {graded} counts")
            others.append(submission)
        else:
            found[path.stem] = submission
    if not paths:
        empty = Submission(folder.name, "")
        packed = "".join(_unpack(path) for path in sorted(folder.rglob("*")))
        empty.report(NOTHING, f"there is no notebook in the folder{packed}")
        others.append(empty)
    return [*found.values(), *others]


def _unpack(path: Path) -> str:
    return f": unpack {path.name}" if path.name.endswith(ARCHIVES) else ""


def make_ready(submission: Submission, reference: Notebook, seed: int) -> Notebook | None:
    """The notebook as it will be graded, or None where it must not run; says so in `submission`.

    Cells of the release that were deleted are put back, of several copies of one the others lose
    its name, the student's seed is set, and altered tests are reported (nbgrader restores them).
    """
    try:
        # What nbformat can mend, such as missing cell ids, is no fault of the student's.
        notebook = nbformat.read(submission.path, as_version=4)
        nbformat.validate(notebook)
        cells = [c for c in notebook.cells if not _injected(c)]
    except Exception as error:  # nbformat raises several kinds for what is no notebook
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:80]
        submission.report(UNREADABLE, f"not a Jupyter notebook ({first})")
        return None
    released = _named(reference)
    locked = {name for name, cell in released.items() if not _nbgrader(cell)["solution"]}
    for number, cell in enumerate(notebook.cells, 1):  # as the student counts them
        name = name_of(cell)
        # An answer is code where it was released as code, whatever it was turned into.
        code = "code" in (cell.cell_type, released[name].cell_type if name in released else "")
        if code and name not in locked and not _injected(cell):
            for words in dict.fromkeys(tripwire.trips(cell.source, kept=(SEED,))):
                submission.report(REFUSED, f"cell {number} {words}")
    if not submission.runs:
        return None
    counting = {name: cell for name in released if (cell := _counting(name, cells, released[name]))}
    altered = [n for n, c in counting.items() if n in locked and _differ(c, released[n])]
    if altered:
        submission.report(REPAIRED, f"altered, so restored: {', '.join(altered)}")
    _strip(submission, notebook, cells, counting, released, locked)
    deleted = _put_back(notebook, released)
    if deleted:
        submission.report(REPAIRED, f"deleted, so put back empty: {', '.join(deleted)}")
    # As released, whatever the student's program wrote: papermill and nbgrader read it.
    notebook.metadata = reference.metadata
    return with_seed(notebook, seed)


def name_of(cell: Cell) -> str | None:
    """The name that nbgrader knows a cell by."""
    name = _nbgrader(cell).get("grade_id")
    return name if isinstance(name, str) else None


def _nbgrader(cell: Cell) -> dict:
    found = cell.metadata.get("nbgrader", {})
    return found if isinstance(found, dict) else {}


def _injected(cell: Cell) -> bool:
    """Whether it is the cell that sets the seed; some programs lose its tag."""
    return INJECTED in cell.metadata.get("tags", []) or cell.get("id") == INJECTED


def _named(notebook: Notebook) -> dict[str, Cell]:
    return {name_of(cell): cell for cell in notebook.cells if name_of(cell)}


def _differ(cell: Cell, released: Cell) -> bool:
    return cell.source != released.source


def _counting(name: str, cells: list[Cell], released: Cell) -> Cell | None:
    """Of all copies of a cell the one that counts."""
    copies = [cell for cell in cells if name_of(cell) == name]
    if _nbgrader(released)["solution"]:
        # The last, as nbgrader has it, but not an untouched one below an answer.
        copies.sort(key=lambda cell: _differ(cell, released))
    else:
        # A program that copies a cell gives the copy another id.
        copies.sort(key=lambda cell: cell.get("id") == released.get("id"))
    return copies[-1] if copies else None


def _strip(
    submission: Submission,
    notebook: Notebook,
    cells: list[Cell],
    counting: Mapping[str, Cell],
    released: Mapping[str, Cell],
    locked: set[str],
) -> None:
    """Leave the cells that are run: metadata as released, and none in the student's own.

    Else a tag or a name that she changed would decide where the seed is set and what is scored.
    """
    notebook.cells, copied = [], set()
    for cell in cells:
        name = name_of(cell)
        counts = counting.get(name) is cell
        if name in released and not counts:
            copied.add(name)
        if counts or name not in locked:
            about = released[name].metadata if counts else {}
            cell.metadata = nbformat.from_dict(about)
            notebook.cells.append(cell)
    if copied:
        names = ", ".join(name for name in released if name in copied)
        submission.report(REPAIRED, f"in several copies, of which one counts: {names}")


def _put_back(notebook: Notebook, released: Mapping[str, Cell]) -> list[str]:
    """Insert each named cell of the release that is missing after the one it follows there."""
    deleted, after = [], -1
    for name, cell in released.items():
        places = [i for i, c in enumerate(notebook.cells) if name_of(c) == name]
        if places:
            after = places[-1]
        else:
            after += 1
            notebook.cells.insert(after, nbformat.from_dict(cell))
            deleted.append(name)
    return deleted
