"""Marks by hand: read from filled-in tables and the gradebook, kept with the answer they are for.

An answer has a fingerprint, which stands beside it in scores.csv. A mark is kept under it, in
marks.csv, so that it holds for that answer alone: another answer waits for a mark of its own.
"""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from pvae_lib.course import running, settings, tables
from pvae_lib.course.submissions import Submission, name_of
from pvae_lib.exceptions import InputError
from pvae_lib.extras import load_extra
from pvae_lib.files import write_atomically

FILE, SCORES = "marks.csv", "scores.csv"
BY_HAND = "by hand"
KEY = ("student", "lesson", "task", "answer")
COLUMNS = (*KEY, "kind", "points")
# (student, lesson, task, fingerprint of the answer) → points
Marks = dict[tuple[str, str, str, str], float]


def gather(course: Path, most: Mapping[tuple[str, str], float], given: Path | None) -> Marks:
    """All marks so far: those kept, those of the formgrader, those filled in since.

    Parameters
    ----------
    most
        (lesson, task) → its points, of the tasks marked by hand.
    given
        A table of earlier scores with marks filled in. Those filled in in the course folder's own
        scores.csv count too.

    Raises
    ------
    InputError
        A table that cannot be read, or a mark that fits no task or no answer.
    """
    kept, table = _kept(course), course / SCORES
    own = _read(table, most, {lesson for lesson, _ in most}) if table.exists() else {}
    # Only what differs was filled in; what does not may have been changed in the formgrader.
    filled = {key: points for key, points in own.items() if kept.get(key) != points}
    filled |= _read(given, most) if given else {}
    with settings.gradebook(course) as book:
        for key, grade in _of_answers(course, book):
            if grade.manual_score is not None:
                kept[key] = grade.manual_score
            if key in filled:
                grade.manual_score, grade.needs_manual_grade = filled[key], False
        book.db.commit()
    kept |= filled
    with write_atomically(course / FILE) as partial:
        lines = [",".join((*key, f"{points:g}")) for key, points in kept.items()]
        partial.write_text("\n".join([",".join((*KEY, "points")), *lines, ""]), encoding="utf-8")
    return kept


def settle(
    course: Path, submission: Submission, kept: Marks
) -> tuple[dict[str, float | None], dict[str, str]]:
    """Give a graded submission its marks; (task → points or None, task → answer's fingerprint).

    The answers are those that can be marked by hand: untouched ones have no points already.
    """
    student, lesson = submission.student, submission.lesson
    answers = dict(_answers(course, student, lesson))
    with settings.gradebook(course) as book:
        grades = book.find_submission_notebook(lesson, lesson, student).grades
        for one in grades:
            if one.name in answers:
                key = (student, lesson, one.name, answers[one.name])
                one.manual_score = kept.get(key)
                one.needs_manual_grade = one.auto_score is None and key not in kept
                if one.needs_manual_grade and any(other[:3] == key[:3] for other in kept):
                    submission.reasons.append(f"{one.name} was changed after it was marked")
        book.db.commit()
        points = {
            one.name: one.auto_score if one.manual_score is None else one.manual_score
            for one in grades
        }
        unanswered = {one.name for one in grades if one.auto_score is not None}
    return points, {name: a for name, a in answers.items() if name not in unanswered}


def _answers(course: Path, student: str, lesson: str) -> Iterator[tuple[str, str]]:
    """(task, fingerprint) of every answer marked by hand, as it was graded last."""
    utils = load_extra("nbgrader.utils", "course")
    for cell in running.executed(course, student, lesson).cells:
        if utils.is_grade(cell) and utils.is_solution(cell):
            # A letter first: a spreadsheet would read 12e45678 as a number.
            yield name_of(cell), "a" + utils.compute_checksum(cell)[:11]


def _of_answers(course: Path, book) -> Iterator[tuple[tuple[str, str, str, str], object]]:
    """(key of a mark, its grade in the gradebook) for every answer graded so far."""
    missing = load_extra("nbgrader.api", "course").MissingEntry
    for path in sorted((course / "autograded").glob("*/*/*.ipynb")):
        student, lesson = path.parts[-3:-1]
        try:
            answers = list(_answers(course, student, lesson))
        except ValueError:  # half written when a grading was killed; it is graded anew
            continue
        for task, answer in answers:
            with contextlib.suppress(missing):  # a gradebook that was begun anew
                grade = book.find_grade(task, lesson, lesson, student)
                yield (student, lesson, task, answer), grade


def _kept(course: Path) -> Marks:
    path = course / FILE
    rows = tables.rows(path, (*KEY, "points")) if path.exists() else []
    return {tuple(row[name] for name in KEY): float(row["points"]) for _, row in rows}


def _read(
    path: Path, most: Mapping[tuple[str, str], float], lessons: set[str] | None = None
) -> Marks:
    """The marks of a filled-in table; of these lessons alone, where they are given."""
    marks = {}
    for line, row in tables.rows(Path(path), COLUMNS):
        task = (row["lesson"], row["task"])
        if row["kind"] != BY_HAND or not row["points"]:
            continue
        if lessons is not None and row["lesson"] not in lessons:
            continue
        try:
            points = float(row["points"].replace(",", "."))
        except ValueError:
            points = -1.0
        if task not in most or not 0 <= points <= most[task]:
            raise InputError(
                f"Line {line} of {path} cannot be used: {row['points']!r} points for "
                f"{task[1]} of {task[0]}, which has {most.get(task, 'no such task')}."
            )
        if points and not row["answer"]:
            raise InputError(
                f"Line {line} of {path} cannot be used: {row['student']} has no answer to "
                f"{task[1]} of {task[0]} that could be marked."
            )
        if row["answer"]:
            marks[tuple(row[name] for name in KEY)] = points
    return marks
