"""What students get: no solution, no hidden test, data of their own; nothing outside the folder."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest

from pvae_lib.course import release, roster
from pvae_lib.course.__main__ import main
from pvae_lib.exceptions import InputError

EXERCISES = Path(__file__).resolve().parents[2] / "notebooks" / "exercises"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    return folder, release(folder, ["ada", "bob", "eve"])


def inside(source: str, what: str) -> list[str]:
    """The lines between BEGIN and END of a kind."""
    kept, on = [], False
    for line in source.splitlines():
        if f"BEGIN {what}" in line or f"END {what}" in line:
            on = f"BEGIN {what}" in line
        elif on and len(line.strip()) > 12:
            kept.append(line.strip())
    return kept


def test_every_lesson_is_released(course):
    assert sorted(course[1]) == sorted(path.stem for path in EXERCISES.glob("*.ipynb"))


@pytest.mark.parametrize("path", sorted(EXERCISES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_solution_and_no_hidden_test_is_left(course, path):
    cells = nbformat.read(path, as_version=4).cells
    released = course[1][path.stem].read_text(encoding="utf-8")
    given = "\n".join(c.source for c in nbformat.read(course[1][path.stem], as_version=4).cells)
    secret = [x for c in cells for what in ("SOLUTION", "HIDDEN TESTS") for x in
              inside(c.source, what)]  # fmt: skip
    shown = [c.source for c in cells if "BEGIN" not in c.source]
    # What stands in given code as well is no secret.
    secret = [line for line in secret if not any(line in source for source in shown)]
    assert len(secret) >= 10
    public = [line for c in cells for line in outside(c.source)]
    assert [line for line in secret if line in given and line not in public] == []
    for word in ("BEGIN ", "END ", "SOLUTION", "HIDDEN", "Rubric", "Model answer"):
        assert word not in released


def outside(source: str) -> list[str]:
    """The lines that are between no BEGIN and END."""
    hidden = inside(source, "SOLUTION") + inside(source, "HIDDEN TESTS")
    return [line.strip() for line in source.splitlines() if line.strip() not in hidden]


def test_data_differ_by_student_and_nothing_else(course):
    folder, released = course
    seeds = roster.read(folder)
    assert len({0, *seeds.values()}) == 4
    for name, path in released.items():
        plain = nbformat.read(path, as_version=4)
        for student, seed in seeds.items():
            own = nbformat.read(folder / "students" / student / f"{name}.ipynb", as_version=4)
            (injected,) = [
                c for c in own.cells if "injected-parameters" in c.metadata.get("tags", [])
            ]
            assert injected.source == f"# Parameters\nstudent = {seed}\n"
            rest = [c.source for c in own.cells if c is not injected]
            assert rest == [c.source for c in plain.cells]


def test_zips_hold_what_the_folders_hold(course):
    folder, released = course
    for archive, files in [
        ("exercises.zip", released.values()),
        ("students/ada.zip", (folder / "students" / "ada").iterdir()),
    ]:
        with zipfile.ZipFile(folder / archive) as found:
            held = {name: found.read(name) for name in found.namelist()}
        assert held == {f"exercises/{path.name}": path.read_bytes() for path in files}


def test_made_again_it_is_the_same_and_keeps_the_roster(toy, tmp_path):
    def made(students):
        release(tmp_path, students, toy.source.parent)
        return {p: (tmp_path / p).read_bytes() for p in ("exercises.zip", "students/ada.zip")}

    first = made(["ada", "bob"])
    assert made(["eve"]) == first
    assert list(roster.read(tmp_path)) == ["ada", "bob", "eve"]
    # The name alone decides the seed, here as in another course.
    assert roster.read(tmp_path)["ada"] == roster.read(toy.course)["ada"]


def test_a_roster_may_be_a_file(tmp_path):
    (tmp_path / "plain").write_text("ada\n\nbob\n")
    (tmp_path / "table.csv").write_text("group, student\n1, ada\n2, bob\n")
    for name in ("plain", "table.csv"):
        assert roster.names(str(tmp_path / name)) == ["ada", "bob"]
    assert roster.names("ada bob") == ["ada", "bob"] and roster.names("") == []


@pytest.mark.parametrize(
    ("students", "message"),
    [
        ("../ada", "cannot name a student"),
        ("ada ada", "given twice"),
        ("no/file.csv", "must exist"),
    ],
)
def test_names_that_cannot_be_are_refused(students, message):
    with pytest.raises(InputError, match=message):
        roster.names(students)


def test_a_source_that_cannot_be_released_is_named(toy, tmp_path, capsys):
    arguments = ["release", "--course", str(tmp_path / "c"), "--sources", str(tmp_path / "s")]
    assert main(arguments) == 2
    assert "no exercises" in capsys.readouterr().err
    (tmp_path / "s").mkdir()
    notebook = nbformat.read(toy.source, as_version=4)
    parameters, source = notebook.cells[1], notebook.cells[1].source
    parameters.source = "pupil: int = 0"
    nbformat.write(notebook, tmp_path / "s" / "01_toy.ipynb")
    assert main(arguments) == 2
    assert "no parameter `student: int = 0`" in capsys.readouterr().err
    parameters.source = source
    notebook.cells[3].source += "\n### BEGIN SOLUTION"
    nbformat.write(notebook, tmp_path / "s" / "01_toy.ipynb")
    assert main(arguments) == 2
    assert "cannot release 01_toy" in capsys.readouterr().err


def test_nothing_is_written_outside_the_course_folder(toy, tmp_path):
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    toy.hand_in(tmp_path / "in", "ada")
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "IPYTHON", "XDG"))}
    for words in (
        ["release", "--sources", str(toy.source.parent), "--students", "ada"],
        ["grade", str(tmp_path / "in")],
    ):
        command = [sys.executable, "-m", "pvae_lib.course", *words, "--course", "course"]
        done = subprocess.run(
            command, cwd=folder, env=clean | {"HOME": str(home)}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stderr == ""
    assert "ada 01_toy: 3 of 6, 3 to mark by hand" in done.stdout
    assert list(home.rglob("*")) == []
    assert [path.name for path in folder.iterdir()] == ["course"]
