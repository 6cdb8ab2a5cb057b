"""What activating a gene does: it drives programs, and it acts on a regulon of its own.

A guide changes the log activity of a few programs (`drive`), which promoters read with saturation,
and shifts the log rate of a sparse set of genes directly (`regulon`). Strengths are heavy-tailed:
most perturbations do little, a few do a lot.
"""

from dataclasses import dataclass

import numpy as np

from pvae_lib.sources.twin.config import TwinConfig
from pvae_lib.sources.twin.genes import Genes

_POSITIONS = (0.0, 0.25, 0.5, 0.75, 1.0)

# Largest log-fold change a direct effect can reach.
_CEILING = 1.5


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
    config: TwinConfig,
    genes: Genes,
    targets: list[str],
    doubles: list[str],
    rng: np.random.Generator,
) -> Effects:
    """Draw the effects of all targets; the targets are the first genes."""
    n = len(targets)
    # Median 2.75, quartiles 2.1 and 3.5, on log2(1 + counts per million).
    lift = np.clip(rng.normal(2.75, 1.0, n), 1.2, 5.0)
    per_million = 1e6 / config.library_median
    before = genes.abundance[:n] * per_million
    own = ((1 + before) * 2**lift - 1 - before) / per_million

    # Most of what perturbations do lies on a few axes (fates of the cell), in both directions;
    # a part is common to all: what any activation does to the cell.
    weight = np.arange(1, config.n_axes + 1) ** -config.axis_decay
    axes = rng.standard_normal((config.n_axes, config.n_programs)) * weight[:, None]
    scores = rng.standard_normal((n, config.n_axes))
    relative = _first_relative(targets)
    own_part = 1 - config.likeness * (relative != np.arange(n))[:, None]
    scores = np.sqrt(1 - own_part) * scores[relative] + np.sqrt(own_part) * scores
    drive = scores @ axes
    drive += config.shared_drive * rng.standard_normal(config.n_programs)

    # Abundant transcripts are held steadier than rare ones.
    sensitivity = (1 + genes.abundance) ** -config.steadiness
    hit = rng.random((n, len(genes.names))) < config.regulon_share
    regulon = hit * rng.standard_normal(hit.shape) * config.regulon_sd * sensitivity
    regulon = np.where(rng.random(hit.shape) < own_part, regulon, regulon[relative])

    # Doubles were chosen among genes that do something.
    partners = np.array(
        [sum(target in double.split("+") for double in doubles) for target in targets]
    )
    chosen = (partners + rng.random(n)).argsort().argsort() / max(n - 1, 1)
    score = config.selection * chosen + (1 - config.selection) * rng.random(n)
    quantiles = (score.argsort().argsort() + 0.5) / n
    size = np.exp(np.interp(quantiles, _POSITIONS, np.log(config.effect_quantiles)))
    strength = _strengths(size * _variance(config, genes), drive, regulon, own, genes)
    strength *= config.signal
    return Effects(
        targets=targets,
        drive=(drive * strength[:, None]).astype(np.float32),
        regulon=(regulon * strength[:, None]).astype(np.float32),
        own=own * min(config.signal, 1.0),
        load=np.sqrt(size / 0.1) * config.signal,
    )


def _first_relative(targets: list[str]) -> np.ndarray:
    """(n,) index of the first target whose symbol starts with the same three letters."""
    stems = [target[:3] for target in targets]
    return np.array([stems.index(stem) for stem in stems])


def _strengths(
    wanted: np.ndarray, drive: np.ndarray, regulon: np.ndarray, own: np.ndarray, genes: Genes
) -> np.ndarray:
    """The factor of each perturbation at which its profile moves by the squared norm `wanted`.

    Solved by bisection on log1p of the rates of a cell at rest.
    """
    rest = np.log1p(genes.abundance).astype(np.float32)
    low, high = np.zeros(len(wanted)), np.full(len(wanted), 8.0)
    rows = np.arange(len(wanted))
    for _ in range(14):
        middle = ((low + high) / 2).astype(np.float32)[:, None]
        rate = promoter(np.exp(drive * middle).astype(np.float32), genes)
        rate *= np.exp(saturate((regulon * middle).astype(np.float32)))
        rate *= genes.abundance.astype(np.float32)
        rate[rows, rows] += own
        moved = ((np.log1p(rate) - rest) ** 2).sum(axis=1)
        low = np.where(moved < wanted, middle[:, 0], low)
        high = np.where(moved < wanted, high, middle[:, 0])
    return (low + high) / 2


def _variance(config: TwinConfig, genes: Genes) -> float:
    """Total variance of log1p expression among cells at rest, from a pilot draw of 300 cells."""
    rng = np.random.default_rng(0)
    size = rng.lognormal(0, config.library_sd_within, (300, 1))
    shape = np.broadcast_to(1 / genes.dispersion, (300, len(genes.names)))
    counts = rng.poisson(rng.standard_gamma(shape) * genes.dispersion * genes.abundance * size)
    return float(np.log1p(counts / size).var(axis=0).sum())


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
