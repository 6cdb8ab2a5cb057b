"""Suppression, entanglement, extraction: what linear probes say (lesson 02; Figure 1)."""

import numpy as np
import pandas as pd

from pvae_lib.claims.base import FAILS, HOLDS, OPEN, Claim, NotAtHand, Trial, Verdict
from pvae_lib.claims.rules import Rule, beside, interval, number, seeds, shown, spread, verdict

ACCURACY, CHANCE = "condition: balanced_accuracy", "condition: chance"
PCA, RAW = "PCA-50", "expression"
FOUNDATION = ("scFoundation", "Geneformer", "UCE")
LATENT_PEERS = ("Discrepancy-VAE", "SENA", "SAMS-VAE", "sVAE+")
# Learned or not, none of these is told what is background: no labels, no separate block.
UNSEPARATED = (PCA, "AE")
# Probed on halves of the cells; rows of the model's own blocks stand in this part of the table.
HALVES = ", halves"
KEPT = 0.9  # of PCA-50's accuracy: readable "about as well"
HALF = 0.5  # of what PCA-50 says of the background: kept
LEAK = 0.1  # R² from the estimated responsive block to the true background


def below_pca(screen: str) -> Rule:
    """Foundation models' embeddings are read less well than PCA-50, intervals apart."""

    def rule(table: pd.DataFrame) -> Verdict:
        pca, numbers, apart = interval(table, screen, PCA, ACCURACY), {}, []
        here = set(table.loc[table["screen"] == screen, "method"])
        absent = [name for name in FOUNDATION if name not in here]
        if absent:
            raise NotAtHand(
                f"no embedding of {', '.join(absent)} was probed (weights or outputs are needed); "
                f"PCA-50 alone: {shown(pca)}"
            )
        for name in FOUNDATION:
            found = interval(table, screen, name, ACCURACY)
            numbers |= {name: found[0], f"{name}: low": found[1], f"{name}: high": found[2]}
            apart.append((found[2] < pca[1], found[1] > pca[2]))
        numbers[PCA] = pca[0]
        why = f"accuracy of u: PCA-50 {shown(pca)}, " + ", ".join(
            f"{name} {number(numbers[name])}" for name in FOUNDATION
        )
        lower, higher = zip(*apart, strict=True)
        return Verdict(verdict(all(lower), any(higher)), numbers, why)

    return rule


def unseparated_loses(screen: str) -> Rule:
    """What does not separate the two is read less well than the expression it was made from."""

    def rule(table: pd.DataFrame) -> Verdict:
        raw = interval(table, screen, RAW, ACCURACY)
        found = {name: interval(table, screen, name, ACCURACY) for name in UNSEPARATED}
        lost = [values[2] < raw[1] for values in found.values()]
        kept = [values[1] >= raw[0] for values in found.values()]
        parts = ", ".join(f"{name} {shown(values)}" for name, values in found.items())
        numbers = {RAW: raw[0]} | {name: values[0] for name, values in found.items()}
        why = f"accuracy of u: expression itself {shown(raw)}; {parts}"
        return Verdict(verdict(all(lost), any(kept)), numbers, why)

    return rule


def as_readable_as_pca(screen: str) -> Rule:
    """The trunk of PerturbedVAE, which does not see u, against PCA-50 on the same cells."""

    def rule(table: pd.DataFrame) -> Verdict:
        part = screen + HALVES
        pca, trunk = (interval(table, part, name, ACCURACY) for name in (PCA, "h"))
        bar = KEPT * pca[0]
        why = (
            f"accuracy of u: h {shown(trunk)}, PCA-50 {shown(pca)}; {KEPT:g} of PCA-50's is "
            f"{number(bar)}"
        )
        numbers = {"h": trunk[0], "h: low": trunk[1], "h: high": trunk[2], PCA: pca[0]}
        return Verdict(verdict(trunk[1] >= bar, trunk[2] < bar), numbers, why)

    return rule


def invariant(screen: str) -> Rule:
    """Two probes of zι: u at chance, for means and samples; background kept, for samples."""

    def rule(table: pd.DataFrame) -> Verdict:
        part = screen + HALVES
        chance = seeds(table, PCA, CHANCE, screen=part).mean()
        u = {name: interval(table, part, name, ACCURACY) for name in ("zι", "zι, samples")}
        kept, numbers, lost, parts = [], {"chance": float(chance)}, [], []
        for metric in _backgrounds(table, part):
            of_pca, own = (interval(table, part, m, metric) for m in (PCA, "zι, samples"))
            kept.append(own[1] >= HALF * of_pca[0])
            lost.append(own[2] < HALF * of_pca[0])
            name = metric.removesuffix(": r2")
            numbers |= {f"R² of {name}": own[0], f"PCA-50: R² of {name}": of_pca[0]}
            parts.append(f"{name} {shown(own, 2)} (PCA-50 {number(of_pca[0], 2)})")
        numbers |= {f"accuracy of u, {name}": values[0] for name, values in u.items()}
        at_chance = [values[1] <= chance for values in u.values()]
        why = (
            f"u from zι: means {shown(u['zι'])}, samples {shown(u['zι, samples'])}, chance "
            f"{number(chance)}; R² from samples of zι: {', '.join(parts)}"
        )
        bad = not all(at_chance) or any(lost)
        return Verdict(verdict(all(at_chance) and all(kept), bad), numbers, why)

    return rule


def _backgrounds(table: pd.DataFrame, screen: str) -> list[str]:
    metrics = table.loc[table["screen"] == screen, "metric"].unique()
    found = [metric for metric in metrics if metric.endswith(": r2")]
    if not found:
        raise NotAtHand(f"no background was probed in {screen!r}")
    return found


