"""The causal graph: seven programs, edges above 0.25, and the ones the paper names."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from pvae_lib.claims.base import OPEN, Claim, NotAtHand, Trial, Verdict
from pvae_lib.claims.rules import OURS, Rule, beside, number, seeds, spread, verdict

SUMMED = f"{OURS}, summed error"
GROUPS, N_PROGRAMS = "groups of perturbations", 7
EDGE = 0.25  # the paper's threshold of |weight|
SHARE = 0.5  # of the squared weights that one graph stands for
AGREE, LEVEL = 0.5, 0.05  # Jaccard of the edges of two seeds; p of a permutation
TOP = 0.05  # of all singles, in the direction that the edge states
NAMED = ("TGFBR2 → SNAI1", "TP73 → CDKN1A", "DUSP9 ⊣ JUN")
MEASURED = "enrichment: measured effect on readout"


def seven(table: pd.DataFrame, fit: str) -> Verdict:
    """The number of groups with the best silhouette, in every seed."""
    best = seeds(table, fit, "best_number", condition=GROUPS)
    seven_, most = (
        seeds(table, fit, metric, condition=GROUPS).mean()
        for metric in ("silhouette_7", "silhouette_best")
    )
    is_seven = best.to_numpy() == N_PROGRAMS
    listed = ", ".join(str(int(n)) for n in best)
    why = (
        f"best number of groups by silhouette, a seed each: {listed}; silhouette of 7 "
        f"{number(seven_, 2)}, of the best {number(most, 2)}"
    )
    numbers = {"best": float(best.median()), "silhouette of 7": float(seven_)}
    return Verdict(verdict(is_seven.all(), not is_seven.any()), numbers, why)


def one_for_all(table: pd.DataFrame, fit: str) -> Verdict:
    """How much of Λνν(u) its mean over u stands for, and whether training had a part in it."""
    share, before = (
        seeds(table, fit, f"share_of_mean{end}", condition="u") for end in ("", "_untrained")
    )
    lacking = seeds(table, fit, "cells_without_the_edge", condition="u")
    turned = seeds(table, fit, "jaccard_undirected", condition="order reversed")
    side = beside(share, SHARE)
    learned = bool((share.to_numpy() > before.to_numpy()).all())
    why = (
        f"the mean over u holds {spread(share)} of the squared weights ({spread(before)} before "
        f"training); {number(100 * lacking.mean(), 0)} % of cells lack an edge of it under their "
        f"u; the same prior written in the reverse order shares {spread(turned)} of its edges"
    )
    numbers = {"share": float(share.mean()), "untrained": float(before.mean())}
    numbers["order reversed"] = float(turned.mean())
    return Verdict(verdict(side == "above" and learned, side == "below"), numbers, why)


def stable(table: pd.DataFrame, fit: str) -> Verdict:
    """Edges (|weight| > 0.25, standardised) shared by two seeds, beside permuted labels."""
    numbers, good, bad, parts = {}, [], [], []
    for how in ("by label", "by matching"):
        value, null, p = (
            float(seeds(table, fit, f"jaccard{end}", condition=f"stability {how}").iloc[0])
            for end in ("", "_null", "_p")
        )
        numbers |= {how: value, f"{how}: null": null, f"{how}: p": p}
        good.append(value >= AGREE and p < LEVEL)
        bad.append(value < AGREE)
        parts.append(f"{how} {number(value, 2)} (permuted {number(null, 2)}, p {number(p, 3)})")
    edges = seeds(table, fit, "edges_standardised", condition="graph: mean")
    why = f"Jaccard of the edges of two seeds: {', '.join(parts)}; {spread(edges, 1)} edges a seed"
    return Verdict(verdict(any(good), all(bad)), numbers, why)


def enriched(table: pd.DataFrame, fit: str) -> Verdict:
    """Measured effects along the strongest edges, beside permuted edges of the same sources."""
    pooled = table[table["seed"].isna() & (table["method"] == fit)]
    value, null, p = (
        float(seeds(pooled, fit, metric, condition=MEASURED).iloc[0])
        for metric in ("value", "null_same_sources", "p_same_sources")
    )
    why = (
        f"measured effect along the strongest edges {number(value, 2)}, permuted edges of the same "
        f"sources {number(null, 2)}, p {number(p, 3)}"
    )
    good = p < LEVEL and value > null
    # A p that is not small is no proof of absence, unless the edges are no stronger at all.
    return Verdict(verdict(good, value <= null), {"value": value, "null": null, "p": p}, why)


def named_measured(table: pd.DataFrame) -> Verdict:
    """Each named edge: where its source stands among all singles that could move its end."""
    place, numbers, parts = [], {}, []
    for edge in NAMED:
        rank, n, lfc = (
            float(seeds(table, "pseudobulk", metric, condition=edge).iloc[0])
            for metric in ("expected_rank", "singles", "lfc")
        )
        place.append(rank / n)
        numbers |= {f"{edge}: rank": rank, f"{edge}: lfc": lfc}
        parts.append(f"{edge} {rank:.0f} of {n:.0f} (log fold change {number(lfc, 2, sign=True)})")
    why = "rank of the source among singles, in the direction stated: " + ", ".join(parts)
    top = np.array(place) <= TOP
    return Verdict(verdict(top.all(), not top.all()), numbers, why)


def named_learned(table: pd.DataFrame) -> Verdict:
    """Each named edge in the learned graphs, where both its genes are singles trained on.

    A seed in which either gene labels no program (weight NaN) does not draw the edge.
    """
    drawn, none, numbers, parts = [], [], {}, []
    for edge in NAMED:
        for gene in ("source_trained", "end_trained"):
            if not seeds(table, "cells", gene, condition=edge).iloc[0]:
                raise NotAtHand(f"{edge}: not both genes are among the singles trained on")
        weight = seeds(table, OURS, "learned_weight", condition=edge)
        row = (table["method"] == OURS) & (table["metric"] == "learned_weight")
        n = int((row & (table["condition"] == edge)).sum())
        # Programs are turned so that their own perturbation raises them: a repression is negative.
        exceeds = (-1 if "⊣" in edge else 1) * weight > EDGE
        drawn.append(exceeds.sum() == n)
        none.append(not exceeds.any())
        numbers[edge] = float(weight.mean())
        lacking = f" (not both ends name a program in {n - len(weight)} of {n} seeds)"
        parts.append(f"{edge} {spread(weight)}" + lacking * (len(weight) < n))
    why = "learned weight: " + ", ".join(parts)
    return Verdict(verdict(all(drawn), any(none)), numbers, why)


def both_readings(rule: Callable[[pd.DataFrame, str], Verdict]) -> Rule:
    """The rule on the fit as we read the paper, and on the one whose error is summed over genes.

    How the error is reduced is not stated; where two readings disagree it cannot be told.
    """

    def judged(table: pd.DataFrame) -> Verdict:
        fits = [OURS] + [SUMMED] * (SUMMED in set(table["method"]))
        found = {fit: rule(table, fit) for fit in fits}
        said = {verdict.verdict for verdict in found.values()}
        numbers = {f"{fit}: {n}": x for fit, v in found.items() for n, x in v.numbers.items()}
        why = "; ".join(f"{fit}: {v.why}" for fit, v in found.items())
        return Verdict(said.pop() if len(said) == 1 else OPEN, numbers, why)

    return judged


def _graphs(rule: Callable[[pd.DataFrame, str], Verdict]) -> tuple[Trial, ...]:
    return (
        Trial("Norman, 500 genes", ("causal_graph_norman_subset",), both_readings(rule)),
        Trial("twin", ("causal_graph_twin",), both_readings(rule), decides=False),
    )


LESSON, SECTION = "10_claims", "7 · The graph"
CLAIMS = (
    Claim(
        "graph-seven",
        "seven programs",
        "The perturbations act on seven programs.",
        "Section 5 (graph)",
        LESSON,
        SECTION,
        "how the paper finds seven is not stated; Ward groups of the effects on zν. Holds if seven "
        "has the best silhouette in every seed, does not hold if in none",
        _graphs(seven),
    ),
    Claim(
        "graph-one",
        "one graph stands for Λνν(u)",
        "One graph stands for the model's Λνν(u).",
        "Section 5 (graph)",
        LESSON,
        SECTION,
        f"holds if the mean over u holds more than {SHARE:g} of the squared weights (two standard "
        "errors over seeds) and more than before training in every seed, does not hold if less "
        f"than {SHARE:g}",
        _graphs(one_for_all),
    ),
    Claim(
        "graph-stable",
        "edges above 0.25 are stable",
        f"Its edges with |weight| > {EDGE:g} are a finding about the cells, not about one run.",
        "Section 5 (graph)",
        LESSON,
        SECTION,
        f"holds if two seeds share edges with a Jaccard of at least {AGREE:g} and p < {LEVEL:g} "
        "against permuted labels, by label or by matching; does not hold if both are lower",
        _graphs(stable),
    ),
    Claim(
        "graph-enriched",
        "edges agree with measured effects",
        "Its edges are borne out by measured effects.",
        "Section 5 (graph)",
        LESSON,
        SECTION,
        f"holds if effects along the strongest edges exceed those along permuted edges of the same "
        f"sources with p < {LEVEL:g}, does not hold if they do not exceed them at all",
        _graphs(enriched),
    ),
    Claim(
        "graph-named",
        "the three named edges",
        "TGFBR2 → SNAI1, TP73 → CDKN1A and DUSP9 ⊣ JUN are edges of the biology.",
        "Section 5 (graph)",
        LESSON,
        SECTION,
        f"measured: holds if each source is among the {TOP:.0%} of singles that move its end most "
        "in the direction stated, does not hold if one is not. Learned: holds if all three weights "
        f"exceed {EDGE:g} in every seed, does not hold if one does so in none",
        (
            Trial("Norman, pseudobulk", ("causal_graph_norman_subset",), named_measured),
            Trial("Norman, 500 genes", ("causal_graph_norman_subset",), named_learned),
        ),
    ),
)
