"""Which cells there are, and the background of each: library size, cell cycle, state, dose."""

from dataclasses import dataclass

import numpy as np

from pvae_lib.sources.twin.config import TwinConfig
from pvae_lib.sources.twin.names import SPLIT_SINGLES

# Quantiles of the cells a condition, measured on Norman (a filtered copy; only ratios matter
# here, as the numbers are scaled to the cells asked for). The outermost two are extrapolated.
_POSITIONS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_SINGLES = (130, 182, 281, 441, 583, 858, 1_000)
_DOUBLES = (50, 74, 171, 256, 323, 542, 1_030)


@dataclass(frozen=True)
class Cells:
    """One row a cell: labels and background, before any count is drawn."""

    condition: np.ndarray
    """(n_cells,) labels, in random order, as in a real file."""
    library: np.ndarray
    """(n_cells,) expected UMI over all genes."""
    phase: np.ndarray
    """(n_cells,) cell-cycle phase in radians, 0 to 2π."""
    state: np.ndarray
    """(n_cells, n_programs) float32, log activity of each program before perturbation."""
    dose: np.ndarray
    """(n_cells, 2) float32, activity of the first and second guide; 0 where the cell escaped."""


def cells_per_condition(
    config: TwinConfig, singles: list[str], doubles: list[str], rng: np.random.Generator
) -> dict[str, int]:
    """Norman's spread of cells a condition, scaled to `n_cells`, in a random order of labels."""
    labels = singles + doubles
    wanted = np.concatenate(
        [
            rng.permutation(_quantile_function(_SINGLES, len(singles))),
            rng.permutation(_quantile_function(_DOUBLES, len(doubles))),
        ]
    )
    least = np.array(
        [config.min_cells_split if x in SPLIT_SINGLES else config.min_cells for x in labels]
    )
    budget = config.n_cells - config.n_controls
    # The least numbers eat into the budget: shrink the others until the sum is met.
    low, high = 0.0, 10.0 * max(budget, 1) / wanted.sum()
    for _ in range(60):
        scale = (low + high) / 2
        numbers = np.maximum(np.floor(wanted * scale).astype(int), least)
        low, high = (low, scale) if numbers.sum() > budget else (scale, high)
    numbers = np.maximum(np.floor(wanted * low).astype(int), least)
    if numbers.sum() <= budget:
        numbers[wanted.argmax()] += budget - numbers.sum()
    return {"control": config.n_controls, **dict(zip(labels, numbers.tolist(), strict=True))}


def _quantile_function(values: tuple[int, ...], n: int) -> np.ndarray:
    """n numbers with the given quantiles, evenly spaced in probability."""
    return np.exp(np.interp((np.arange(n) + 0.5) / max(n, 1), _POSITIONS, np.log(values)))


def make_cells(
    config: TwinConfig, singles: list[str], doubles: list[str], rng: np.random.Generator
) -> Cells:
    """Draw labels and background of all cells."""
    numbers = cells_per_condition(config, singles, doubles, rng)
    labels = rng.permutation(np.repeat(list(numbers), list(numbers.values())))
    n = len(labels)

    # A perturbation changes how large cells are; a double inherits part of both changes.
    shift = {label: rng.normal(0, config.library_sd_between) for label in numbers}
    shift["control"] = 0.0
    for double in doubles:
        parents = [shift.get(gene, 0.0) for gene in double.split("+")]
        shift[double] = 0.5 * sum(parents) + 0.7 * shift[double]
    names, codes = np.unique(labels, return_inverse=True)
    between = np.array([shift[str(name)] for name in names])[codes]
    # A median of all cells, not of controls, is what was measured: centre the shifts.
    log_library = (
        np.log(config.library_median)
        + (between - np.median(between))
        + rng.normal(0, config.library_sd_within, n)
    )

    # Two waves of density: most cells rest before S, a second crowd waits for division.
    early = rng.random(n) < 0.6
    phase = np.where(early, rng.vonmises(0.3 - np.pi, 1.2, n) + np.pi, rng.vonmises(-1.6, 1.5, n))

    # A few coordinates of state, one of them two-humped, mixed into log activities of programs.
    factors = rng.standard_normal((n, config.state_rank))
    factors[:, 0] = (factors[:, 0] * 0.5 + np.where(rng.random(n) < 0.3, 1.5, -0.5)) / 1.05
    mixing = rng.standard_normal((config.state_rank, config.n_programs))
    mixing *= config.state_sd * config.background / np.sqrt((mixing**2).sum(axis=0))
    state = factors @ mixing

    # Guides work to a different degree in each cell; some cells escape both guides of a vector.
    dose = rng.gamma(config.dose_shape, 1 / config.dose_shape, (n, 2))
    dose[rng.random(n) < config.escape] = 0
    perturbed = labels != "control"
    double = np.array(["+" in label for label in names])[codes]
    dose[:, 0] *= perturbed
    dose[:, 1] *= double
    return Cells(
        condition=labels,
        library=np.exp(log_library),
        phase=np.mod(phase, 2 * np.pi),
        state=state.astype(np.float32),
        dose=dose.astype(np.float32),
    )
