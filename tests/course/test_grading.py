"""Submissions as they come: each graded or reported, none in the way of another."""

import nbformat
import pandas as pd
import pytest

from pvae_lib.course import grade
from pvae_lib.course.__main__ import main

FULL = {"total_tests": 2, "largest_tests": 1}


def without(*names):
    """A change of a notebook: these cells are gone."""

    def change(notebook):
        about = [cell.metadata.get("nbgrader", {}).get("grade_id") for cell in notebook.cells]
        pairs = zip(about, notebook.cells, strict=True)
        notebook.cells = [cell for name, cell in pairs if name not in names]

    return change


def altered(name, source):
    """A change of a notebook: another text in a cell that should stay as it is."""

    def change(notebook):
        for cell in notebook.cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == name:
                cell.source = source

    return change


def copied(*names):
    """A change of a notebook: these cells are pasted once more at the end."""

    def change(notebook):
        for cell in list(notebook.cells):
            if cell.metadata.get("nbgrader", {}).get("grade_id") in names:
                notebook.cells.append(nbformat.from_dict({**cell, "id": f"copy-{cell['id']}"}))

    return change


def untagged(notebook):
    """A change of a notebook: no cell has a tag any more."""
    for cell in notebook.cells:
        cell.metadata.pop("tags", None)


def numbers(student):
    """The answers of a student of the toy, as literals to copy."""
    import random

    x = [random.Random(f"{student}-{k}").random() for k in range(5)]
    return {"total": f"total = {sum(x)!r}", "largest": f"largest = {max(x)!r}"}


@pytest.fixture(scope="module")
def handed_in(toy, tmp_path_factory):
    """A folder of submissions, good and bad."""
    from pvae_lib.course import roster

    place = tmp_path_factory.mktemp("handed in")
    toy.hand_in(place, "ada")
    toy.hand_in(place, "bob", **numbers(roster.read(toy.course)["ada"]))
    toy.hand_in(place, "importer", total="import subprocess\ntotal = sum(x)")
    toy.hand_in(place, "shouter", total="!ls\ntotal = sum(x)")
    toy.hand_in(place, "reseeder", total="student = 5\ntotal = sum(x)")
    toy.hand_in(place, "deleter", without("total_tests", "largest"))
    toy.hand_in(place, "altering", altered("total_tests", "pass"), total="total = 0")
    toy.hand_in(place, "dying", largest="import faulthandler\nfaulthandler._sigsegv()")
    toy.hand_in(place, "misnaming", name="01_toyy.ipynb")
    toy.hand_in(place, "twice")
    toy.hand_in(place, "twice", name="copy/01_toy.ipynb")
    (place / "garbled").mkdir()
    (place / "garbled" / "01_toy.ipynb").write_text("{no notebook")
    (place / "empty").mkdir()
    toy.hand_in(place, "a [b]")
    toy.hand_in(place, "pictured", why="![x](attachment:image.png)")
    toy.hand_in(place, "surrogate", total="total = '@'")
    half = place / "surrogate" / "01_toy.ipynb"
    half.write_text(half.read_text().replace("@", "\\ud800"))
    toy.hand_in(place, "deep", total="-" * 200_000 + "1")
    toy.hand_in(place, "copying", copied("total", "why", "total_tests", "parameters"))
    toy.hand_in(place, "untagged", untagged, **numbers(0))
    (place / "carl.zip").write_bytes(b"")
    (place / "loose.ipynb").write_text("{}")
    return place


@pytest.fixture(scope="module")
def scores(toy, handed_in):
    return grade(toy.course, handed_in, timeout=60)


def points(table, student):
    rows = table[(table["student"] == student) & (table["kind"] == "tests")]
    return rows.set_index("task")["points"].astype(float).to_dict()


def reported(table, student):
    rows = table[table["student"] == student]
    (status,) = rows["status"].unique()
    return status, rows["reason"].iloc[0]


def test_a_good_submission_has_its_points_and_waits_for_the_hand(toy, scores):
    assert points(scores, "ada") == FULL
    assert reported(scores, "ada") == ("graded", "")
    why = scores[(scores["student"] == "ada") & (scores["task"] == "why")].iloc[0]
    assert why["kind"] == "by hand" and pd.isna(why["points"]) and why["out_of"] == 3
    assert "total_tests" in (toy.course / "feedback/ada/01_toy/01_toy.html").read_text()


def test_a_neighbours_numbers_score_nothing(scores):
    assert points(scores, "bob") == {"total_tests": 0, "largest_tests": 0}
    assert reported(scores, "bob")[0] == "graded"


@pytest.mark.parametrize(
    ("student", "status", "words"),
    [
        ("importer", "refused", "imports subprocess"),
        ("shouter", "refused", "uses a ! or % command"),
        ("reseeder", "refused", "sets student"),
        ("dying", "failed", "the kernel died"),
        ("garbled", "unreadable", "not a Jupyter notebook"),
        ("misnaming", "unknown lesson", "did you mean '01_toy'?"),
        ("empty", "nothing", "no notebook"),
        ("a [b]", "unknown student", "only letters, digits"),
        ("surrogate", "failed", "UnicodeEncodeError"),
        ("deep", "failed", "Error"),
        ("absent", "nothing", "on the roster"),
    ],
)
def test_what_cannot_be_graded_is_reported(scores, student, status, words):
    found, reason = reported(scores, student)
    assert found == status and words in reason
    assert (scores.loc[scores["student"] == student, "points"] == 0).all()


