"""A screen small enough to score in milliseconds."""

import numpy as np
import pytest

from pvae_lib import splits
from pvae_lib.screen import Screen

CONDITIONS = {
    "control": 60, "A": 40, "B": 40, "C": 40, "D": 40,
    "A+B": 40, "A+C": 41, "B+D": 30, "C+D": 24,
}  # fmt: skip
GENES = 80


def small_counts(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Poisson counts whose log effects add up, and the condition of each cell."""
    rng = np.random.default_rng(seed)
    base = rng.gamma(0.6, 3.0, size=GENES) + 0.2
    effects = {g: rng.normal(0, 0.8, GENES) * (rng.random(GENES) < 0.4) for g in "ABCD"}
    blocks = []
    for condition, n in CONDITIONS.items():
        genes = [] if condition == "control" else condition.split("+")
        rate = base * np.exp(sum((effects[g] for g in genes), np.zeros(GENES)))
        depth = rng.lognormal(0, 0.3, size=(n, 1))
        blocks.append(rng.poisson(rate * depth))
    return np.concatenate(blocks), np.repeat(list(CONDITIONS), list(CONDITIONS.values()))


@pytest.fixture(scope="session")
def screen():
    counts, condition = small_counts(0)
    return Screen.from_counts(counts, condition, [f"g{i}" for i in range(GENES)], name="small")


@pytest.fixture(scope="session")
def split(screen):
    return splits.doubles_with_both_singles(screen)
