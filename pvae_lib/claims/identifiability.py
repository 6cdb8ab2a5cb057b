"""What theory promises, in worlds where the truth is known (lesson 04; the paper's Table 1)."""

import numpy as np
import pandas as pd

from pvae_lib.claims.base import Claim, Trial, Verdict
from pvae_lib.claims.rules import Rule, beside, number, seeds, spread, verdict

# World, name of the fit.
UNALIGNED = ("A", "no alignment")
ALIGNED = ("A", "counterfactual pairs, α .01")
LIKE_PAPER = ("A", "closest to the paper")
RANDOM = ("A", "random pairs, α .05")
CHANCE = "random rotation of the true zν"
FOUND = 0.9  # R² of a block that is found
COMPONENTS = 0.95  # MCC of components that are found


def separates(fit: tuple[str, str]) -> Rule:
    """R²(zι) of the fit reaches `FOUND` and exceeds that of the unaligned one in every seed."""

    def rule(table: pd.DataFrame) -> Verdict:
        aligned, without = (
            seeds(table, name, "r2_iota", screen=world) for world, name in (fit, UNALIGNED)
        )
        rises = aligned.index.equals(without.index) and bool((aligned > without).all())
        side = beside(aligned, FOUND)
        why = f"R²(zι) {spread(aligned)} ({fit[1]}), {spread(without)} without alignment"
        numbers = {"R²(zι)": float(aligned.mean()), "without": float(without.mean())}
        return Verdict(verdict(side == "above" and rises, side == "below"), numbers, why)

    return rule


def block_found(table: pd.DataFrame) -> Verdict:
    """R²(zν) of both aligned fits."""
    fits = {
        name: seeds(table, name, "r2_nu", screen=world) for world, name in (ALIGNED, LIKE_PAPER)
    }
    sides = [beside(values, FOUND) for values in fits.values()]
    why = "R²(zν) " + ", ".join(f"{spread(values)} ({name})" for name, values in fits.items())
    numbers = {name: float(values.mean()) for name, values in fits.items()}
    good = all(side == "above" for side in sides)
    return Verdict(verdict(good, all(side == "below" for side in sides)), numbers, why)


def components_above_chance(table: pd.DataFrame) -> Verdict:
    """MCC of the aligned fits against 95 of 100 random rotations of the true block."""
    quantile = seeds(table, CHANCE, "mcc_q95", screen="A").mean()
    fits = {name: seeds(table, name, "mcc", screen=world) for world, name in (ALIGNED, LIKE_PAPER)}
    sides = [beside(values, quantile) for values in fits.values()]
    why = "MCC " + ", ".join(f"{spread(values)} ({name})" for name, values in fits.items())
    why += f"; a random rotation of the true block reaches {number(quantile, 2)} in 1 of 20"
    numbers = {name: float(values.mean()) for name, values in fits.items()} | {"chance": quantile}
    good = any(side == "above" for side in sides)
    return Verdict(verdict(good, all(side == "below" for side in sides)), numbers, why)


def reported_above_chance(paper: pd.DataFrame, ours: pd.DataFrame) -> Verdict:
    """The paper's MCC against chance in a block of the same size."""
    reported = float(seeds(paper, "with alignment", "mcc", condition="test").iloc[0])
    quantile = seeds(ours, CHANCE, "mcc_q95", screen="A")
    share = seeds(ours, CHANCE, "p_mcc_086", screen="A").mean()
    side = beside(quantile, reported)
    why = (
        f"MCC as reported {number(reported, 2)}; of random rotations of a true block of this size "
        f"1 in 20 reaches {spread(quantile)}, {number(100 * share, 0)} % reach 0.86"
    )
    numbers = {"reported": reported, "chance": float(quantile.mean())}
    return Verdict(verdict(side == "below", side == "above"), numbers, why)


