"""20,729 real THP-1 cells of Papalexi 2021 × 299 genes: 25 knock-outs and non-targeting guides."""

import os

from pvae_lib.exceptions import InputError
from pvae_lib.screen import Screen
from pvae_lib.sources.subset import real_file

NAME = "papalexi"
FILE = "papalexi2021_thp1_20729x299.h5ad"
CONTROL = "non-targeting"
EXPECTED = {"cells": 20_729, "genes": 299, "singles": 25, "doubles": 0, "controls": 2_386}


def load(folder: str | os.PathLike | None = None) -> Screen:
    """The screen out of `folder`, by default the one that the variable PVAE_DATA names.

    Papalexi et al., Nature Genetics 2021 (GEO GSE153056): CRISPR knock-outs of 25 genes in
    stimulated THP-1 cells, in three replicates (obs: bio_rep, top_grna, p_mito). The file holds 299
    of the genes, so cells are normalised by its column response_n_umis.

    Raises
    ------
    InputError
        The variable is not set, the folder lacks the file, or it is another file.
    """
    path = real_file(NAME, FILE, folder)
    screen = Screen.from_anndata(
        path,
        condition_column="target",
        control=CONTROL,
        total_counts_column="response_n_umis",
        name=NAME,
    )
    found = {
        "cells": screen.n_cells,
        "genes": screen.n_genes,
        "singles": len(screen.singles),
        "doubles": len(screen.doubles),
        "controls": int(screen.is_control.sum()),
    }
    if found != EXPECTED:
        differing = ", ".join(f"{found[k]:,} {k}, not {EXPECTED[k]:,}" for k in found
                              if found[k] != EXPECTED[k])  # fmt: skip
        raise InputError(f"{path} is not the file expected: {differing}. Restore the file.")
    return screen
