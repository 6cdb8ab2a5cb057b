"""GEO's raw files of Norman 2019 (GSE133344): matrix, barcodes, genes and guide identities."""

import gzip
import os
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
from anndata.utils import make_index_unique

from pvae_lib.exceptions import InputError
from pvae_lib.progress import bar
from pvae_lib.screen import CONTROL, canonical_label

# A control whose cells the authors and the code bases that follow them leave out.
EXCLUDED_GUIDES = "NegCtrl1_NegCtrl0__NegCtrl1_NegCtrl0"
CONTROL_GUIDE = "NegCtrl"
IDENTITY_COLUMNS = ("cell_barcode", "guide_identity", "good_coverage", "number_of_cells")
ENTRIES_AT_A_TIME = 5_000_000


def guide_condition(identity: str) -> str:
    """The condition that a guide identity stands for: "control", "KLF1", "KLF1+MAP2K6".

    The two positions of the guide vector stand after "__", with a replicate number behind them on
    some; `NegCtrl…` in a position is no perturbation there, and both orders of a pair occur:
    "TSC22D1_NegCtrl0__TSC22D1_NegCtrl0", "TGFBR2_IGDCC3__TGFBR2_IGDCC3_2".

    Raises
    ------
    InputError
        The identity does not name two positions.
    """
    positions = str(identity).split("__")[-1].split("_")
    if len(positions) == 3 and positions[2].isdigit():
        positions = positions[:2]
    if len(positions) != 2 or not all(positions):
        raise InputError(
            f"Guide identity {identity!r} does not name two positions, as GEO's do: "
            "'KLF1_NegCtrl0__KLF1_NegCtrl0'. Give GEO's own table of cell identities."
        )
    genes = [gene for gene in positions if not gene.startswith(CONTROL_GUIDE)]
    return canonical_label("+".join(genes)) if genes else CONTROL


def read_geo(
    matrix: str | os.PathLike,
    barcodes: str | os.PathLike,
    genes: str | os.PathLike,
    identities: str | os.PathLike,
) -> ad.AnnData:
    """Cells of one good guide identity each, as an AnnData in the order of the barcodes.

    Kept are cells with number_of_cells == 1 and good_coverage; those of the control
    NegCtrl1_NegCtrl0 are dropped. Gene symbols that occur more than once are made unique in
    scanpy's way ("-1", "-2", … behind the later ones); `.uns["notes"]` says how many.

    Returns
    -------
    AnnData
        `X`: (n_cells, n_genes) float32 CSR raw counts; `obs["condition"]`; `var["gene_id"]`.

    Raises
    ------
    InputError
        A file is missing, truncated or not of GEO's format, or the four do not fit together.
    """
    names = _read_table(barcodes, sep="\t", header=None, dtype=str).iloc[:, 0]
    symbols = _read_table(genes, sep="\t", header=None, dtype=str)
    if symbols.shape[1] < 2:
        raise InputError(f"{genes} has one column; GEO's genes.tsv has an id and a symbol.")
    chosen = _good_cells(_read_table(identities, sep=","), Path(identities))
    position = pd.Index(names).get_indexer(chosen["cell_barcode"])
    unknown = int((position < 0).sum())
    if unknown == len(chosen):
        raise InputError(f"No cell of {identities} is among the barcodes of {barcodes}.")
    order = np.argsort(position[position >= 0])
    chosen = chosen[position >= 0].iloc[order]

    repeated = int(symbols[1].duplicated().sum())
    adata = ad.AnnData(
        X=_read_matrix(Path(matrix), (len(symbols), len(names)), position[position >= 0][order]),
        obs=chosen.set_index("cell_barcode"),
        var=pd.DataFrame(
            {"gene_id": symbols[0].to_numpy()}, index=make_index_unique(pd.Index(symbols[1]))
        ),
    )
    adata.obs["condition"] = adata.obs["guide_identity"].map(
        {identity: guide_condition(identity) for identity in chosen["guide_identity"].unique()}
    )
    adata.uns["notes"] = [
        f"{repeated} gene symbols repeat an earlier one; they were made unique in scanpy's way",
        f"{unknown} cells with a good identity have no barcode in the matrix",
    ]
    return adata


