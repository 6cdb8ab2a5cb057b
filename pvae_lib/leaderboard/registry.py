"""The rows of the leaderboard: each with its idea, its source and how it is made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from pvae_lib.exceptions import InputError, nearest
from pvae_lib.extras import has_extra
from pvae_lib.methods.base import Method
from pvae_lib.methods.cells import ScaledControlCounts
from pvae_lib.methods.latent import PCAAdditive
from pvae_lib.methods.means import MeanOfSingles
from pvae_lib.methods.packages.gears import Gears
from pvae_lib.methods.packages.scvi import ScviAdditive
from pvae_lib.methods.packages.state import StateTransition
from pvae_lib.methods.peers.discrepancy_vae import DiscrepancyVAEMethod
from pvae_lib.methods.peers.sams_vae import SAMSVAEMethod
from pvae_lib.methods.peers.sena import SENAMethod
from pvae_lib.methods.peers.svae_plus import SVAEPlusMethod
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.methods.regressors import ElasticNetMean, KNNMean, RandomForestMean, RidgeMean
from pvae_lib.methods.scaled import ScaledAdditive


@dataclass(frozen=True)
class Row:
    """One system of the table.

    Attributes
    ----------
    method
        What fits and predicts.
    idea, source
        One line each: what it does, and where it comes from.
    settings
        What differs from the method's defaults, which are its paper's. `make` says what it adds.
    package
        (module, extra) of an optional package that it needs.
    share
        Of the leaderboard's epochs: below 1 where an epoch costs far more than others' do.
    sees_doubles
        It learns from doubles, so it is cross-fitted over the scored ones: no like-for-like rival.
    also
        Further names under which the same fit is scored, with settings that only `predict` reads.
    """

    method: type[Method]
    idea: str
    source: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    package: tuple[str, str] | None = None
    share: float = 1.0
    sees_doubles: bool = False
    also: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def make(self, seed: int, epochs: int) -> Method:
        """An unfitted method; `seed` and the row's share of `epochs` reach it where it has them."""
        known = self.method._get_param_names()
        budget = {"seed": seed, "epochs": max(1, round(self.share * epochs))}
        return self.method(
            **{name: value for name, value in budget.items() if name in known}, **self.settings
        )

    @property
    def available(self) -> bool:
        """Whether the package it needs, if any, is installed."""
        return self.package is None or has_extra(self.package[0])


# The budget of a leaderboard is in passes over the training cells. Batches are of 64 where a paper
# has more, since small screens lack steps. A batch of one condition on a small screen repeats its
# few cells, so those models get a quarter of the passes. These are budgets for a CPU, not the
# papers' own: read the rows as "at this budget".
BATCH = 64
# Count models answer with drawn counts. A published error as low as theirs suggests means.
MEANS = {"prediction": "means"}
# The smallest one it ships is made for a GPU. This one was set for its cost on a CPU, its learning
# rate (the package's is 1e-4) for so few steps; one trial of two epochs had been seen by then.
STATE_ON_CPU = {
    "cell_set_len": 32,
    "hidden_dim": 128,
    "layers": 2,
    "heads": 4,
    "mlp_layers": 2,
    "learning_rate": 1e-3,
}
ONE_CONDITION_A_BATCH = 0.25

