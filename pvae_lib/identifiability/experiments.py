"""The experiments of the notebook, by group: the settings behind the recorded table."""

from dataclasses import replace

from pvae_lib.identifiability.fits import Setting
from pvae_lib.identifiability.simulation import WorldConfig

# α of the sweep; the table itself holds 0 (none), .01 (counterfactual) and .05 (random).
COUNTERFACTUAL_ALPHAS = (0.005, 0.05, 0.5)
RANDOM_ALPHAS = (0.005, 0.5)
UNALIGNED, ALIGNED, RANDOM = "no alignment", "counterfactual pairs, α .01", "random pairs, α .05"
WITHOUT_PAIRS = "no pairs: distributions matched"
WITHOUT_MATCHING = "no pairs: the same fit without matching"
TRANSPORT = "no pairs: optimal transport, α .01"
TRANSPORT_SAME = "no pairs: the same fit, optimal transport, α .01"
TRANSPORT_STRONG = "no pairs: the same fit, optimal transport, α .05"


def experiments(
    epochs: int = 60, n_genes: int = 500, n_train: int = 3000
) -> dict[str, list[Setting]]:
    """Group → settings. Shorter training and smaller worlds keep the settings' names."""
    sizes = {"n_genes": n_genes, "n_train": n_train}
    a = Setting(UNALIGNED, world=WorldConfig(**sizes), alpha=0.0, epochs=epochs)
    aligned = replace(a, alpha=0.01)
    diagonal = replace(aligned, prior="diagonal")
    b = WorldConfig.independent(**sizes)
    table = [
        a,
        replace(a, name="no alignment, KL weights 1e-4", w_kl=1e-4),
        replace(aligned, name=ALIGNED),
        replace(diagonal, name="counterfactual pairs, diagonal prior"),
        replace(aligned, name="counterfactual pairs, known cuts", prior="cut"),
        replace(a, name=RANDOM, pairing="random", alpha=0.05),
        replace(
            aligned, name="closest to the paper", hidden=256, mechanism_hidden=256,
            batch_size=64, learning_rate=1e-3, epochs=max(1, round(epochs * 5 / 6)),
        ),
        replace(
            aligned, name="counterfactual pairs, then α = 0",
            release_epochs=max(1, round(epochs * 2 / 3)),
        ),
    ]  # fmt: skip
    weak = replace(aligned, name="counterfactual pairs, KL weights 1e-3", w_kl=1e-3)
    basin = [
        weak,
        replace(
            weak, name="counterfactual pairs, KL weights 1e-3, then α = 0",
            release_epochs=max(1, round(epochs * 2 / 3)),
        ),
    ]  # fmt: skip
    sweep = [
        replace(a, name=f"counterfactual pairs, α {alpha:g}", alpha=alpha)
        for alpha in COUNTERFACTUAL_ALPHAS
    ] + [
        replace(a, name=f"random pairs, α {alpha:g}", pairing="random", alpha=alpha)
        for alpha in RANDOM_ALPHAS
    ]
    independent = [
        replace(diagonal, name="B, polished", world_name="B", world=b, polish="diagonal"),
        replace(
            diagonal, name="B, KL weights 1e-3, polished", world_name="B", world=b, w_kl=1e-3,
            polish="diagonal",
        ),
        replace(
            diagonal, name="B without variance change, polished", world_name="B, same variances",
            world=replace(b, variance_change=False), polish="diagonal",
        ),
    ]  # fmt: skip
    block = replace(diagonal, w_kl=1e-3, polish="causal")
    two_cuts = WorldConfig(**sizes, cuts_per_row=2)
    edges = [
        replace(block, name="edges, one cut a row, polished"),
        replace(
            block, name="edges, two cuts a row, polished", world_name="A, two cuts", world=two_cuts
        ),
        replace(
            block, name="edges, two cuts a row, SCM prior, polished", world_name="A, two cuts",
            world=two_cuts, prior="full",
        ),
        replace(
            block, name="edges, two cuts a row, cuts in the prior", world_name="A, two cuts",
            world=two_cuts, prior="cut",
        ),
    ]  # fmt: skip
    # The null of the matched fit: everything as there, down to the batches, but the penalty.
    unmatched = replace(
        a, name=WITHOUT_MATCHING, pairing="random", w_kl=1e-3, batch_size=256,
        epochs=epochs + 40,  # larger batches: fewer steps an epoch
    )  # fmt: skip
    no_pairs = [
        replace(unmatched, name=WITHOUT_PAIRS, mmd_weight=1.0),
        unmatched,
        replace(a, name=TRANSPORT, pairing="optimal_transport", alpha=0.01),
        replace(unmatched, name=TRANSPORT_SAME, pairing="optimal_transport", alpha=0.01),
        replace(unmatched, name=TRANSPORT_STRONG, pairing="optimal_transport", alpha=0.05),
    ]  # fmt: skip
    return {
        "table": table,
        "sweep": sweep,
        "independent": independent,
        "edges": edges,
        "no pairs": no_pairs,
        "basin": basin,
    }
