"""Do two seeds find the same graph? Edges matched by label, or by the programs' own values.

Each comparison stands beside a null in which every seed's labels are dealt anew among its programs:
the graphs keep their shapes and the labels their numbers, and only who is who is lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.stats import rankdata

from pvae_lib.identifiability.recovery import match, matched_graph
from pvae_lib.programs.enrichment import p_value
from pvae_lib.programs.graphs import THRESHOLD


@dataclass(frozen=True, eq=False)
class Compared:
    """Mean over pairs of seeds, and what permuted labels give."""

    value: float
    null_mean: float
    p: float
    """Share of permutations (and the observed one) that agree at least as well, of those in which
    agreement is defined."""


def label_matrix(weights: np.ndarray, names: np.ndarray, all_names: Sequence[str]) -> np.ndarray:
    """(T, T) weight of A → B at [B, A] for names in the order of `all_names`.

    The largest in size where several programs share a name; 0 where no program pair does, and on
    the diagonal.
    """
    row = np.array([list(all_names).index(name) for name in names])
    found = np.zeros((len(all_names),) * 2)
    i, j = np.nonzero(weights)
    by_size = np.argsort(np.abs(weights[i, j]), kind="stable")  # the largest is written last
    i, j = i[by_size], j[by_size]
    found[row[i], row[j]] = weights[i, j]
    np.fill_diagonal(found, 0)
    return found


def jaccard(a: np.ndarray, b: np.ndarray, threshold: float = THRESHOLD) -> float:
    """Edges (with their signs) in both over edges in either; NaN where neither has one."""
    signs_a, signs_b = (np.sign(w) * (np.abs(w) > threshold) for w in (a, b))
    either = ((signs_a != 0) | (signs_b != 0)).sum() + (signs_a * signs_b < 0).sum()
    return float((signs_a * signs_b > 0).sum() / either) if either else np.nan


def rank_correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Spearman's, over entries where either is not 0; NaN where one is constant there."""
    used = (a != 0) | (b != 0)
    if used.sum() < 3:
        return np.nan
    ranks_a, ranks_b = rankdata(a[used]), rankdata(b[used])
    if not (np.ptp(ranks_a) and np.ptp(ranks_b)):
        return np.nan
    return float(np.corrcoef(ranks_a, ranks_b)[0, 1])


def by_label(
    graphs: Sequence[np.ndarray],
    names: Sequence[np.ndarray],
    score: Callable[[np.ndarray, np.ndarray], float],
    *,
    permutations: int = 1000,
    seed: int = 0,
) -> Compared:
    """Agreement of graphs (d, d), one a seed, whose programs carry names (d,).

    Orientation travels with the graph: give it `pvae_lib.programs.labels.oriented`.
    """
    every = sorted({name for of_seed in names for name in of_seed})
    rng = np.random.default_rng(seed)

    def agreement(deal: bool) -> float:
        matrices = [
            label_matrix(g, rng.permutation(n) if deal else n, every)
            for g, n in zip(graphs, names, strict=True)
        ]
        return _over_pairs(matrices, score)

    return _against_null(agreement, permutations)


def by_matching(
    graphs: Sequence[np.ndarray],
    z_nu: Sequence[np.ndarray],
    score: Callable[[np.ndarray, np.ndarray], float],
    *,
    permutations: int = 1000,
    seed: int = 0,
) -> Compared:
    """Agreement of |weights| without arrows, programs matched by their values in the same cells.

    Kinder than labels: it asks neither for direction nor for sign.
    """
    undirected = [np.abs(g) + np.abs(g).T for g in graphs]
    upper = np.triu_indices(len(undirected[0]), 1)
    pairs = {(a, b): match(z_nu[a], z_nu[b])[0] for a, b in combinations(range(len(graphs)), 2)}
    rng = np.random.default_rng(seed)

    def agreement(deal: bool) -> float:
        found = []
        for (a, b), columns in pairs.items():
            order = rng.permutation(columns) if deal else columns
            found.append(score(undirected[a][upper], matched_graph(undirected[b], order)[upper]))
        return _mean(found)

    return _against_null(agreement, permutations)


def same_direction(graphs: Sequence[np.ndarray], z_nu: Sequence[np.ndarray]) -> tuple[int, int]:
    """Of the edges over the threshold in both of two matched seeds: how many, and how many of them
    point the same way. Summed over pairs of seeds; chance is one half."""
    both = same = 0
    for a, b in combinations(range(len(graphs)), 2):
        columns, _ = match(z_nu[a], z_nu[b])
        first = np.abs(graphs[a]) > THRESHOLD
        second = np.abs(matched_graph(graphs[b], columns)) > THRESHOLD
        same += int((first & second).sum())
        both += int((first & (second | second.T)).sum())
    return both, same


def _over_pairs(matrices: Sequence[np.ndarray], score: Callable) -> float:
    return _mean([score(a, b) for a, b in combinations(matrices, 2)])


def _mean(values: Sequence[float]) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else np.nan


def _against_null(agreement: Callable[[bool], float], permutations: int) -> Compared:
    value = agreement(False)
    null = np.array([agreement(True) for _ in range(permutations)])
    return Compared(value, _mean(null), p_value(value, null))
