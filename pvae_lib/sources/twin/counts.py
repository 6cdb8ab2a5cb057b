"""From rates to counts: block by block of cells, never the dense matrix."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import scipy.sparse as sp

from pvae_lib import progress
from pvae_lib.sources.twin.cells import Cells
from pvae_lib.sources.twin.config import TwinConfig
from pvae_lib.sources.twin.rates import Rates

# Part of what a seed means: each block of cells has a random stream of its own, so that the
# numbers do not depend on how many threads draw them.
_BLOCK = 1_024


def draw_counts(
    config: TwinConfig, rates: Rates, cells: Cells, seeds: np.random.SeedSequence
) -> tuple[sp.csr_matrix, np.ndarray, dict[str, np.ndarray]]:
    """Gamma-Poisson counts of all cells.

    Returns
    -------
    counts
        (n_cells, n_genes) float32 CSR of whole numbers.
    total_counts
        (n_cells,) UMI over all genes, those the twin does not hold included.
    mean_rates
        For each label the (n_genes,) mean expected UMI of its cells at median size.
    """
    n_cells = len(cells.condition)
    starts = range(0, n_cells, _BLOCK)
    names, codes = np.unique(cells.condition, return_inverse=True)
    sums = np.zeros((len(names), len(rates.genes.names)))

    def draw(start: int, seed: np.random.SeedSequence) -> tuple:
        rows = slice(start, start + _BLOCK)
        rng = np.random.default_rng(seed)
        rate = rates(cells.condition[rows], cells.dose[rows], cells.state[rows], cells.phase[rows])
        label = codes[rows]
        member = sp.csr_matrix(
            (np.ones(len(label), np.float32), (label, np.arange(len(label)))),
            shape=(len(names), len(label)),
        )
        part = member @ rate
        # A cell's library is what it yields in all: what these genes leave, the others give.
        elsewhere = 1 - rate.sum(axis=1, dtype=np.float64) / config.library_median
        elsewhere = cells.library[rows] * np.maximum(elsewhere, 0.1)
        shape = (1 / rates.genes.dispersion).astype(np.float32)
        noise = rng.standard_gamma(np.broadcast_to(shape, rate.shape), dtype=np.float32)
        rate *= noise
        rate *= rates.genes.dispersion.astype(np.float32)
        rate *= (cells.library[rows] / config.library_median).astype(np.float32)[:, None]
        block = rng.poisson(rate)
        total = block.sum(axis=1) + rng.poisson(elsewhere)
        return sp.csr_matrix(block.astype(np.float32)), total, part

    blocks, totals = [], []
    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        results = pool.map(draw, starts, seeds.spawn(len(starts)))
        for block, total, part in progress.bar(
            results, total=len(starts), desc=f"making {config.name}", unit="block"
        ):
            blocks.append(block)
            totals.append(total)
            sums += part
    counts = sp.vstack(blocks, format="csr", dtype=np.float32)
    mean = sums / np.bincount(codes)[:, None]
    return counts, np.concatenate(totals), dict(zip(map(str, names), mean, strict=True))
