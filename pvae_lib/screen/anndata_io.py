"""AnnData in and out."""

import os
from pathlib import Path

import anndata as ad
import pandas as pd

from pvae_lib.exceptions import InputError, nearest

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"


def read(
    adata: ad.AnnData | str | os.PathLike,
    condition_column: str,
    counts_layer: str | None,
    total_counts_column: str | None,
    name: str | None,
) -> dict:
    """What `Screen.from_counts` takes, out of an AnnData object or file."""
    if not isinstance(adata, ad.AnnData):
        path = Path(adata)
        adata = open_h5ad(path)
        name = name or path.stem
    if condition_column not in adata.obs:
        raise InputError(
            f"No column {condition_column!r} in obs. Columns: {', '.join(adata.obs.columns)}. "
            "Name the one with the perturbations by condition_column=…"
        )
    if counts_layer is None and "counts" in adata.layers:
        counts_layer = "counts"
    if counts_layer is not None and counts_layer not in adata.layers:
        raise InputError(f"No layer {counts_layer!r}; {nearest(counts_layer, adata.layers.keys())}")
    if total_counts_column is not None and total_counts_column not in adata.obs:
        raise InputError(
            f"No column {total_counts_column!r} in obs; "
            f"{nearest(total_counts_column, adata.obs.columns)}"
        )
    counts = adata.X if counts_layer is None else adata.layers[counts_layer]
    if counts is None:
        raise InputError(
            "The AnnData has no X; put the raw counts there, or name a layer by counts_layer=… "
            f"(layers: {', '.join(adata.layers.keys()) or 'none'})."
        )
    totals = None if total_counts_column is None else adata.obs[total_counts_column].to_numpy()
    return {
        "counts": counts,
        "condition": adata.obs[condition_column].astype(object).to_numpy(),
        "genes": adata.var_names.to_numpy(dtype=object),
        "cells": adata.obs_names.to_numpy(dtype=object),
        "total_counts": totals,
        "obs": adata.obs.drop(columns=[condition_column]),
        "name": name or "screen",
        # What `write` keeps, so that a part of a screen comes back as the part it was.
        "target_total": adata.uns.get("target_total"),
        "targets": list(adata.uns["targets"]) if "target_total" in adata.uns else (),
    }


def open_h5ad(path: Path, backed: bool = False) -> ad.AnnData:
    """Read an .h5ad file, X not yet where `backed`, or say in one line why it cannot be read."""
    if not path.is_file():
        raise InputError(f"No file {path}; check the path.")
    try:
        with open(path, "rb") as handle:
            start = handle.read(512)
    except OSError as error:
        raise InputError(
            f"Cannot read {path}: {error.strerror or error}; check its permissions."
        ) from error
    if not start.startswith(HDF5_MAGIC):
        kind = (
            "an HTML page"
            if b"<html" in start.lower() or b"<!doc" in start.lower()
            else "not an h5ad"
        )
        raise InputError(f"{path} is {kind} (no HDF5 signature); download it again.")
    try:
        return ad.read_h5ad(path, backed="r" if backed else None)
    except Exception as error:  # h5py and anndata raise many kinds for a damaged file
        raise InputError(
            f"{path} is a damaged or truncated h5ad ({type(error).__name__}: {error}); "
            "download or write it again."
        ) from error


def as_anndata(screen) -> ad.AnnData:
    """A Screen as AnnData on the same arrays, not to be written to: for files, and to be copied.

    `read` with total_counts_column="total_counts" gives the screen back.
    """
    obs = screen.obs.assign(
        condition=pd.Categorical(screen.condition), total_counts=screen.total_counts
    )
    adata = ad.AnnData(
        X=screen.expression,
        obs=obs.set_axis(screen.cells.astype(str), axis=0),
        var=pd.DataFrame(index=screen.genes.astype(str)),
        layers={"counts": screen.counts},
        obsm={"u": screen.u},
        uns={"targets": list(screen.targets), "target_total": screen.target_total},
    )
    return adata
