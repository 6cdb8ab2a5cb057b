"""Embeddings made elsewhere, laid beside a screen's cells by name, never by luck."""

import os
from collections.abc import Sequence
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd

from pvae_lib.exceptions import InputError, nearest
from pvae_lib.screen.anndata_io import open_h5ad
from pvae_lib.screen.validation import check_names


def read_h5ad(path: str | os.PathLike, key: str) -> tuple[np.ndarray, np.ndarray]:
    """The embedding and the cell names that a model's own script wrote to an .h5ad file.

    Returns
    -------
    values, cells
        (n, width) and (n,).

    Raises
    ------
    InputError
        No such file, not an h5ad, truncated, or nothing under `.obsm[key]`.
    """
    written = open_h5ad(Path(path))
    if key not in written.obsm:
        held = nearest(key, written.obsm.keys()) if len(written.obsm) else "its obsm is empty."
        raise InputError(f"{path} has no embedding .obsm[{key!r}]; {held}")
    return np.asarray(written.obsm[key]), written.obs_names.to_numpy(dtype=object)


def read_npy(path: str | os.PathLike) -> np.ndarray:
    """The array in an .npy file, which is never unpickled.

    Raises
    ------
    InputError
        No such file, not an .npy, truncated, or an array of Python objects.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"No file {path}; check the path.")
    try:
        values = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{path} is no .npy array of numbers, or a truncated one ({error}); write it again. "
            "Arrays of Python objects are not read: reading them can run code."
        ) from error
    if not isinstance(values, np.ndarray):
        values.close()
        raise InputError(f"{path} is an .npz archive; give the .npy of the cell embeddings.")
    return values


def cells_of(source: Sequence[str] | str | os.PathLike) -> np.ndarray:
    """(n,) cell names: as given, or those of the rows of an .h5ad or .csv file.

    Raises
    ------
    InputError
        A file that is missing, unreadable or of another kind.
    """
    if not isinstance(source, str | os.PathLike):
        return np.asarray(source, dtype=object)
    path = Path(source)
    if path.suffix == ".h5ad":
        return open_h5ad(path).obs_names.to_numpy(dtype=object)
    if path.suffix != ".csv":
        raise InputError(
            f"Cell names cannot be read from {path}: give the .h5ad or .csv file that the script "
            "read, or the names themselves."
        )
    try:
        return pd.read_csv(path, usecols=[0], dtype=str).iloc[:, 0].to_numpy(dtype=object)
    except (OSError, ValueError) as error:
        raise InputError(f"Cannot read cell names from {path}: {error}") from error


def store(
    adata: ad.AnnData,
    key: str,
    values: np.ndarray,
    cells: Sequence[str],
    *,
    source: str,
    width: int | None = None,
    missing: str = "embed them too",
    about: dict | None = None,
) -> None:
    """Write `adata.obsm[key]`, (n_cells, width) float32, each cell its own row by name.

    The order of the rows does not matter; cells that `adata` does not hold are left aside. Where
    the numbers come from is kept in `adata.uns[key]`.

    Parameters
    ----------
    values, cells
        (n, width) numbers and the (n,) names of their rows.
    source
        What is at fault where something is: a file's path or a model's name.
    width
        The width that the model's embeddings have, where it is known.
    missing
        How cells without a row get one: the end of a sentence.
    about
        Kept in `adata.uns[key]` beside the source.

    Raises
    ------
    InputError
        `key` is no "X_…"; not a matrix of numbers; another width; another number of rows than of
        names; cells named twice, here or there; cells without a row; NaN or infinite values.
    """
    if not key.startswith("X_") or len(key) < 3:
        raise InputError(f"key={key!r} is not usable: embeddings are kept as .obsm['X_name'].")
    cells = np.asarray(cells, dtype=str)
    if not np.issubdtype(values.dtype, np.floating) or values.ndim != 2:
        raise InputError(
            f"{source}: an embedding is a (cells, width) matrix of floating-point numbers, but "
            f"this is {values.dtype} of shape {values.shape}."
        )
    if width is not None and values.shape[1] != width:
        raise InputError(
            f"{source}: {values.shape[1]} columns where this model's cell embeddings have {width}; "
            "check with which settings the file was written."
        )
    if len(values) != len(cells):
        raise InputError(
            f"{source}: {len(values)} rows, but {len(cells)} cell names: give the names of the "
            "very cells that the model was given, in that order."
        )
    for names, where in ((cells, source), (adata.obs_names, "The AnnData")):
        try:
            check_names(names, "cell")
        except InputError as error:
            raise InputError(f"{where}: {error}") from error
    rows = pd.Index(cells).get_indexer(adata.obs_names.astype(str))
    if (rows < 0).any():
        absent = adata.obs_names[rows < 0]
        raise InputError(
            f"{source}: {len(absent):,} of {adata.n_obs:,} cells have no embedding "
            f"({', '.join(map(str, absent[:5]))}; the source names {cells[0]!r}, …): {missing}, or "
            "keep only the cells that have one."
        )
    found = values[rows].astype(np.float32)
    wrong = ~np.isfinite(found).all(axis=1)
    if wrong.any():
        raise InputError(
            f"{source}: {int(wrong.sum())} cells have NaN or infinite values "
            f"({', '.join(map(str, adata.obs_names[wrong][:5]))}); embed them again or drop them."
        )
    adata.obsm[key] = found
    adata.uns[key] = {"source": str(source), "width": found.shape[1], **(about or {})}
