"""What a gene is: abundance, dispersion, place in the cell cycle, promoter."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from pvae_lib.sources.twin.config import TwinConfig
from pvae_lib.sources.twin.names import gene_names

# Dispersion by mean (counts a median cell) at the centres of the measured bins. Norman's medians
# are .48, .50, .43, .23 and .32; the background adds about 0.1 to what is drawn here.
_MEANS = (0.1, 0.32, 0.7, 1.7, 6.0)
_DISPERSIONS = (0.38, 0.40, 0.34, 0.11, 0.22)


@dataclass(frozen=True)
class Genes:
    """One row a gene."""

    names: np.ndarray
    abundance: np.ndarray
    """(n_genes,) expected UMI in a median-sized cell at rest."""
    dispersion: np.ndarray
    """(n_genes,) variance = mean + dispersion · mean², given the cell's background."""
    peak: np.ndarray
    """(n_genes,) phase of the cell cycle at which the gene peaks; NaN for the others."""
    cycle_amplitude: np.ndarray
    """(n_genes,) log-fold swing over the cycle; 0 for genes that do not cycle."""
    activation: np.ndarray
    """(n_programs, n_genes) float32 ≥ 0, affinity of the promoter to activating programs."""
    repression: np.ndarray
    """(n_programs, n_genes) float32 ≥ 0, affinity to repressing programs."""


def make_genes(config: TwinConfig, targets: list[str], rng: np.random.Generator) -> Genes:
    """Draw all genes. The first ones are the targets, then the cycle genes with symbols."""
    n = config.n_genes
    n_cycle = int(round(config.cycle_share * n))
    names, peak = gene_names(targets, min(n_cycle, 94, max(n - len(targets), 0)), n)
    known = np.isfinite(peak)
    unnamed = np.flatnonzero(~known)[len(targets) :]
    more = rng.choice(unnamed, max(min(n_cycle - int(known.sum()), len(unnamed)), 0), replace=False)
    peak[more] = rng.uniform(0, 2 * np.pi, len(more))
    peak[known] += rng.normal(0, 0.25, int(known.sum()))
    cycling = np.isfinite(peak)

    # The most abundant n of the full twin's genes: evenly spaced quantiles, so that no draw of a
    # single very abundant gene decides the profile's norm.
    total = max(config.genes_of_the_full_twin, n)
    quantiles = norm.ppf((np.arange(total - n, total) + 0.5) / total)
    silent = np.minimum(quantiles - config.abundance_break, 0)
    pool = np.exp(
        config.abundance_log_mean
        + config.abundance_log_sd * (quantiles - silent)
        + config.abundance_log_sd_silent * silent
    )
    pool = np.minimum(pool, config.abundance_max)
    abundance = np.empty(n)
    # CRISPRa targets are mostly silent genes of the cell line.
    n_targets = len(targets)
    abundance[:n_targets] = np.exp(rng.normal(np.log(0.03), 1.2, n_targets))
    rest = rng.permutation(pool[n - (n - n_targets) :])
    # Named cycle genes are well expressed ones: take them from the upper third.
    order = np.argsort(rest)
    upper = rng.permutation(order[len(order) * 2 // 3 :])[: int(known.sum())]
    lower = np.setdiff1d(np.arange(len(rest)), upper)
    abundance[known] = rest[upper]
    others = ~known
    others[:n_targets] = False
    abundance[others] = rest[rng.permutation(lower)]

    dispersion = np.interp(np.log(abundance), np.log(_MEANS), _DISPERSIONS)
    dispersion *= np.exp(rng.normal(0, 0.3, n))
    swing = config.cycle_amplitude * config.background * rng.gamma(3, 1 / 3, n)
    # Abundant transcripts are held steadier than rare ones.
    steady = ((1 + abundance) ** -config.steadiness).astype(np.float32)
    return Genes(
        names=names,
        abundance=abundance,
        dispersion=dispersion,
        peak=peak,
        cycle_amplitude=np.where(cycling, swing, 0.0),
        activation=_affinities(config.n_programs, n, 0.12, rng) * steady,
        repression=_affinities(config.n_programs, n, 0.12, rng) * steady,
    )


def _affinities(
    n_programs: int, n_genes: int, share: float, rng: np.random.Generator
) -> np.ndarray:
    """Sparse log-normal affinities of promoters to programs."""
    bound = rng.random((n_programs, n_genes)) < share
    return (bound * rng.lognormal(-0.7, 0.8, bound.shape)).astype(np.float32)
