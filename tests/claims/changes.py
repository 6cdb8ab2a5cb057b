"""Tables that make each claim hold, and tables that make it fail: made from recorded or small ones.

`changed(claim, trial, tables, good)` gives the tables with which the trial must say "holds" (good)
or "does not hold" (not good). Every claim has an entry in `CHANGES`.
"""

from collections.abc import Callable, Sequence

import pandas as pd

from pvae_lib.claims import ablations, identifiability, predictions, programs, representations
from pvae_lib.claims.base import Claim, Trial
from pvae_lib.claims.rules import OURS
from pvae_lib.evaluation.metrics import ALL, CEILING, FLOOR, METRICS

Tables = dict[str, pd.DataFrame]


def also(table: pd.DataFrame, source: str, names: Sequence[str]) -> pd.DataFrame:
    """The table with the rows of `source` under further names, where those have none."""
    new = [name for name in names if name not in set(table["method"])]
    rows = table[table["method"] == source]
    return pd.concat([table, *(rows.assign(method=name) for name in new)], ignore_index=True)


def put(table: pd.DataFrame, method: str, metric: str, value: float, **where) -> pd.DataFrame:
    """The metric's value, with a narrow interval where the table has one."""
    chosen = table["method"] == method
    for column, wanted in where.items():
        chosen &= table[column] == wanted
    table = table.copy()
    for end, shift in (("", 0.0), ("_low", -1e-3), ("_high", 1e-3)):
        table.loc[chosen & (table["metric"] == metric + end), "value"] = value + shift
    assert (chosen & (table["metric"] == metric)).any(), (method, metric, where)
    return table


def lead(first: str, rivals: Sequence[str], metric: str, good: bool) -> Callable:
    """`first` 0.1 ahead of every rival, or behind every one, in every condition and seed."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        source = next(m for m in ("additive", OURS, *table["method"]) if m in set(table["method"]))
        table = also(table, source, [first, *rivals])
        lower = METRICS[metric].better == "lower"
        is_metric = (table["metric"] == metric) & (table["condition"] != ALL)
        keys = ["condition", "seed"]
        of_rivals = table[is_metric & table["method"].isin(rivals)].groupby(keys, dropna=False)
        # Ahead of the best rival, or behind the worst.
        ends = of_rivals["value"].min() if lower == good else of_rivals["value"].max()
        mine = is_metric & (table["method"] == first)
        places = pd.MultiIndex.from_frame(table.loc[mine, keys])
        assert mine.any() and ends.notna().all()
        table.loc[mine, "value"] = ends.reindex(places).to_numpy() + (
            -0.1 if lower == good else 0.1
        )
        return table

    return change


def many(change: Callable) -> Callable:
    """The same on more doubles: those at hand, several times."""

    def changed(table: pd.DataFrame) -> pd.DataFrame:
        table = table[table["condition"] != ALL]
        copies = [table.assign(condition=table["condition"] + f" {i}") for i in range(5)]
        return change(pd.concat(copies, ignore_index=True))

    return changed


def singles(change: Callable) -> Callable:
    def changed(table: pd.DataFrame) -> pd.DataFrame:
        named = table["condition"].str.replace("+", "-", regex=False)
        return change(table.assign(condition=named))

    return changed


def probes(good: bool, values: dict[str, tuple[float, float]], part: str, metric: str) -> Callable:
    """Name → (value that makes the claim hold, value that makes it fail)."""

    def change(table: pd.DataFrame) -> pd.DataFrame:
        for screen in [s for s in table["screen"].unique() if s in _main(part)]:
            rows = table[table["screen"] == screen]
            rows = also(rows, representations.PCA, list(values))
            for name, (holds, fails) in values.items():
                rows = put(rows, name, metric, holds if good else fails)
            table = pd.concat([table[table["screen"] != screen], rows], ignore_index=True)
        return table

    return change


def _main(part: str) -> set[str]:
    return {screen + part for screen in representations.SCREENS.values()}


def invariant(good: bool) -> Callable:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        for screen in [s for s in table["screen"].unique() if s in _main(representations.HALVES)]:
            for name in ("zι", "zι, samples"):
                accuracy = 0.0 if good else 0.5
                table = put(table, name, representations.ACCURACY, accuracy, screen=screen)
            r2 = [m for m in table.loc[table["screen"] == screen, "metric"].unique()
                  if m.endswith(": r2")]  # fmt: skip
            for metric in r2:
                table = put(table, "zι, samples", metric, 0.9 if good else 0.0, screen=screen)
        return table

    return change


def put_all(metric: str, places: Sequence[tuple[str, dict]], holds: float, fails: float):
    """good → the metric's value in each place: (method, further columns that choose rows)."""

    def by(good: bool) -> Callable:
        value = holds if good else fails
        return _in_turn(
            *(lambda t, m=m, where=where: put(t, m, metric, value, **where) for m, where in places)
        )

    return by


