"""A grid file becomes points, or one clear error before anything is run."""

from pathlib import Path

import pytest
import yaml

from pvae_lib.exceptions import InputError
from pvae_lib.runs.grid import read_grid

PARAMETERS = """\
alpha: float = 0.5
rate: float | None = None
d_nu: int = 2
d_iota: int = 8
pairing: str = "random"
seed: int = 0
out: str = ""  # the run's folder"""
PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def grid(make_notebook, tmp_path, monkeypatch):
    """Read a grid of the tiny notebook, given as keyword arguments or as text."""
    make_notebook(parameters=PARAMETERS)
    monkeypatch.chdir(tmp_path)

    def read(text: str | None = None, **content):
        text = text or yaml.safe_dump({"notebook": "tiny.ipynb"} | content)
        Path("grid.yaml").write_text(text)
        return read_grid("grid.yaml")

    return read


def test_axes_are_a_product_and_blocks_come_one_after_the_other(grid):
    read = grid(
        axes=[{"alpha": [0.5, 0], "pairing": ["random", "nearest"]}, {"alpha": [1]}], seeds=[3, 4]
    )
    labels = ["base", "pairing=nearest", "alpha=0", "alpha=0, pairing=nearest", "alpha=1"]
    assert [(p.label, p.seed) for p in read.points] == [(x, s) for x in labels for s in (3, 4)]
    assert read.varied == ("alpha", "pairing")
    whole = {"alpha": 0.0, "rate": None, "d_nu": 2, "d_iota": 8, "pairing": "nearest", "seed": 4}
    assert read.points[7].parameters == whole
    assert read.points[7].changed == {"alpha": 0.0, "pairing": "nearest"}


def test_names_in_one_key_change_together(grid):
    read = grid(axes={"d_nu, d_iota": [[1, 9], [5, 5]]})
    assert [p.label for p in read.points] == ["d_nu=1, d_iota=9", "d_nu=5, d_iota=5"]


def test_the_base_is_what_parameters_say_not_the_default(grid):
    read = grid(parameters={"alpha": 2}, axes={"alpha": [2, 0.5]})
    assert [p.label for p in read.points] == ["base", "alpha=0.5"]
    assert read.base["alpha"] == 2.0


def test_values_alike_in_six_digits_have_labels_of_their_own(grid):
    """The label is part of a method's name: two settings under one would be one row."""
    read = grid(parameters={"alpha": 0.05}, axes={"alpha": [0.05, 0.050000001, 0.0500000011, 1e-9]})
    labels = ["base", "alpha=0.050000001", "alpha=0.0500000011", "alpha=1e-09"]
    assert [p.label for p in read.points] == labels


def test_without_axes_or_seeds_there_is_one_run(grid):
    (point,) = grid().points
    assert point.label == "base" and point.seed is None and point.parameters["seed"] == 0


def test_a_notebook_with_several_seeds_gets_a_list_of_one(grid, make_notebook):
    make_notebook()  # its parameter is `seeds: list[int]`
    assert grid(seeds=[7]).points[0].parameters["seeds"] == [7]


def test_a_point_that_comes_twice_is_one_run_and_0_is_0_point_0(grid):
    read = grid(axes=[{"alpha": [0, 0.0, 0.5]}, {"alpha": [0.5]}, {"rate": [1, 1.0]}], seeds=[0])
    assert [p.label for p in read.points] == ["alpha=0", "base", "rate=1"]
    assert len({p.name for p in read.points}) == 3


def test_a_run_is_named_by_all_its_parameters_and_its_notebook(grid, make_notebook):
    def names(**content):
        return {p.name for p in grid(**content).points}

    assert names(seeds=[0]) == names(parameters={"alpha": 0.5}, seeds=[0]) == names()
    assert not names(seeds=[0]) & names(seeds=[1])
    assert not names() & names(parameters={"d_nu": 3})
    make_notebook(parameters=PARAMETERS, name="other.ipynb")
    assert not names() & names(notebook="other.ipynb")


def test_a_name_is_the_same_in_every_version(grid):
    """Folders of sweeps made by earlier commits are found again."""
    assert grid().points[0].name == "fe6c1de0eded"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({"axes": {"alhpa": [0]}}, "Unknown parameter 'alhpa'.*did you mean 'alpha'"),
        ({"parameters": {"pairng": "x"}}, "Unknown parameter 'pairng'.*'pairing'"),
        ({"axes": {"alpha": [0, "high"]}}, "'alpha' of tiny.ipynb must be float.*'high'"),
        ({"axes": {"d_nu": [2.5]}}, "'d_nu' of tiny.ipynb must be int.*2.5"),
        ({"parameters": {"pairing": 1}}, "'pairing' of tiny.ipynb must be str"),
        ({"axis": {"alpha": [0]}}, "Unknown key 'axis'.*did you mean 'axes'"),
        ({"axes": {"alpha": []}}, "axis 'alpha' needs a list of values"),
        ({"axes": {"alpha": 0.5}}, "axis 'alpha' needs a list of values"),
        ({"axes": "alpha"}, "'axes' cannot be 'alpha'"),
        ({"axes": ["alpha"]}, "a block of axes must be a mapping"),
        ({"axes": {"d_nu, d_iota": [[1, 9], [5]]}}, r"needs lists of 2 values, but has \[5\]"),
        ({"axes": {"d_nu, d_nu": [[1, 9]]}}, "'d_nu, d_nu' has an empty name, or one that came"),
        ({"axes": {"d_nu,": [[1, 9]]}}, "'d_nu,' has an empty name"),
        ({"axes": {"alpha": [1], "alpha, d_nu": [[2, 3]]}}, "or one that came before"),
        ({"axes": {"out": ["here"]}}, "Unknown parameter 'out'"),
        ({"seeds": [0, 0]}, "Seed 0 is given twice"),
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": None}, "seeds is empty"),
        ({"seeds": [None]}, "seed=None is not usable"),
        ({"seeds": [0.5]}, "seed=0.5 is not usable"),
        ({"seeds": 3}, "'seeds' cannot be 3"),
        ({"seeds": [0], "axes": {"seed": [1, 2]}}, "'seed' is an axis beside `seeds`"),
        ({"metrics": ["nmrse"]}, "no metric 'nmrse'; did you mean 'nrmse'"),
        ({"metrics": [["nrmse"]]}, r"no metric \['nrmse'\]; did you mean 'nrmse'"),
        ({"notebook": "none.ipynb"}, "Cannot read the notebook none.ipynb: No such file"),
        ({"notebook": None}, "names no notebook"),
    ],
)
def test_what_is_wrong_is_one_clear_error(grid, content, says):
    with pytest.raises(InputError, match=says):
        grid(**content)


@pytest.mark.parametrize("text", ["notebook: [", "- alpha", "\x00"])
def test_a_file_that_is_no_grid_is_named(grid, text):
    with pytest.raises(InputError, match="grid.yaml"):
        grid(text)
    with pytest.raises(InputError, match="Cannot read the grid none.yaml: No such file"):
        read_grid("none.yaml")


@pytest.mark.parametrize("file", sorted((PROJECT / "notebooks/params").glob("grid_*.yaml")))
def test_the_grids_of_the_project_can_be_read(file, monkeypatch):
    monkeypatch.chdir(PROJECT)
    grid = read_grid(file)
    assert len({p.name for p in grid.points}) == len(grid.points) >= 4
    assert len({(p.label, p.seed) for p in grid.points}) == len(grid.points)
