"""UCE: the embedding that its own script writes, read and aligned."""

import os

import anndata as ad

from pvae_lib.probing.foundation import aligned

WIDTH = 1280


def read_uce(adata: ad.AnnData, path: str | os.PathLike, *, key: str = "X_uce") -> None:
    """Write the embedding of UCE's script to `adata.obsm[key]`, (n_cells, 1280) float32.

    Universal Cell Embeddings (Rosen et al., bioRxiv 2023.11.28.568918) samples 1,024 expressed
    genes of a cell, each by the chance that its log expression gives it, and reads them as their
    proteins' ESM-2 embeddings in the order of chromosomes. No installable package loads it. Its
    script (github.com/snap-stanford/UCE, MIT licence; weights from figshare, article 24320806) is
    run by the reader, best with a GPU, on raw counts in X under gene symbols::

        adata = screen.to_anndata()
        adata.X = adata.layers["counts"]
        adata.write_h5ad("screen.h5ad")
        python eval_single_anndata.py --adata_path screen.h5ad --dir out/ --filter ""

    `--filter ""` keeps all cells: with the filter on, the script drops cells of fewer than 25 genes
    (the option is any text but an empty one, so that `--filter False` leaves it on). The file
    wanted here is `out/screen_uce_adata.h5ad`, which holds `.obsm["X_uce"]`. Embeddings of the
    4-layer model (the script's default) and of the 33-layer model of the paper are not comparable.

    Parameters
    ----------
    adata
        The screen's cells; the embedding is written to it.
    path
        The file that the script wrote. Its cells may be in any order, and more than the screen's.

    Raises
    ------
    InputError
        A missing, foreign or truncated file, no `.obsm["X_uce"]` in it, or any of the refusals of
        `aligned.store`: missing or doubly named cells, another width, NaN.
    """
    values, cells = aligned.read_h5ad(path, "X_uce")
    aligned.store(
        adata,
        key,
        values,
        cells,
        source=str(path),
        width=WIDTH,
        missing="run UCE's script again with --filter '', which keeps cells of few genes",
        about={"model": "UCE"},
    )
