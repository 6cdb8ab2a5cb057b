"""Every question about the graph that one fit answers, as rows of a tidy table.

The column `condition` says what is looked at ("graph: mean", "order reversed", …), `metric` what
was measured of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from sklearn.metrics import adjusted_rand_score

from pvae_lib.evaluation.metrics import COLUMNS
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.programs import graphs, mechanisms, stability
from pvae_lib.programs.deletion import deletion
from pvae_lib.programs.enrichment import (
    enrichment,
    measured_effects,
    on_readout,
    on_target,
    p_value,
)
from pvae_lib.programs.labels import (
    N_PROGRAMS,
    Labels,
    best_number_of_groups,
    groups,
    label,
    oriented,
    standardised_effects,
)
from pvae_lib.screen import Screen
from pvae_lib.screen.labels import genes_of
from pvae_lib.splits import Split

Row = tuple[str, str, float]  # condition, metric, value


@dataclass(frozen=True, eq=False)
class Question:
    """The screen, its split, and what is known of it whatever the model."""

    screen: Screen
    split: Split
    singles: list[str]
    """Training singles: the rows of the effects."""
    effects: dict[str, np.ndarray]
    """Kind → (n_singles, G): "measured" in the cells; "true" where the screen is generated."""

    @classmethod
    def of(cls, screen: Screen, split: Split, truth: pd.DataFrame | None = None) -> "Question":
        """`truth`: true effects, conditions × genes in the screen's order, where they are known."""
        singles = [c for c in split.train_conditions(screen) if len(genes_of(c)) == 1]
        effects = {"measured": measured_effects(screen, split, singles)}
        if truth is not None:
            effects["true"] = truth.loc[singles].to_numpy()
        return cls(screen, split, singles, effects)


@dataclass(frozen=True, eq=False)
class SeedGraph:
    """What the comparison of seeds needs of one seed."""

    fitted: mechanisms.Fitted
    labels: Labels
    graph: np.ndarray
    """(d, d) mean over u, standardised, oriented by the labels."""
    groups: np.ndarray
    """(C,) of its perturbations."""
    nulls: dict[tuple[str, str], np.ndarray]
    """(enrichment, null) → permuted means, to pool over seeds."""


def one_seed(question: Question, method: PerturbedVAEMethod) -> tuple[list[Row], SeedGraph]:
    """All rows of one fit, and what the comparison over seeds goes on with."""
    fitted = mechanisms.read(method, question.screen, question.split)
    before = mechanisms.read(mechanisms.untrained(method), question.screen, question.split)
    names = label(fitted.effect, fitted.sd, fitted.readout, fitted.conditions)
    Lambda = graphs.standardise(fitted.Lambda, fitted.sd)
    mean = graphs.one_graph(Lambda, fitted.control, fitted.n_cells, "mean")
    graph = oriented(mean, names)
    rows = _of_the_block(question, method, fitted) + _of_the_weights(fitted, before)
    rows += _of_the_order(fitted, Lambda, mean)
    rows += [("labels", "distinct_targets", len(set(names.target)))]
    for target in sorted(set(names.target)):
        rows.append((f"label: {target}", "programs", float((names.target == target).sum())))
    partition, found = _of_the_groups(question, fitted)
    more, nulls = _of_the_cells(question, fitted, names, graph)
    return rows + found + more, SeedGraph(fitted, names, graph, partition, nulls)


def _of_the_block(
    question: Question, method: PerturbedVAEMethod, fitted: mechanisms.Fitted
) -> list[Row]:
    cost = deletion(method, question.screen, question.split)
    return [
        ("zν", "kl_nu", fitted.kl_nu),
        ("zν", "within_share", fitted.within_share),
        ("zν", "var_ratio", method.variance_ratio_),
        ("graph deleted", "recon_rise", cost["recon"].relative),
        ("graph deleted", "kl_nu_with", cost["kl_nu"].with_graph),
        ("graph deleted", "kl_nu_without", cost["kl_nu"].without),
    ]


