import math

import numpy as np
import pytest
import torch

from pvae_lib.model import Objective, ObjectiveConfig, PerturbedVAE, PerturbedVAEConfig
from pvae_lib.model.objective import annealed, reconstruction


def small_model(learned_variance: bool = False) -> PerturbedVAE:
    torch.manual_seed(0)
    return PerturbedVAE(
        PerturbedVAEConfig(
            n_genes=12, n_targets=3, d_nu=2, d_iota=4, hidden=8, learned_variance=learned_variance
        )
    )


def small_batch(progress: float = 1.0) -> dict[str, torch.Tensor]:
    g = torch.Generator().manual_seed(1)
    cells = torch.rand(10, 12, generator=g)
    return {
        "x": cells[:5],
        "cells": cells,
        "u": torch.eye(3)[[0, 1, 2, 0, 1]],
        "noise_nu": torch.randn(5, 2, generator=g),
        "noise_iota": torch.randn(5, 4, generator=g),
        "progress": torch.tensor(progress),
    }


def by_hand(model: PerturbedVAE, batch: dict, weights: ObjectiveConfig) -> dict[str, float]:
    """The objective in numpy, cell by cell, with an explicit inverse."""
    p = {k: v.detach().numpy().astype(np.float64) for k, v in model.state_dict().items()}
    leaky = lambda a: np.where(a > 0, a, 0.2 * a)  # noqa: E731
    linear = lambda a, name: a @ p[f"{name}.weight"].T + p[f"{name}.bias"]  # noqa: E731
    encode = lambda a: leaky(a @ p["f_enc.0.weight"] + p["f_enc.0.bias"])  # noqa: E731
    numbers = {k: v.numpy().astype(np.float64) for k, v in batch.items()}
    sums = dict.fromkeys(["recon", "kl_nu", "kl_iota", "control", "alignment"], 0.0)
    n = len(numbers["x"])
    for i in range(n):
        x, x_ctrl, u = numbers["x"][i], numbers["cells"][n + i], numbers["u"][i]
        h = encode(x)
        mu_nu_q, s_nu = np.split(linear(np.concatenate([h, u]), "g_nu"), 2)
        mu_iota_q, s_iota = np.split(linear(h, "g_iota"), 2)
        mu_ctrl, s_ctrl = np.split(linear(encode(x_ctrl), "g_iota"), 2)
        outputs = linear(leaky(linear(u, "scm.of_u.0")), "scm.of_u.2")
        Lambda = np.tril(outputs[:4].reshape(2, 2), -1)
        Lambda_nu_iota = outputs[4:12].reshape(2, 4)
        mu_nu, beta = outputs[12:14], np.log1p(np.exp(outputs[14:])) + 1e-3
        z_iota = mu_iota_q + np.exp(s_iota) * numbers["noise_iota"][i]
        z_tilde = mu_nu_q + np.exp(s_nu) * numbers["noise_nu"][i]
        z_nu = np.linalg.inv(np.eye(2) - Lambda) @ (z_tilde + Lambda_nu_iota @ z_iota + mu_nu)
        x_hat = linear(leaky(linear(np.concatenate([z_nu, z_iota]), "f_dec.0")), "f_dec.2")
        kl = lambda m, s, b: 0.5 * np.sum((np.exp(2 * s) + m**2) / b - 1 + np.log(b) - 2 * s)  # noqa: E731
        sums["recon"] += np.mean((x - x_hat) ** 2) / n
        sums["kl_nu"] += kl(mu_nu_q, s_nu, beta) / n
        sums["kl_iota"] += kl(mu_iota_q, s_iota, 1.0) / n
        sums["control"] += kl(mu_ctrl, s_ctrl, 1.0) / n
        sums["alignment"] += np.sum((mu_iota_q - mu_ctrl) ** 2) / n
    control = sums.pop("control")
    sums["loss"] = (
        sums["recon"]
        + weights.w_kl_nu * sums["kl_nu"]
        + weights.w_kl_iota * (sums["kl_iota"] + control)
        + weights.alpha * sums["alignment"]
    )
    return sums


