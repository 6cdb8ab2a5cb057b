"""From worlds and settings to one tidy table: draw a world, fit, polish, score.

The table is the house's (`pvae_lib.results`): screen is the world's name, method the setting's,
condition "test". A seed draws the world *and* initialises and orders the training.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import torch

from pvae_lib import progress, results
from pvae_lib.exceptions import InputError
from pvae_lib.identifiability import graph, nulls, recovery
from pvae_lib.identifiability.alignment import DistributionAlignment
from pvae_lib.identifiability.mechanisms import CutSCM
from pvae_lib.identifiability.polish import causal_polish, diagonal_polish
from pvae_lib.identifiability.simulation import World, WorldConfig, make_world
from pvae_lib.learning import PairedBatches, TrainingSettings, train
from pvae_lib.learning.randomness import NormalNoise, seeded_initialisation
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
        model = PerturbedVAE(config)
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


def score(world: World, fitted: Fit, setting: Setting, seed: int) -> dict[str, float]:
    """Every measure of one fit, by name (`METRICS` of the notebook explains them)."""
    scores = blocks(world, fitted.z_nu, fitted.z_iota)
    scores["test_loss"] = test_loss(world, fitted.model, setting)
    if setting.prior != "diagonal":
        columns, _ = recovery.match(world.z_nu[world.test], fitted.z_nu[world.test])
        strength = graph.of_mechanisms(fitted.model, fitted.z_nu[world.train], world.cuts)
        scores |= _graph_scores(world, strength > graph.WEIGHT, strength, columns, "")
    if setting.polish != "none":
        scores |= _polished(world, fitted, setting.polish, seed)
    return scores


def blocks(world: World, z_nu: np.ndarray, z_iota: np.ndarray) -> dict[str, float]:
    """MCC and block R² of estimated blocks (n, d), leaks both ways, and what ẑι tells of u."""
    train_cells, test = world.train, world.test

    def r2(z: np.ndarray, z_hat: np.ndarray) -> float:
        return recovery.block_r2(z[train_cells], z_hat[train_cells], z[test], z_hat[test])

    return {
        "mcc": recovery.mcc(world.z_nu[test], z_nu[test]),
        "r2_nu": r2(world.z_nu, z_nu),
        "r2_iota": r2(world.z_iota, z_iota),
        "leak": r2(world.z_nu, z_iota),
        "leak_from_nu": r2(world.z_iota, z_nu),
        "environment_accuracy": recovery.environment_accuracy(
            z_iota[train_cells], world.environment[train_cells],
            z_iota[test], world.environment[test],
        ),
        "var_iota": float(z_iota[test].var(0).mean()),
    }  # fmt: skip


@torch.no_grad()
def test_loss(world: World, model: PerturbedVAE, setting: Setting) -> float:
    """The objective on the test cells, fully annealed and without the alignment term."""
    x = torch.as_tensor(world.x[world.test])
    control = torch.as_tensor(world.x_control[world.test])
    noise = NormalNoise(0, "test", torch.device("cpu"))
    batch = {
        "x": x,
        "cells": torch.cat([x, control]),
        "u": torch.as_tensor(world.u[world.test]),
        "noise_nu": noise(len(x), world.config.d_nu, 0),
        "noise_iota": noise(len(x), world.config.d_iota, 1),
        "progress": torch.tensor(1.0),
    }
    weights = ObjectiveConfig(w_kl_nu=setting.w_kl, w_kl_iota=setting.w_kl, alpha=0.0)
    return float(Objective(weights)(model, batch)["loss"])


def _polished(world: World, fitted: Fit, how: str, seed: int) -> dict[str, float]:
    rows, test = world.train, world.test
    z_nu, z_iota, e = fitted.z_nu[rows], fitted.z_iota[rows], world.environment[rows]
    if how == "diagonal":
        polish = diagonal_polish(z_nu, z_iota, e, seed=seed)
    else:
        polish = causal_polish(z_nu, z_iota, e, world.cuts, seed=seed)
    components = polish.components(fitted.z_nu, fitted.z_iota)
    columns, r = recovery.match(world.z_nu[test], components[test])
    scores = {"mcc_polished": float(np.abs(r).mean())}
    if how == "causal":
        gain = graph.information(components[rows], z_iota, e, world.cuts, polish.order)
        scores |= _graph_scores(world, gain > graph.NATS, gain, columns, "_polished")
    return scores


def _graph_scores(world, estimate, strength, columns, suffix) -> dict[str, float]:
    matched, ranked = (recovery.matched_graph(g, columns) for g in (estimate, strength))
    return {
        "shd" + suffix: float(recovery.shd(world.support, matched)),
        "graph_auc" + suffix: recovery.graph_auc(world.support, ranked),
    }


def null_scores(world: World, setting: Setting, seed: int) -> dict[str, dict[str, float]]:
    """Method → measures of everything that has not learned, or that was told the truth."""
    fit_on, d_nu, d_iota = world.train, world.config.d_nu, world.config.d_iota
    turned = nulls.random_rotations(world.z_nu[world.test], 200, seed)
    means = nulls.environment_means(world.x, world.environment, fit_on, d_nu + d_iota)
    pcs = nulls.principal_components(world.x, fit_on, d_nu + d_iota)
    config = PerturbedVAEConfig(
        n_genes=world.config.n_genes, n_targets=world.config.n_environments,
        d_nu=d_nu, d_iota=d_iota, hidden=setting.hidden,
    )  # fmt: skip
    fresh = nulls.untrained(PerturbedVAE(config), world.x, world.u, seed)
    ridge = nulls.supervised(world.x, np.concatenate([world.z_nu, world.z_iota], 1), fit_on)
    rotations = {
        "mcc": turned.mean(),
        "mcc_q95": np.quantile(turned, 0.95),
        "p_mcc_086": (turned >= 0.86).mean(),
    }
    return {
        "random rotation of the true zν": {k: float(v) for k, v in rotations.items()},
        "environment means": blocks(world, means[:, :d_nu], means[:, d_nu:]),
        "untrained encoder": blocks(world, fresh["z_nu"], fresh["z_iota"]),
        "all PCs, both blocks": blocks(world, pcs, pcs),
        "first PCs as zι": blocks(world, pcs[:, d_iota:], pcs[:, :d_iota]),
        "supervised ridge": blocks(world, ridge[:, :d_nu], ridge[:, d_nu:]),
        "true blocks": blocks(world, world.z_nu, world.z_iota),
        "random DAG": {"shd": float(nulls.random_graphs(world.support, 2000, seed).mean())},
        "empty graph": {"shd": float(nulls.empty_graph(world.support))},
    }


def run_one(setting: Setting, seed: int) -> pd.DataFrame:
    """Tidy rows of one setting and seed, with one thread, whatever runs beside it."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        world = make_world(setting.world, seed)
        return _rows(setting.world_name, setting.name, seed, score(world, fit(world, setting, seed), setting, seed))
    finally:
        torch.set_num_threads(threads)


