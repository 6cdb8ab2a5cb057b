"""What students get: no solution, no hidden test, data of their own; nothing outside the folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path

import nbformat
import pytest

from pvae_lib.course import release, roster
from pvae_lib.course.__main__ import main
from pvae_lib.exceptions import InputError
from pvae_lib.runs.lock import alone

EXERCISES = Path(__file__).resolve().parents[2] / "notebooks" / "exercises"


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    folder = tmp_path_factory.mktemp("course")
    return folder, release(folder, ["ada", "bob", "eve"])


def parted(source: str) -> tuple[list[str], list[str]]:
    """The lines (outside, inside) what lies between a BEGIN and its END."""
    parts, hidden = ([], []), False
    for line in source.splitlines():
        if "### BEGIN " in line or "### END " in line:
            hidden = "### BEGIN " in line
        elif len(line.strip()) > 12:
            parts[hidden].append(line.strip())
    return parts


def test_every_lesson_is_released(course):
    assert sorted(course[1]) == sorted(path.stem for path in EXERCISES.glob("*.ipynb"))


@pytest.mark.parametrize("path", sorted(EXERCISES.glob("*.ipynb")), ids=lambda path: path.stem)
def test_no_solution_and_no_hidden_test_is_left(course, path):
    source, given = (nbformat.read(p, as_version=4).cells for p in (path, course[1][path.stem]))
    parts = [parted(cell.source) for cell in source]
    # By place: of each hidden line no more copies are left than stand in the open.
    left = Counter(line.strip() for cell in given for line in cell.source.splitlines())
    shown = Counter(line for public, _ in parts for line in public)
    secret = {line for _, hidden in parts for line in hidden}
    assert len(secret) >= 10
    assert [line for line in secret if left[line] > shown[line]] == []
    released = course[1][path.stem].read_text(encoding="utf-8")
    for word in ("BEGIN ", "END ", "SOLUTION", "HIDDEN", "Rubric", "Model answer"):
        assert word not in released


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


def test_names_with_a_dot_have_a_zip_each(toy, tmp_path):
    students = ["ada.byron", "ada.lovelace"]
    release(tmp_path, students, toy.source.parent)
    for student in students:
        with zipfile.ZipFile(tmp_path / "students" / f"{student}.zip") as found:
            held = found.read(f"exercises/{toy.name}.ipynb")
        assert held == (tmp_path / "students" / student / f"{toy.name}.ipynb").read_bytes()


def test_a_lesson_without_a_source_is_released_no_more(toy, tmp_path):
    sources = tmp_path / "sources"
    shutil.copytree(toy.source.parent, sources)
    shutil.copyfile(toy.source, sources / "02_gone.ipynb")
    release(tmp_path / "course", ["ada"], sources)
    assert len(list((tmp_path / "course").rglob("02_gone.ipynb"))) == 3
    (sources / "02_gone.ipynb").unlink()
    assert list(release(tmp_path / "course", [], sources)) == [toy.name]
    assert list((tmp_path / "course").rglob("02_gone*")) == []


def test_two_do_not_work_in_one_course_at_once(toy, tmp_path):
    with alone(toy.course, "A test"):
        for words in (["release", "--sources", str(toy.source.parent)], ["grade", str(tmp_path)]):
            toy.hand_in(tmp_path, "ada")
            assert main([*words, "--course", str(toy.course)]) == 2


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
    (tmp_path / "my table.csv").write_bytes(b"\xef\xbb\xbfstudent ;group\r\nada;1\r\nbob\r\n")
    for name in ("plain", "table.csv", "my table.csv"):
        assert roster.names(str(tmp_path / name)) == ["ada", "bob"]
    assert roster.names("ada bob") == ["ada", "bob"] and roster.names("") == []


@pytest.mark.parametrize(
    ("students", "message"),
    [
        ("../ada", "cannot name a student"),
        ("ada ada", "given twice"),
        ("no/file.csv", "must exist"),
        ("rooster.txt", "must exist"),
        ("my roster.csv", "must exist"),
    ],
)
def test_names_that_cannot_be_are_refused(students, message):
    with pytest.raises(InputError, match=message):
        roster.names(students)


def test_no_two_students_share_a_folder(tmp_path):
    roster.enrol(tmp_path, ["ada"])
    with pytest.raises(InputError, match="differ by case alone"):
        roster.enrol(tmp_path, ["Ada"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"student,group\n", "is empty"),
        (b"group,student\n1,ada\n2\n", "Line 3 of .* names no student"),
        ("student\nZoë\n".encode("latin-1"), "no.*UTF-8"),
    ],
)
def test_a_roster_that_cannot_be_read_is_refused(tmp_path, content, message):
    (tmp_path / "roster.csv").write_bytes(content)
    with pytest.raises(InputError, match=message):
        roster.names(str(tmp_path / "roster.csv"))


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