def test_objective_is_the_papers_equations():
    model, batch = small_model(), small_batch()
    weights = ObjectiveConfig(w_kl_nu=0.3, w_kl_iota=0.7, alpha=0.4)
    terms = Objective(weights)(model, batch)
    expected = by_hand(model, batch, weights)
    assert set(terms) == set(expected)
    for name, value in expected.items():
        assert terms[name].item() == pytest.approx(value, rel=1e-4), name


def test_kl_weights_are_annealed_and_alignment_is_not():
    model = small_model()
    weights = ObjectiveConfig(w_kl_nu=2.0, w_kl_iota=3.0, alpha=0.5)
    start, end = (Objective(weights)(model, small_batch(p)) for p in (0.05, 0.6))
    torch.testing.assert_close(
        start["loss"], start["recon"] + 0.5 * start["alignment"], rtol=1e-5, atol=1e-5
    )
    assert end["loss"] > start["loss"] + 2.0 * start["kl_nu"].item()


def test_annealing_schedule():
    progress = torch.tensor([0.0, 0.1, 0.35, 0.6, 1.0])
    torch.testing.assert_close(
        annealed(progress, "linear"), torch.tensor([0.0, 0.0, 0.5, 1.0, 1.0])
    )
    assert (annealed(progress, "constant") == 1).all()


def test_reductions():
    x, x_hat = torch.randn(5, 12), torch.randn(5, 12)
    log_variance = torch.randn(12)
    mean = reconstruction(x, x_hat, "mean", log_variance)
    torch.testing.assert_close(reconstruction(x, x_hat, "sum", log_variance), 12 * mean)
    likelihood = torch.distributions.Normal(x_hat, (0.5 * log_variance).exp()).log_prob(x)
    expected = -(likelihood + 0.5 * math.log(2 * math.pi)).sum(-1).mean()
    found = reconstruction(x, x_hat, "learned_variance", log_variance)
    torch.testing.assert_close(found, expected)


def test_learned_variance_receives_a_gradient():
    model = small_model(learned_variance=True)
    Objective(ObjectiveConfig(reconstruction="learned_variance"))(model, small_batch())[
        "loss"
    ].backward()
    assert model.log_variance.grad.abs().min() > 0


def test_objective_draws_nothing():
    model, batch = small_model(), small_batch()
    state = torch.get_rng_state()
    first = Objective(ObjectiveConfig())(model, batch)["loss"]
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, Objective(ObjectiveConfig())(model, batch)["loss"])


def test_mmd_is_between_cells_predicted_from_controls_and_the_cells_of_their_condition():
    model, batch = small_model(), small_batch()
    x, x_control = batch["cells"].chunk(2)
    noise = {name: batch[name] for name in ("noise_nu", "noise_iota")}
    x_hat = model.predict(x_control, batch["u"], **noise)
    x_hat, x = x_hat.double().numpy(), x.double().numpy()

    def k(a, b):
        return sum(np.exp(-np.sum((a - b) ** 2) / (31.25 * 2**i)) for i in range(10))

    expected = np.mean(
        [
            k(x_hat[i], x_hat[j]) + k(x[i], x[j]) - k(x_hat[i], x[j]) - k(x_hat[j], x[i])
            for i, j in [(0, 3), (1, 4)]  # u of the batch; the third cell is alone
        ]
    )
    plain = Objective(ObjectiveConfig())(model, batch)
    terms = Objective(ObjectiveConfig(w_mmd=7.0))(model, batch)
    assert terms["mmd"].item() == pytest.approx(expected, rel=1e-3) and expected > 1e-2
    assert terms["loss"].item() == pytest.approx((plain["loss"] + 7 * expected).item(), rel=1e-4)
    assert [*terms] == [*plain, "mmd"]
    assert all(torch.equal(terms[name], plain[name]) for name in plain if name != "loss")


def test_mmd_trains_the_prior_and_the_decoder_but_not_the_posterior():
    model, batch = small_model(), small_batch()
    Objective(ObjectiveConfig(w_mmd=1.0))(model, batch)["mmd"].backward()
    assert model.scm.of_u[2].weight.grad.abs().sum() > 0
    assert model.f_dec[0].weight.grad.abs().sum() > 0
    assert model.g_iota.weight.grad.abs().sum() > 0
    assert model.g_nu.weight.grad is None  # the posterior of z_nu has no part in a prediction
