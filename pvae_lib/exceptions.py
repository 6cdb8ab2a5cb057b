"""The one kind of error that a user can mend."""

import difflib
import math
from collections.abc import Iterable
from numbers import Integral, Real


class InputError(ValueError):
    """Something handed in cannot be used; the message names the thing and the mend."""


def nearest(name: str, known: Iterable[str], n: int = 3) -> str:
    """A ready-made hint: the known names nearest to `name`, or the first few where none is near."""
    known = [str(k) for k in known]
    near = difflib.get_close_matches(str(name), known, n=n)
    if near:
        return "did you mean " + " or ".join(repr(k) for k in near) + "?"
    shown = ", ".join(known[:12]) + (", …" if len(known) > 12 else "")
    return f"known: {shown}"


def check_whole(at_least: int = 1, **values: object) -> None:
    """Refuse the first value that is not a whole number of at least `at_least`.

    Raises
    ------
    InputError
        Naming the value: a fraction, a float such as 20.0, text, a truth value, or too small.
    """
    for name, value in values.items():
        if not isinstance(value, Integral) or isinstance(value, bool) or value < at_least:
            raise InputError(
                f"{name}={value!r} is not usable: give a whole number of at least {at_least}."
            )


def check_number(at_least: float = 0.0, *, finite: bool = True, **values: object) -> None:
    """Refuse the first value that is not a number of at least `at_least`, or is not finite.

    Raises
    ------
    InputError
        Naming the value: text, a truth value, NaN, infinite (unless allowed), or too small.
    """
    for name, value in values.items():
        usable = isinstance(value, Real) and not isinstance(value, bool) and value >= at_least
        if not usable or (finite and math.isinf(value)):
            kind = "finite number" if finite else "number"
            raise InputError(f"{name}={value!r} is not usable: give a {kind} from {at_least:g} up.")
