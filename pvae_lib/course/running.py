"""One submission run and scored by nbgrader, within bounds of time and of output."""

import contextlib
import shutil
from pathlib import Path

import nbformat

from pvae_lib.course import settings
from pvae_lib.course.submissions import STOPPED, Notebook, Submission, name_of
from pvae_lib.extras import load_extra
from pvae_lib.runs.execute import KERNEL_ARGUMENTS

# A loop that survives its interruption holds the kernel: each later cell would wait as long again.
MOST_TIMEOUTS = 2
TIMED_OUT = "CellTimeoutError"
# Characters that one cell may put out: more would fill the memory before nbgrader cuts it.
MOST_OUTPUT = 5_000_000
STEPS = ("submitted", "autograded", "feedback")


def forget(course: Path, submission: Submission) -> None:
    """Remove what an earlier submission of the lesson left in the course folder."""
    for step in STEPS:
        shutil.rmtree(course / step / submission.student / submission.lesson, ignore_errors=True)


def void(course: Path, submission: Submission) -> None:
    """No points in the gradebook for a submission that could not be graded."""
    missing = load_extra("nbgrader.api", "course").MissingEntry
    student, lesson = submission.student, submission.lesson
    with settings.gradebook(course) as book, contextlib.suppress(missing):
        for grade in book.find_submission_notebook(lesson, lesson, student).grades:
            grade.auto_score, grade.manual_score, grade.needs_manual_grade = 0, None, False
        book.db.commit()


def run(course: Path, submission: Submission, notebook: Notebook, timeout: int) -> None:
    """Run the notebook, score its tests into the gradebook, and say which cells were too slow."""
    student, lesson = submission.student, submission.lesson
    place = course / "submitted" / student / lesson
    place.mkdir(parents=True)
    nbformat.write(notebook, place / f"{lesson}.ipynb")
    bounds = {
        "timeout": timeout,
        # A loop that does not heed its interruption: go on to the next cell, see _bounded.
        "raise_on_iopub_timeout": False,
        "extra_arguments": KERNEL_ARGUMENTS,
    }
    autograde = settings.converter("Autograde", course, lesson, student, Execute=bounds)
    execute = load_extra("nbgrader.preprocessors", "course").Execute
    autograde.autograde_preprocessors = [
        _bounded(pp) if pp is execute else pp for pp in autograde.autograde_preprocessors
    ]
    autograde.start()
    for number, cell in enumerate(executed(course, student, lesson).cells, 1):
        if any(output.get("ename") == TIMED_OUT for output in cell.get("outputs", [])):
            name = name_of(cell) or f"cell {number}"
            submission.report(STOPPED, f"{name} ran longer than {timeout} s")


def executed(course: Path, student: str, lesson: str) -> Notebook:
    """The notebook as it was run."""
    return nbformat.read(course / "autograded" / student / lesson / f"{lesson}.ipynb", 4)


def _bounded(execute: type) -> type:
    """nbgrader's execution that leaves the other cells out once too many were too slow, and of
    each cell the output beyond a bound."""

    class Bounded(execute):
        def preprocess_cell(self, cell, resources, index):
            self.put_out = 0
            if getattr(self, "slow", 0) < MOST_TIMEOUTS or cell.cell_type != "code":
                cell, resources = super().preprocess_cell(cell, resources, index)
                found = [o for o in cell.get("outputs", []) if o.get("ename") == TIMED_OUT]
                self.slow = getattr(self, "slow", 0) + bool(found)
            else:
                words = "An earlier cell did not stop."
                cell.outputs = [
                    nbformat.v4.new_output("error", ename="NotRun", evalue=words, traceback=[words])
                ]
            return cell, resources

        def output(self, outs, msg, display_id, cell_index):
            before = self.put_out
            self.put_out += len(str(msg["content"]))
            if self.put_out <= MOST_OUTPUT or msg["msg_type"] == "error":
                return super().output(outs, msg, display_id, cell_index)
            if before <= MOST_OUTPUT:
                words = "\n... The rest of the output is left out ...\n"
                outs.append(nbformat.v4.new_output("stream", name="stdout", text=words))
            return None

    return Bounded
