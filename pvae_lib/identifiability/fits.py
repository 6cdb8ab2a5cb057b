"""PerturbedVAE on a simulated world, under a named setting: which prior, which alignment."""

from dataclasses import dataclass, field

import numpy as np
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.identifiability.alignment import DistributionAlignment
from pvae_lib.identifiability.mechanisms import CutSCM, FlooredVAE
from pvae_lib.identifiability.simulation import World, WorldConfig
from pvae_lib.learning import PairedBatches, TrainingSettings, train
from pvae_lib.learning.randomness import seeded_initialisation
from pvae_lib.model import Objective, ObjectiveConfig, PerturbedVAE, PerturbedVAEConfig

PRIORS = ("full", "diagonal", "cut")
PAIRINGS = ("counterfactual", "random", "optimal_transport")
POLISHES = ("none", "diagonal", "causal")


@dataclass(frozen=True)
class Setting:
    """One way to fit. The paper's simulation gives no training settings; all of these are ours.

    prior: "full" SCM, "diagonal" (no Λ), or "cut" (the full SCM with the known cuts imposed).
    pairing: where a cell's control comes from; "counterfactual" pairs share their background and
        exist in simulations only.
    alpha: weight of the paired alignment. mmd_weight: of the alignment of distributions.
    release_epochs: so many more epochs afterwards with alpha = 0 and constant KL weights.
    polish: see `pvae_lib.identifiability.polish`.
    """

    name: str
    world_name: str = "A"
    world: WorldConfig = field(default_factory=WorldConfig)
    prior: str = "full"
    pairing: str = "counterfactual"
    alpha: float = 0.01
    mmd_weight: float = 0.0
    w_kl: float = 1e-2
    hidden: int = 128
    mechanism_hidden: int = 64
    epochs: int = 60
    release_epochs: int = 0
    batch_size: int = 128
    learning_rate: float = 2e-3
    polish: str = "none"

    def __post_init__(self) -> None:
        for option, known in (("prior", PRIORS), ("pairing", PAIRINGS), ("polish", POLISHES)):
            if getattr(self, option) not in known:
                raise InputError(
                    f"{option}={getattr(self, option)!r} is unknown: choose one of "
                    f"{', '.join(known)}."
                )


@dataclass(frozen=True)
class Fit:
    """A trained model and its posterior means on all cells of its world."""

    model: PerturbedVAE
    z_nu: np.ndarray  # (n, d_nu) float64
    z_iota: np.ndarray  # (n, d_iota) float64


def fit(world: World, setting: Setting, seed: int) -> Fit:
    """Train one PerturbedVAE on the world's training cells."""
    config = PerturbedVAEConfig(
        n_genes=world.config.n_genes,
        n_targets=world.config.n_environments,
        d_nu=world.config.d_nu,
        d_iota=world.config.d_iota,
        hidden=setting.hidden,
        mechanism_hidden=setting.mechanism_hidden,
        scm="diagonal" if setting.prior == "diagonal" else "full",
    )
    with seeded_initialisation(seed):
        model = FlooredVAE(config)
        if setting.prior == "cut":
            model.scm = CutSCM(config, world.cuts)
    for stage, (epochs, alpha, annealing) in enumerate(
        [(setting.epochs, setting.alpha, "linear"), (setting.release_epochs, 0.0, "constant")]
    ):
        if epochs:
            objective = _objective(world, setting, alpha, annealing, seed)
            settings = TrainingSettings(epochs=epochs, learning_rate=setting.learning_rate)
            batches = _batches(world, setting, seed + 1_000_000 * stage)
            train(model, objective, batches, settings, name=setting.name)
    found = model.embed(torch.as_tensor(world.x), torch.as_tensor(world.u))
    return Fit(model, found["z_nu"].double().numpy(), found["z_iota"].double().numpy())


def _objective(world: World, setting: Setting, alpha: float, annealing: str, seed: int):
    weights = ObjectiveConfig(
        w_kl_nu=setting.w_kl, w_kl_iota=setting.w_kl, alpha=alpha, annealing=annealing
    )
    if not setting.mmd_weight:
        return Objective(weights)
    return DistributionAlignment(
        Objective(weights),
        world.x[world.train][world.environment[world.train] == 0],
        d_iota=world.config.d_iota,
        weight=setting.mmd_weight,
        seed=seed,
    )


def _batches(world: World, setting: Setting, seed: int) -> PairedBatches:
    """Training cells, and behind all cells of the world their counterfactual controls."""
    n, counterfactual = len(world.x), setting.pairing == "counterfactual"
    cells = np.arange(n)[world.train]
    return PairedBatches(
        np.concatenate([world.x, world.x_control]),
        np.concatenate([world.u, world.u]),
        cells,
        cells[world.environment[cells] == 0],
        batch_size=setting.batch_size,
        seed=seed,
        noise={"noise_nu": world.config.d_nu, "noise_iota": world.config.d_iota},
        pairing="given" if counterfactual else setting.pairing,
        given=np.tile(np.arange(n) + n, 2) if counterfactual else None,
    )
