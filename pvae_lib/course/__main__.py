"""`python -m pvae_lib.course release|grade …`: what `make course` and `make grade` call."""

import argparse
import sys
from pathlib import Path

import pandas as pd

from pvae_lib.course import roster
from pvae_lib.course.grading import TIMEOUT, grade
from pvae_lib.course.release import EXERCISES, release
from pvae_lib.course.submissions import GRADED
from pvae_lib.exceptions import InputError


def main(arguments: list[str] | None = None) -> int:
    """The command; 2 for what its user can mend, 1 when a submission was not as it should be, or
    is missing."""
    options = _options(arguments)
    try:
        return options.run(options)
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2


def _release(options: argparse.Namespace) -> int:
    students = roster.names(options.students)
    released = release(options.course, students, options.sources)
    print(f"{len(released)} lessons released: {', '.join(released)}")
    print(f"  {options.course / 'exercises.zip'}: the same data for everyone")
    enrolled = roster.read(options.course)
    if enrolled:
        print(f"  {options.course / 'students'}: a folder and a zip for {len(enrolled)} students")
    return 0


def _grade(options: argparse.Namespace) -> int:
    table = grade(options.course, options.submissions, timeout=options.timeout, marks=options.marks)
    for (student, lesson), rows in table.groupby(["student", "lesson"], sort=False):
        for status, part in rows.groupby("status", sort=False):
            print(_line(student, lesson, status, part), flush=True)
    print(f"Scores: {options.course / 'scores.csv'}; feedback: {options.course / 'feedback'}")
    return int((table["status"] != GRADED).any())


def _line(student: str, lesson: str, status: str, rows: pd.DataFrame) -> str:
    waiting = rows[rows["points"].isna()]
    points, out_of = rows["points"].sum(), rows["out_of"].sum()
    words = f"{student or '(nobody)'} {lesson}".strip() + f": {points:g} of {out_of:g}"
    if len(waiting):
        words += f", {waiting['out_of'].sum():g} to mark by hand"
    reason = rows["reason"].iloc[0]
    return f"{words}; {status}: {reason}" if reason else words


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pvae_lib.course", description=__doc__)
    commands = parser.add_subparsers(required=True)
    making = commands.add_parser("release", help="generate what students get")
    making.add_argument("--students", default="", help="names, or a file of them")
    making.add_argument("--sources", type=Path, default=EXERCISES)
    making.set_defaults(run=_release)
    grading = commands.add_parser("grade", help="grade a folder of submissions")
    grading.add_argument("submissions", type=Path)
    grading.add_argument("--timeout", type=int, default=TIMEOUT, help="seconds a cell may run")
    grading.add_argument("--marks", type=Path, help="scores.csv with marks by hand filled in")
    grading.set_defaults(run=_grade)
    for command in (making, grading):
        command.add_argument("--course", type=Path, default=Path("runs") / "course")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