def enough(with_it: tuple[str, str], without: tuple[str, str]) -> Rule:
    """MCC reaches `COMPONENTS` where the condition holds, and not where it is violated."""

    def rule(table: pd.DataFrame) -> Verdict:
        good, bad = (
            seeds(table, name, "mcc_polished", screen=world) for world, name in (with_it, without)
        )
        found, lost = beside(good, COMPONENTS), beside(bad, COMPONENTS)
        why = f"MCC {spread(good)} ({with_it[1]}), {spread(bad)} ({without[1]})"
        numbers = {with_it[1]: float(np.mean(good)), without[1]: float(np.mean(bad))}
        said = verdict(found == "above" and lost == "below", found == "below" or lost == "above")
        return Verdict(said, numbers, why)

    return rule


def reaches(fit: tuple[str, str]) -> Rule:
    """MCC of the fit reaches `COMPONENTS`."""

    def rule(table: pd.DataFrame) -> Verdict:
        values = seeds(table, fit[1], "mcc_polished", screen=fit[0])
        side = beside(values, COMPONENTS)
        why = f"MCC {spread(values)} ({fit[1]})"
        return Verdict(
            verdict(side == "above", side == "below"), {"MCC": float(values.mean())}, why
        )

    return rule


def _simulated(rule: Rule) -> tuple[Trial, ...]:
    return (Trial("simulation", ("identifiability_full",), rule),)


LESSON = "04_identifiability"
SEEDS = "by two standard errors over seeds"
CLAIMS = (
    Claim(
        "sim-separation",
        "pairs separate zι: R² 0.97 (iii)",
        "Alignment of pairs that share their background separates it: R²(zι) rises from 0.66 to "
        "0.97 (condition iii).",
        "Table 1; Lemma D.3",
        LESSON,
        "4 · Table 1, and what of it comes back",
        f"holds if R²(zι) is above {FOUND:g} {SEEDS} and above the unaligned fit's in every seed; "
        f"does not hold if below {FOUND:g}",
        _simulated(separates(ALIGNED)),
    ),
    Claim(
        "sim-random-pairs",
        "random pairs separate zι",
        "Alignment to a control cell drawn at random, as on data, separates the background.",
        "Equation 54; Algorithm 1",
        LESSON,
        "5 · How strong, and with which pairs?",
        f"the same with random pairs: holds if R²(zι) is above {FOUND:g} {SEEDS} and above the "
        f"unaligned fit's in every seed, does not hold if below {FOUND:g}",
        _simulated(separates(RANDOM)),
    ),
    Claim(
        "sim-block",
        "the block zν is found: R² 0.95",
        "The responsive block is found as a whole: R²(zν) = 0.95.",
        "Table 1",
        LESSON,
        "4 · Table 1, and what of it comes back",
        f"holds if R²(zν) of both aligned fits is above {FOUND:g} {SEEDS}, does not hold if both "
        "are below",
        _simulated(block_found),
    ),
    Claim(
        "sim-components",
        "components of zν found: MCC 0.86",
        "The components of zν are found, up to order and scale: MCC = 0.86.",
        "Table 1; theorem of Section 5",
        LESSON,
        "2 · What is an MCC worth?",
        "holds if the MCC is above what 95 % of random rotations of the true block score "
        f"({SEEDS}), does not hold if below",
        (
            *_simulated(components_above_chance),
            Trial(
                "paper's tables", ("paper_tables", "identifiability_full"), reported_above_chance
            ),
        ),
    ),
    Claim(
        "theory-variances",
        "changing variances identify (ii)",
        "Components are identified where the noise's parameters change enough between "
        "environments (condition ii).",
        "Section 5, theorem",
        LESSON,
        "8 · The identifiable case",
        f"no edges, diagonal prior, last rotation: holds if the MCC is above {COMPONENTS:g} "
        f"{SEEDS} with variances that change and below it without; does not hold if it is below "
        "it with them or above it without",
        _simulated(
            enough(
                ("B", "B, KL weights 1e-3, polished"),
                ("B, same variances", "B without variance change, polished"),
            )
        ),
    ),
    Claim(
        "theory-cuts",
        "one cut a program is enough (iv)",
        "One environment that cuts all parents of a program is enough for it (condition iv).",
        "Section 5, theorem",
        LESSON,
        "9 · With edges: components and graph",
        f"with edges, one cut a row, cuts imposed: holds if the MCC is above {COMPONENTS:g} "
        f"{SEEDS}, does not hold if below",
        _simulated(reaches(("A", "edges, one cut a row, polished"))),
    ),
)
