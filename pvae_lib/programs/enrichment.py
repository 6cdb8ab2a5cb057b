"""Do edges say what cells do? A → B, held against what perturbing A did to B, and against chance.

The cells are those the model was trained on, so the question is a generous one.
"""

from dataclasses import dataclass

import numpy as np

from pvae_lib.programs.labels import Labels
from pvae_lib.screen import Screen
from pvae_lib.splits import Split

# How many of the 190 pairs of 20 programs are taken as edges: as many in every seed and setting,
# whatever the scale of the weights.
TOP_EDGES = 20
# With fewer measured targets than these, permuted ends are too few to be a null.
FEWEST_TARGETS = 5


@dataclass(frozen=True, eq=False)
class Enrichment:
    """Mean evidence over the top edges, beside two kinds of permuted edges."""

    value: float
    n_pairs: int
    """Pairs of programs for which there is evidence; the value is NaN with none."""
    anywhere: np.ndarray
    """(permutations,) the same mean over as many edges drawn among all such pairs."""
    same_sources: np.ndarray
    """(permutations,) with every source keeping its number of edges and their ends drawn anew:
    whether the ends matter, not only which perturbations are strong."""


def p_value(value: float, null: np.ndarray) -> float:
    """Share of draws (and the observed one) at least as large; NaN without a value.

    A draw that is NaN has nothing to compare: it is neither larger nor smaller, and is left out.
    """
    drawn = null[np.isfinite(null)]
    return float((1 + (drawn >= value).sum()) / (1 + len(drawn))) if np.isfinite(value) else np.nan


def measured_effects(screen: Screen, split: Split, singles: list[str]) -> np.ndarray:
    """(n_singles, G) change of mean expression against the controls, training cells of both.

    In standard deviations of a gene within the two groups (Cohen's d); 0 where it never varies.
    """
    train = screen[split.train]
    control = train.dense(np.flatnonzero(train.is_control)).astype(np.float64)
    found = []
    for single in singles:
        cells = train.dense(train.cells_of(single)).astype(np.float64)
        freedom = len(cells) + len(control) - 2
        pooled = cells.var(0) * len(cells) + control.var(0) * len(control)
        sd = np.sqrt(pooled / max(freedom, 1))
        change = cells.mean(0) - control.mean(0)
        found.append(np.divide(change, sd, out=np.zeros_like(change), where=sd > 0))
    return np.stack(found)


def on_readout(
    effects: np.ndarray, singles: list[str], labels: Labels, readout: np.ndarray, signed: bool
) -> np.ndarray:
    """(d, d) evidence for j → i: how far j's perturbation moved the genes that i is read out in.

    Unsigned: mean |effect| over i's top genes. Signed: mean effect times the sign of i's slope
    on the gene, so that a positive edge predicts a positive number. NaN where the two programs
    carry the same label, or j's is no single.
    """
    return _evidence(labels, singles, lambda source, i: _mean_effect(
        effects[source], labels.genes[i], readout[i] * labels.sign[i], signed))  # fmt: skip


def on_target(
    effects: np.ndarray, singles: list[str], labels: Labels, genes: np.ndarray
) -> np.ndarray:
    """(d, d) evidence for j → i: |effect| of j's perturbation on the gene that labels i.

    NaN where that gene is not measured, and everywhere with fewer than `FEWEST_TARGETS` labels
    measured, as on a screen of few genes.
    """
    position = {gene: k for k, gene in enumerate(genes)}
    if len(position.keys() & set(labels.target)) < FEWEST_TARGETS:
        position = {}

    def of(source: int, i: int) -> float:
        end = position.get(labels.target[i])
        return np.nan if end is None else abs(effects[source, end])

    return _evidence(labels, singles, of)


def enrichment(
    weights: np.ndarray,
    evidence: np.ndarray,
    *,
    signed: bool = False,
    top: int = TOP_EDGES,
    permutations: int = 2000,
    seed: int = 0,
) -> Enrichment:
    """Mean evidence (d, d) over the `top` largest weights (d, d) that evidence is defined for.

    Only pairs that the triangular order allows are edges or drawn as such. Signed evidence is
    multiplied by the sign of the edge, and a permuted edge takes over the sign of the one that it
    stands for.
    """
    i, j = np.nonzero(np.tril(np.isfinite(evidence), -1))
    if len(i) == 0:
        nothing = np.full(permutations, np.nan)
        return Enrichment(np.nan, 0, nothing, nothing)
    size = np.abs(weights[i, j])
    edges = np.argsort(-size, kind="stable")[: min(top, len(i))]
    sign = np.sign(weights[i, j][edges]) if signed else np.ones(len(edges))
    said, rng = evidence[i, j], np.random.default_rng(seed)
    ends = [np.flatnonzero(j == source) for source in range(len(weights))]
    n_of_source = np.bincount(j[edges], minlength=len(weights))
    by_source = edges[np.argsort(j[edges], kind="stable")]
    sign_by_source = np.sign(weights[i, j][by_source]) if signed else sign
    anywhere, same_sources = np.empty(permutations), np.empty(permutations)
    for draw in range(permutations):
        anywhere[draw] = (sign * said[rng.permutation(len(i))[: len(edges)]]).mean()
        drawn = [rng.permutation(e)[:n] for e, n in zip(ends, n_of_source, strict=True) if n]
        same_sources[draw] = (sign_by_source * said[np.concatenate(drawn)]).mean()
    return Enrichment(float((sign * said[edges]).mean()), len(i), anywhere, same_sources)


def _evidence(labels: Labels, singles: list[str], of) -> np.ndarray:
    d = len(labels.target)
    row = {single: k for k, single in enumerate(singles)}
    found = np.full((d, d), np.nan)
    for i in range(d):
        for j in range(i):
            if labels.target[i] != labels.target[j] and labels.target[j] in row:
                found[i, j] = of(row[labels.target[j]], i)
    return found


def _mean_effect(effect: np.ndarray, genes: np.ndarray, slope: np.ndarray, signed: bool) -> float:
    if signed:
        return float((effect[genes] * np.sign(slope[genes])).mean())
    return float(np.abs(effect[genes]).mean())
