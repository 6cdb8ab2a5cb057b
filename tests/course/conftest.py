"""One course of a toy lesson for all that does not depend on the lesson."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).resolve().parent


def beside(name: str):
    """A module in this folder, which is no package."""
    spec = spec_from_file_location(f"course_{name}", HERE / f"{name}.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def handing_in():
    return beside("handing_in")


@pytest.fixture(scope="session")
def toy(tmp_path_factory, handing_in):
    """A released course: its folder, its source, who is on the roster, how to hand in."""
    from pvae_lib.course import release

    module, folder = beside("toy"), tmp_path_factory.mktemp("toy")
    source = module.write(folder / "sources", beside("authoring"))
    students = ["ada", "bob", "loop", "deaf"]
    released = release(folder / "course", students, source.parent)

    def hand_in(place, student, change=None, name=f"{module.NAME}.ipynb", **answers):
        own = folder / "course" / "students" / student / source.name
        own = own if own.exists() else released[module.NAME]
        handing_in.hand_in(own, place / student / name, module.SOLVED | answers, change)

    return SimpleNamespace(
        course=folder / "course", source=source, students=students, released=released,
        name=module.NAME, solved=module.SOLVED, hand_in=hand_in,
    )  # fmt: skip
