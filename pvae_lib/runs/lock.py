"""One process at a time in a folder."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, SoftFileLock, Timeout

from pvae_lib.exceptions import InputError

FILE = ".lock"


@contextlib.contextmanager
def alone(folder: Path, what: str) -> Iterator[None]:
    """Hold the folder, made where it is missing, for as long as the block lasts.

    The operating system lets go of a folder whose process died, by kill -9 too. The mark in it,
    `.lock`, goes when the block ends.

    Parameters
    ----------
    what
        What may be at work there already, for the message: "Another run".

    Raises
    ------
    InputError
        Another process holds the folder, it cannot be written, or its file system has no locks
        (some network ones), so that nothing would keep two runs apart.
    """
    lock = FileLock(folder / FILE, timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
        # filelock's way out without locks is a mark, which its next call takes from its holder.
        if isinstance(lock, SoftFileLock):
            lock.release()
            raise InputError(
                f"The file system of {folder} has no locks: choose a folder on another one."
            )
    except Timeout:
        raise InputError(
            f"{what} is at work in {folder}: wait until it ends, or end it, or choose another "
            "folder."
        ) from None
    except OSError as error:
        raise InputError(
            f"Cannot write {folder}: {error.strerror or error}. "
            "Free some space there or choose another folder."
        ) from error
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            os.unlink(folder / FILE)  # while it is held, so that it is nobody else's
        lock.release()