def simulated(metric: str, fits: Sequence[tuple[str, str]], holds: float, fails: float):
    return put_all(metric, [(name, {"screen": world}) for world, name in fits], holds, fails)


def of_graphs(metric: str, condition: str, holds: float, fails: float):
    fits = OURS, programs.SUMMED
    return put_all(metric, [(fit, {"condition": condition}) for fit in fits], holds, fails)


def of_paper(method: str, metric: str, condition: str, holds: float, fails: float):
    return put_all(metric, [(method, {"condition": condition})], holds, fails)


def _in_turn(*changes: Callable) -> Callable:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        for one in changes:
            table = one(table)
        return table

    return change


def collapse(good: bool) -> Callable:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        kept = (20.0, 0.8), (0.01, 0.02)  # KLι and variance ratio: alive, collapsed
        with_it, without = kept if good else kept[::-1]
        for name, values in ((OURS, with_it), (ablations.UNALIGNED, without)):
            for metric, value in zip(("kl_iota", "variance_ratio"), values, strict=True):
                table = put(table, name, metric, value, condition=ablations.TRAINING)
        return table

    return change


def edges_stable(good: bool) -> Callable:
    return _in_turn(
        *(
            of_graphs(metric, f"stability {how}", holds, fails)(good)
            for how in ("by label", "by matching")
            for metric, holds, fails in (("jaccard", 0.8, 0.1), ("jaccard_p", 0.001, 0.6))
        )
    )


def named(good: bool) -> Callable:
    def change(table: pd.DataFrame) -> pd.DataFrame:
        for edge in programs.NAMED:
            table = put(table, "pseudobulk", "expected_rank", 1 if good else 90, condition=edge)
            for gene in ("source_trained", "end_trained"):
                table = put(table, "cells", gene, 1.0, condition=edge)
            weight = (0.6 if good else 0.1) * (-1 if "⊣" in edge else 1)
            table = put(table, OURS, "learned_weight", weight, condition=edge)
        return table

    return change


GAIN, HALVES = predictions.GAIN, representations.HALVES
ACCURACY = representations.ACCURACY


def _peers(good, metric):
    return lead(OURS, predictions.PEERS, metric, good)


def _peers_probed(good):
    values = dict.fromkeys(representations.LATENT_PEERS, (0.5, 0.0))
    return probes(good, values, HALVES, "library size: r2")


