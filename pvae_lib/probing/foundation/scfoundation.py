"""scFoundation: the embedding that its own script writes, read and aligned."""

import os
from collections.abc import Sequence

import anndata as ad
import numpy as np

from pvae_lib.exceptions import InputError, nearest
from pvae_lib.probing.foundation import aligned

# The width of a cell embedding by the script's --pool_type: "all" joins two summary tokens, the
# largest value and the mean over genes, of 768 each.
WIDTHS = {"all": 4 * 768, "max": 768}


def read_scfoundation(
    adata: ad.AnnData,
    path: str | os.PathLike,
    cells: Sequence[str] | str | os.PathLike,
    *,
    pool_type: str = "all",
    key: str = "X_scfoundation",
) -> None:
    """Write the embedding of scFoundation's script to `adata.obsm[key]`, (n_cells, 3072) float32.

    scFoundation (Hao et al., Nature Methods 2024) embeds the continuous values of a cell's
    expressed genes among 19,264 and is trained to fill in masked ones; two tokens give the depth at
    hand and the depth wanted. No installable package loads it. Its script (folder `model` of
    github.com/biomap-research/scFoundation; code Apache 2.0, weights for non-commercial research
    only; the link to them is in that folder's README) is run by the reader, with a GPU, on raw
    counts under gene symbols::

        adata = screen.to_anndata()
        adata.X = adata.layers["counts"]
        adata.write_h5ad("screen.h5ad")
        python get_embedding.py --task_name screen --input_type singlecell --output_type cell \\
            --pool_type all --tgthighres t4 --pre_normalized F --data_path screen.h5ad \\
            --save_path out/

    The file wanted here is the `.npy` in `out/`. It holds no names: its rows are in the order of
    the cells of `--data_path`, which is therefore asked for as `cells`.

    Parameters
    ----------
    adata
        The screen's cells; the embedding is written to it.
    path
        The .npy file that the script wrote.
    cells
        The .h5ad or .csv file that the script read, or the names of its cells in order. Names in
        an order other than the file's cannot be told from right ones: give the file.
    pool_type
        As the script was run: "all" (3072 columns) or "max" (768).

    Raises
    ------
    InputError
        A missing, foreign, pickled or truncated file, an unknown `pool_type`, or any of the
        refusals of `aligned.store`: missing or doubly named cells, another width or length, NaN.
    """
    if pool_type not in WIDTHS:
        raise InputError(f"pool_type={pool_type!r} is unknown; {nearest(pool_type, WIDTHS)}")
    names = aligned.cells_of(cells)
    values = aligned.read_npy(path)
    # The script squeezes, which leaves no axis of cells where there is only one.
    values = values[np.newaxis] if values.ndim == 1 and len(names) == 1 else values
    aligned.store(
        adata,
        key,
        values,
        names,
        source=str(path),
        width=WIDTHS[pool_type],
        missing="run scFoundation's script on a file that holds them",
        about={"model": "scFoundation", "pool_type": pool_type},
    )
