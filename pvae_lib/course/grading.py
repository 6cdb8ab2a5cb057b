"""`make grade`: submissions run and scored by nbgrader, one table, HTML feedback."""

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pandas as pd

from pvae_lib.course import roster, settings
from pvae_lib.course import submissions as handed_in
from pvae_lib.course.release import lessons
from pvae_lib.course.submissions import Submission
from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.extras import load_extra
from pvae_lib.files import write_atomically
from pvae_lib.runs.execute import KERNEL_ARGUMENTS

TIMEOUT = 60
# A loop that survives its interruption holds the kernel: each later cell would wait as long again.
MOST_TIMEOUTS = 2
TIMED_OUT = "CellTimeoutError"
COLUMNS = ("student", "lesson", "task", "kind", "points", "out_of", "status", "reason")
TESTS, BY_HAND = "tests", "by hand"


def grade(
    course: Path, submissions: Path, *, timeout: int = TIMEOUT, marks: Path | None = None
) -> pd.DataFrame:
    """Grade a folder of submissions; writes scores.csv and feedback/ into the course folder.

    Parameters
    ----------
    course
        The folder that `release` made.
    submissions
        A folder a student, with her notebooks in it.
    timeout
        Seconds that one cell may run.
    marks
        A table of earlier scores with the points of tasks marked by hand filled in.

    Returns
    -------
    A row a student, lesson and graded cell. `kind`: "tests" or "by hand". `points` is empty (NaN)
    where an answer waits to be marked by hand. `status` and `reason` speak of the whole notebook:
    "graded"; "repaired", cells were deleted or altered and are restored; "stopped", a cell ran too
    long; without points: "refused", "unreadable", "failed", "unknown lesson", "unknown student",
    "handed in twice", "nothing".

    Raises
    ------
    InputError
        No course, no submissions, or marks that fit no task.
    """
    course, submissions = Path(course), Path(submissions)
    check_whole(at_least=1, timeout=timeout)
    released = lessons(course)
    references = {name: nbformat.read(path, as_version=4) for name, path in released.items()}
    tasks = {name: list(_tasks(reference)) for name, reference in references.items()}
    given = _read_marks(marks, tasks) if marks else {}
    seeds = roster.read(course)
    rows = []
    with settings.contained(course) as errors:
        for submission in handed_in.collect(submissions, released):
            points: dict[str, float | None] = {}
            if submission.runs:
                seed = seeds.get(submission.student, roster.PLAIN_SEED)
                if seeds and submission.student not in seeds:
                    submission.reasons.append("not on the roster, so graded on the plain release")
                reference = references[submission.lesson]
                notebook = handed_in.make_ready(submission, reference, seed)
                if notebook is not None and _run(course, submission, notebook, timeout, errors):
                    points = _scored(course, submission, given)
            rows += _rows(submission, tasks.get(submission.lesson, []), points)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    with write_atomically(course / "scores.csv") as partial:
        table.to_csv(partial, index=False)
    return table


def _tasks(reference: nbformat.NotebookNode) -> Iterator[tuple[str, str, float]]:
    """(name, kind, points) of every graded cell."""
    for cell in reference.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade"):
            kind = BY_HAND if about["solution"] else TESTS
            yield about["grade_id"], kind, float(about["points"])


def _rows(submission: Submission, tasks: list, points: dict[str, float | None]) -> list[tuple]:
    about = (submission.status, submission.reason)
    if not tasks or submission.status == handed_in.TWICE:
        return [(submission.student, submission.lesson, "", "", 0.0, 0.0, *about)]
    return [
        (submission.student, submission.lesson, task, kind, points.get(task, 0.0), out_of, *about)
        for task, kind, out_of in tasks
    ]


