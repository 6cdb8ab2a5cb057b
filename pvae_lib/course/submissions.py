"""What was handed in: found, read, checked, and made ready for nbgrader."""

from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from pvae_lib.course import tripwire
from pvae_lib.course.release import INJECTED, SEED, with_seed
from pvae_lib.course.roster import NAME
from pvae_lib.exceptions import InputError, nearest

GRADED, REPAIRED, STOPPED, FAILED, REFUSED = "graded", "repaired", "stopped", "failed", "refused"
UNREADABLE, UNKNOWN, TWICE, NOTHING = "unreadable", "unknown lesson", "handed in twice", "nothing"
NOBODY = "unknown student"


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
        return self.status in (GRADED, REPAIRED)

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
        elif entry.suffix == ".ipynb":
            loose = Submission("", entry.stem, entry)
            loose.report(NOBODY, f"{entry.name} lies in no student's folder")
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
        empty.report(NOTHING, "there is no notebook in the folder")
        others.append(empty)
    return [*found.values(), *others]


def make_ready(
    submission: Submission, reference: nbformat.NotebookNode, seed: int
) -> nbformat.NotebookNode | None:
    """The notebook as it will be graded, or None where it must not run; says so in `submission`.

    Cells of the release that were deleted are put back, the student's seed is set, and altered
    tests are reported (nbgrader restores them).
    """
    try:
        # What nbformat can mend, such as missing cell ids, is no fault of the student's.
        notebook = nbformat.read(submission.path, as_version=4)
        nbformat.validate(notebook)
        cells = notebook.cells
    except Exception as error:  # nbformat raises several kinds for what is no notebook
        first = (str(error).strip() or type(error).__name__).splitlines()[0][:80]
        submission.report(UNREADABLE, f"not a Jupyter notebook ({first})")
        return None
    locked = {name: c for name, c in _named(reference).items() if not _nbgrader(c)["solution"]}
    notebook.cells = [c for c in cells if INJECTED not in c.metadata.get("tags", [])]
    for number, cell in enumerate(cells, 1):  # as the student counts them
        own = cell in notebook.cells and name_of(cell) not in locked
        if own and cell.cell_type == "code":
            for words in dict.fromkeys(tripwire.trips(cell.source, kept=(SEED,))):
                submission.report(REFUSED, f"cell {number} {words}")
    if not submission.runs:
        return None
    handed_in = _named(notebook)
    altered = [n for n, c in locked.items() if n in handed_in and handed_in[n].source != c.source]
    if altered:
        submission.report(REPAIRED, f"altered, so restored: {', '.join(altered)}")
    deleted = _put_back(notebook, reference)
    if deleted:
        submission.report(REPAIRED, f"deleted, so put back empty: {', '.join(deleted)}")
    # Both as released, whatever the student's program wrote: papermill and nbgrader read them.
    notebook.metadata = reference.metadata
    return with_seed(notebook, seed)


def name_of(cell: nbformat.NotebookNode) -> str | None:
    """The name that nbgrader knows a cell by."""
    return _nbgrader(cell).get("grade_id")


def _nbgrader(cell: nbformat.NotebookNode) -> dict:
    found = cell.metadata.get("nbgrader", {})
    return found if isinstance(found, dict) else {}


def _named(notebook: nbformat.NotebookNode) -> dict[str, nbformat.NotebookNode]:
    return {name_of(cell): cell for cell in notebook.cells if name_of(cell)}


def _put_back(notebook: nbformat.NotebookNode, reference: nbformat.NotebookNode) -> list[str]:
    """Insert each named cell of the release that is missing after the one it follows there."""
    deleted, after = [], -1
    for name, cell in _named(reference).items():
        places = [i for i, c in enumerate(notebook.cells) if name_of(c) == name]
        if places:
            after = places[-1]
        else:
            after += 1
            notebook.cells.insert(after, nbformat.from_dict(cell))
            deleted.append(name)
    return deleted