def _of_the_weights(fitted: mechanisms.Fitted, before: mechanisms.Fitted) -> list[Row]:
    rows = []
    lower = np.tril_indices(len(fitted.sd), -1)
    for kind in graphs.KINDS:
        raw = graphs.one_graph(fitted.Lambda, fitted.control, fitted.n_cells, kind)
        first = graphs.one_graph(before.Lambda, before.control, before.n_cells, kind)
        scaled = graphs.standardise(raw, fitted.sd)
        first_scaled = graphs.standardise(first, before.sd)
        kept = spearmanr(np.abs(raw[lower]), np.abs(first[lower])).statistic
        rows += [
            (f"graph: {kind}", "edges_raw", graphs.n_edges(raw)),
            (f"graph: {kind}", "edges_standardised", graphs.n_edges(scaled)),
            (f"graph: {kind}", "edges_untrained", graphs.n_edges(first_scaled)),
            (f"graph: {kind}", "edges_possible", len(lower[0])),
            (f"graph: {kind}", "largest_weight", np.abs(scaled).max()),
            (f"graph: {kind}", "rank_correlation_untrained", kept),
        ]
    Lambda = graphs.standardise(fitted.Lambda, fitted.sd)
    several = [
        graphs.standardise(
            graphs.one_graph(fitted.Lambda, fitted.control, fitted.n_cells, kind), fitted.sd
        )
        for kind in ("mean", "control")
    ]
    return rows + [
        ("u", "share_of_mean", graphs.share_of_mean(Lambda, fitted.n_cells)),
        ("u", "share_of_mean_untrained", graphs.share_of_mean(before.Lambda, before.n_cells)),
        ("u", "cells_without_the_edge", graphs.against_the_mean(Lambda, fitted.n_cells)),
        ("u", "jaccard_mean_control", stability.jaccard(*several)),
    ]


def _of_the_order(fitted: mechanisms.Fitted, Lambda: np.ndarray, mean: np.ndarray) -> list[Row]:
    """The same prior with the arrows' order turned round: the same cells, another graph."""
    sd = np.where(fitted.sd > 0, fitted.sd, 1.0)
    turned = graphs.reordered(Lambda, fitted.beta_nu / sd**2, np.arange(len(sd))[::-1])
    other = graphs.one_graph(turned, fitted.control, fitted.n_cells, "mean")
    here, there = np.abs(mean) + np.abs(mean).T, np.abs(other) + np.abs(other).T
    upper = np.triu_indices(len(sd), 1)
    return [
        ("order reversed", "edges_standardised", graphs.n_edges(other)),
        ("order reversed", "jaccard_undirected", stability.jaccard(here[upper], there[upper])),
        ("order reversed", "rank_correlation", spearmanr(here[upper], there[upper]).statistic),
    ]


def _of_the_groups(question: Question, fitted: mechanisms.Fitted) -> tuple[np.ndarray, list[Row]]:
    moved = standardised_effects(fitted.effect, fitted.sd)
    partition = groups(moved)
    best, silhouettes = best_number_of_groups(moved)
    rows = [
        ("groups of perturbations", "best_number", best),
        ("groups of perturbations", "silhouette_best", silhouettes[best]),
        ("groups of perturbations", "silhouette_7", silhouettes.get(N_PROGRAMS, np.nan)),
    ]
    if list(fitted.conditions) == question.singles:
        for kind, effects in question.effects.items():
            agreement = adjusted_rand_score(partition, groups(effects))
            rows.append(("groups of perturbations", f"rand_{kind}_effects", agreement))
    return partition, rows


def _of_the_cells(
    question: Question, fitted: mechanisms.Fitted, names: Labels, graph: np.ndarray
) -> tuple[list[Row], dict[tuple[str, str], np.ndarray]]:
    rows: list[Row] = []
    nulls: dict[tuple[str, str], np.ndarray] = {}
    for kind, effects in question.effects.items():
        asked = {
            f"{kind} effect on readout": on_readout(
                effects, question.singles, names, fitted.readout, signed=False
            ),
            f"{kind} effect on readout, signed": on_readout(
                effects, question.singles, names, fitted.readout, signed=True
            ),
            f"{kind} effect on target": on_target(
                effects, question.singles, names, question.screen.genes
            ),
        }
        for name, evidence in asked.items():
            found = enrichment(graph, evidence, signed=name.endswith("signed"))
            where = f"enrichment: {name}"
            rows += [
                (where, "value", found.value),
                (where, "pairs", found.n_pairs),
                (where, "null_anywhere", found.anywhere.mean()),
                (where, "null_same_sources", found.same_sources.mean()),
                (where, "p_anywhere", p_value(found.value, found.anywhere)),
                (where, "p_same_sources", p_value(found.value, found.same_sources)),
            ]
            nulls[where, "anywhere"] = found.anywhere
            nulls[where, "same_sources"] = found.same_sources
    return rows, nulls


def tidy(screen: str, rows: Sequence[tuple[str, int | None, Row]]) -> pd.DataFrame:
    """(method, seed or None, row) → the project's tidy columns."""
    table = pd.DataFrame(
        [(screen, method, *row[:2], seed, row[2]) for method, seed, row in rows],
        columns=list(COLUMNS),
    )
    return table.astype({"seed": "Int64", "value": float})