def run_nulls(setting: Setting, seed: int) -> pd.DataFrame:
    """Tidy rows of every null in the world of a setting."""
    found = null_scores(make_world(setting.world, seed), setting, seed)
    return pd.concat([_rows(setting.world_name, name, seed, s) for name, s in found.items()])


def _rows(world_name: str, method: str, seed: int, scores: dict[str, float]) -> pd.DataFrame:
    rows = [(world_name, method, "test", metric, seed, value) for metric, value in scores.items()]
    return pd.DataFrame(rows, columns=list(results.COLUMNS))


def run(
    settings: Sequence[Setting],
    seeds: Sequence[int],
    *,
    with_nulls: Sequence[Setting] = (),
    folder: str | os.PathLike | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """The table of all settings and seeds, and of the nulls in the worlds of `with_nulls`.

    Parameters
    ----------
    folder
        Every finished piece is kept there as a CSV and not computed again: a stopped run resumes.
    workers
        Processes; each uses one thread, and the numbers do not depend on how many there are.
    """
    jobs = [(run_one, s, seed) for seed in seeds for s in settings]
    jobs += [(run_nulls, s, seed) for seed in seeds for s in with_nulls]
    pool = joblib.Parallel(workers, backend="loky", return_as="generator")
    pieces = pool(joblib.delayed(_kept)(*job, folder) for job in jobs)
    table = pd.concat(progress.bar(pieces, total=len(jobs), desc="fits", unit="fit"))
    return table.reset_index(drop=True)


def _kept(make, setting: Setting, seed: int, folder: str | os.PathLike | None) -> pd.DataFrame:
    if folder is None:
        return make(setting, seed)
    identity = joblib.hash((make.__name__, replace(setting), seed))[:12]
    path = Path(folder) / f"{identity}.csv"
    if not path.exists():
        results.write(make(setting, seed), path)
    return results.read(path)
