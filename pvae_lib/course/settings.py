"""nbgrader's settings, its log, and the variables that keep Jupyter inside the course folder."""

import contextlib
import logging
import os
import re
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pvae_lib.extras import load_extra
from pvae_lib.files import write_atomically

# So that nbgrader's own commands and its formgrader, started in the course folder, find the course.
CONFIGURATION = """\
# Written by `make course`; for nbgrader's own commands and its formgrader, started in this folder.
import os

c = get_config()  # noqa: F821
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
c.CourseDirectory.course_id = "perturbedvae"
c.Exchange.root = os.path.join(c.CourseDirectory.root, ".jupyter", "exchange")
"""
# What Jupyter and IPython would otherwise write below the home folder.
PLACES = {
    "JUPYTER_CONFIG_DIR": "config",
    "JUPYTER_DATA_DIR": "data",
    "JUPYTER_RUNTIME_DIR": "runtime",
    "IPYTHONDIR": "ipython",
}


def prepare(course: Path) -> None:
    """Make the course folder and its nbgrader_config.py; InputError where that cannot be."""
    with write_atomically(course / "nbgrader_config.py") as partial:
        partial.write_text(CONFIGURATION, encoding="utf-8")


def converter(kind: str, course: Path, lesson: str, student: str = "*", **settings: Any):
    """One of nbgrader's converters ("Autograde", …) for one lesson.

    settings
        Options by class, `Execute={"timeout": 30}`.
    """
    converters = load_extra("nbgrader.converters", "course")
    config = load_extra("nbgrader.converters.base", "course").Config(settings)
    config.CourseDirectory.root = str(course.absolute())
    config.CourseDirectory.assignment_id = lesson
    config.CourseDirectory.student_id = student
    directory = load_extra("nbgrader.coursedir", "course").CourseDirectory(config=config)
    made = getattr(converters, kind)(coursedir=directory, config=config)
    made.force = True
    return made


def gradebook(course: Path):
    """The course's gradebook; use it as a context."""
    url = f"sqlite:///{(course / 'gradebook.db').absolute()}"
    return load_extra("nbgrader.api", "course").Gradebook(url)


@contextlib.contextmanager
def contained(course: Path) -> Iterator[list[str]]:
    """Keep Jupyter inside the folder, and yield the list that nbgrader's errors are put in,
    one line each."""
    before = {name: os.environ.get(name) for name in (*PLACES, "PATH")}
    # nbgrader calls alembic by its bare name, also where the environment is not active.
    programs = Path(sys.executable).parent
    os.environ["PATH"] = os.pathsep.join([str(programs), *filter(None, [before["PATH"]])])
    for name, place in PLACES.items():
        folder = course.absolute() / ".jupyter" / place
        folder.mkdir(parents=True, exist_ok=True)
        os.environ[name] = str(folder)
    log, errors = logging.getLogger("traitlets"), _Errors()
    log.addHandler(errors)
    propagated, log.propagate = log.propagate, False
    try:
        with warnings.catch_warnings():
            # Of nbgrader's own use of its database and of Jupyter; a notebook's own stay in it.
            warnings.simplefilter("ignore")
            yield errors.lines
    finally:
        log.removeHandler(errors)
        log.propagate = propagated
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


class _Errors(logging.Handler):
    """Keeps of each traceback that nbgrader logs the line that says what went wrong."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        raised = re.findall(r"^[\w.]+(?:(?:Error|Exception|Exit)\b|: ).*", message, re.MULTILINE)
        if raised:
            self.lines.append(raised[-1])
