"""Prepared screens kept as .h5ad files, each with a record of what it was made from."""

import json
from pathlib import Path

import h5py

from pvae_lib.exceptions import InputError
from pvae_lib.files import write_atomically
from pvae_lib.screen import Screen
from pvae_lib.screen.anndata_io import as_anndata

RECORD = "provenance"


def save(screen: Screen, path: Path, provenance: dict) -> None:
    """Write the screen as .h5ad, whole or not at all, with its provenance in `.uns`.

    Raises
    ------
    InputError
        The folder cannot be written or is full.
    """
    adata = as_anndata(screen)  # no copies: only written to the file
    adata.uns[RECORD] = _as_json(provenance)
    with write_atomically(path) as partial_path:
        adata.write_h5ad(partial_path, compression="lzf")


def load(path: Path, provenance: dict | None = None) -> Screen | None:
    """The kept screen, or None where there is none to trust and it must be made (again).

    None is the answer for a missing or damaged file, and for one made from something else than
    `provenance`; without `provenance`, whatever was kept there is taken.
    """
    record = read_provenance(path)
    if record is None or (provenance is not None and record != json.loads(_as_json(provenance))):
        return None
    try:
        return Screen.from_anndata(
            path, total_counts_column="total_counts", name=record.get("name", path.stem)
        )
    except InputError:
        return None


def read_provenance(path: Path) -> dict | None:
    """What the file says it was made from; None where it cannot be read."""
    try:
        with h5py.File(path) as file:
            return json.loads(file["uns"][RECORD].asstr()[()])
    except (OSError, KeyError, AttributeError, ValueError):
        return None


def _as_json(provenance: dict) -> str:
    return json.dumps(provenance, sort_keys=True)
