"""The one kind of error that a user can mend."""

import difflib
from collections.abc import Iterable


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
