"""One course of a toy lesson for all that does not depend on the lesson."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import SimpleNamespace

import pytest

HERE = Path(__file__).resolve().parent


@pytest.fixture(scope="session")
def load():
    """Path → the module in it: the tests' folders are no packages."""

    def load(path: Path):
        spec = spec_from_file_location(f"course_{path.stem}", path)
        module = module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


@pytest.fixture(scope="session")
def handing_in(load):
    return load(HERE / "handing_in.py")


@pytest.fixture(scope="session")
def toy(tmp_path_factory, load, handing_in):
    """A released course: its folder, its source, who is on the roster, how to hand in."""
    from pvae_lib.course import release

    module, folder = load(HERE / "toy.py"), tmp_path_factory.mktemp("toy")
    source = module.write(folder / "sources", load(HERE / "authoring.py"))
    students = ["ada", "bob", "loop", "deaf", "marked", "untagged", "absent"]
    released = release(folder / "course", students, source.parent)

    def hand_in(place, student, change=None, name=f"{module.NAME}.ipynb", **answers):
        own = folder / "course" / "students" / student / source.name
        own = own if own.exists() else released[module.NAME]
        handing_in.hand_in(own, place / student / name, module.SOLVED | answers, change)

    return SimpleNamespace(
        course=folder / "course", source=source, students=students, released=released,
        name=module.NAME, solved=module.SOLVED, hand_in=hand_in,
    )  # fmt: skip
