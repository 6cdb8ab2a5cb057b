"""Files are written whole or not at all."""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from pvae_lib.exceptions import InputError


@contextlib.contextmanager
def write_atomically(path: str | os.PathLike) -> Iterator[Path]:
    """Yield a temporary path beside `path`; it takes the name `path` only when the block succeeds.

    A reader, or a run resumed after kill -9, therefore never sees half a file.

    Raises
    ------
    InputError
        The folder cannot be made or written, or the disk is full; an older file at `path` is kept.
    """
    path = Path(path)
    # The suffix stays last: writers such as anndata and numpy choose their format by it.
    partial = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.partial{path.suffix}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        _flush_to_disk(partial)
        os.replace(partial, path)
    except OSError as error:
        raise InputError(
            f"Cannot write {path}: {error.strerror or error}. "
            "Free some space there or choose another folder; nothing was left half-written."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _flush_to_disk(path: Path) -> None:
    """Make a full disk show itself here, before the rename, rather than after it."""
    with open(path, "rb+") as handle:
        os.fsync(handle.fileno())
