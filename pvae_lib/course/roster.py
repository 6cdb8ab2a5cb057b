"""Who takes the course, and the seed of each student's own data."""

import csv
import hashlib
import io
import re
from collections.abc import Iterable
from pathlib import Path

from pvae_lib.exceptions import InputError
from pvae_lib.files import write_atomically

FILE = "roster.csv"
# Of the plain release, and of anyone who is on no roster.
PLAIN_SEED = 0
SEEDS = 1_000_000
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")


def names(students: str) -> list[str]:
    """The students of `"ada bob"`, or of a file: a name a line, or a CSV with a column `student`.

    Raises
    ------
    InputError
        A name that cannot be a folder's, a name given twice, or a file that holds none.
    """
    # A lone word may name a file; any other text is a list of names.
    words = students.split()
    if len(words) == 1 and Path(words[0]).is_file():
        words = _of_file(Path(words[0]))
    for word in words:
        if not NAME.fullmatch(word):
            raise InputError(
                f"{word!r} cannot name a student: use letters, digits, '.', '_' and '-', since "
                "every student has a folder of that name (a roster file must exist to be read)."
            )
    twice = sorted({word for word in words if words.count(word) > 1})
    if twice:
        raise InputError(f"The student {twice[0]!r} is given twice: names must differ.")
    return words


def _of_file(path: Path) -> list[str]:
    text = path.read_text(encoding="utf-8-sig")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        raise InputError(f"The roster {path} is empty: write a student's name a line.")
    if "student" in [column.strip() for column in lines[0].split(",")]:
        rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
        return [row["student"].strip() for row in rows]
    return lines


def read(course: Path) -> dict[str, int]:
    """Student → seed of a course folder; {} where it has no roster."""
    path = course / FILE
    if not path.exists():
        return {}
    with open(path, newline="", encoding="utf-8") as file:
        return {row["student"]: int(row["seed"]) for row in csv.DictReader(file)}


def enrol(course: Path, students: Iterable[str]) -> dict[str, int]:
    """Add students to a course folder's roster, which it returns; those on it keep their seeds.

    A seed follows from the name, so that the same name has the same data in another folder.
    """
    roster = read(course)
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
