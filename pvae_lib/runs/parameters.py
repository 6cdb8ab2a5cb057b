"""What a notebook's `parameters` cell declares, and whether given values fit it."""

import ast
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from pvae_lib.exceptions import InputError, nearest

# What an annotation in a parameters cell may name besides the built-in types.
_NAMES = {"Any": Any, "Literal": typing.Literal, "Optional": typing.Optional}


@dataclass(frozen=True)
class Parameter:
    """One line `name: type = default` of a parameters cell."""

    name: str
    annotation: str
    type: Any
    default: Any


def declared(source: str) -> dict[str, Parameter] | None:
    """The parameters a cell declares, or None when it is no list of typed, literal assignments.

    Raises
    ------
    InputError
        An annotation that names no built-in type.
    """
    try:
        statements = ast.parse(source).body
    except SyntaxError:
        return None
    statements = [s for s in statements if not _is_text(s)]
    typed = [
        s
        for s in statements
        if isinstance(s, ast.AnnAssign) and isinstance(s.target, ast.Name) and s.value is not None
    ]
    if not typed or len(typed) != len(statements):
        return None
    found = {}
    for statement in typed:
        annotation = ast.unparse(statement.annotation)
        try:
            meaning = eval(annotation, dict(_NAMES))  # the notebook's own code, about to be run
        except (NameError, TypeError) as error:
            raise InputError(
                f"The parameters cell declares {statement.target.id}: {annotation}, which is not a "
                "built-in type; use str, int, float, bool, list[int], str | None, …"
            ) from error
        try:
            default = ast.literal_eval(statement.value)
        except ValueError:
            return None
        found[statement.target.id] = Parameter(statement.target.id, annotation, meaning, default)
    return found


def assigned(source: str) -> list[str]:
    """The names that a cell assigns at its top level, in order."""
    names = []
    for statement in ast.parse(source).body:
        targets = statement.targets if isinstance(statement, ast.Assign) else []
        if isinstance(statement, ast.AnnAssign):
            targets = [statement.target]
        names += [t.id for t in targets if isinstance(t, ast.Name)]
    return names


def check_names(given: Iterable[str], parameters: Mapping[str, Parameter], where: str) -> None:
    """InputError for the first name that the notebook does not declare, with the nearest one."""
    for name in given:
        if name not in parameters:
            raise InputError(f"Unknown parameter {name!r} of {where}: {nearest(name, parameters)}")


def check_value(parameter: Parameter, value: Any, where: str) -> None:
    """InputError when the value is not of the declared type.

    An int passes for a float; a bool passes for neither; the elements of a list are looked at too.
    Whether a number lies in range is for the library that uses it to say.
    """
    if fits(value, parameter.type):
        return
    hint = ""
    if isinstance(value, str) and parameter.type is not str:
        hint = (
            f"; papermill's -p hands lists over as text: write -y '{parameter.name}: {value}'"
            if value.startswith(("[", "{"))
            else "; write it without quotes"
            if _reads_as_number(value)
            else ""
        )
    raise InputError(
        f"Parameter {parameter.name!r} of {where} must be {parameter.annotation}, "
        f"but is {value!r} ({type(value).__name__}){hint}."
    )


def fits(value: Any, wanted: Any) -> bool:
    """Whether a value is of a type as an annotation writes it."""
    if wanted is Any:
        return True
    if wanted is None or wanted is types.NoneType:
        return value is None
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin in (types.UnionType, typing.Union):
        return any(fits(value, argument) for argument in arguments)
    if origin is typing.Literal:
        return any(value == a and type(value) is type(a) for a in arguments)
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if wanted is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin is dict:
        key, item = arguments
        return isinstance(value, dict) and all(
            fits(k, key) and fits(v, item) for k, v in value.items()
        )
    if origin in (list, tuple, set):
        # `tuple[int, ...]` and `list[int]` alike: one type for every element.
        return isinstance(value, origin) and all(fits(v, arguments[0]) for v in value)
    return isinstance(value, wanted)


def parse(text: str, parameter: Parameter) -> Any:
    """A value typed on the command line, read as the declared type suggests.

    Text stays text for a `str`; a list may be written `0 1 2`, `0,1,2` or `[0, 1, 2]`; the rest is
    YAML, with `1e-3` a number.
    """
    if parameter.type is str:
        return text
    if text in ("None", "null", ""):
        return None
    if parameter.type is not Any and fits(text, parameter.type):
        return text
    is_list = (typing.get_origin(parameter.type) or parameter.type) is list
    if is_list and not text.strip().startswith("["):
        return [load_yaml(part) for part in text.replace(",", " ").split()]
    return load_yaml(text)


def load_yaml(text: str) -> Any:
    """Safe YAML in which `1e-3` is a number, as in Python; YAML 1.1 wants `1.0e-3`.

    Raises
    ------
    yaml.YAMLError
        The text is not YAML, or gives a name twice: YAML itself would take the last without a word.
    """
    return _numbers(yaml.load(text, Loader=_EachNameOnce))


class _EachNameOnce(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        for key, name in zip(node.value, names, strict=True):
            if names.count(name) > 1:
                raise yaml.constructor.ConstructorError(
                    None, None, f"{name!r} is given twice", key[0].start_mark
                )
        return super().construct_mapping(node, deep)


def _numbers(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    # Only the exponent form: any other text that YAML left as text was quoted on purpose.
    if isinstance(value, str) and "e" in value.lower() and _reads_as_number(value):
        return float(value)
    return value


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return text.strip()[-1:].isdigit()


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
