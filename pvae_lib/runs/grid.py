"""A grid file: one notebook, many settings, some seeds → the points to run, all checked first."""

import hashlib
import itertools
import json
import os
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from pvae_lib.evaluation.metrics import METRICS
from pvae_lib.exceptions import InputError, nearest
from pvae_lib.learning.seeds import check_seeds
from pvae_lib.runs.execute import parameters_of
from pvae_lib.runs.parameters import Parameter, check_names, check_value, load_yaml

KEYS = ("notebook", "parameters", "axes", "seeds", "metrics")
BASE = "base"


@dataclass(frozen=True)
class Point:
    """One run of a grid.

    Attributes
    ----------
    parameters
        Every parameter of the notebook but `out`, defaults included.
    changed
        What differs from the grid's base, the seed aside.
    label
        The same as text: "alpha=0, pairing=nearest", or "base".
    seed
        None where the grid names no seeds.
    """

    parameters: Mapping[str, Any]
    changed: Mapping[str, Any]
    label: str
    seed: int | None
    notebook: str

    @property
    def name(self) -> str:
        """A digest of the notebook's name and all parameters: the same run, the same folder."""
        text = json.dumps([self.notebook, self.parameters], sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class Grid:
    """A grid file that was read and checked.

    Attributes
    ----------
    base
        Every parameter of the notebook but `out`, as it stands where no axis or seed sets it.
    varied
        The parameters that some block of axes names, in order.
    metrics
        Which metrics the gathered results.csv keeps; empty for all.
    """

    path: Path
    notebook: Path
    points: tuple[Point, ...]
    base: Mapping[str, Any]
    varied: tuple[str, ...]
    metrics: tuple[str, ...]


def read_grid(path: str | os.PathLike) -> Grid:
    """Read a grid file and check every point of it against the notebook.

    The file is YAML:

    - `notebook`: its path, from the folder that holds the grid's project (where you stand);
    - `parameters`: what every run is given beside the notebook's defaults;
    - `seeds`: one run a seed, handed to the notebook's `seed`, or to `seeds` as a list of one;
    - `axes`: blocks, each a mapping of names to lists of values and run as a full product; several
      blocks in a list are run one after the other. Names that change together stand in one key,
      `d_nu, d_iota: [[20, 85], [52, 53]]`. A point that comes twice is run once;
    - `metrics`: which metrics the gathered table keeps (all by default).

    Raises
    ------
    InputError
        No such file, no YAML, an unknown key, an unknown or mistyped parameter in any point, an
        axis without values, or no points at all. Nothing has been run then.
    """
    path = Path(path)
    content = load_grid(path)
    _check_shape(content, path)
    notebook = Path(content["notebook"])
    # A run's folder is the sweep's to name.
    known = {name: p for name, p in parameters_of(notebook).items() if name != "out"}
    given = content.get("parameters") or {}
    seeds = [None]
    if "seeds" in content:
        seeds = content["seeds"] or []  # a line without values is no list
        check_seeds(seeds)
    blocks = content.get("axes") or [{}]
    blocks = [blocks] if isinstance(blocks, dict) else blocks
    settings = [setting for block in blocks for setting in _product(block, path)]
    for name in {name for setting in settings for name in setting} & {"seed", "seeds"}:
        if "seeds" in content:
            raise InputError(f"{path}: {name!r} is an axis beside `seeds`; keep one of the two.")
    check_names(given, known, notebook.name)
    base = {n: _typed(given.get(n, p.default), p) for n, p in known.items()}
    points: dict[str, Point] = {}
    for setting, seed in itertools.product(settings, seeds):
        point = _point(setting, seed, base, known, notebook)
        points.setdefault(point.name, point)
    varied = tuple(dict.fromkeys(name for setting in settings for name in setting))
    metrics = tuple(content.get("metrics") or ())
    return Grid(path, notebook, tuple(points.values()), base, varied, metrics)


def load_grid(path: Path) -> dict[str, Any]:
    """What a grid file says, unchecked; InputError where it cannot be read or is no mapping."""
    try:
        content = load_yaml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"Cannot read the grid {path}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise InputError(f"{path} must hold lines `notebook: …`, `axes: …`, `seeds: …`.")
    return content


def _check_shape(content: Mapping[str, Any], path: Path) -> None:
    """InputError for a key that a grid does not have, or one whose value is of the wrong kind."""
    for key in content:
        if key not in KEYS:
            raise InputError(f"Unknown key {key!r} in the grid {path}: {nearest(key, KEYS)}")
    if not isinstance(content.get("notebook"), str):
        raise InputError(f"{path} names no notebook: add a line `notebook: notebooks/NAME.ipynb`.")
    kinds = {"parameters": dict, "axes": dict | list, "seeds": list, "metrics": list}
    for key, kind in kinds.items():
        if content.get(key) is not None and not isinstance(content[key], kind):
            raise InputError(f"{path}: {key!r} cannot be {content[key]!r}; see {__name__}.")
    for metric in content.get("metrics") or ():
        if not isinstance(metric, str) or metric not in METRICS:
            raise InputError(f"{path}: no metric {metric!r}; {nearest(metric, METRICS)}")


def _product(block: Any, path: Path) -> Iterator[dict[str, Any]]:
    """The settings of one block of axes: a full product."""
    if not isinstance(block, dict):
        raise InputError(f"{path}: a block of axes must be a mapping `name: [values]`.")
    axes, seen = [], set()
    for key, values in block.items():
        names = [name.strip() for name in str(key).split(",")]
        if "" in names or len({*seen, *names}) < len(seen) + len(names):
            raise InputError(
                f"{path}: the axis {key!r} has an empty name, or one that came before."
            )
        seen.update(names)
        if not isinstance(values, list) or not values:
            raise InputError(f"{path}: the axis {key!r} needs a list of values, [a, b, …].")
        rows = [value if len(names) > 1 else [value] for value in values]
        for row in rows:
            if not isinstance(row, list) or len(row) != len(names):
                raise InputError(
                    f"{path}: the axis {key!r} needs lists of {len(names)} values, but has {row!r}."
                )
        axes.append([dict(zip(names, row, strict=True)) for row in rows])
    for chosen in itertools.product(*axes):
        yield {name: value for part in chosen for name, value in part.items()}


def _point(
    setting: Mapping[str, Any],
    seed: int | None,
    base: Mapping[str, Any],
    known: Mapping[str, Parameter],
    notebook: Path,
) -> Point:
    check_names(setting, known, notebook.name)
    typed = {name: _typed(value, known[name]) for name, value in setting.items()}
    changed = {name: value for name, value in typed.items() if value != base[name]}
    parameters = dict(base) | typed
    if seed is not None:
        name = "seed" if "seed" in known else "seeds"
        check_names([name], known, notebook.name)
        parameters[name] = seed if name == "seed" else [seed]
    for name, value in parameters.items():
        check_value(known[name], value, notebook.name)
    label = ", ".join(f"{name}={_shown(value)}" for name, value in changed.items()) or BASE
    return Point(parameters, changed, label, seed, notebook.name)


def _typed(value: Any, parameter: Parameter) -> Any:
    """0 and 0.0 are one setting of a float, and so one run."""
    whole = isinstance(value, int) and not isinstance(value, bool)
    kinds = typing.get_args(parameter.type) or (parameter.type,)
    return float(value) if whole and float in kinds and int not in kinds else value


def _shown(value: Any) -> str:
    """As short as it can be without being the text of another value."""
    if not isinstance(value, float):
        return str(value)
    short = f"{value:g}"
    return short if float(short) == value else repr(value)
