"""What activating a gene does: it drives programs, and it acts on a regulon of its own.

A guide changes the log activity of a few programs (`drive`), which promoters read with saturation,
and shifts the log rate of a sparse set of genes directly (`regulon`). Strengths are heavy-tailed:
most perturbations do little, a few do a lot.
"""

from dataclasses import dataclass

import numpy as np

from pvae_lib.sources.twin.config import TwinConfig
from pvae_lib.sources.twin.genes import Genes

# Largest log-fold change a direct effect can reach.
_CEILING = 2.5


@dataclass(frozen=True)
class Effects:
    """One row a target."""

    targets: list[str]
    drive: np.ndarray
    """(n_targets, n_programs) float32, change of log activity at dose 1."""
    regulon: np.ndarray
    """(n_targets, n_genes) float32, direct log-fold change at dose 1, before saturation."""
    own: np.ndarray
    """(n_targets,) UMI that the guide adds to its own gene in a median cell at dose 1."""
    load: np.ndarray
    """(n_targets,) ≥ 0, how much of the shared machinery the perturbation takes."""


def make_effects(
    config: TwinConfig, genes: Genes, targets: list[str], rng: np.random.Generator
) -> Effects:
    """Draw the effects of all targets; the targets are the first genes."""
    n = len(targets)
    strength = np.exp(rng.normal(config.strength_log_mean, config.strength_log_sd, n))
    strength *= config.signal

    # Families: perturbations of one family push the same few programs.
    n_families = max(2, n // 8)
    centres = rng.standard_normal((n_families, config.n_programs)) * (
        rng.random((n_families, config.n_programs)) < 0.3
    )
    family = rng.integers(0, n_families, n)
    drive = 0.8 * centres[family] + 0.5 * rng.standard_normal((n, config.n_programs)) * (
        rng.random((n, config.n_programs)) < 0.3
    )
    drive[:, 0] += config.shared_drive  # what every activation does to the cell
    drive *= strength[:, None]

    hit = rng.random((n, len(genes.names))) < config.regulon_share
    regulon = hit * rng.standard_normal(hit.shape) * config.regulon_sd * strength[:, None]

    # Median 2.75, quartiles 2.1 and 3.5, on log2(1 + counts per million).
    lift = np.clip(rng.normal(2.75, 1.0, n), 1.2, 5.0)
    per_million = 1e6 / config.library_median
    before = genes.abundance[:n] * per_million
    own = ((1 + before) * 2**lift - 1 - before) / per_million
    return Effects(
        targets=targets,
        drive=drive.astype(np.float32),
        regulon=regulon.astype(np.float32),
        own=own * min(config.signal, 1.0),
        load=strength,
    )


def promoter(activity: np.ndarray, genes: Genes) -> np.ndarray:
    """(n, n_genes) rate relative to rest, for program activities (n, n_programs), 1 at rest.

    Occupancy of a promoter by activators over occupancy by repressors: saturating in each program,
    and programs compete where a gene binds several.
    """
    up = activity @ genes.activation
    up += 1
    down = activity @ genes.repression
    down += 1
    up /= down
    up *= (1 + genes.repression.sum(axis=0)) / (1 + genes.activation.sum(axis=0))
    return up


def saturate(regulon: np.ndarray) -> np.ndarray:
    """Direct log-fold changes bounded by what a promoter can give; works in place."""
    regulon /= _CEILING
    np.tanh(regulon, out=regulon)
    regulon *= _CEILING
    return regulon
