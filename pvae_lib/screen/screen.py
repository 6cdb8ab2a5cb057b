"""The Screen: everything the methods and the evaluation know about the data."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from pvae_lib.exceptions import InputError, nearest
from pvae_lib.screen import anndata_io, preprocessing
from pvae_lib.screen.labels import (
    CONTROL,
    canonical_label,
    canonical_labels,
    genes_of,
    multi_hot,
)
from pvae_lib.screen.validation import check_counts, check_names, check_shape, check_totals


@dataclass(frozen=True, eq=False, repr=False)
class Screen:
    """A Perturb-seq screen held sparse in memory.

    Attributes
    ----------
    counts
        (n_cells, n_genes) float32 CSR, raw counts.
    expression
        (n_cells, n_genes) float32 CSR, log1p of median-normalised counts; it shares its index
        arrays with `counts`, so that the second matrix costs only its values.
    total_counts
        (n_cells,) raw counts of each cell over all genes of the source, not only those kept.
    target_total
        The median total to which cells are normalised.
    condition
        (n_cells,) canonical labels: "control", "KLF1", "KLF1+MAP2K6".
    genes, cells
        (n_genes,) and (n_cells,) unique names.
    targets
        The perturbed genes in sorted order: the columns of `u`.
    obs
        (n_cells, …) what else the source says of each cell.
    """

    name: str
    counts: sp.csr_matrix
    expression: sp.csr_matrix
    total_counts: np.ndarray
    target_total: float
    condition: np.ndarray
    genes: np.ndarray
    cells: np.ndarray
    targets: tuple[str, ...]
    obs: pd.DataFrame

    @classmethod
    def from_counts(
        cls,
        counts: sp.spmatrix | np.ndarray,
        condition: Sequence[str],
        genes: Sequence[str],
        cells: Sequence[str] | None = None,
        *,
        name: str = "screen",
        total_counts: np.ndarray | None = None,
        obs: pd.DataFrame | None = None,
        control: str = CONTROL,
        separator: str = "+",
        target_total: float | None = None,
        targets: Sequence[str] = (),
    ) -> "Screen":
        """Validate raw counts and labels, and normalise.

        `total_counts` are needed where `counts` holds only some genes of the source; by default
        they are the row sums. A part of a screen gives the whole's `target_total` and `targets`;
        by default they are the median of the totals and the genes that the labels name.
        What is handed in is never changed; a float32 CSR that needs no tidying is not copied.

        Raises
        ------
        InputError
            Any of the refusals of `pvae_lib.screen.validation` and `pvae_lib.screen.labels`.
        """
        counts = preprocessing.tidy(counts)
        check_counts(counts)
        genes = np.array(genes, dtype=object)
        cells = np.array(
            [f"cell{i}" for i in range(counts.shape[0])] if cells is None else cells, dtype=object
        )
        if counts.shape != (len(cells), len(genes)) or len(condition) != len(cells):
            raise InputError(
                f"counts are {counts.shape}, but there are {len(cells)} cell names, "
                f"{len(genes)} gene names and {len(condition)} condition labels."
            )
        check_names(genes, "gene")
        check_names(cells, "cell")
        check_shape(counts)
        row_sums = np.asarray(counts.sum(axis=1)).ravel()
        total_counts = check_totals(
            row_sums if total_counts is None else total_counts, row_sums, cells
        )
        labels = canonical_labels(condition, control, separator)
        if target_total is None:
            target_total = float(np.median(total_counts))
        return cls(
            name=name,
            counts=counts,
            expression=preprocessing.normalise(counts, total_counts, target_total),
            total_counts=total_counts,
            target_total=target_total,
            condition=labels,
            genes=genes,
            cells=cells,
            targets=tuple(
                sorted({g for label in set(labels) for g in genes_of(label)} | {*targets})
            ),
            obs=pd.DataFrame(index=cells) if obs is None else obs.set_axis(cells, axis=0),
        )

    @classmethod
    def from_anndata(
        cls,
        adata: ad.AnnData | str | os.PathLike,
        *,
        condition_column: str = "condition",
        control: str = CONTROL,
        separator: str = "+",
        counts_layer: str | None = None,
        total_counts_column: str | None = None,
        name: str | None = None,
    ) -> "Screen":
        """Read a screen from an AnnData object or an .h5ad file.

        Parameters
        ----------
        condition_column, control, separator
            The column of `.obs` with the labels, the control's label, and what stands between two
            gene names. A+B and B+A are merged; `X+ctrl` is the single X when control is "ctrl".
        counts_layer
            The layer with raw counts; by default "counts" where it exists, else `.X`.
        total_counts_column
            The column of `.obs` with each cell's total over all genes, where the file holds some.

        Raises
        ------
        InputError
            Missing file, not an h5ad, truncated, no such column or layer, and all refusals of
            `from_counts`.
        """
        parts = anndata_io.read(adata, condition_column, counts_layer, total_counts_column, name)
        return cls.from_counts(**parts, control=control, separator=separator)

    def to_anndata(self) -> ad.AnnData:
        """Expression in X, counts in layers["counts"], labels in obs, u in obsm["u"].

        All of it copies: what is done to them in place leaves the screen as it is.
        """
        return anndata_io.as_anndata(self).copy()

    # --- what it holds -------------------------------------------------------------------------

    def __repr__(self) -> str:
        return (
            f"Screen {self.name!r}: {self.n_cells:,} cells × {self.n_genes:,} genes, "
            f"{len(self.singles)} singles, {len(self.doubles)} doubles, "
            f"{int(self.is_control.sum()):,} controls"
        )

    @property
    def n_cells(self) -> int:
        return self.counts.shape[0]

    @property
    def n_genes(self) -> int:
        return self.counts.shape[1]

    @cached_property
    def is_control(self) -> np.ndarray:
        """(n_cells,) bool."""
        return self.condition == CONTROL

    @cached_property
    def conditions(self) -> list[str]:
        """All conditions but the control, sorted."""
        return sorted(set(self.condition) - {CONTROL})

    @property
    def singles(self) -> list[str]:
        return [c for c in self.conditions if len(genes_of(c)) == 1]

    @property
    def doubles(self) -> list[str]:
        return [c for c in self.conditions if len(genes_of(c)) == 2]

    @cached_property
    def u(self) -> np.ndarray:
        """(n_cells, n_targets) float32 multi-hot over `targets`; zero for controls."""
        distinct, codes = np.unique(self.condition.astype(str), return_inverse=True)
        return np.stack([self.design(label) for label in distinct])[codes]

    def design(self, condition: str) -> np.ndarray:
        """(n_targets,) float32 multi-hot u of a condition, seen or not; see `multi_hot`."""
        return multi_hot(condition, self.targets)

    def cells_of(self, condition: str) -> np.ndarray:
        """Indices of a condition's cells in file order.

        Raises
        ------
        InputError
            No cell has this condition.
        """
        found = np.flatnonzero(self.condition == canonical_label(condition))
        if len(found) == 0:
            raise InputError(
                f"Screen {self.name!r} has no cells of condition {condition!r}; "
                f"{nearest(condition, self.conditions)}"
            )
        return found

    def dense(self, cells: np.ndarray | slice) -> np.ndarray:
        """(n, n_genes) float32, log1p of median-normalised counts of the given cells."""
        return self.expression[cells].toarray()

    def mean(self, cells: str | np.ndarray) -> np.ndarray:
        """(n_genes,) float64 mean expression of a condition, or of the given cells."""
        if isinstance(cells, str):
            cells = self.cells_of(cells)
        return np.asarray(self.expression[cells].mean(axis=0, dtype=np.float64)).ravel()

    # --- parts of it ---------------------------------------------------------------------------

    def __getitem__(self, cells: np.ndarray | slice | int) -> "Screen":
        """The same screen with fewer cells; targets and normalisation stay those of the whole."""
        cells = np.atleast_1d(np.arange(self.n_cells)[cells])
        return replace(
            self,
            **preprocessing.share_indices(self.counts[cells], self.expression[cells]),
            total_counts=self.total_counts[cells],
            condition=self.condition[cells],
            cells=self.cells[cells],
            obs=self.obs.iloc[cells],
        )

    def select_genes(self, genes: Sequence[str] | np.ndarray) -> "Screen":
        """The same cells with fewer genes, by names or mask; totals stay those of all genes.

        Raises
        ------
        InputError
            Unknown gene, a gene named twice, a mask of another length, or fewer than two genes.
        """
        genes = np.asarray(genes)
        if genes.dtype == bool and genes.shape != (self.n_genes,):
            raise InputError(
                f"The mask has shape {genes.shape}, but screen {self.name!r} has {self.n_genes} "
                "genes: give one truth value a gene."
            )
        if genes.dtype != bool:
            position = pd.Index(self.genes).get_indexer(genes)
            if (position < 0).any():
                unknown = str(genes[position < 0][0])
                raise InputError(
                    f"Gene {unknown!r} is not in screen {self.name!r}; "
                    f"{nearest(unknown, self.genes)}"
                )
            twice = pd.Index(position).duplicated()
            if twice.any():
                raise InputError(f"Gene {str(genes[twice][0])!r} is selected twice; name it once.")
        else:
            position = np.flatnonzero(genes)
        if len(position) < 2:
            raise InputError(f"{len(position)} gene(s) selected; a profile needs at least two.")
        return replace(
            self,
            **preprocessing.share_indices(self.counts[:, position], self.expression[:, position]),
            genes=self.genes[position],
        )

    def with_variable_genes(self, n: int, cells: np.ndarray | None = None) -> "Screen":
        """Keep the n genes that scanpy calls highly variable, in the order of the file.

        Selection sees all cells, as the code base whose protocol the paper follows does, or only
        `cells` (the training cells, say). Asking for as many genes as there are keeps them all.
        """
        if n >= self.n_genes:
            return self
        expression = self.expression if cells is None else self.expression[cells]
        return self.select_genes(preprocessing.highly_variable(expression, n))

    @cached_property
    def fingerprint(self) -> str:
        """Hex digest of counts, totals, normalisation, labels and names: changes with any."""
        digest = hashlib.blake2b(digest_size=16)
        digest.update(np.ascontiguousarray(self.counts.data))
        # The width of the indices follows the way a matrix was made; only the numbers count. In
        # blocks, since a wide copy of all of them would be the largest array in memory.
        for indices in (self.counts.indices, self.counts.indptr):
            for start in range(0, len(indices), 1_000_000):
                digest.update(indices[start : start + 1_000_000].astype(np.int64))
        digest.update(np.ascontiguousarray(self.total_counts))
        # Only where the totals do not imply it, as in a part of a screen: so the fingerprint of a
        # whole screen is that of earlier versions, whose splits and checkpoints stay valid.
        if not self.n_cells or self.target_total != float(np.median(self.total_counts)):
            digest.update(np.float64(self.target_total).tobytes())
        for names in (self.condition, self.genes, self.cells, self.targets):
            digest.update("\n".join(map(str, names)).encode())
            digest.update(b"\0")
        return digest.hexdigest()
