"""Declared parameters: names, types, values typed on a command line."""

from typing import Any, Literal, Optional

import pytest
import yaml

from pvae_lib.exceptions import InputError
from pvae_lib.runs.parameters import (
    assigned,
    check_names,
    check_value,
    declared,
    fits,
    load_yaml,
    parse,
)

CELL = '''\
"""A note."""
# and a comment
screen: str = "twin"  # which
seeds: list[int] = [0, 1]
alpha: float = -0.5
pairing: Literal["random", "nearest"] = "random"
limit: int | None = None'''


def test_a_typed_cell_is_read_with_its_defaults():
    found = declared(CELL)
    assert list(found) == ["screen", "seeds", "alpha", "pairing", "limit"]
    assert [p.default for p in found.values()] == ["twin", [0, 1], -0.5, "random", None]
    assert found["seeds"].annotation == "list[int]"
    assert found["limit"].type == int | None


@pytest.mark.parametrize(
    "source",
    ["x = 1", "x: int = 1\nprint(x)", "x: int", "", "def f(): pass", "%matplotlib", "x: int = f()"],
)
def test_other_cells_declare_nothing(source):
    assert declared(source) is None


def test_an_annotation_beyond_the_built_in_types_is_named():
    with pytest.raises(InputError, match="rate: Flaot.*built-in type"):
        declared("rate: Flaot = 1.0")


def test_assigned_names():
    assert assigned("# Parameters\na = 1\nb: int = 2\nc.d = 3\n") == ["a", "b"]


@pytest.mark.parametrize(
    ("value", "wanted", "expected"),
    [
        (1, int, True),
        (True, int, False),
        (1.0, int, False),
        ("1", int, False),
        (1, float, True),
        (1.5, float, True),
        (True, float, False),
        (True, bool, True),
        (1, bool, False),
        ([1, 2], list[int], True),
        ([1, "2"], list[int], False),
        ([1, True], list[int], False),
        ([], list[int], True),
        (1, list[int], False),
        ([1, "a"], list, True),
        ({"a": 1}, dict[str, int], True),
        ({"a": "b"}, dict[str, int], False),
        (None, str | None, True),
        ("a", Optional[str], True),  # noqa: UP045
        (1, str | None, False),
        ("random", Literal["random", "nearest"], True),
        ("sorted", Literal["random", "nearest"], False),
        (object(), Any, True),
        (None, None, True),
    ],
)
def test_fits(value, wanted, expected):
    assert fits(value, wanted) is expected


def test_an_unknown_name_gets_the_nearest_one():
    with pytest.raises(InputError, match="'epoch' of lesson.*did you mean.*'epochs'"):
        check_names(["epoch"], declared("epochs: int = 2\nseed: int = 0"), "lesson")


def test_a_wrong_type_says_what_was_given_and_how_to_write_it():
    seeds = declared("seeds: list[int] = [0]")["seeds"]
    with pytest.raises(InputError, match=r"must be list\[int\].*'\[0, 1\]' \(str\).*-y 'seeds: "):
        check_value(seeds, "[0, 1]", "lesson")
    with pytest.raises(InputError, match=r"'5' \(str\); write it without quotes"):
        check_value(declared("epochs: int = 2")["epochs"], "5", "lesson")


@pytest.mark.parametrize(
    ("annotation", "text", "expected"),
    [
        ("str", "007", "007"),
        ("str", "no", "no"),
        ("str | None", "null", None),
        ("str | None", "a.h5ad", "a.h5ad"),
        ("int", "5", 5),
        ("int", "five", "five"),
        ("float", "1e-3", 0.001),
        ("bool", "true", True),
        ("int | None", "None", None),
        ("int | None", "3", 3),
        ("list[int]", "0 1 2", [0, 1, 2]),
        ("list[int]", "0,1", [0, 1]),
        ("list[int]", "4", [4]),
        ("list[int]", "[0, 1]", [0, 1]),
        ("list[str]", "a b", ["a", "b"]),
    ],
)
def test_values_typed_on_a_command_line(annotation, text, expected):
    value = parse(text, declared(f"x: {annotation} = 0")["x"])
    assert value == expected and type(value) is type(expected)


def test_yaml_reads_python_exponents_and_leaves_other_text():
    assert load_yaml("a: 1e-3\nb: [2E5, 'one']\nc: '12'") == {
        "a": 0.001,
        "b": [200000.0, "one"],
        "c": "12",
    }


def test_a_name_given_twice_is_no_yaml():
    with pytest.raises(yaml.YAMLError, match="'alpha' is given twice"):
        load_yaml("axes:\n  alpha: [0]\n  alpha: [1]")
