"""Real pseudobulk of Norman 2019: log fold changes of 234 perturbations, without cells.

The values are ln(1 + CPM) of a perturbation minus that of the control, CPM being counts per million
of the summed cells. That they are natural logarithms shows in the file itself: where a gene is
silent under a perturbation its value is −ln(1 + CPM of the control), and exp(−value) − 1 is a whole
multiple of one molecule (to 1e-5, which no other base gives); `count_of_silent` does the sum.
norman2019_de_pairs.csv does not decide it alone: its "log2" fold changes are .79 of the log2 ratio
of mean counts in the cells at hand, so ours are .86 of them for abundant genes, not .69 = ln 2.
"""

import hashlib
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pvae_lib.exceptions import InputError, nearest
from pvae_lib.screen import CONTROL
from pvae_lib.screen.labels import canonical_label, genes_of
from pvae_lib.sources.subset import VARIABLE

NAME = "norman-pseudobulk"
FILE = "norman2019_lfc_234x2000.npz"
SHA256 = "883c94a196bc756a9661ea2f3502da43cfe777728e1300408a36035487196ddc"
COUNTS_FILE = "norman2019_condition_counts.csv"
SHAPE, N_SINGLES = (234, 2_000), 104
MILLION = 1e6


@dataclass(frozen=True, eq=False)
class Pseudobulk:
    """Changes of mean expression against control, one row a perturbation.

    Attributes
    ----------
    lfc
        (n_conditions, n_genes) float64 log fold changes; of the control they are 0.
    conditions
        Canonical labels of the rows.
    genes
        (n_genes,) names.
    n_cells
        Label → number of cells behind the row (the control's among them), where known.
    """

    name: str
    lfc: np.ndarray
    conditions: tuple[str, ...]
    genes: np.ndarray
    n_cells: dict[str, int]

    @property
    def singles(self) -> list[str]:
        return [c for c in self.conditions if len(genes_of(c)) == 1]

    @property
    def doubles(self) -> list[str]:
        return [c for c in self.conditions if len(genes_of(c)) == 2]

    @property
    def complete_doubles(self) -> list[str]:
        """The doubles of which both singles were measured."""
        singles = set(self.singles)
        return [d for d in self.doubles if singles.issuperset(genes_of(d))]

    def change(self, condition: str) -> np.ndarray:
        """(n_genes,) of a condition.

        Raises
        ------
        InputError
            No such condition; the nearest are named.
        """
        label = canonical_label(condition)
        if label not in self.conditions:
            raise InputError(
                f"No {condition!r} in {self.name}; {nearest(condition, self.conditions)}"
            )
        return self.lfc[self.conditions.index(label)]

    def changes(self, conditions: Sequence[str]) -> dict[str, np.ndarray]:
        """Condition → (n_genes,), in the order asked for."""
        return {c: self.change(c) for c in conditions}


def load(folder: str | os.PathLike | None = None) -> Pseudobulk:
    """The pseudobulk out of `folder`, by default the one that the variable PVAE_DATA names.

    Raises
    ------
    InputError
        The variable is not set, a file is missing, or it is not the one whose SHA256 is known.
    """
    path = find(FILE, folder)
    n_cells = read_counts(find(COUNTS_FILE, folder))
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != SHA256:
        raise InputError(
            f"{path} has SHA256 {found}, not {SHA256}: it is damaged or another file. Restore it."
        )
    bulk = read(path, n_cells)
    if bulk.lfc.shape != SHAPE or len(bulk.singles) != N_SINGLES:
        raise InputError(
            f"{path} holds {bulk.lfc.shape} values and {len(bulk.singles)} singles, not {SHAPE} "
            f"and {N_SINGLES}. Restore the file."
        )
    return bulk


def find(file: str, folder: str | os.PathLike | None = None) -> Path:
    """The path of a file of real data in `folder`, by default the one that PVAE_DATA names.

    Raises
    ------
    InputError
        The variable is not set, or the folder lacks the file.
    """
    folder = os.environ.get(VARIABLE) if folder is None else folder
    if not folder:
        raise InputError(f"{NAME} needs real data: set {VARIABLE} to the folder with {file}.")
    path = Path(folder) / file
    if not path.is_file():
        raise InputError(f"No {file} in {folder}; set {VARIABLE} to the folder that holds it.")
    return path


def read(path: str | os.PathLike, n_cells: dict[str, int] | None = None) -> Pseudobulk:
    """Any file of this format: arrays lfc (conditions × genes), condition and gene; no pickles.

    Raises
    ------
    InputError
        No such file or no .npz; an array is missing, pickled, or of another shape; a value is not
        finite; a name comes twice, or a label is not canonical.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            lfc, labels, genes = (arrays[key] for key in ("lfc", "condition", "gene"))
    except OSError as error:
        raise InputError(f"No pseudobulk at {path} ({error}); check the path.") from error
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is no pseudobulk: {error}. It must be an .npz with plain (not pickled) arrays "
            "lfc, condition and gene."
        ) from error
    if lfc.shape != (len(labels), len(genes)) or not np.issubdtype(lfc.dtype, np.floating):
        raise InputError(
            f"{path}: lfc is {lfc.shape} of {lfc.dtype}, but there are {len(labels)} conditions "
            f"and {len(genes)} genes; it must be a table of numbers, conditions × genes."
        )
    if not np.isfinite(lfc).all():
        raise InputError(f"{path}: {(~np.isfinite(lfc)).sum()} values are NaN or infinite.")
    conditions = tuple(str(label) for label in labels)
    for label in conditions:
        if canonical_label(label) != label or label == CONTROL:
            raise InputError(
                f"{path}: {label!r} is no canonical label of a perturbation; write "
                f"{canonical_label(label)!r}, and leave the control out (it is 0)."
            )
    for kind, names in (("condition", conditions), ("gene", [str(g) for g in genes])):
        if len(set(names)) != len(names):
            twice = next(n for n in names if list(names).count(n) > 1)
            raise InputError(f"{path}: {kind} {twice!r} stands twice; keep one.")
    return Pseudobulk(
        NAME, lfc.astype(np.float64), conditions, genes.astype(str), dict(n_cells or {})
    )


def read_counts(path: str | os.PathLike) -> dict[str, int]:
    """Label → number of cells, out of GEARS users' table; A+ctrl and ctrl+A are merged."""
    table = pd.read_csv(path)
    labels = [canonical_label(c, control="ctrl") for c in table["condition"]]
    return table.groupby(labels)["cells"].sum().astype(int).to_dict()


def count_of_silent(lfc: np.ndarray, fewest: int = 10) -> tuple[np.ndarray, float]:
    """Control counts of genes that some perturbations silence, if values are ln(1 + CPM) changes.

    A column's smallest value, where it repeats exactly, is −ln(1 + c), c the control's CPM of that
    gene. All c are then whole multiples of one molecule, MILLION / (molecules of all controls).

    Parameters
    ----------
    lfc
        (n_conditions, n_genes).
    fewest
        A value must repeat so often to be taken for silence.

    Returns
    -------
    (n_silent,) the multiples, sorted, which are whole numbers only if the values are in natural
    logarithms of 1 + CPM; and the molecules of all controls.
    """
    lowest = lfc.min(axis=0)
    silent = (np.abs(lfc - lowest) < 1e-7).sum(axis=0) >= fewest
    cpm = np.sort(np.expm1(-lowest[silent]))
    unit = cpm[cpm > 1e-6][0]
    return cpm / unit, MILLION / unit
