"""What two foundation models are fed: expression after its magnitudes are taken away.

Neither learns anything by optimisation. A probe on them says how much of the perturbation signal
is gone before a foundation model has seen its first cell.
"""

import numpy as np
import pandas as pd
import scipy.sparse as sp

from pvae_lib.exceptions import check_whole
from pvae_lib.learning.randomness import generator
from pvae_lib.probing.base import Kind, Representation
from pvae_lib.screen import Screen


class Rank(Representation):
    """Geneformer's input: the order of a cell's genes, each measured against its own median.

    Each gene is divided by the median of its non-zero values (normalised counts) over the fitted
    cells, the cell's genes are sorted by the quotient, and the first `length` of them are the
    input (Theodoris et al., Nature 2023; 2,048 genes). A factor common to a cell, such as its
    library size, cannot change the order.

    A linear probe needs one number a gene in place of a sequence: 1 for the first gene, falling by
    1/min(length, n_genes) from place to place; 0 for genes that are not among them, because the
    cell does not express them or other genes fill the input. Equal quotients keep the order of the
    genes. Genes that no fitted cell expresses have no median and are left out, as Geneformer
    leaves out genes without a token.
    """

    def __init__(self, length: int = 2048) -> None:
        self.length = length

    def _fit(self, screen: Screen, cells: np.ndarray) -> None:
        check_whole(length=self.length)
        self.medians_ = nonzero_medians(screen, cells)

    def _embed(self, screen: Screen, kind: Kind, seed: int) -> np.ndarray:
        step = 1 / min(self.length, screen.n_genes)
        found = np.zeros((screen.n_cells, screen.n_genes), np.float32)
        counts = screen.counts
        for i, (start, end) in enumerate(zip(counts.indptr[:-1], counts.indptr[1:], strict=True)):
            genes = counts.indices[start:end]
            # The cell's total divides all its genes alike: leaving it out keeps ties exact.
            quotient = counts.data[start:end] / self.medians_[genes]
            genes = genes[np.argsort(-quotient, kind="stable")]
            genes = genes[np.isfinite(self.medians_[genes])][: self.length]
            found[i, genes] = 1 - step * np.arange(len(genes))
        return found


def nonzero_medians(screen: Screen, cells: np.ndarray) -> np.ndarray:
    """(n_genes,) float64 median of each gene's non-zero normalised counts over the given cells.

    NaN where none of them expresses the gene.
    """
    scale = screen.target_total / screen.total_counts[cells]
    normalised = sp.csc_matrix(screen.counts[cells].multiply(scale[:, None]))
    gene = np.repeat(np.arange(screen.n_genes), np.diff(normalised.indptr))
    medians = pd.Series(normalised.data).groupby(gene).median()
    return medians.reindex(range(screen.n_genes)).to_numpy(np.float64)


class Presence(Representation):
    """UCE's input: genes drawn with replacement, more often the more they are expressed.

    `draws` genes are drawn in proportion to log1p of their raw counts (Rosen et al., bioRxiv
    2023; 1,024 draws), and the cell is the set of genes drawn: 1 or 0 for each gene. How much of a
    gene there is shows only in how likely it is to be there at all. With `repeats` a gene that
    was drawn several times counts as often; UCE's sequence holds such repeats, which are rare
    over a whole genome and common over a few hundred genes.

    The draw is made anew at every `embed`, by its seed. It is part of the input and no posterior:
    there are no samples to ask for.
    """

    def __init__(self, draws: int = 1024, repeats: bool = False) -> None:
        self.draws = draws
        self.repeats = repeats

    def _fit(self, screen: Screen, cells: np.ndarray) -> None:
        check_whole(draws=self.draws)

    def _embed(self, screen: Screen, kind: Kind, seed: int) -> np.ndarray:
        rng = generator(seed, "presence")
        found = np.zeros((screen.n_cells, screen.n_genes), np.float32)
        counts = screen.counts
        weights = np.log1p(counts.data, dtype=np.float64)
        for i, (start, end) in enumerate(zip(counts.indptr[:-1], counts.indptr[1:], strict=True)):
            if end > start:
                weight = weights[start:end]
                times = rng.multinomial(self.draws, weight / weight.sum())
                found[i, counts.indices[start:end]] = times
        return found if self.repeats else (found > 0).astype(np.float32)