FOUND = [identifiability.ALIGNED, identifiability.LIKE_PAPER]
# Claim → {record: good → change}; "*" is any record not named.
CHANGES: dict[str, dict[str, Callable[[bool], Callable]]] = {
    "suppression": {
        "*": lambda good: probes(
            good, dict.fromkeys(representations.FOUNDATION, (0.01, 0.99)), "", ACCURACY
        )
    },
    "separation-needed": {
        "*": lambda good: probes(
            good, dict.fromkeys(representations.UNSEPARATED, (0.01, 0.99)), "", ACCURACY
        )
    },
    "readable": {"*": lambda good: probes(good, {"h": (0.9, 0.05)}, HALVES, ACCURACY)},
    "entanglement": {
        "identifiability_full": simulated("leak_from_nu", [identifiability.UNALIGNED], 0.6, 0.0),
        "*": _peers_probed,
    },
    "zi-invariant": {"*": invariant},
    "zn-responsive": {
        "*": lambda good: probes(good, {"zν, u withheld": (0.9, 0.0)}, HALVES, ACCURACY)
    },
    "best-nrmse": {
        "*": lambda good: lead(
            OURS, (*predictions.TABLE_2, *predictions.FOUNDATION), "nrmse", good
        )
    },
    "level": {"*": lambda good: lambda t: put(t, OURS, "nrmse", 0.446 if good else 0.52)},
    "additive-latent": {"*": lambda good: lead(OURS, predictions.LATENT_ADDITIVE, "nrmse", good)},
    "additive-mean": {
        "paper_tables": of_paper(OURS, "nrmse", "cells", 0.40, 0.50),
        "*": lambda good: lead(OURS, ("additive",), "nrmse", good),
    },
    "latent-peers": {"*": lambda good: _peers(good, "nrmse")},
    "latent-peers-single": {"*": lambda good: singles(_peers(good, "nrmse"))},
    "delta-gears": {"*": lambda good: lead(OURS, ("GEARS",), GAIN, good)},
    "delta-additive": {
        "paper_tables": of_paper("additive", GAIN, "profiles", 0.95, 0.2),
        "*": lambda good: lead("additive", (OURS,), GAIN, good),
    },
    "r2-evidence": {
        "paper_tables": lambda good: _in_turn(
            of_paper("additive", "r2", "profiles", 0.9920, 0.5)(good),
            of_paper(OURS, "r2", "profiles", 0.9829, 0.9965)(good),
        ),
        "*": lambda good: lambda t: put(t, "control mean", "r2_inherited", 0.1 if good else 0.95),
    },
    "low-error-good-cells": {"*": lambda good: lead(CEILING, (FLOOR, OURS), "nrmse", good)},
    "interactions": {"*": lambda good: many(lead(OURS, ("additive",), GAIN, good))},
    "replogle": {"*": lambda good: singles(_peers(good, GAIN))},
    "alignment-collapse": {"*": collapse},
    "alignment-nrmse": {
        "leaderboard_norman_subset": lambda good: lead(
            OURS, (ablations.UNALIGNED_LONGER,), "nrmse", good
        ),
        "*": lambda good: lead(OURS, (ablations.UNALIGNED,), "nrmse", good),
    },
    "alignment-r2": {
        "*": lambda good: lambda t: put(t, OURS, "r2_inherited", 0.99 if good else 0.5)
    },
    "capacity": {"*": lambda good: lead(OURS, ablations.BLOCKS, "nrmse", good)},
    "size": {"*": lambda good: lead(OURS, ablations.SIZES, "nrmse", good)},
    "mmd": {
        "*": lambda good: singles(
            lead(f"{ablations.WITH_MMD}1", ("Discrepancy-VAE",), "nrmse", good)
        )
    },
    "sim-separation": {"*": simulated("r2_iota", [identifiability.ALIGNED], 0.97, 0.3)},
    "sim-random-pairs": {"*": simulated("r2_iota", [identifiability.RANDOM], 0.97, 0.3)},
    "sim-block": {"*": simulated("r2_nu", FOUND, 0.97, 0.3)},
    "sim-components": {
        "paper_tables": of_paper("with alignment", "mcc", "test", 0.99, 0.7),
        "*": simulated("mcc", FOUND, 0.99, 0.7),
    },
    "theory-variances": {
        "*": simulated("mcc_polished", [("B", "B, KL weights 1e-3, polished")], 0.99, 0.7)
    },
    "theory-cuts": {
        "*": simulated("mcc_polished", [("A", "edges, one cut a row, polished")], 0.99, 0.7)
    },
    "graph-seven": {"*": of_graphs("best_number", programs.GROUPS, 7, 2)},
    "graph-one": {"*": of_graphs("share_of_mean", "u", 0.9, 0.1)},
    "graph-stable": {"*": edges_stable},
    "graph-enriched": {
        "*": lambda good: _in_turn(
            of_graphs("value", programs.MEASURED, 2.0, 0.1)(good),
            of_graphs("p_same_sources", programs.MEASURED, 0.001, 0.8)(good),
        )
    },
    "graph-named": {"*": named},
}  # fmt: skip


def changed(claim: Claim, trial: Trial, tables: Tables, good: bool) -> Tables:
    """The tables with which the trial must hold (good) or fail."""
    name = trial.records[0]
    changes = CHANGES[claim.id]
    change = changes.get(name, changes.get("*"))(good)
    return tables | {name: change(tables[name])}
