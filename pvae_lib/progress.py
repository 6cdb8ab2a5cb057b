"""The one progress bar."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from tqdm import tqdm


def bar(
    iterable: Iterable | None = None,
    *,
    total: int | None = None,
    desc: str = "",
    unit: str = "it",
) -> tqdm:
    """A tqdm bar on stderr, silent where its output would be stored and compared.

    Plain text rather than a widget: a widget leaves an orphan in a stored notebook, and stderr in a
    stored output fails nbval. Silent when the variable PVAE_PROGRESS is 0, and inside a notebook
    kernel unless it is 1 (`make run` and papermill runs set it, so the bar reaches the terminal).
    """
    wanted = os.environ.get("PVAE_PROGRESS")
    in_kernel = "ipykernel" in sys.modules
    silent = wanted == "0" or (in_kernel and wanted != "1")
    return tqdm(
        iterable, total=total, desc=desc, unit=unit, disable=silent, mininterval=1.0, leave=False
    )


@contextmanager
def without_bars() -> Iterator[None]:
    """No bar inside: where several processes', or one below another, would overwrite each other."""
    before = os.environ.get("PVAE_PROGRESS")
    os.environ["PVAE_PROGRESS"] = "0"
    try:
        yield
    finally:
        del os.environ["PVAE_PROGRESS"]
        if before is not None:
            os.environ["PVAE_PROGRESS"] = before
