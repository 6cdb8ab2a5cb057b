"""Every measure of a fit, and the same measures of everything that learned nothing.

mcc, mcc_polished: components; r2_nu, r2_iota: blocks; leak: R² from ẑι to zν; leak_from_nu: from
ẑν to zι; environment_accuracy: what ẑι tells of u; var_iota: mean variance of ẑι; test_loss: the
objective on test cells without alignment; shd, graph_auc (…_polished): the graph.
"""

import numpy as np
import torch

from pvae_lib.identifiability import graph, nulls, recovery
from pvae_lib.identifiability.fits import Fit, Setting
from pvae_lib.identifiability.polish import causal_polish, diagonal_polish
from pvae_lib.identifiability.simulation import World
from pvae_lib.learning.randomness import NormalNoise
from pvae_lib.model import Objective, ObjectiveConfig, PerturbedVAE, PerturbedVAEConfig


def score(world: World, fitted: Fit, setting: Setting, seed: int) -> dict[str, float]:
    """Every measure of one fit, by name."""
    scores = blocks(world, fitted.z_nu, fitted.z_iota)
    scores["test_loss"] = test_loss(world, fitted.model, setting)
    if setting.prior != "diagonal":
        columns, _ = recovery.match(world.z_nu[world.test], fitted.z_nu[world.test])
        strength = graph.of_mechanisms(fitted.model, fitted.z_nu[world.train], world.cuts)
        scores |= _graph_scores(world, strength > graph.WEIGHT_THRESHOLD, strength, columns, "")
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
        scores |= _graph_scores(world, gain > graph.NATS_THRESHOLD, gain, columns, "_polished")
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