def _good_cells(table: pd.DataFrame, path: Path) -> pd.DataFrame:
    lacking = [column for column in IDENTITY_COLUMNS if column not in table]
    if lacking:
        raise InputError(
            f"{path} lacks the column(s) {', '.join(lacking)}; it has {', '.join(table.columns)}."
        )
    good = table["good_coverage"].astype(str).str.lower().eq("true")
    good &= table["number_of_cells"].eq(1) & table["guide_identity"].ne(EXCLUDED_GUIDES)
    if not good.any():
        raise InputError(f"{path} has no cell with good coverage and one guide identity.")
    return table[good]


def _read_table(path: str | os.PathLike, **options: object) -> pd.DataFrame:
    if not Path(path).is_file():
        raise InputError(f"No file {path}; check the path.")
    try:
        return pd.read_csv(path, **options)
    except (OSError, EOFError, ValueError) as error:
        raise _damaged(path, error) from error


def _read_matrix(path: Path, shape: tuple[int, int], columns: np.ndarray) -> sp.csr_matrix:
    """Some columns (cells, ascending) of a gzipped Matrix Market file of genes × cells.

    Read in pieces: as scipy reads it, whole and with 64-bit values, the raw file would need twice
    the memory.

    Returns
    -------
    csr_matrix
        (n_columns, n_genes) float32: transposed, cells × genes.
    """
    row_of = np.full(shape[1], -1, dtype=np.int32)
    row_of[columns] = np.arange(len(columns))
    try:
        n_header, stored_shape, n_entries = _read_header(path)
        if stored_shape != shape:
            raise InputError(
                f"{path} is {stored_shape[0]} × {stored_shape[1]}, but there are {shape[0]} genes "
                f"and {shape[1]} barcodes; give four files of one series."
            )
        pieces = pd.read_csv(
            path, sep=r" ", header=None, skiprows=n_header, names=["gene", "cell", "count"],
            dtype={"gene": np.int32, "cell": np.int32, "count": np.float32},
            chunksize=ENTRIES_AT_A_TIME,
        )  # fmt: skip
        # Filled in place: pieces gathered in a list would be held twice when they are joined.
        cells, genes = np.empty((2, n_entries), dtype=np.int32)
        values = np.empty(n_entries, dtype=np.float32)
        n_read = n_kept = 0
        with bar(total=n_entries, desc=f"reading {path.name}", unit="entry") as progress:
            for piece in pieces:
                row = row_of[piece["cell"].to_numpy() - 1]
                kept = row >= 0
                n_read += len(piece)
                new = slice(n_kept, n_kept + int(kept.sum()))
                cells[new] = row[kept]
                genes[new] = piece["gene"].to_numpy()[kept] - 1
                values[new] = piece["count"].to_numpy()[kept]
                n_kept = new.stop
                progress.update(len(piece))
        if n_read != n_entries:
            raise InputError(f"{path} has {n_read:,} of {n_entries:,} entries; download it again.")
        entries = (values[:n_kept], (cells[:n_kept], genes[:n_kept]))
        return sp.coo_matrix(entries, shape=(len(columns), shape[0])).tocsr()
    except InputError:
        raise
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise _damaged(path, error) from error


def _read_header(path: Path) -> tuple[int, tuple[int, int], int]:
    """Number of lines before the entries, (genes, cells), number of entries."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        if not next(lines, "").startswith("%%MatrixMarket matrix coordinate"):
            raise InputError(f"{path} is no Matrix Market file of coordinates.")
        for number, line in enumerate(lines, start=2):
            if not line.startswith("%"):
                n_rows, n_columns, n_entries = map(int, line.split())
                return number, (n_rows, n_columns), n_entries
    raise InputError(f"{path} ends before its first entry; download it again.")


def _damaged(path: str | os.PathLike, error: Exception) -> InputError:
    return InputError(
        f"{path} is damaged, truncated or not of GEO's format ({type(error).__name__}: {error}); "
        "download it again."
    )
