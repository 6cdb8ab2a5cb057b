"""A notebook made ready for nbgrader: what counts of it is as released, the rest is hers."""

import nbformat
import pytest

from pvae_lib.course.submissions import Submission, collect, make_ready


@pytest.fixture
def ready(toy, tmp_path):
    """Hand in with a change; (what became of it, the notebook that would be run)."""

    def ready(change=None, seed=5, **answers):
        toy.hand_in(tmp_path, "ada", change, **answers)
        submission = Submission("ada", toy.name, tmp_path / "ada" / f"{toy.name}.ipynb")
        reference = nbformat.read(toy.released[toy.name], as_version=4)
        return submission, make_ready(submission, reference, seed)

    return ready


def name(cell):
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def find(notebook, wanted):
    return next(cell for cell in notebook.cells if name(cell) == wanted)


def copy(wanted, place, **other):
    """A change of a notebook: a cell pasted once more, with something else in it."""

    def change(notebook):
        copied = nbformat.from_dict({**find(notebook, wanted), "id": "copy", **other})
        notebook.cells.insert(place, copied)

    return change


def test_what_is_left_as_it_was_is_nothing_to_report(ready):
    submission, notebook = ready()
    assert (submission.status, submission.reason) == ("graded", "")
    assert notebook.cells[2].source == "# Parameters\nstudent = 5\n"


@pytest.mark.parametrize("place", [0, 100])
@pytest.mark.parametrize("wanted", ["parameters", "data", "total", "total_tests", "why"])
def test_one_of_several_copies_counts(ready, wanted, place):
    submission, notebook = ready(copy(wanted, place))
    assert submission.status == "repaired" and submission.reason.endswith(f"counts: {wanted}")
    names = [name(cell) for cell in notebook.cells if name(cell)]
    assert sorted(names) == sorted(set(names)) and len(names) == 7
    # Of what is not the student's the copy goes, and the original keeps its place.
    mine = wanted in ("total", "why")
    assert [cell["id"] for cell in notebook.cells].count("copy") == mine
    if not mine:
        assert [n for n in names if n in ("data", "total", "total_tests")] == [
            "data", "total", "total_tests",
        ]  # fmt: skip


def test_an_untouched_copy_does_not_count_for_an_answer(toy, ready):
    released = nbformat.read(toy.released[toy.name], as_version=4)
    _, notebook = ready(copy("why", 100, source=find(released, "why").source))
    assert find(notebook, "why").source == toy.solved["why"]


def untag(notebook):
    for cell in notebook.cells:
        cell.metadata.pop("tags", None)


def retag(notebook):
    tagged = nbformat.v4.new_code_cell("1 + 1", metadata={"tags": ["parameters"]})
    notebook.cells.insert(0, tagged)
    find(notebook, "parameters").metadata = nbformat.from_dict(
        {"nbgrader": {"grade_id": "parameters", "locked": False, "solution": True}}
    )


@pytest.mark.parametrize("change", [untag, retag])
def test_the_seed_is_set_where_the_release_sets_it(ready, change):
    submission, notebook = ready(change)
    assert submission.status == "graded"
    sources = [cell.source for cell in notebook.cells if cell.source.count("student") == 1]
    assert sources[:2] == ["student: int = 0  # seed of your own data",
                           "# Parameters\nstudent = 5\n"]  # fmt: skip
    assert sum("student = " in cell.source for cell in notebook.cells) == 1
    assert find(notebook, "parameters").metadata["nbgrader"]["locked"]


@pytest.mark.parametrize("about", [{"grade_id": ["a"]}, {"grade_id": "own", "grade": True}, "no"])
def test_what_students_write_into_metadata_is_dropped(ready, about):
    def change(notebook):
        own = nbformat.v4.new_code_cell("1 + 1", metadata={"nbgrader": about})
        notebook.cells.append(own)

    submission, notebook = ready(change)
    assert submission.status == "graded" and notebook.cells[-1].metadata.get("nbgrader") is None


def test_code_in_an_answer_is_read_also_where_it_was_turned_into_words(ready):
    def change(notebook):
        cell = find(notebook, "total")
        cell.cell_type = "markdown"
        del cell["outputs"], cell["execution_count"]

    submission, notebook = ready(change, total="import os")
    assert notebook is None and submission.reason == "cell 5 imports os"


def test_what_is_still_packed_is_reported(toy, tmp_path):
    toy.hand_in(tmp_path, "ada")
    (tmp_path / "bob").mkdir()
    for place in ("bob/exercises.zip", "eve.zip", "notes.md"):
        (tmp_path / place).write_bytes(b"")
    reasons = {found.student: found.reason for found in collect(tmp_path, toy.released)}
    assert reasons == {
        "ada": "",
        "bob": "there is no notebook in the folder: unpack exercises.zip",
        "": "eve.zip lies in no student's folder: unpack eve.zip",
    }
