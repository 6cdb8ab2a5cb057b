"""Unseen perturbations: who is ahead of whom, and what the numbers say (lessons 05 to 07)."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from pvae_lib.claims.base import Claim, NotAtHand, Trial, Verdict
from pvae_lib.claims.rules import (
    OURS,
    Rule,
    ahead,
    interval,
    number,
    of_singles,
    paired,
    reported_ahead,
    seeds,
    shown,
    verdict,
)
from pvae_lib.evaluation.metrics import ALL, CEILING, FLOOR

ADDITIVE = "additive"
TABLE_2 = ("KNN", "ElasticNet", "RandomForest", "STATE")
FOUNDATION = ("UCE", "scFoundation", "Geneformer")
LATENT_ADDITIVE = ("PCA+additive", "scVI+additive")
PEERS = ("Discrepancy-VAE", "SENA", "sVAE+", "SAMS-VAE")
GAIN = "delta_pearson_control"
LEVEL, TOLERANCE = 0.4474, 0.005  # nRMSE; seven of the paper's standard deviations over seeds
NOTHING = 0.5  # R²: what "nothing happens" may score at most where R² is evidence
SAME_SPREAD = 2.0  # largest over smallest spread of profiles that one formula implies
HARDEST, FEWEST = 0.25, 5  # share of doubles; conditions for an interval


def level(table: pd.DataFrame) -> Verdict:
    """The reported level: only the whole of Norman's screen can show it."""
    found = float(interval(table, "norman2019", OURS, "nrmse")[0])
    near = abs(found - LEVEL) <= TOLERANCE
    why = f"nRMSE {number(found, 4)}, the paper's {LEVEL:g}"
    return Verdict(verdict(near, not near), {"nrmse": found}, why)


def r2_is_evidence(table: pd.DataFrame) -> Verdict:
    """What the control mean, which says that nothing happens, scores in R² of mean profiles."""
    screen = table["screen"].iloc[0]
    nothing, ours = (
        interval(table, screen, name, "r2_inherited") for name in ("control mean", OURS)
    )
    why = (
        f"R² (inherited) of “nothing happens” {shown(nothing)}, of {OURS} {shown(ours)}; an R² "
        f"that says something leaves it at or below {NOTHING:g}"
    )
    numbers = {"control mean": nothing[0], OURS: ours[0]}
    return Verdict(verdict(nothing[2] <= NOTHING, nothing[1] > NOTHING), numbers, why)


def one_formula(table: pd.DataFrame) -> Verdict:
    """L2² / (1 − R²), the spread of the true profiles, must not depend on the method."""
    names = (ADDITIVE, "GEARS", OURS)
    profile = {
        name: [float(seeds(table, name, m, condition="profiles").iloc[0]) for m in ("l2", "r2")]
        for name in names
    }
    implied = {name: l2**2 / (1 - r2) for name, (l2, r2) in profile.items()}
    ratio = max(implied.values()) / min(implied.values())
    said = ", ".join(f"{name} {value:.0f}" for name, value in implied.items())
    why = (
        f"spread of the true profiles that L2 and R² imply: {said}; largest over smallest "
        f"{ratio:.1f}, with one formula about 1"
    )
    return Verdict(verdict(ratio <= SAME_SPREAD, ratio > SAME_SPREAD), implied, why)


def hardest(table: pd.DataFrame) -> Verdict:
    """Where a sum of singles does worst, chosen on one seed and scored on the others."""
    used = table[(table["metric"] == GAIN) & (table["condition"] != ALL)]
    used = used[used["method"].isin([ADDITIVE, OURS])]
    drawn = sorted(used["seed"].dropna().unique())
    if len(drawn) < 2 or set(used["method"]) != {ADDITIVE, OURS}:
        raise NotAtHand("needs both rows and two seeds: one to choose doubles, the others to score")
    first = used[(used["seed"] == drawn[0]) & (used["method"] == ADDITIVE)]
    order = first.set_index("condition")["value"].dropna().sort_values().index
    chosen = order[: int(np.ceil(HARDEST * len(order)))]
    if len(chosen) < FEWEST:
        raise NotAtHand(
            f"a quarter of {len(order)} doubles is {len(chosen)}: at least {FEWEST} are needed"
        )
    rest = used[(used["seed"] != drawn[0]) & used["condition"].isin(chosen)]
    return paired(rest, OURS, (ADDITIVE,), GAIN)


