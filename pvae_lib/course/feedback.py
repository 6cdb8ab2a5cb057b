"""The page that a student gets back: her answers and her points, not the answers to copy."""

import math
import re
from pathlib import Path

from pvae_lib.course import settings
from pvae_lib.extras import load_extra

WAITS = "waits for its mark"


def write(course: Path, student: str, lesson: str) -> None:
    """nbgrader's page of a graded submission, feedback/STUDENT/LESSON/LESSON.html.

    Without hidden tests: a failed cell of tests shows its message alone, since its traceback would
    quote them. What has no mark yet says so, at its place and beside the total. The list of tasks
    has their names.
    """
    converter = settings.converter("GenerateFeedback", course, lesson, student)
    scores, *others = converter.preprocessors
    hidden = load_extra("nbgrader.preprocessors", "course").ClearHiddenTests
    converter.preprocessors = [_waiting(scores), _closed(hidden), *others]
    converter.start()
    path = course / "feedback" / student / lesson / f"{lesson}.html"
    page = path.read_text(encoding="utf-8")
    page = re.sub(r'(<a href="#([^"]+)">)(?:Test cell|Written response)</a>', r"\1\2</a>", page)
    path.write_text(page.replace("Score: nan /", f"Score: {WAITS} /"), encoding="utf-8")


def _waiting(scores: type) -> type:
    """nbgrader's look-up of scores, with NaN for a mark that is not given yet."""

    class Waiting(scores):
        def preprocess(self, nb, resources):
            self.waiting = 0.0
            nb, resources = super().preprocess(nb, resources)
            if self.waiting:
                # The page has it as title and, before the total, as heading.
                resources["nbgrader"]["notebook"] += f": {self.waiting:g} points wait for a mark"
            return nb, resources

        def _get_score(self, cell, resources):
            super()._get_score(cell, resources)
            about = cell.metadata.nbgrader
            grade = self.gradebook.find_grade(
                about["grade_id"], self.notebook_id, self.assignment_id, self.student_id
            )
            if grade.auto_score is None and grade.manual_score is None:
                self.waiting += about["points"]
                about["score"] = math.nan

    return Waiting


def _closed(hidden: type) -> type:
    """nbgrader's removal of hidden tests, from what they put out as well."""
    is_grade = load_extra("nbgrader.utils", "course").is_grade

    class Closed(hidden):
        def preprocess_cell(self, cell, resources, cell_index):
            if cell.cell_type != "code" or not is_grade(cell):
                return cell, resources  # a student's own words, whatever they hold
            tests = {line.strip() for line in cell.source.splitlines()}
            for output in cell.outputs:
                if output.output_type == "error":
                    last = f"{output.ename}: {output.evalue}" if output.evalue else output.ename
                    output.traceback = [last]
                elif output.output_type == "stream":
                    # A warning quotes the line that it comes from.
                    lines = output.text.splitlines(keepends=True)
                    output.text = "".join(line for line in lines if line.strip() not in tests)
            return super().preprocess_cell(cell, resources, cell_index)

    return Closed