def _run(
    course: Path,
    submission: Submission,
    notebook: nbformat.NotebookNode,
    timeout: int,
    errors: list[str],
) -> bool:
    """Run and score one notebook and write its feedback; False, with the reason, when it died."""
    student, lesson = submission.student, submission.lesson
    for step in ("submitted", "autograded", "feedback"):
        shutil.rmtree(course / step / student / lesson, ignore_errors=True)
    place = course / "submitted" / student / lesson
    place.mkdir(parents=True)
    nbformat.write(notebook, place / f"{lesson}.ipynb")
    del errors[:]
    try:
        bounds = {
            "timeout": timeout,
            # A loop that does not heed its interruption: go on to the next cell, see _giving_up.
            "raise_on_iopub_timeout": False,
            "extra_arguments": KERNEL_ARGUMENTS,
        }
        autograde = settings.converter("Autograde", course, lesson, student, Execute=bounds)
        execute = load_extra("nbgrader.preprocessors", "course").Execute
        autograde.autograde_preprocessors = [
            _giving_up(pp) if pp is execute else pp for pp in autograde.autograde_preprocessors
        ]
        autograde.start()
    except (Exception, SystemExit) as error:  # nbgrader raises and logs in several kinds
        words = errors[0] if errors else str(error)
        if "DeadKernelError" in words:
            words = "the kernel died, most often for want of memory"
        submission.report(handed_in.FAILED, words)
        return False
    executed = nbformat.read(course / "autograded" / student / lesson / f"{lesson}.ipynb", 4)
    for number, cell in enumerate(executed.cells, 1):
        if any(output.get("ename") == TIMED_OUT for output in cell.get("outputs", [])):
            name = handed_in.name_of(cell) or f"cell {number}"
            submission.report(handed_in.STOPPED, f"{name} ran longer than {timeout} s")
    settings.converter("GenerateFeedback", course, lesson, student).start()
    return True


def _giving_up(execute: type) -> type:
    """nbgrader's execution that leaves the other cells out once too many were too slow."""

    class GivingUp(execute):
        def preprocess_cell(self, cell, resources, index):
            if getattr(self, "slow", 0) < MOST_TIMEOUTS or cell.cell_type != "code":
                cell, resources = super().preprocess_cell(cell, resources, index)
                found = [o for o in cell.get("outputs", []) if o.get("ename") == TIMED_OUT]
                self.slow = getattr(self, "slow", 0) + bool(found)
            else:
                words = "An earlier cell did not stop."
                cell.outputs = [
                    nbformat.v4.new_output("error", ename="NotRun", evalue=words, traceback=[words])
                ]
            return cell, resources

    return GivingUp


def _scored(
    course: Path, submission: Submission, given: dict[tuple[str, str, str], float]
) -> dict[str, float | None]:
    """Task → points, None where a mark by hand is missing; marks given are written down first."""
    student, lesson = submission.student, submission.lesson
    with settings.gradebook(course) as book:
        grades = book.find_submission_notebook(lesson, lesson, student).grades
        for one in grades:
            mark = given.get((student, lesson, one.name))
            if mark is not None and one.auto_score is None:
                one.manual_score, one.needs_manual_grade = mark, False
        book.db.commit()
        return {
            one.name: one.auto_score if one.manual_score is None else one.manual_score
            for one in grades
        }


def _read_marks(path: Path, tasks: dict[str, list]) -> dict[tuple[str, str, str], float]:
    """(student, lesson, task) → points of the tasks marked by hand in a filled-in table."""
    if not Path(path).is_file():
        raise InputError(f"There is no table of marks {path}: give the scores.csv you filled in.")
    most = {(lesson, t): out_of for lesson, all_ in tasks.items() for t, kind, out_of in all_
            if kind == BY_HAND}  # fmt: skip
    marks = {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        for number, row in enumerate(csv.DictReader(file), 2):
            key = (row.get("lesson"), row.get("task"))
            if row.get("kind") != BY_HAND or not (row.get("points") or "").strip():
                continue
            try:
                points = float(row["points"])
            except ValueError:
                points = -1.0
            if key not in most or not 0 <= points <= most[key]:
                raise InputError(
                    f"Line {number} of {path} cannot be used: {row['points']!r} points for "
                    f"{key[1]} of {key[0]}, which has {most.get(key, 'no such task')}."
                )
            marks[(row["student"], *key)] = points
    return marks
