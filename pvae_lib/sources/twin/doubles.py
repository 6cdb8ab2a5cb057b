"""What two activations do together: less than the sum, and now and then something else."""

from dataclasses import dataclass

import numpy as np

from pvae_lib.sources.twin.config import TwinConfig
from pvae_lib.sources.twin.effects import Effects

CLASSES = ("additive", "synergy", "buffering", "epistasis", "neomorphic")


@dataclass(frozen=True)
class Interactions:
    """One row a double, beside two genes in sorted order."""

    doubles: list[str]
    kind: np.ndarray
    """(n_doubles,) one of CLASSES."""
    scale: np.ndarray
    """(n_doubles, 2) float32, how much of each single's effect is left in the double."""
    drive: np.ndarray
    """(n_doubles, n_programs) float32, what neither single does to programs."""
    regulon: np.ndarray
    """(n_doubles, n_genes) float32, what neither single does to genes."""


def make_interactions(
    config: TwinConfig, effects: Effects, doubles: list[str], rng: np.random.Generator
) -> Interactions:
    """Draw a class for each double and what follows from it."""
    shares = np.array(
        [config.p_synergy, config.p_buffering, config.p_epistasis, config.p_neomorphic]
    )
    shares = shares * config.interactions
    if shares.sum() > 1:
        shares /= shares.sum()
    kind = _classes(shares, len(doubles), rng)
    index = {gene: i for i, gene in enumerate(effects.targets)}
    pairs = [[index[g] for g in d.split("+")] for d in doubles]
    pairs = np.array(pairs, dtype=int).reshape(-1, 2)  # a screen of singles alone has none
    load = effects.load[pairs]

    # Competition for shared machinery: each partner is held back by the other's load.
    scale = 1 / (1 + config.competition * load[:, ::-1])
    weaker = load.argmin(axis=1) if len(doubles) else np.zeros(0, int)
    rows = np.arange(len(doubles))
    scale[kind == "synergy"] *= rng.uniform(1.4, 1.9, (len(doubles), 1))[kind == "synergy"]
    scale[kind == "buffering"] *= rng.uniform(0.45, 0.7, (len(doubles), 1))[kind == "buffering"]
    masked = kind == "epistasis"
    scale[rows[masked], weaker[masked]] *= 0.1

    new = (kind == "neomorphic") * np.sqrt((load**2).sum(axis=1))
    programs = rng.standard_normal((len(doubles), effects.drive.shape[1]))
    programs *= rng.random(programs.shape) < 0.2
    genes = rng.standard_normal((len(doubles), effects.regulon.shape[1]))
    genes *= rng.random(genes.shape) < 0.5 * config.regulon_share
    return Interactions(
        doubles=doubles,
        kind=kind,
        scale=scale.astype(np.float32),
        drive=(new[:, None] * programs).astype(np.float32),
        regulon=(config.regulon_sd * new[:, None] * genes).astype(np.float32),
    )


def _classes(shares: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Fixed numbers of each class (largest remainders), in random order: no draw without any."""
    exact = np.append(1 - shares.sum(), shares) * n
    numbers = np.floor(exact).astype(int)
    for i in np.argsort(numbers - exact)[: n - numbers.sum()]:
        numbers[i] += 1
    return rng.permutation(np.repeat(np.array(CLASSES, dtype=object), numbers))