def test_deleted_cells_are_reported_and_put_back(scores):
    status, reason = reported(scores, "deleter")
    assert status == "repaired" and "total_tests, largest" in reason
    assert points(scores, "deleter") == {"total_tests": 2, "largest_tests": 0}


def test_an_altered_test_is_reported_and_restored(scores):
    status, reason = reported(scores, "altering")
    assert status == "repaired" and "total_tests" in reason
    assert points(scores, "altering") == {"total_tests": 0, "largest_tests": 1}


def test_who_is_not_on_the_roster_is_graded_on_the_plain_release_and_named(scores):
    rows = scores[scores["status"] != "handed in twice"]
    status, reason = reported(rows, "twice")
    assert status == "not on the roster" and "graded on the plain release; known: ada," in reason


def test_a_page_that_cannot_be_made_costs_no_points(toy, scores):
    status, reason = reported(scores, "pictured")
    assert status == "no feedback" and "attachment" in reason
    assert points(scores, "pictured") == FULL


def test_copies_of_cells_cost_nothing_and_are_reported(scores):
    status, reason = reported(scores, "copying")
    assert status == "repaired" and "parameters, total, total_tests, why" in reason
    assert points(scores, "copying") == FULL


def test_the_seed_is_set_whatever_tags_were_taken_off(scores):
    assert points(scores, "untagged") == {"total_tests": 0, "largest_tests": 0}
    assert reported(scores, "untagged") == ("graded", "")


def test_the_notebook_nearest_to_the_folder_counts(scores):
    rows = scores[scores["student"] == "twice"]
    assert points(rows[rows["status"] != "handed in twice"], "twice") == FULL
    assert rows["status"].tolist().count("handed in twice") == 1


def test_a_file_outside_the_students_folders_is_reported(scores):
    assert scores.loc[scores["lesson"] == "loose", "reason"].item().startswith("loose.ipynb")
    assert scores.loc[scores["lesson"] == "carl", "reason"].item().endswith("unpack carl.zip")


def test_the_table_is_what_was_returned(toy, scores):
    written = pd.read_csv(toy.course / "scores.csv", keep_default_na=False)
    written = written[written["student"].isin(scores["student"])]
    assert sorted(written["status"]) == sorted(scores["status"])


def test_endless_loops_are_stopped_and_the_rest_is_graded(toy, tmp_path):
    toy.hand_in(tmp_path, "loop", total="while True:\n    pass")
    deaf = (
        "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n"
    )
    toy.hand_in(tmp_path, "deaf", total=deaf + "        pass")
    toy.hand_in(tmp_path, "ada")
    table = grade(toy.course, tmp_path, timeout=5)
    assert reported(table, "loop") == ("stopped", "total ran longer than 5 s")
    assert points(table, "loop") == {"total_tests": 0, "largest_tests": 1}
    assert reported(table, "deaf")[0] == "stopped"
    assert points(table, "deaf") == {"total_tests": 0, "largest_tests": 0}
    assert points(table, "ada") == FULL


def test_what_a_cell_puts_out_is_bounded_while_it_runs(toy, tmp_path, monkeypatch):
    from nbclient import NotebookClient

    from pvae_lib.course.running import MOST_OUTPUT

    def spy(self, outs, msg, *rest):
        kept.append(len(str(msg["content"])))
        return output(self, outs, msg, *rest)

    kept, output = [], NotebookClient.output
    monkeypatch.setattr(NotebookClient, "output", spy)
    loud = "for _ in range(20):\n    print('x' * 1_000_000, flush=True)\n"
    toy.hand_in(tmp_path, "ada", total=loud + "total = sum(x)")
    assert points(grade(toy.course, tmp_path), "ada") == FULL
    assert MOST_OUTPUT / 2 < sum(kept) <= MOST_OUTPUT


def test_the_command_says_a_line_each_and_fails_where_something_was_wrong(toy, tmp_path, capsys):
    toy.hand_in(tmp_path, "ada", total="import os")
    assert main(["grade", str(tmp_path), "--course", str(toy.course)]) == 1
    line = capsys.readouterr().out.splitlines()[0]
    assert line == "ada 01_toy: 0 of 6; refused: cell 5 imports os"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["grade", "nowhere", "--course", "{course}"], "There is no folder nowhere"),
        (["grade", ".", "--course", "nowhere"], "nowhere holds no course"),
        (["grade", ".", "--course", "{course}", "--timeout", "0"], "timeout=0"),
        (["grade", "{empty}", "--course", "{course}"], "holds no submissions"),
        (["grade", "{course}/submitted", "--course", "{course}"], "lies in the course folder"),
    ],
)
def test_what_the_user_can_mend_is_named(toy, capsys, tmp_path, words, message):
    assert main([word.format(course=toy.course, empty=tmp_path) for word in words]) == 2
    assert message in capsys.readouterr().err
