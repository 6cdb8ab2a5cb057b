"""Optional packages: imported where they are used, with one clear message where missing."""

from importlib import import_module
from importlib.util import find_spec
from types import ModuleType

from pvae_lib.exceptions import InputError


def load_extra(module: str, extra: str) -> ModuleType:
    """Import a package that an optional extra of pyproject.toml installs.

    Parameters
    ----------
    module, extra
        What to import ("scvi"), and the extra that brings it ("scvi").

    Raises
    ------
    InputError
        The package is not installed; the message gives the command.
    """
    if not has_extra(module):
        raise InputError(
            f"The package {module!r} is not installed: "
            f"pip install --constraint constraints.txt --editable '.[{extra}]'"
        )
    return import_module(module)


def has_extra(module: str) -> bool:
    """Whether a package of an optional extra is installed, without importing it."""
    return find_spec(module.partition(".")[0]) is not None
