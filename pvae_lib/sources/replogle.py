"""Replogle 2022: screens of single essential genes in K562 and RPE1, from scPerturb's files.

`python -m pvae_lib.sources.replogle --line k562` fetches, prepares and keeps one; `--help` lists
the choices. The files were out of reach when this was written: what is read is their published
format (raw counts in X, dense or sparse, obs column `perturbation`), tested on tiny files like it.
"""

import argparse
import sys
from pathlib import Path

import anndata as ad
import h5py
import numpy as np
import pooch
import scipy.sparse as sp

from pvae_lib.exceptions import InputError
from pvae_lib.screen import Screen
from pvae_lib.screen.anndata_io import open_h5ad
from pvae_lib.sources import DATA_DIR, cache
from pvae_lib.sources.fetch import fetch
from pvae_lib.sources.published import REPLOGLE_K562_ESSENTIAL, REPLOGLE_RPE1

LINES = {"k562": REPLOGLE_K562_ESSENTIAL, "rpe1": REPLOGLE_RPE1}
COLUMN = "perturbation"
N_VARIABLE_GENES = 5_000  # as for Norman's screen; the paper does not say
ROWS_AT_ONCE = 10_000  # of a dense X: 0.3 GB
PREPARATION = 1  # raised when the same file and settings come to give another screen


def load(
    data_dir: str | Path,
    line: str = "k562",
    *,
    file: str | Path | None = None,
    condition_column: str = COLUMN,
    n_genes: int = N_VARIABLE_GENES,
) -> Screen:
    """The prepared screen: from the data folder where it was kept, else made and kept there.

    Prepared as Norman's: median-normalised totals, log1p, highly variable genes over all cells.
    Some 250,000 to 310,000 cells × 8,600 genes: preparing takes about 30 GB of memory, once (scaled
    from 12,000 cells, a third of their counts nonzero).

    Parameters
    ----------
    data_dir
        Where the download and the prepared screen (replogle-k562.h5ad) lie.
    line
        "k562" (essential genes) or "rpe1".
    file
        A local .h5ad to take instead of fetching: any copy whose labels are genes and "control".
    condition_column
        The column of obs with the labels; scPerturb's by default.
    n_genes
        How many highly variable genes are kept.

    Raises
    ------
    InputError
        Unknown line; a copy that holds combinations of genes or a single perturbation; and whatever
        `fetch` and `Screen` refuse.
    """
    if line not in LINES:
        raise InputError(f"No cell line {line!r} of Replogle's screens; known: {', '.join(LINES)}.")
    if file is not None and not Path(file).is_file():
        raise InputError(f"No file {file}; check the path.")
    data_dir, published = Path(data_dir), LINES[line]
    name = f"replogle-{line}"
    provenance = {
        "name": name,
        "preparation": PREPARATION,
        "md5": pooch.file_hash(str(file), alg="md5") if file else published.md5,
        "condition_column": condition_column,
        "n_genes": n_genes,
    }
    kept = cache.load(data_dir / f"{name}.h5ad", provenance)
    if kept is not None:
        return kept
    adata = _read(Path(file) if file else fetch(published, data_dir))
    adata.var_names_make_unique()
    # One gene a cell: a "_" in a label is part of a name, so labels are cut at "+" alone.
    whole = Screen.from_anndata(adata, condition_column=condition_column, name=name)
    combined = [c for c in whole.conditions if c not in whole.singles]
    if combined or len(whole.singles) < 2:
        what = f"combinations such as {combined[0]!r}" if combined else "fewer than two conditions"
        raise InputError(
            f"Column {condition_column!r} holds {what}: not a screen of single genes. Name the "
            "column with the perturbed gene by condition_column=…"
        )
    screen = whole.with_variable_genes(n_genes)
    cache.save(screen, data_dir / f"{name}.h5ad", provenance)
    return screen


def _read(path: Path) -> ad.AnnData:
    """The file with CSR counts; a dense X, 10 GB as a whole, is never in memory as a whole."""
    adata = open_h5ad(path, backed=True)
    try:
        if not isinstance(adata.X, h5py.Dataset):
            return adata.to_memory()
        parts = [sp.csr_matrix(x, dtype=np.float32) for x, *_ in adata.chunked_X(ROWS_AT_ONCE)]
        return ad.AnnData(sp.vstack(parts, format="csr"), adata.obs, adata.var)
    finally:
        adata.file.close()


def main(arguments: list[str] | None = None) -> None:
    """Fetch and prepare from the command line; an InputError ends it with its one message."""
    parser = argparse.ArgumentParser(
        prog="python -m pvae_lib.sources.replogle", description=__doc__
    )
    parser.add_argument("--data-dir", type=Path, default=DATA_DIR)
    parser.add_argument("--line", choices=tuple(LINES), default="k562")
    parser.add_argument("--file", type=Path, help="a local .h5ad to take instead of fetching")
    parser.add_argument("--condition-column", default=COLUMN, help=f"default: {COLUMN}")
    parser.add_argument("--n-genes", type=int, default=N_VARIABLE_GENES)
    try:
        screen = load(**vars(parser.parse_args(arguments)))
    except InputError as error:
        sys.exit(str(error))
    print(screen)


if __name__ == "__main__":
    main()
