"""AE, VAE and masked autoencoder: what they learn, what they minimise, and what they refuse."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.probing.networks import Autoencoder, MaskedAutoencoder, VariationalAutoencoder
from pvae_lib.probing.representations import make

NAMES = ("AE", "VAE", "masked autoencoder")
SMALL = {"d": 20, "hidden": 128, "epochs": 10}
LEARN, TEST = np.arange(0, 3000, 2), np.arange(1, 3000, 2)


@pytest.fixture(scope="module")
def screen(twin_small):
    """3,000 cells × 500 genes of the twin."""
    return twin_small[0][np.arange(5000) % 5 < 3]


@pytest.fixture(scope="module")
def fitted(screen):
    """(name, trained) → the representation, learned from every second cell."""
    return {
        (name, trained): make(name, trained=trained, **SMALL).fit(screen, LEARN)
        for name in NAMES
        for trained in (True, False)
    }


@pytest.mark.parametrize("name", NAMES)
def test_before_training_it_is_what_training_starts_from(name, screen, fitted):
    trained, untrained = fitted[name, True], fitted[name, False]
    assert untrained.history_ is None and len(trained.history_) == 10 * (1500 // 64)
    embedded = [each.embed(screen) for each in (trained, untrained)]
    assert all(e.shape == (3000, 20) and e.dtype == np.float32 for e in embedded)
    assert not np.allclose(*embedded)
    # The first loss that training notes is that of the initial weights: one epoch shows it.
    once = make(name, **SMALL | {"epochs": 1, "learning_rate": 1e-12}).fit(screen, LEARN)
    assert np.allclose(once.embed(screen), untrained.embed(screen), atol=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_is_a_function_of_its_seed_and_never_of_labels(name, screen, fitted):
    short = SMALL | {"epochs": 1}
    shuffled = replace(screen, condition=np.random.default_rng(0).permutation(screen.condition))
    first = make(name, **short).fit(screen, LEARN).embed(screen)
    assert np.array_equal(first, make(name, **short).fit(shuffled, LEARN).embed(shuffled))
    assert not np.allclose(first, make(name, seed=1, **short).fit(screen, LEARN).embed(screen))


@torch.no_grad()
def reconstruction_error(representation, x: torch.Tensor) -> float:
    """Mean squared error of decoded means."""
    z = representation.network_.encode(x)
    z = z.mu if isinstance(representation.network_, VariationalAutoencoder) else z
    return float((representation.network_.decode(z) - x).square().mean())


@pytest.mark.parametrize("name", ["AE", "VAE"])
def test_training_reconstructs_unseen_cells_better_than_the_mean_profile(name, screen, fitted):
    x = torch.from_numpy(screen.dense(TEST))
    mean = torch.from_numpy(screen.mean(LEARN).astype(np.float32))
    error = reconstruction_error(fitted[name, True], x)
    assert error < 0.97 * reconstruction_error(fitted[name, False], x)
    assert error < 0.97 * float((x - mean).square().mean())


def test_the_masked_autoencoder_predicts_hidden_values_better_than_gene_means(screen, fitted):
    x = torch.from_numpy(screen.dense(TEST))
    mean = torch.from_numpy(screen.mean(LEARN).astype(np.float32))
    hidden = (torch.rand(x.shape, generator=torch.Generator().manual_seed(0)) < 0.3).float()

    def error(guess: torch.Tensor) -> float:
        return float(((guess - x).square() * hidden).sum() / hidden.sum())

    with torch.no_grad():
        trained, untrained = (
            error(fitted["masked autoencoder", t].network_.predict_hidden(x, hidden))
            for t in (True, False)
        )
    assert trained < 0.97 * error(mean) and trained < 0.97 * untrained


def test_the_masked_autoencoder_cannot_see_what_is_hidden_and_is_scored_on_nothing_else():
    torch.manual_seed(0)
    network = MaskedAutoencoder(n_genes=6, d=3, hidden=8, layers=1)
    x = torch.rand(4, 6)
    hidden = torch.zeros(4, 6)
    hidden[:, 2] = 1
    other = x.clone()
    other[:, 2] += 5
    guess = network.predict_hidden(x, hidden)
    assert torch.equal(guess, network.predict_hidden(other, hidden))
    loss = network.loss({"x": x, "hidden": hidden})["loss"]
    assert torch.allclose(loss, (guess - x)[:, 2].square().mean())


def test_the_ae_minimises_the_mean_squared_error():
    torch.manual_seed(0)
    network, x = Autoencoder(n_genes=6, d=3, hidden=8, layers=2), torch.rand(4, 6)
    expected = (network.decode(network.encode(x)) - x).square().mean()
    assert torch.allclose(network.loss({"x": x})["loss"], expected)


def test_the_vae_minimises_the_negative_evidence_lower_bound():
    torch.manual_seed(0)
    network = VariationalAutoencoder(6, 3, 8, 1, "learned_variance", 1.0, "constant")
    x, noise = torch.rand(4, 6), torch.randn(4, 3)
    q = network.encode(x)
    z = torch.distributions.Normal(q.mu, q.sigma)
    around = torch.distributions.Normal(network.decode(q.mu + q.sigma * noise), 1.0)
    prior = torch.distributions.Normal(0.0, 1.0)
    kl = torch.distributions.kl_divergence(z, prior).sum(-1).mean()
    constant = 6 * 0.5 * np.log(2 * np.pi)
    expected = -around.log_prob(x).sum(-1).mean() - constant + kl
    found = network.loss({"x": x, "noise": noise, "progress": torch.tensor(0.0)})
    assert torch.allclose(found["loss"], expected, atol=1e-5)
    assert torch.allclose(found["kl"], kl)


def test_samples_of_the_vae_are_drawn_by_seed_around_its_means(screen, fitted):
    vae = fitted["VAE", True]
    means = vae.embed(screen)
    draws = np.stack([vae.embed(screen, "samples", seed) for seed in range(10)])
    assert np.array_equal(draws[3], vae.embed(screen, "samples", 3))
    assert np.array_equal(means, vae.embed(screen, "means", 3))
    with torch.no_grad():
        sigma = vae.network_.encode(torch.from_numpy(screen.dense(slice(None)))).sigma.numpy()
    standardised = (draws - means) / sigma
    assert abs(standardised.mean()) < 0.01 and abs(standardised.std() - 1) < 0.01
    for name in ("AE", "masked autoencoder"):
        with pytest.raises(InputError, match="no distribution"):
            fitted[name, True].embed(screen, "samples")


def test_a_kl_that_costs_more_than_reconstruction_gains_collapses_the_samples(screen):
    collapsed = make("VAE", reconstruction="mean", w_kl=1.0, **SMALL | {"epochs": 5})
    collapsed.fit(screen, LEARN)
    means, samples = collapsed.embed(screen), collapsed.embed(screen, "samples")
    assert 0 < means.var(axis=0).sum() < 0.05 * samples.var(axis=0).sum()
    assert samples.var(axis=0).mean() == pytest.approx(1, abs=0.15)  # the prior


def test_a_finished_checkpoint_gives_the_same_fit_and_another_is_refused(screen, tmp_path):
    settings = SMALL | {"epochs": 1, "checkpoint": tmp_path / "ae.safetensors"}
    first = make("AE", **settings).fit(screen, LEARN).embed(screen)
    assert np.array_equal(first, make("AE", **settings).fit(screen, LEARN).embed(screen))
    with pytest.raises(InputError, match="another"):
        make("AE", **settings).fit(screen, TEST)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("AE", {"d": 0}, "d=0"),
        ("AE", {"batch_size": 1501}, "batch_size=1501 does not fit 1500"),
        ("AE", {"epochs": 0}, "epochs=0"),
        ("AE", {"device": "gpu"}, "device='gpu' is unknown"),
        ("VAE", {"w_kl": -1}, "w_kl=-1"),
        ("VAE", {"reconstruction": "nb"}, "reconstruction='nb' is unknown"),
        ("masked autoencoder", {"hide": 0}, "hide=0"),
        ("masked autoencoder", {"hide": 1.0}, "hide=1.0"),
        ("AE", {"learning_rate": 1e30}, "diverged"),
    ],
)
def test_settings_without_meaning_are_refused(name, settings, message, screen):
    with pytest.raises(InputError, match=message):
        make(name, **SMALL | settings).fit(screen, LEARN)
