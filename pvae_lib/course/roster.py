"""Who takes the course, and the seed of each student's own data."""

import hashlib
import os
import re
from collections.abc import Iterable
from pathlib import Path

from pvae_lib.course import tables
from pvae_lib.exceptions import InputError
from pvae_lib.files import write_atomically

FILE = "roster.csv"
# Of the plain release, and of anyone who is on no roster.
PLAIN_SEED = 0
SEEDS = 1_000_000
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
# So that a mistyped roster's name enrols nobody.
FILES = (".txt", ".csv", ".tsv", ".xlsx", ".zip")


def names(students: str) -> list[str]:
    """The students of `"ada bob"`, or of a file: a name a line, or a CSV with a column `student`.

    Raises
    ------
    InputError
        A name that cannot be a folder's or is a file's, a name given twice, or a file that cannot
        be read or holds none.
    """
    # What names a file is read; any other text is a list of names.
    given = students.strip()
    words = _of_file(Path(given)) if os.path.isfile(given) else given.split()
    for word in words:
        if not NAME.fullmatch(word) or word.lower().endswith(FILES):
            raise InputError(
                f"{word!r} cannot name a student: use letters, digits, '.', '_' and '-', since "
                "every student has a folder of that name (a roster file must exist to be read)."
            )
    twice = sorted({word for word in words if words.count(word) > 1})
    if twice:
        raise InputError(f"The student {twice[0]!r} is given twice: names must differ.")
    return words


def _of_file(path: Path) -> list[str]:
    text = tables.text_of(path)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    header = lines[0].split(tables.delimiter(text)) if lines else []
    if "student" in [column.strip() for column in header]:
        rows = tables.rows(path, ["student"])
        for line, row in rows:
            if not row["student"]:
                raise InputError(f"Line {line} of {path} names no student.")
        lines = [row["student"] for _, row in rows]
    if not lines:
        raise InputError(f"The roster {path} is empty: write a student's name a line.")
    return lines


def _refuse_alike(names: Iterable[str]) -> None:
    """InputError where two students would have one folder, on whichever system."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise InputError(f"{other!r} and {name!r} differ by case alone: choose other names.")


def read(course: Path) -> dict[str, int]:
    """Student → seed of a course folder; {} where it has no roster."""
    path = course / FILE
    if not path.exists():
        return {}
    return {row["student"]: int(row["seed"]) for _, row in tables.rows(path, ("student", "seed"))}


def enrol(course: Path, students: Iterable[str]) -> dict[str, int]:
    """Add students to a course folder's roster, which it returns; those on it keep their seeds.

    A seed follows from the name, so that the same name has the same data in another folder.
    """
    roster, students = read(course), list(students)
    _refuse_alike([*roster, *students])
    for name in students:
        if name not in roster:
            digest = hashlib.sha256(name.encode()).digest()
            seed = 1 + int.from_bytes(digest[:8], "big") % (SEEDS - 1)
            while seed in roster.values():
                seed = 1 + seed % (SEEDS - 1)
            roster[name] = seed
    with write_atomically(course / FILE) as partial:
        lines = [f"{name},{seed}\n" for name, seed in roster.items()]
        partial.write_text("student,seed\n" + "".join(lines), encoding="utf-8")
    return roster
