"""Every lesson's exercises: solutions score all, the release nothing, wrong answers lose theirs."""

from pathlib import Path

import pandas as pd
import pytest

from pvae_lib.course import grade, release

HERE = Path(__file__).resolve().parent
EXERCISES = HERE.parents[1] / "notebooks" / "exercises"
LESSONS = sorted(path.stem for path in EXERCISES.glob("*.ipynb"))


def packed(wrong: dict) -> list[dict]:
    """Wrong answers in as few submissions as go: no two to one answer or of one graded cell."""
    sets: list[dict] = []
    for name, (cell, source, lost) in wrong.items():
        for one in sets:
            if cell not in one["answers"] and not one["lost"].keys() & lost.keys():
                break
        else:
            sets.append(one := {"answers": {}, "lost": {}, "names": []})
        one["answers"][cell] = source
        one["lost"] |= lost
        one["names"].append(name)
    return sets


@pytest.fixture(scope="module", params=LESSONS)
def lesson(request, tmp_path_factory, load, handing_in):
    """(lesson, its scores, its sets of wrong answers), all graded in one go."""
    name = request.param
    folder = tmp_path_factory.mktemp(name)
    sources = folder / "sources"
    sources.mkdir()
    (sources / f"{name}.ipynb").write_bytes((EXERCISES / f"{name}.ipynb").read_bytes())
    sets = packed(load(HERE / "wrong_answers" / f"{name}.py").WRONG)
    students = ["solver", "untouched", *(f"wrong-{k}" for k in range(len(sets)))]
    release(folder / "course", students, sources)
    solved = handing_in.solutions(sources / f"{name}.ipynb")
    answers = {"solver": solved, "untouched": {}}
    answers |= {f"wrong-{k}": solved | one["answers"] for k, one in enumerate(sets)}
    for student in students:
        own = folder / "course" / "students" / student / f"{name}.ipynb"
        handing_in.hand_in(own, folder / "handed in" / student / own.name, answers[student])
    table = grade(folder / "course", folder / "handed in", timeout=300)
    return name, table.set_index(["student", "task"]), sets


def test_solutions_score_full_marks(lesson):
    _, table, _ = lesson
    rows = table.loc["solver"]
    by_tests = rows[rows["kind"] == "tests"]
    assert (rows["status"] == "graded").all(), rows["reason"].iloc[0]
    assert by_tests["points"].equals(by_tests["out_of"]), by_tests
    assert rows.loc[rows["kind"] == "by hand", "points"].isna().all()


def test_the_untouched_release_scores_nothing(lesson):
    _, table, _ = lesson
    assert (table.loc["untouched", "points"] == 0).all()
    assert (table.loc["untouched", "status"] == "graded").all()


def test_wrong_answers_lose_exactly_their_points(lesson):
    _, table, sets = lesson
    for k, one in enumerate(sets):
        rows = table.loc[f"wrong-{k}"]
        rows = rows[rows["kind"] == "tests"]
        lost = (rows["out_of"] - rows["points"]).loc[lambda x: x > 0].to_dict()
        assert lost == one["lost"], one["names"]


def test_a_lesson_has_enough_of_each(lesson):
    _, table, sets = lesson
    rows = table.loc["solver"]
    assert len(rows) >= 3 and {"tests", "by hand"} == set(rows["kind"])
    assert sum(len(one["names"]) for one in sets) >= 3


def test_packing_keeps_wrong_answers_apart():
    wrong = {
        "a": ("one", "1", {"t1": 1}),
        "b": ("two", "2", {"t2": 1}),
        "c": ("one", "3", {"t1": 1}),
        "d": ("three", "4", {"t2": 1}),
    }
    assert [one["names"] for one in packed(wrong)] == [["a", "b"], ["c", "d"]]
    assert pd.DataFrame(packed(wrong))["lost"].tolist() == [{"t1": 1, "t2": 1}] * 2
