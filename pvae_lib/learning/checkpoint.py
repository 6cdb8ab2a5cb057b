"""One file for what was learned: safetensors, with JSON in its header. No pickle.

The header holds a checksum of all the numbers, so that a damaged file is refused rather than used.
"""

import json
import os
import struct
import zlib
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from pvae_lib.exceptions import InputError
from pvae_lib.files import write_atomically

HEADER = "pvae_lib"


def write(path: str | os.PathLike, tensors: dict[str, Tensor], metadata: dict) -> None:
    """Write tensors and JSON-able metadata, whole or not at all.

    Raises
    ------
    InputError
        The folder cannot be written or the disk is full.
    """
    tensors = {name: t.detach().cpu().contiguous() for name, t in tensors.items()}
    record = json.dumps({**metadata, "checksum": _checksum(tensors)})
    # safetensors' own writer would make the file readable to its owner only.
    with write_atomically(path) as partial:
        partial.write_bytes(save(tensors, {HEADER: record}))


def read(path: str | os.PathLike) -> tuple[dict[str, Tensor], dict]:
    """Tensors and metadata of a file that `write` made.

    Raises
    ------
    InputError
        No such file, not one of ours, truncated, or damaged.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"There is no file {path}; check the path, or train first.")
    try:
        with safe_open(path, "pt") as file:
            metadata = json.loads((file.metadata() or {})[HEADER])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        whole = metadata.pop("checksum") == _checksum(tensors)
    except KeyError as error:
        raise InputError(f"{path} was not written by this project; choose another file.") from error
    except (SafetensorError, OSError, ValueError, struct.error) as error:
        raise InputError(
            f"{path} is corrupted or not a safetensors file ({error}): delete it and train again."
        ) from error
    if not whole:
        raise InputError(f"{path} is corrupted (wrong checksum): delete it and train again.")
    return tensors, metadata


def check_same(path: str | os.PathLike, stored: dict, wanted: dict) -> None:
    """Refuse a file whose identity differs from the wanted one, and say in what.

    Raises
    ------
    InputError
        Naming the first few entries that differ.
    """
    stored = {} if stored is None else stored
    wanted = json.loads(json.dumps(wanted))
    differing = [k for k in sorted({*stored, *wanted}) if stored.get(k) != wanted.get(k)]
    if differing:
        changes = "; ".join(
            f"{k} was {stored.get(k)!r}, is {wanted.get(k)!r}" for k in differing[:4]
        )
        raise InputError(
            f"{Path(path)} belongs to another run ({changes}): choose another file, or delete "
            "this one to start afresh."
        )


def _checksum(tensors: dict[str, Tensor]) -> int:
    total = 0
    for name in sorted(tensors):
        total = zlib.crc32(name.encode(), total)
        total = zlib.crc32(tensors[name].reshape(-1).view(torch.uint8).numpy(), total)
    return total
