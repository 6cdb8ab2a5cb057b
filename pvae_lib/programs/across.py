"""Every question about the graph that takes several seeds, or the data alone.

Rows that compare seeds, or pool them, have no seed of their own.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from sklearn.metrics import adjusted_rand_score

from pvae_lib.identifiability.recovery import mcc
from pvae_lib.programs import named, stability
from pvae_lib.programs.enrichment import measured_effects, p_value
from pvae_lib.programs.labels import N_PROGRAMS, best_number_of_groups, groups
from pvae_lib.programs.study import Question, Row, SeedGraph
from pvae_lib.sources.pseudobulk import Pseudobulk


def over_seeds(tables: Sequence[list[Row]], seeds: Sequence[SeedGraph]) -> list[Row]:
    """Stability of graph, labels and groups, and enrichment pooled over seeds."""
    of_graph = [s.graph for s in seeds]
    targets = [s.labels.target for s in seeds]
    z_nu = [s.fitted.z_nu for s in seeds]
    compared = {
        ("by label", "jaccard"): stability.by_label(of_graph, targets, stability.jaccard),
        ("by label", "rank_correlation"): stability.by_label(
            of_graph, targets, stability.rank_correlation
        ),
        ("by matching", "jaccard"): stability.by_matching(of_graph, z_nu, stability.jaccard),
        ("by matching", "rank_correlation"): stability.by_matching(
            of_graph, z_nu, stability.rank_correlation
        ),
    }
    rows: list[Row] = []
    for (how, metric), found in compared.items():
        rows += [
            (f"stability {how}", metric, found.value),
            (f"stability {how}", f"{metric}_null", found.null_mean),
            (f"stability {how}", f"{metric}_p", found.p),
        ]
    both, same = stability.same_direction(of_graph, z_nu)
    pairs = [(a, b) for k, a in enumerate(seeds) for b in seeds[k + 1 :]]
    matched = [mcc(a.fitted.z_nu, b.fitted.z_nu) for a, b in pairs]
    rows += [
        ("stability by matching", "edges_in_both", both),
        ("stability by matching", "same_direction", same),
        ("stability by matching", "mcc", np.mean(matched)),
        (
            "groups of perturbations",
            "rand_between_seeds",
            np.mean([adjusted_rand_score(a.groups, b.groups) for a, b in pairs]),
        ),
    ]
    values: dict[str, list[float]] = {}
    for table in tables:
        for where, metric, value in table:
            if where.startswith("enrichment: ") and metric == "value":
                values.setdefault(where, []).append(value)
    for where, of_seed in values.items():
        pooled = float(np.mean(of_seed))
        rows.append((where, "value", pooled))
        for null in ("anywhere", "same_sources"):
            draws = np.mean([s.nulls[where, null] for s in seeds], axis=0)
            rows.append((where, f"null_{null}", float(draws.mean())))
            rows.append((where, f"p_{null}", p_value(pooled, draws)))
    return rows


def named_edges(seeds: Sequence[SeedGraph]) -> list[list[Row]]:
    """For each seed, what can be said here of the paper's three edges."""
    found = []
    for of_seed in seeds:
        names = sorted(set(of_seed.labels.target))
        matrix = stability.label_matrix(of_seed.graph, of_seed.labels.target, names)
        found.append(
            [
                (str(edge), "learned_weight", named.learned_weight(edge, matrix, names))
                for edge in named.NAMED
            ]
        )
    return found


def measured_named(question: Question, bulk: Pseudobulk | None) -> list[tuple[str, *Row]]:
    """(method, condition, metric, value) of the named edges in the data, whatever the model."""
    rows: list[tuple[str, *Row]] = []
    for edge in named.NAMED:
        here = named.presence(edge, question.screen, question.split)
        rows += [("cells", str(edge), metric, value) for metric, value in here.items()]
        if here["source_trained"] and here["end_measured"]:
            gene = list(question.screen.genes).index(edge.end)
            effect = question.effects["measured"][question.singles.index(edge.source), gene]
            rows.append(("cells", str(edge), "measured_effect", float(effect)))
        if bulk is not None:
            rows += [
                ("pseudobulk", str(edge), metric, value)
                for metric, value in named.in_pseudobulk(edge, bulk).items()
            ]
    return rows


def groups_in_the_cells(question: Question, draws: int = 20) -> list[Row]:
    """How many groups the measured effects fall into, and how well halves of the cells agree.

    The agreement of halves is what a perfect method could reach, and a little less: each half has
    half the cells.
    """
    effects = question.effects["measured"]
    best, silhouettes = best_number_of_groups(effects)
    agreement = [_agreement_of_halves(question, seed) for seed in range(draws)]
    return [
        ("groups of perturbations", "best_number", best),
        ("groups of perturbations", "silhouette_best", silhouettes[best]),
        ("groups of perturbations", "silhouette_7", silhouettes.get(N_PROGRAMS, np.nan)),
        ("groups of perturbations", "rand_between_halves", float(np.mean(agreement))),
    ]


def _agreement_of_halves(question: Question, seed: int) -> float:
    train = question.split.train
    order, labels = np.random.default_rng(seed).permutation(train), question.screen.condition
    rank = np.zeros(len(order), int)
    for condition in set(labels[train]):
        mine = labels[order] == condition
        rank[mine] = np.arange(mine.sum())
    halves = [
        groups(
            measured_effects(
                question.screen,
                replace(question.split, train=np.sort(order[rank % 2 == half])),
                question.singles,
            )
        )
        for half in (0, 1)
    ]
    return adjusted_rand_score(*halves)