def responsive(screen: str) -> Rule:
    """A probe of zν that u did not go into; the rows at hand all saw u."""

    def rule(table: pd.DataFrame) -> Verdict:
        part, name = screen + HALVES, "zν, u withheld"
        circular = [m for m in ("zν, circular", "zν, circular, samples") if m in set(table.method)]
        if name not in set(table.loc[table["screen"] == part, "method"]):
            found = ", ".join(
                f"{m} {number(interval(table, part, m, ACCURACY)[0], 2)}" for m in circular
            )
            raise NotAtHand(f"every probed zν was given u, so its score is circular ({found})")
        own = interval(table, part, name, ACCURACY)
        chance = seeds(table, PCA, CHANCE, screen=part).mean()
        why = f"u from zν that was not given it: {shown(own)}, chance {number(chance)}"
        return Verdict(verdict(own[1] > chance, own[2] <= chance), {name: own[0]}, why)

    return rule


def peers_leak(screen: str) -> Rule:
    """Background in the causal variables of the latent peers: needs probes of them."""

    def rule(table: pd.DataFrame) -> Verdict:
        part = screen + HALVES
        here = set(table.loc[table["screen"] == part, "method"])
        absent = [name for name in LATENT_PEERS if name not in here]
        if absent:
            raise NotAtHand(f"no causal variables of {', '.join(absent)} were probed")
        numbers, high, low = {}, [], []
        for name in LATENT_PEERS:
            found = interval(table, part, name, "library size: r2")
            numbers[name] = found[0]
            high.append(found[1] > LEAK)
            low.append(found[2] < LEAK)
        why = "R² of library size from causal variables: " + ", ".join(
            f"{name} {number(value, 2)}" for name, value in numbers.items()
        )
        return Verdict(verdict(all(high), all(low)), numbers, why)

    return rule


def unaligned_leaks(table: pd.DataFrame) -> Verdict:
    """The same in simulated worlds: R² from the estimated zν to the true zι, without alignment."""
    found = seeds(table, "no alignment", "leak_from_nu", screen="A")
    side = beside(found, LEAK)
    why = f"R² from ẑν to zι without alignment {spread(found)} over {len(found)} seeds"
    said = {"above": HOLDS, "below": FAILS}.get(side, OPEN)
    return Verdict(said, {"leak": float(np.mean(found))}, why)


REAL = {"Norman, 500 genes": "norman", "Papalexi": "papalexi"}
SCREENS = {"norman": "norman-subset", "papalexi": "papalexi", "twin": "twin"}


def _trials(rule, twin: bool = True) -> tuple[Trial, ...]:
    places = REAL | ({"twin": "twin"} if twin else {})
    return tuple(
        Trial(data, (f"suppression_probes_{name}",), rule(SCREENS[name]), data in REAL)
        for data, name in places.items()
    )


LESSON = "02_suppression_probes"
CLAIMS = (
    Claim(
        "suppression",
        "foundation models hide the perturbation",
        "Foundation models make the perturbation less linearly readable than PCA does.",
        "Figure 1",
        LESSON,
        "7 · The paper's Figure 1 beside ours",
        "holds if the accuracy of scFoundation, Geneformer and UCE lies below PCA-50's, 95 % "
        "intervals apart; does not hold if one lies above, intervals apart",
        _trials(below_pca, twin=False),
    ),
    Claim(
        "separation-needed",
        "what does not separate, suppresses",
        "A representation that does not separate background from perturbation explicitly loses "
        "the perturbation (the suppression hypothesis).",
        "Section 1; Figure 1",
        LESSON,
        "8 · The same on real cells",
        "PCA-50 and an autoencoder separate nothing. Holds if u is read worse from both than from "
        "the expression itself, intervals apart; does not hold if the whole interval of one is at "
        "or above the expression's mean",
        _trials(unseparated_loses),
    ),
    Claim(
        "readable",
        "as readable as from PCA",
        "The perturbation is about as readable from PerturbedVAE's representation as from PCA "
        "(0.35 against 0.36).",
        "Figure 1",
        LESSON,
        "6 · Is an invariant block invariant? Two probes",
        f"which representation was probed is not stated; h is the one that u does not go into. "
        f"Holds if its interval lies at or above {KEPT:g} of PCA-50's accuracy, does not hold if "
        "it lies below",
        _trials(as_readable_as_pca),
    ),
    Claim(
        "entanglement",
        "peers' causal variables hold background",
        "In latent causal models background leaks into the causal variables.",
        "Section 1",
        LESSON,
        "6 · Is an invariant block invariant? Two probes",
        f"holds if R² from the causal variables to the background is above {LEAK:g} (intervals, or "
        "two standard errors over seeds), does not hold if below. The paper says it of its peers, "
        "so simulated worlds without alignment decide nothing",
        (
            *_trials(peers_leak, twin=False),
            Trial("simulation", ("identifiability_full",), unaligned_leaks, decides=False),
        ),
    ),
    Claim(
        "zi-invariant",
        "zι holds background only",
        "The background block zι holds the background and not the perturbation.",
        "Section 3 (extraction); Equation 54",
        LESSON,
        "6 · Is an invariant block invariant? Two probes",
        f"holds if u is at chance from means and samples of zι, and samples keep at least {HALF:g} "
        "of PCA-50's R² for every background probed; does not hold if u is above chance from "
        "either, or a background is below that half (intervals)",
        _trials(invariant),
    ),
    Claim(
        "zn-responsive",
        "zν holds the perturbation",
        "The responsive block zν holds the perturbation.",
        "Section 3 (extraction)",
        LESSON,
        "6 · Is an invariant block invariant? Two probes",
        "zν is computed with u, so a probe of it is circular. Holds if u is above chance from a zν "
        "that was not given it, does not hold if at or below (intervals)",
        _trials(responsive),
    ),
)