# In the order in which they are shown. The references of every audit (control mean, perturbed
# mean, additive, control cells, control cells + additive, floor, ceiling) need no row here.
ROWS: dict[str, Row] = {
    "mean of the singles": Row(
        MeanOfSingles, "average of the two singles' means", "a mean with the effects halved"
    ),
    "additive, scaled": Row(
        ScaledAdditive,
        "additive delta times one scale that takes the noise of the singles' means out of it",
        "ours; the scale sees no double",
    ),
    "additive, scaled on gene-disjoint doubles": Row(
        ScaledAdditive,
        "additive delta times the scale that fits training doubles without a gene in common",
        "ours; learns from doubles",
        {"scale_from": "doubles"},
        sees_doubles=True,
    ),
    "KNN": Row(
        KNNMean, "mean change of the 5 training conditions with the nearest u", "the paper, Table 2"
    ),
    "ElasticNet": Row(
        ElasticNetMean, "sparse linear map from u to the change", "the paper, Table 2"
    ),
    "ridge": Row(
        RidgeMean, "linear map from u to the change; on one-hot singles, a scaled additive", "ours"
    ),
    "ridge that sees 80 % of the doubles": Row(
        RidgeMean,
        "the same, trained on four fifths of the doubles too",
        "ours; learns from doubles",
        {"with_doubles": True},
        sees_doubles=True,
    ),
    "RandomForest": Row(RandomForestMean, "100 trees from u to the change", "the paper, Table 2"),
    "control counts scaled": Row(
        ScaledControlCounts,
        "raw counts of control cells times the additive ratio of means, gene by gene",
        "no training; the bar for predicted cells",
    ),
    "PCA+additive": Row(
        PCAAdditive, "singles' shifts added to a control cell in 50 PCs", "the paper, Table 16"
    ),
    "scVI+additive": Row(
        ScviAdditive,
        "singles' shifts added to a control cell in scVI's latent space, counts drawn",
        "the paper, Table 16; scvi-tools",
        package=("scvi", "scvi"),
    ),
    "PerturbedVAE": Row(
        PerturbedVAEMethod,
        "invariant block anchored by controls, responsive block moved by a causal model",
        "Jiang et al. 2026, arXiv 2605.19343",
    ),
    "PerturbedVAE, no alignment": Row(
        PerturbedVAEMethod, "the same with α = 0", "its ablation (Table 13)", {"alpha": 0.0}
    ),
    "PerturbedVAE, controls too": Row(
        PerturbedVAEMethod,
        "the same with control cells reconstructed too; thought of after seeing five real doubles",
        "ours, lesson 05",
        {"reconstruct_controls": True},
    ),
    "Discrepancy-VAE": Row(
        DiscrepancyVAEMethod,
        "softmax assigns a gene's shift to latents on a learned graph; control clouds moved by MMD",
        "Zhang et al. 2023, arXiv 2307.06250",
        share=ONE_CONDITION_A_BATCH,
    ),
    "SENA": Row(
        SENAMethod,
        "the same with an encoder masked by gene sets (here modules of the training cells, not GO)",
        "de la Fuente et al. 2025, arXiv 2506.12439",
        share=ONE_CONDITION_A_BATCH,
    ),
    "SAMS-VAE": Row(
        SAMSVAEMethod,
        "a basal state plus sparse additive shifts, counts drawn",
        "Bereket & Karaletsos 2023, arXiv 2311.02794",
        {"batch_size": BATCH},
        also={"SAMS-VAE, means": MEANS},
    ),
    "sVAE+": Row(
        SVAEPlusMethod,
        "each intervention shifts a sparse set of latents, counts drawn; a double adds two shifts",
        "Lopez et al. 2023, arXiv 2211.03553; the sum is inferred",
        {"batch_size": BATCH},
        also={"sVAE+, means": MEANS},
    ),
    "GEARS": Row(
        Gears,
        "graph network; one shift a condition (here its graph is of responses, not of ontology)",
        "Roohani et al. 2023; cell-gears",
        package=("gears", "gears"),
        share=0.05,
    ),
    "STATE": Row(
        StateTransition,
        "transformer from a set of control cells to a set of perturbed ones, reads multi-hot u",
        "Adduri et al. 2025; arc-state, non-commercial licence; smaller and with a larger rate",
        STATE_ON_CPU,
        package=("state", "state"),
    ),
}


def chosen(names: Iterable[str] | None = None, group: str = "double") -> dict[str, Row]:
    """Rows by name; for None all that can run here on this test group.

    Raises
    ------
    InputError
        Unknown name, a name given twice, a row whose package is not installed, or one that learns
        from doubles where another group is scored.
    """
    usable = {n: row for n, row in ROWS.items() if group == "double" or not row.sees_doubles}
    if names is None:
        return {name: row for name, row in usable.items() if row.available}
    names = list(names)
    for name in names:
        if name not in ROWS:
            raise InputError(f"No method {name!r} on the leaderboard; {nearest(name, ROWS)}")
        if names.count(name) > 1:
            raise InputError(f"Method {name!r} is given twice; leave one out.")
        if name not in usable:
            raise InputError(
                f"{name!r} learns from doubles, not from group {group!r}: leave it out."
            )
        if not ROWS[name].available:
            module, extra = ROWS[name].package
            raise InputError(
                f"{name!r} needs the package {module!r}, which is not installed: "
                f"pip install --constraint constraints.txt --editable '.[{extra}]'"
            )
    return {name: ROWS[name] for name in names}


def catalogue() -> pd.DataFrame:
    """One line a row: idea, source, and whether it can run here."""
    lines = [
        {
            "method": name,
            "idea": row.idea,
            "source": row.source,
            "needs": "–" if row.package is None else row.package[1],
            "installed": row.available,
        }
        for first, row in ROWS.items()
        for name in (first, *row.also)
    ]
    return pd.DataFrame(lines).set_index("method")
