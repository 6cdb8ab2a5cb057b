"""`make grade`: submissions run and scored by nbgrader, one table, HTML feedback."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
import pandas as pd

from pvae_lib.course import feedback, roster, running, settings, tables
from pvae_lib.course import marks as by_hand
from pvae_lib.course import submissions as handed_in
from pvae_lib.course.marks import BY_HAND, SCORES
from pvae_lib.course.release import BUSY, lessons
from pvae_lib.course.submissions import Notebook, Submission
from pvae_lib.exceptions import InputError, check_whole, nearest
from pvae_lib.files import write_atomically
from pvae_lib.runs.lock import alone

TIMEOUT = 60
COLUMNS = ("student", "lesson", "task", "kind", "points", "out_of", "status", "reason", "answer")
TESTS = "tests"


def grade(
    course: Path, submissions: Path, *, timeout: int = TIMEOUT, marks: Path | None = None
) -> pd.DataFrame:
    """Grade a folder of submissions; writes scores.csv and feedback/ into the course folder.

    scores.csv is written after each submission. It keeps the rows of lessons that were graded
    before and are not in this folder. Marks by hand are kept in marks.csv and in the gradebook,
    each for the answer that was marked.

    Parameters
    ----------
    course
        The folder that `release` made.
    submissions
        A folder a student, with her notebooks in it; outside the course folder.
    timeout
        Seconds that one cell may run.
    marks
        A table of earlier scores with the points of tasks marked by hand filled in. Those filled
        in in the course folder's own scores.csv count without it.

    Returns
    -------
    A row a student, lesson and graded cell of this folder, and one for each student on the roster
    of whom nothing was ever handed in. `kind`: "tests" or "by hand". `points` is empty (NaN)
    where an answer waits to be marked by hand, and `answer` stands for that answer. `status` and
    `reason` speak of the whole notebook: "graded"; "repaired", cells were deleted, altered or
    copied and are as released again; "stopped", a cell ran too long; "not on the roster", graded
    on the plain release; "no feedback", graded without a page; without points: "refused",
    "unreadable", "failed", "unknown lesson", "unknown student", "handed in twice", "nothing".

    Raises
    ------
    InputError
        No course, no submissions or such as lie in the course folder, another process at work in
        it, or marks that cannot be read or fit no task.
    """
    course, submissions = Path(course), Path(submissions)
    check_whole(at_least=1, timeout=timeout)
    released = lessons(course)
    references = {name: nbformat.read(path, as_version=4) for name, path in released.items()}
    tasks = {name: list(_tasks(reference)) for name, reference in references.items()}
    if submissions.resolve().is_relative_to(course.resolve()):
        raise InputError(
            f"{submissions} lies in the course folder, where grading keeps its own copies: "
            "put the submissions into a folder elsewhere."
        )
    found = handed_in.collect(submissions, released)
    with alone(course, BUSY), settings.contained(course) as errors:
        most = {(lesson, task): out_of for lesson in tasks for task, kind, out_of in tasks[lesson]
                if kind == BY_HAND}  # fmt: skip
        kept = by_hand.gather(course, most, marks)
        seeds, earlier, rows = roster.read(course), _earlier(course, kept), []
        for submission in found:
            reference = references.get(submission.lesson)
            points, answers = _graded(course, submission, reference, seeds, kept, timeout, errors)
            rows += _rows(submission, tasks.get(submission.lesson, []), points, answers)
            earlier = [old for old in earlier if old[:2] != (submission.student, submission.lesson)]
            _write(course, [*earlier, *rows])
        present = {row[0] for row in [*earlier, *rows]}
        for student in [name for name in seeds if name not in present]:
            absent = Submission(student, "")
            absent.report(handed_in.NOTHING, "on the roster, and nothing was handed in")
            rows += _rows(absent, [], {}, {})
        _write(course, [*earlier, *rows])
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _tasks(reference: Notebook) -> Iterator[tuple[str, str, float]]:
    """(name, kind, points) of every graded cell."""
    for cell in reference.cells:
        about = cell.metadata.get("nbgrader", {})
        if about.get("grade"):
            kind = BY_HAND if about["solution"] else TESTS
            yield about["grade_id"], kind, float(about["points"])


def _graded(
    course: Path,
    submission: Submission,
    reference: Notebook | None,
    seeds: dict[str, int],
    kept: by_hand.Marks,
    timeout: int,
    errors: list[str],
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Grade one submission, whatever it holds; (task → points, task → its answer's fingerprint)."""
    points, answers = {}, {}
    if not submission.runs:
        return points, answers
    if seeds and submission.student not in seeds:
        words = f"so graded on the plain release; {nearest(submission.student, seeds)}"
        submission.report(handed_in.NOT_ENROLLED, f"not on the roster, {words}")
    running.forget(course, submission)
    del errors[:]
    try:
        seed = seeds.get(submission.student, roster.PLAIN_SEED)
        notebook = handed_in.make_ready(submission, reference, seed)
        if notebook is not None:
            running.run(course, submission, notebook, timeout)
            points, answers = by_hand.settle(course, submission, kept)
    except (Exception, SystemExit) as error:  # nbgrader raises and logs in several kinds
        words = _words(error, errors)
        if "DeadKernelError" in words:
            words = "the kernel died, most often for want of memory"
        submission.report(handed_in.FAILED, words)
    if not points:
        running.forget(course, submission)
        running.void(course, submission)
        return points, answers
    del errors[:]
    try:
        feedback.write(course, submission.student, submission.lesson)
    except (Exception, SystemExit) as error:
        submission.report(handed_in.NO_PAGE, f"no feedback page: {_words(error, errors)}")
    return points, answers


def _words(error: BaseException, errors: list[str]) -> str:
    """What went wrong, in a line."""
    if errors:
        return errors[0]
    return f"{type(error).__name__}: {str(error).strip()[:200]}".rstrip(": ")


def _rows(
    submission: Submission,
    tasks: list[tuple[str, str, float]],
    points: dict[str, float | None],
    answers: dict[str, str],
) -> list[tuple]:
    student, lesson = submission.student, submission.lesson
    about = (submission.status, submission.reason)
    if not tasks or submission.status == handed_in.TWICE:
        return [(student, lesson, "", "", 0.0, 0.0, *about, "")]
    return [
        (student, lesson, task, kind, points.get(task, 0.0), out_of, *about, answers.get(task, ""))
        for task, kind, out_of in tasks
    ]


def _earlier(course: Path, kept: by_hand.Marks) -> list[tuple]:
    """The rows of earlier gradings, with the marks given since; none of what had no tasks."""
    path, found = course / SCORES, []
    for _, row in tables.rows(path, COLUMNS) if path.exists() else []:
        if row["task"]:
            points = row["points"].replace(",", ".")  # as some spreadsheets save them
            row["points"] = kept.get(tuple(row[name] for name in by_hand.KEY), points)
            row["out_of"] = row["out_of"].replace(",", ".")
            found.append(tuple(row[name] for name in COLUMNS))
    return found


def _write(course: Path, rows: Iterable[tuple]) -> None:
    with write_atomically(course / SCORES) as partial:
        ordered = sorted(rows, key=lambda row: row[:2])
        pd.DataFrame(ordered, columns=list(COLUMNS)).to_csv(partial, index=False)
