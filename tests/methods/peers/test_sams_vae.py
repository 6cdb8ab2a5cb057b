import itertools
import signal

import numpy as np
import pytest
import torch
from sklearn.base import clone

from pvae_lib import splits
from pvae_lib.exceptions import InputError
from pvae_lib.methods.peers import sams_vae
from pvae_lib.methods.peers.sams_vae import SAMSVAE, SAMSVAEMethod
from pvae_lib.model.counts import CountStart

# A and B shift one latent, C and D another, E both, NULL none.
ONE = {"A": {0: 2.5}, "B": {0: -2.5}, "C": {1: 2.5}, "D": {1: -2.5}}
SHIFTS = {**ONE, "E": {0: 2, 1: 2}, "NULL": {}}
DOUBLES = ["A+C", "B+D", "A+E"]
SMALL = {"d_z": 6, "hidden": 32, "batch_size": 128, "learning_rate": 1e-2}
SPARSE = 0.33  # of the median mask: most of 6 targets × 6 latents are not shifted


@pytest.fixture(scope="module")
def screen(screen_of_shifts):
    return screen_of_shifts(SHIFTS, DOUBLES)[0]


@pytest.fixture(scope="module")
def split(screen):
    return splits.paper(screen)


@pytest.fixture(scope="module")
def controls(screen):
    return screen[screen.is_control]


@pytest.fixture(scope="module")
def trained(screen, split) -> SAMSVAEMethod:
    return SAMSVAEMethod(**SMALL, epochs=100).fit(screen, split)


def test_the_masks_find_the_true_sparse_shifts(trained):
    p = trained.mask_probabilities()
    assert np.median(p) < SPARSE
    a, b, c, d = p.argmax(1)[:4]
    assert a == b and c == d and a != c
    assert set(np.argsort(p[4])[-2:]) == {a, c}
    assert p[5].max() < 0.5 and p[:4].max(1).min() > 0.8


@pytest.mark.parametrize("broken", ["a prior of one half", "no KL of the masks"])
def test_without_the_sparse_prior_the_masks_stay_dense(screen, split, monkeypatch, broken):
    prior = 0.5 if broken == "a prior of one half" else 0.01
    if broken == "no KL of the masks":
        monkeypatch.setattr(sams_vae, "kl_bernoulli", lambda logits, prior: 0 * logits)
    method = SAMSVAEMethod(**SMALL, epochs=100, mask_prior=prior).fit(screen, split)
    assert np.median(method.mask_probabilities()) > SPARSE


@pytest.mark.parametrize("double", DOUBLES)
def test_unseen_doubles_are_predicted_by_adding_the_shifts(screen, controls, trained, double):
    truth, control = screen.mean(double), screen.mean("control")
    found = trained.predict(controls, double, 400, seed=0).mean(0)
    assert np.linalg.norm(found - truth) < 0.25 * np.linalg.norm(control - truth)


def test_samples_spread_like_cells_and_means_do_not(screen, controls, trained):
    real = screen.dense(screen.cells_of("A")).var(0).sum()
    samples = trained.predict(controls, "A", 300, 0)
    assert samples.shape == (300, 60) and samples.dtype == np.float32
    assert 0.75 * real < samples.var(0).sum() < 1.35 * real
    method = clone(trained).set_params(prediction="means")
    method.__dict__.update({k: v for k, v in vars(trained).items() if k.endswith("_")})
    means = method.predict(controls, "A", 300, 0)
    assert means.var(0).sum() < 0.6 * real
    effect = np.linalg.norm(screen.mean("A") - screen.mean("control"))
    assert np.linalg.norm(means.mean(0) - samples.mean(0)) < 0.15 * effect


def test_kl_of_masks_is_that_of_torch():
    logits, prior = torch.linspace(-6, 6, 13), 0.03
    p, q = (torch.distributions.Bernoulli(x) for x in (logits.sigmoid(), torch.tensor(prior)))
    expected = torch.distributions.kl_divergence(p, q)
    torch.testing.assert_close(sams_vae.kl_bernoulli(logits, prior), expected, atol=1e-5, rtol=1e-4)


def test_masks_are_drawn_with_their_probability_and_pass_gradients():
    start = CountStart(np.log(np.full(4, 0.25, np.float32)), np.zeros(3, np.float32))
    network = SAMSVAE(4000, 2, 3, 1, start)
    with torch.no_grad():
        network.mask_logits.copy_(torch.tensor([1.0, -2.0]).expand(4000, 2))
    m = network.masks(torch.randn(4000, 2, generator=torch.Generator().manual_seed(0)))
    values = m.detach()
    assert ((values - values.round()).abs() < 1e-6).all() and values.round().unique().numel() == 2
    np.testing.assert_allclose(values.mean(0), torch.sigmoid(torch.tensor([1.0, -2.0])), atol=0.03)
    m.sum().backward()
    assert (network.mask_logits.grad > 0).all()


def test_global_terms_count_once_for_all_cells(screen, split):
    method = SAMSVAEMethod(**SMALL, epochs=1)
    history = method.fit(screen, split).history_
    shared = (history["kl_mask"] + history["kl_effect"]) / len(split.train)
    beyond = history["loss"].astype(float) - history["recon"] - history["kl_basal"]
    np.testing.assert_allclose(beyond.mean(), shared.mean(), rtol=0.05)


def test_a_stopped_fit_goes_on_to_the_same_weights(tmp_path, screen, split, monkeypatch):
    method = SAMSVAEMethod(**SMALL, epochs=2)
    whole = clone(method).fit(screen, split)
    calls, likelihood = itertools.count(), sams_vae.nb_log_likelihood

    def stop_once(*arguments):
        if next(calls) == 15:
            signal.raise_signal(signal.SIGINT)
        return likelihood(*arguments)

    monkeypatch.setattr(sams_vae, "nb_log_likelihood", stop_once)
    method.set_params(checkpoint=str(tmp_path / "run.safetensors"))
    with pytest.raises(KeyboardInterrupt):
        method.fit(screen, split)
    with pytest.raises(InputError, match="not fitted"):
        method.mask_probabilities()
    method.fit(screen, split)
    for key, value in whole.network_.state_dict().items():
        assert torch.equal(method.network_.state_dict()[key], value)


@pytest.mark.parametrize(
    "wrong", [{"mask_prior": 1.0}, {"prediction": "rates"}, {"d_z": 0}, {"batch_size": 10**6}]
)
def test_unusable_parameters_are_refused(screen, split, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        SAMSVAEMethod(**{**SMALL, "epochs": 1, **wrong}).fit(screen, split)