def _tracks(
    rule: Callable[[pd.DataFrame], Verdict], full: bool = False, paper: Rule | None = None
) -> tuple[Trial, ...]:
    """The real leaderboard decides; the twins stand beside it."""
    found = [
        Trial("Norman, 500 genes", ("leaderboard_norman_subset",), rule),
        Trial("reduced twin", ("leaderboard_twin_reduced",), rule, decides=False),
    ]
    if full:
        found.append(Trial("full twin", ("twin_full",), rule, decides=False))
    if paper:
        found.insert(1, Trial("paper's tables", ("paper_tables",), paper))
    return tuple(found)


# Ahead or behind in the sense of lesson 07, section 3.
PAIRED = (
    "ahead and behind: paired condition by condition, the 95 % interval leaves out 0 and the "
    "difference is two standard errors over seeds"
)
BOARD, CLAIM_SECTION = "07_leaderboard", "9 · Which claim survives"
METRICS_LESSON = "06_reading_the_metrics"
CLAIMS = (
    Claim(
        "best-nrmse",
        "lowest nRMSE of all systems",
        "On unseen doubles PerturbedVAE has the lowest nRMSE of all systems compared.",
        "Table 2",
        BOARD,
        CLAIM_SECTION,
        f"holds if it is ahead of every system of the table, does not hold if one is ahead of "
        f"it; {PAIRED}",
        _tracks(ahead(OURS, TABLE_2, "nrmse", elsewhere=FOUNDATION)),
    ),
    Claim(
        "level",
        "nRMSE of 0.4474",
        f"Its nRMSE on Norman's unseen doubles is {LEVEL:g}.",
        "Table 2",
        "05_norman2019",
        "9 · Recorded full runs",
        f"holds if a run on the whole screen (table norman2019_full) is within {TOLERANCE:g}, does "
        "not hold if it is not",
        (Trial("Norman, full screen", ("norman2019_full",), level),),
    ),
    Claim(
        "additive-latent",
        "beats PCA+additive, scVI+additive",
        "It beats adding up singles in a latent space (PCA+additive, scVI+additive).",
        "Table 16",
        BOARD,
        CLAIM_SECTION,
        f"in nRMSE: holds if ahead of both, does not hold if behind one; {PAIRED}",
        _tracks(ahead(OURS, LATENT_ADDITIVE, "nrmse")),
    ),
    Claim(
        "additive-mean",
        "beats the additive mean (nRMSE)",
        "It beats adding up the means of the two singles.",
        "Table 16 read with Table 14",
        BOARD,
        "6 · The two bars, on the full runs",
        f"in nRMSE: holds if ahead of the additive mean, does not hold if behind; {PAIRED}. In the "
        "paper's own tables: the lower cell RMSE",
        _tracks(
            ahead(OURS, (ADDITIVE,), "nrmse"),
            full=True,
            paper=reported_ahead(OURS, ADDITIVE, "nrmse", "cells", -1),
        ),
    ),
    Claim(
        "latent-peers",
        "beats latent peers, doubles",
        "It beats the latent causal models on unseen doubles.",
        "Table 4",
        BOARD,
        CLAIM_SECTION,
        f"in nRMSE: holds if ahead of {', '.join(PEERS)}, does not hold if behind one; {PAIRED}",
        _tracks(ahead(OURS, PEERS, "nrmse")),
    ),
    Claim(
        "latent-peers-single",
        "beats latent peers, singles",
        "It beats the latent causal models on held-out cells of single perturbations.",
        "Table 4",
        BOARD,
        CLAIM_SECTION,
        "needs a table that scores held-out cells of singles. In nRMSE: holds if ahead of all "
        f"four, does not hold if behind one; {PAIRED}",
        (
            Trial(
                "Norman, 500 genes",
                ("leaderboard_norman_subset",),
                of_singles(ahead(OURS, PEERS, "nrmse")),
            ),
            Trial(
                "twin",
                ("leaderboard_twin_singles",),
                of_singles(ahead(OURS, PEERS, "nrmse")),
                decides=False,
            ),
        ),
    ),
    Claim(
        "delta-gears",
        "beats GEARS (ΔPearson)",
        "Its predicted changes follow the true ones better than those of GEARS.",
        "Table 14",
        BOARD,
        CLAIM_SECTION,
        f"in ΔPearson against control: holds if ahead, does not hold if behind; {PAIRED}",
        _tracks(ahead(OURS, ("GEARS",), GAIN)),
    ),
    Claim(
        "delta-additive",
        "additive mean ahead (ΔPearson)",
        "In ΔPearson the additive mean is ahead of it (0.9076 against 0.6869: the paper's own "
        "table).",
        "Table 14",
        BOARD,
        CLAIM_SECTION,
        f"in ΔPearson against control: holds if the additive mean is ahead, does not hold if "
        f"behind; {PAIRED}. In the paper's own tables: the higher value",
        _tracks(
            ahead(ADDITIVE, (OURS,), GAIN),
            full=True,
            paper=reported_ahead(ADDITIVE, OURS, GAIN, "profiles", +1),
        ),
    ),
    Claim(
        "r2-evidence",
        "R² 0.9865 is evidence",
        "An R² of 0.9865 shows that the predicted profiles are right.",
        "Table 2; Table 14",
        METRICS_LESSON,
        "9.5 One R² or two?",
        f"holds if R² leaves “nothing happens” (the control mean) at or below {NOTHING:g}, does "
        "not hold if above (interval). In the paper's own tables: holds if L2 and R² imply one "
        f"spread of profiles, within a factor {SAME_SPREAD:g}",
        _tracks(r2_is_evidence, full=True, paper=one_formula),
    ),
    Claim(
        "low-error-good-cells",
        "low nRMSE means good cells",
        "A low relative error means good cells (implied by ranking with it).",
        "Tables 2 and 4",
        METRICS_LESSON,
        "1. A score needs two neighbours",
        "in nRMSE: holds if other real cells of the same condition are ahead of their own mean "
        f"repeated and of PerturbedVAE, does not hold if behind one; {PAIRED}",
        _tracks(ahead(CEILING, (FLOOR, OURS), "nrmse"), full=True),
    ),
    Claim(
        "interactions",
        "predicts beyond a sum of singles",
        "It generalises to unseen doubles beyond a sum of singles.",
        "Section 1 (utilisation); Table 2",
        BOARD,
        "7 · Additive and non-additive pairs",
        f"on the quarter of doubles where the additive mean does worst (chosen on one seed, scored "
        f"on the others; at least {FEWEST}), in ΔPearson against control: holds if ahead, does not "
        f"hold if behind; {PAIRED}",
        _tracks(hardest),
    ),
    Claim(
        "replogle",
        "ahead on Replogle's singles",
        "It is ahead of the latent causal models on Replogle's singles.",
        "Table 10",
        BOARD,
        CLAIM_SECTION,
        "needs a run on Replogle's screen (table leaderboard_replogle_k562). In ΔPearson against "
        f"control: holds if ahead of all four, does not hold if behind one; {PAIRED}",
        (
            Trial(
                "Replogle",
                ("leaderboard_replogle_k562",),
                of_singles(ahead(OURS, PEERS, GAIN)),
            ),
        ),
    ),
)
