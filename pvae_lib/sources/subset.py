"""3,375 real cells of Norman 2019 × 500 genes, for checks on real data without the full screen."""

import os
from pathlib import Path

from pvae_lib.exceptions import InputError
from pvae_lib.screen import Screen
from pvae_lib.sources.norman import Expected

NAME = "norman-subset"
FILE = "norman2019_cells_3375x500.h5ad"
VARIABLE = "PVAE_DATA"
EXPECTED = Expected(
    singles=18, doubles=15, controls=(100, 100), cells=(3_375, 3_375), genes=(500, 500)
)


def load(folder: str | os.PathLike | None = None) -> Screen:
    """The subset out of `folder`, by default the one that the variable PVAE_DATA names.

    The file holds 500 of the genes, so cells are normalised by its column total_counts_all_genes.

    Raises
    ------
    InputError
        The variable is not set, the folder lacks the file, or it is another file.
    """
    path = real_file(NAME, FILE, folder)
    screen = Screen.from_anndata(path, total_counts_column="total_counts_all_genes", name=NAME)
    EXPECTED.check(screen)
    return screen


def real_file(name: str, file: str, folder: str | os.PathLike | None) -> Path:
    """Where the file of a screen of real cells lies: in `folder`, or in that PVAE_DATA names.

    Raises
    ------
    InputError
        The variable is not set, or the folder lacks the file.
    """
    folder = os.environ.get(VARIABLE) if folder is None else folder
    if not folder:
        raise InputError(
            f"Screen {name!r} needs real cells: set {VARIABLE} to the folder with {file}, as in "
            f"{VARIABLE}=FOLDER make lab (data/README.md says more)."
        )
    path = Path(folder) / file
    if not path.is_file():
        raise InputError(f"No {file} in {folder}; set {VARIABLE} to the folder that holds it.")
    return path
