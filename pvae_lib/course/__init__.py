"""The course: exercises that grade themselves, by nbgrader.

roster (students and the seeds of their data) → release (source notebooks with solutions → what
students get) → submissions (what came back, checked; tripwire says what it may not import) →
grading (one table), by running (within bounds), marks (by hand) and feedback (a page each).
settings tells nbgrader where everything lies: all of it in one course folder, nothing in the home
folder.

    make course STUDENTS="ada bob"           # runs/course/: release/, students/, a zip of each
    make grade SUBMISSIONS=folder            # runs/course/scores.csv, runs/course/feedback/

The sources are notebooks/exercises/*.ipynb, with solutions and tests in nbgrader's cell metadata.
Their parameters cell holds `student: int = 0`, the seed of a student's own data. `make course`
sets it with papermill from the roster, and grading sets it again, whatever was handed in says, so
that the tests, which compute what they expect from it, ask for that student's answer. Who is not on
the roster is graded on the data of seed 0, which the plain release has, and her status says so.

A folder of submissions has a folder a student, named as on the roster, with her notebooks in it
under their own names. An answer in words is marked by hand: fill in the empty points of the course
folder's scores.csv and grade again, or give a filled-in copy, `make grade SUBMISSIONS=folder
MARKS=copy.csv`. Or use nbgrader's formgrader in the course folder. A mark holds for the answer
that was marked; marks.csv keeps it when another is handed in.
"""

from pvae_lib.course.grading import grade
from pvae_lib.course.release import release

__all__ = ["grade", "release"]
