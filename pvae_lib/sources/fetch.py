"""Download a published file: the one place in the project that touches the network."""

import contextlib
import logging
import os
import shutil
import time
from pathlib import Path

import pooch
import requests

from pvae_lib.exceptions import InputError
from pvae_lib.progress import bar
from pvae_lib.sources.published import PublishedFile

# What a broken connection loses at most: requests drops the chunk that it could not fill.
CHUNK_BYTES = 1 << 16


def fetch(
    file: PublishedFile,
    folder: str | os.PathLike,
    *,
    attempts: int = 4,
    wait: float = 3.0,
    timeout: float = 30.0,
) -> Path:
    """The path of `file` in `folder`, downloaded unless a good copy is there already.

    A download grows under the name `<name>.part`; only when its MD5 is right does pooch move it to
    its own name. A broken connection is taken up where it broke, up to `attempts` times an address
    and again in a later call; where the server cannot resume, the download starts afresh.

    Raises
    ------
    InputError
        The file at hand has another MD5; or no address gave the file: what each answered (404, an
        HTML page, other bytes, a broken connection, no network) and how to go on without it; or
        the folder cannot be written or is full.
    """
    path = Path(folder) / file.name
    if path.exists():
        check_md5(path, file.md5)
        return path
    # pooch would announce the address on stderr; the progress bar names the file.
    pooch.get_logger().setLevel(logging.WARNING)
    refusals = []
    for url in file.urls:
        for attempt in range(attempts):
            if attempt:
                time.sleep(wait)
            download = _Download(file, path.with_name(f"{file.name}.part"), timeout)
            try:
                pooch.retrieve(url, f"md5:{file.md5}", file.name, path.parent, downloader=download)
                return path
            except (requests.RequestException, ValueError) as error:
                refusal, may_pass = download.judge(error)
            except OSError as error:
                raise InputError(
                    f"Cannot write {file.name} in {path.parent}: {error.strerror or error}. "
                    "Free some space there or choose another folder."
                ) from error
            if not may_pass:
                break
        refusals.append(f"{url}: {refusal}")
    raise InputError(
        f"Could not fetch {file.name}. {'; '.join(refusals)}. Try again later, or download it "
        f"with a browser from {file.page} and put it into {path.parent} under that name, or give "
        "another copy as a local file."
    )


def check_md5(path: Path, md5: str) -> None:
    """Refuse a local file with another MD5 than the published one.

    Raises
    ------
    InputError
        Both hashes are named; the file is left as it is.
    """
    found = pooch.file_hash(str(path), alg="md5")
    if found != md5:
        raise InputError(
            f"{path} has MD5 {found}, but the published file has {md5}: it is damaged or another "
            "copy. Remove it to have it fetched again, or give a copy that you trust as a local "
            "file."
        )


class _Download:
    """A downloader for pooch that resumes, and refuses a wrong kind of file at its first bytes."""

    def __init__(self, file: PublishedFile, part: Path, timeout: float):
        self.file = file
        self.part = part
        self.timeout = timeout
        self.resumed = False
        self.size: int | None = None

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        at_hand = self._bytes_at_hand()
        # Identity: a server that compresses on the way would change lengths and offsets.
        headers = {"Accept-Encoding": "identity"}
        if at_hand:
            headers["Range"] = f"bytes={at_hand}-"
        with requests.get(url, headers=headers, stream=True, timeout=self.timeout) as answer:
            if answer.status_code == requests.codes.requested_range_not_satisfiable:
                self.resumed = True  # nothing is left to fetch: the MD5 decides
            else:
                answer.raise_for_status()
                self.resumed = answer.status_code == requests.codes.partial_content
                self._receive(answer, at_hand if self.resumed else 0)
        os.replace(self.part, output_file)

    def judge(self, error: Exception) -> tuple[str, bool]:
        """Why this attempt gave no file, in words, and whether another attempt may."""
        if isinstance(error, requests.HTTPError):
            answer = error.response
            busy = answer.status_code >= 500 or answer.status_code == 429
            return f"the server answers {answer.status_code} ({answer.reason})", busy
        if isinstance(error, requests.RequestException):
            at_hand = self._bytes_at_hand()
            if not at_hand:
                return f"no connection ({type(error).__name__}); is there a network?", True
            of = f" of {self.size:,}" if self.size else ""
            return f"the connection broke after {at_hand:,}{of} bytes (kept, to resume)", True
        if isinstance(error, InputError):
            return str(error), False
        # pooch's ValueError names both hashes. A resumed file may be of two versions: start afresh.
        return f"the file is not the published one: {error}", self.resumed

    def _bytes_at_hand(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _receive(self, answer: requests.Response, at_hand: int) -> None:
        length = int(answer.headers.get("Content-Length", 0))
        self.size = at_hand + length if length else None
        free = shutil.disk_usage(self.part.parent).free
        if length > free:
            raise OSError(f"{length / 1e6:,.0f} MB to come, {free / 1e6:,.0f} MB free")
        with (
            open(self.part, "ab" if at_hand else "wb") as stream,
            bar(total=self.size, desc=self.file.name, unit="B") as progress,
        ):
            progress.unit_scale = True
            progress.update(at_hand)
            for chunk in answer.iter_content(CHUNK_BYTES):
                if stream.tell() == 0:
                    self._check_kind(chunk)
                stream.write(chunk)
                progress.update(len(chunk))

    def _check_kind(self, start: bytes) -> None:
        if start.startswith(self.file.magic):
            return
        with contextlib.suppress(OSError):
            self.part.unlink()
        if start.lstrip().startswith(b"<"):
            raise InputError("the server sent an HTML page (a notice or a login) instead of data")
        kind = "gzip" if self.file.name.endswith(".gz") else "HDF5"
        raise InputError(f"the server sent something that is no {kind} file")
