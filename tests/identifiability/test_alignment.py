import numpy as np
import pytest
import torch

from pvae_lib.identifiability.alignment import WIDTHS, DistributionAlignment, mmd
from pvae_lib.model import Objective, ObjectiveConfig, PerturbedVAE, PerturbedVAEConfig

GENERATOR = torch.Generator().manual_seed(0)


def draw(*shape):
    return torch.randn(*shape, generator=GENERATOR)


def brute_mmd(x, y):
    """Unbiased MMD² with the linear kernel, by sums over pairs."""
    n, m = len(x), len(y)
    kxx = sum(float(x[i] @ x[j]) for i in range(n) for j in range(n) if i != j)
    kyy = sum(float(y[i] @ y[j]) for i in range(m) for j in range(m) if i != j)
    kxy = sum(float(a @ b) for a in x for b in y)
    return kxx / (n * (n - 1)) + kyy / (m * (m - 1)) - 2 * kxy / (n * m)


def test_mmd_is_the_mean_over_groups_of_the_brute_force_sum():
    features, controls = draw(14, 5).double(), draw(6, 5).double()
    groups = torch.tensor([0] * 5 + [1] * 8 + [2])  # the last group has one cell: left out
    membership = torch.eye(3, dtype=torch.double)[groups]
    expected = np.mean([brute_mmd(features[:5], controls), brute_mmd(features[5:13], controls)])
    assert float(mmd(features, controls, membership)) == pytest.approx(expected, abs=1e-10)


def test_control_cells_of_the_batch_belong_to_no_group():
    features, controls = draw(6, 3), draw(4, 3)
    membership = torch.zeros(6, 2)
    membership[:3, 0] = 1
    assert float(mmd(features, controls, membership)) == pytest.approx(
        brute_mmd(features[:3], controls), abs=1e-5
    )


def aligned(weight=1.0, n_features=256):
    config = PerturbedVAEConfig(n_genes=8, n_targets=3, d_nu=2, d_iota=2, hidden=6)
    torch.manual_seed(0)
    model = PerturbedVAE(config)
    base = Objective(ObjectiveConfig(alpha=0.0))
    controls = draw(40, 8).numpy()
    objective = DistributionAlignment(
        base, controls, d_iota=2, weight=weight, seed=0, n_features=n_features
    )
    x = draw(60, 8)
    batch = {
        "x": x,
        "cells": torch.cat([x, draw(60, 8)]),
        "u": torch.eye(3)[torch.arange(60) % 3],
        "noise_nu": draw(60, 2),
        "noise_iota": draw(60, 2),
        "progress": torch.tensor(1.0),
    }
    return model, base, objective, batch


def test_the_penalty_is_added_to_the_objective_and_reported():
    model, base, objective, batch = aligned(weight=3.0)
    with torch.no_grad():
        plain, terms = base(model, batch), objective(model, batch)
    assert float(terms["loss"]) == pytest.approx(float(plain["loss"] + 3 * terms["mmd"]), rel=1e-5)


def test_features_approximate_the_sum_of_gaussian_kernels():
    _, _, objective, _ = aligned(n_features=40_000)
    a, b = draw(2), draw(2)
    phase = torch.stack([a, b]) @ objective.frequencies
    features = torch.cat([phase.cos(), phase.sin()], 1) / objective.frequencies.shape[1] ** 0.5
    exact = np.mean([np.exp(-float((a - b).square().sum()) / (2 * 2 * s**2)) for s in WIDTHS])
    assert float(features[0] @ features[1]) == pytest.approx(exact, abs=0.03)


def test_shrinking_the_background_does_not_lower_the_penalty():
    model, _, objective, batch = aligned()
    with torch.no_grad():
        before = float(objective(model, batch)["mmd"])
        model.g_iota.weight[:2] *= 0.5  # the rows of the mean
        model.g_iota.bias[:2] *= 0.5
        after = float(objective(model, batch)["mmd"])
    assert after == pytest.approx(before, abs=0.02)
