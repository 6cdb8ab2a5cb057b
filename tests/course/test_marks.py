"""Marks by hand: taken over however they were filled in, kept for the answer that was marked."""

import html
import re

import pandas as pd
import pytest

from pvae_lib.course import grade, settings
from pvae_lib.course.marks import COLUMNS
from pvae_lib.exceptions import InputError

WHO = "marked"
# A wrong answer, and a warning that quotes the hidden test which meets it.
WARNING = """\
import warnings

class Total(float):
    def __sub__(self, other):
        warnings.warn("odd", stacklevel=2)
        return float(self) - other

total = Total(sum(x) + 1)"""


@pytest.fixture
def hand_in(toy, tmp_path):
    """Hand in and grade; the row of the answer in words, and the page as text."""

    def hand_in(student=WHO, marks=None, **answers):
        toy.hand_in(tmp_path / "in", student, **answers)
        table = grade(toy.course, tmp_path / "in", marks=marks)
        row = table[(table["student"] == student) & (table["task"] == "why")].iloc[0]
        page = toy.course / "feedback" / student / toy.name / f"{toy.name}.html"
        return row, text(page) if page.exists() else None

    return hand_in


def text(page):
    return html.unescape(re.sub(r"<[^>]+>", "", page.read_text(encoding="utf-8")))


def fill_in(toy, points, *, student=WHO, separator=","):
    """A teacher's spreadsheet: one mark filled in, and all of it saved with this separator."""
    table = pd.read_csv(toy.course / "scores.csv", dtype=str, keep_default_na=False)
    table.loc[(table["student"] == student) & (table["task"] == "why"), "points"] = points
    table.to_csv(toy.course / "scores.csv", index=False, sep=separator)


def in_gradebook(toy, student=WHO):
    with settings.gradebook(toy.course) as book:
        one = book.find_grade("why", toy.name, toy.name, student)
        return one.score, one.needs_manual_grade


def test_a_mark_stands_on_the_page_and_goes_with_its_answer(toy, hand_in):
    row, page = hand_in(total=WARNING)
    assert pd.isna(row["points"]) and row["answer"] and row["status"] == "graded"
    assert "01_toy: 3 points wait for a mark (Score: 1.0 / 6.0)" in page
    assert page.count("Score: waits for its mark / 3.0") == 2
    # The page tells that a test failed, not which, and names the tasks in its list.
    assert "AssertionError\n" in page and "UserWarning: odd" in page
    assert "abs(total" not in page and "HIDDEN" not in page
    assert "total_tests (Score: 0.0 / 2.0)" in page and "Test cell" not in page

    fill_in(toy, "2,5", separator=";")
    row, page = hand_in(total=WARNING)
    assert row["points"] == 2.5 and in_gradebook(toy) == (2.5, False)
    assert "01_toy (Score: 3.5 / 6.0)" in page and "waits" not in page

    row, page = hand_in(why="Something else.")
    assert pd.isna(row["points"]) and row["reason"] == "why was changed after it was marked"
    assert "waits" in page and in_gradebook(toy) == (0, True)

    row, page = hand_in(total="import os")
    assert row["points"] == 0 and page is None and in_gradebook(toy) == (0, False)

    row, page = hand_in()
    assert row["points"] == 2.5 and "waits" not in page


def test_marks_of_the_formgrader_are_kept_for_the_answer_too(toy, hand_in):
    hand_in("bob")
    with settings.gradebook(toy.course) as book:
        book.find_grade("why", toy.name, toy.name, "bob").manual_score = 1.5
        book.db.commit()
    assert hand_in("bob")[0]["points"] == 1.5
    assert pd.isna(hand_in("bob", why="Something else.")[0]["points"])


def test_an_untouched_answer_has_no_points_and_nothing_to_mark(toy, hand_in):
    row, page = hand_in("untagged", why="YOUR ANSWER HERE")
    assert row["points"] == 0 and row["answer"] == "" and "No response" in page
    fill_in(toy, "1", student="untagged")
    with pytest.raises(InputError, match="untagged has no answer to why of 01_toy"):
        hand_in("untagged", why="YOUR ANSWER HERE")
    fill_in(toy, "0", student="untagged")


def test_another_folder_loses_neither_rows_nor_marks(toy, hand_in, tmp_path):
    hand_in("ada")
    fill_in(toy, "2")
    fill_in(toy, "2", student="ada")
    (tmp_path / "in" / "ada" / f"{toy.name}.ipynb").rename(tmp_path / "ada.ipynb")
    (tmp_path / "in" / "ada").rmdir()
    hand_in("bob", marks=toy.course / "scores.csv")
    table = pd.read_csv(toy.course / "scores.csv").set_index(["student", "task"])
    assert table.loc[("ada", "why"), "points"] == 2 and in_gradebook(toy, "ada") == (2, False)
    assert ("bob", "why") in table.index and table.index.is_unique


def test_scores_are_written_though_the_grading_is_interrupted(toy, tmp_path, monkeypatch):
    from pvae_lib.course import running

    def stop(course, submission, *rest):
        if submission.student == "bob":
            raise KeyboardInterrupt
        return run(course, submission, *rest)

    run = running.run
    monkeypatch.setattr(running, "run", stop)
    toy.hand_in(tmp_path, "ada", largest="largest = -1")
    toy.hand_in(tmp_path, "bob")
    with pytest.raises(KeyboardInterrupt):
        grade(toy.course, tmp_path)
    table = pd.read_csv(toy.course / "scores.csv").set_index(["student", "task"])["points"]
    assert table["ada", "largest_tests"] == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"points": "4"}, "Line 2 of .*'4' points for why of 01_toy, which has 3"),
        ({"points": "two"}, "Line 2 of .*'two' points"),
        ({"task": "what"}, "what of 01_toy, which has no such task"),
        ({"answer": ""}, "no answer"),
        ({"answer": None}, "no column 'answer'"),
    ],
)
def test_marks_that_fit_nothing_are_refused(toy, tmp_path, change, message):
    row = {"student": WHO, "lesson": toy.name, "task": "why", "kind": "by hand", "answer": "a0"}
    row = {k: v for k, v in ({"points": "2"} | row | change).items() if v is not None}
    assert set(row) <= set(COLUMNS)
    pd.DataFrame([row]).to_csv(tmp_path / "marks.csv", index=False)
    toy.hand_in(tmp_path / "in", "ada")
    before = (toy.course / "scores.csv").exists() and (toy.course / "scores.csv").read_text()
    with pytest.raises(InputError, match=message):
        grade(toy.course, tmp_path / "in", marks=tmp_path / "marks.csv")
    with pytest.raises(InputError, match="Cannot read .*nowhere"):
        grade(toy.course, tmp_path / "in", marks=tmp_path / "nowhere")
    assert not before or (toy.course / "scores.csv").read_text() == before
