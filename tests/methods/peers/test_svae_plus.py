import numpy as np
import pytest
import torch
from scipy.optimize import linear_sum_assignment

from pvae_lib import splits
from pvae_lib.exceptions import InputError
from pvae_lib.methods.peers.svae_plus import SVAEPlusMethod, kl_gamma, kl_z
from pvae_lib.model.network import Gaussian
from pvae_lib.splits import Split

ONE = {"A": {0: 2.5}, "B": {0: -2.5}, "C": {1: 2.5}, "D": {1: -2.5}, "E": {2: 2.5}, "F": {2: -2.5}}
SHIFTS = {**ONE, "G": {0: 2, 1: 2}, "NULL": {}}
DOUBLES = ["A+C", "B+E", "C+F"]
SMALL = {"d_z": 10, "hidden": 64, "batch_size": 128, "learning_rate": 5e-3}
SPARSE = 3.5  # shifted latents an intervention, on average: the truth is 1


@pytest.fixture(scope="module")
def world(screen_of_shifts):
    return screen_of_shifts(SHIFTS, DOUBLES)


@pytest.fixture(scope="module")
def screen(world):
    return world[0]


@pytest.fixture(scope="module")
def split(screen):
    return splits.paper(screen)


@pytest.fixture(scope="module")
def controls(screen):
    return screen[screen.is_control]


@pytest.fixture(scope="module")
def trained(screen, split) -> SVAEPlusMethod:
    return SVAEPlusMethod(**SMALL, epochs=60).fit(screen, split)


def shifted(method: SVAEPlusMethod) -> np.ndarray:
    """(K,) how many latents each intervention probably shifts."""
    return (method.shift_probabilities() > 0.5).sum(1)


def recovery(method: SVAEPlusMethod, screen, z: np.ndarray) -> np.ndarray:
    """(3,) |Pearson| of each true latent with the one matched to it."""
    with torch.no_grad():
        found = method.network_.posterior(torch.from_numpy(screen.dense(slice(None)))).mu.numpy()
    correlation = np.abs(np.corrcoef(z.T, found.T)[:3, 3:])
    return correlation[linear_sum_assignment(-correlation)]


def test_training_turns_few_shifts_on_and_finds_the_latents(world, screen, split, trained):
    """What training adds. That few are on is the start's doing: it starts with none, and without
    kl_gamma in the loss no more than two or three come on; of the prior see the next test."""
    still = SVAEPlusMethod(**{**SMALL, "learning_rate": 1e-12}, epochs=1).fit(screen, split)
    assert (shifted(still) == 0).all()
    assert recovery(still, *world).mean() < 0.75
    assert trained.labels_ == list(SHIFTS)
    assert (shifted(trained)[:-1] > 0).all()  # each that shifts in truth
    assert shifted(trained)[-1] <= 1  # NULL shifts none
    assert shifted(trained).mean() < SPARSE
    assert recovery(trained, *world).mean() > 0.8


class FromEvenOdds(SVAEPlusMethod):
    """Starts at γ = 1/2 everywhere, so that neither outcome is where it began."""

    def _network(self, screen, split):
        network = super()._network(screen, split)
        torch.nn.init.zeros_(network.gamma_logits)
        return network


# Without kl_gamma in the loss, five at the start become 5.9 (NULL's 4.8), whatever the prior.
@pytest.mark.parametrize(
    ("sparsity", "fewest", "most", "most_of_null"),
    [((1.0, 1000.0), 0, 4.5, 3), ((1000.0, 1.0), 7, 10, 10)],
    ids=["a sparse prior", "a dense prior"],
)
def test_the_prior_decides_how_many_are_shifted(
    screen, split, sparsity, fewest, most, most_of_null
):
    parameters = {**SMALL, "learning_rate": 1e-2, "epochs": 60, "sparsity": sparsity}
    expected = FromEvenOdds(**parameters).fit(screen, split).shift_probabilities().sum(1)
    assert fewest < expected.mean() < most
    assert expected[-1] < most_of_null


@pytest.mark.parametrize("double", DOUBLES)
def test_a_double_is_the_sum_of_its_singles_shifts(screen, controls, trained, double):
    truth, control = screen.mean(double), screen.mean("control")
    found = trained.predict(controls, double, 400, seed=0)
    assert np.linalg.norm(found.mean(0) - truth) < 0.25 * np.linalg.norm(control - truth)
    assert 0.75 < found.var(0).sum() / screen.dense(screen.cells_of(double)).var(0).sum() < 1.35


def test_a_trained_double_is_a_label_and_a_gene_without_one_is_refused(screen, split, controls):
    wanted = np.isin(screen.condition, ["control", "A", "A+C"])
    with_double = Split("one double", np.flatnonzero(wanted), split.test, split.fingerprint)
    method = SVAEPlusMethod(**SMALL, epochs=1).fit(screen, with_double)
    assert method.labels_ == ["A", "A+C"]
    assert method._labels_of(screen.design("A+C")) == [1]
    assert method._labels_of(screen.design("control")) == []
    with pytest.raises(InputError, match="no label for C alone"):
        method.predict(controls, "C", 5, 0)


def test_kl_z_is_the_expectation_over_spike_and_slab():
    rng = torch.Generator().manual_seed(0)
    m, mu = torch.randn(2, 7, 4, generator=rng)
    sigma, gamma = torch.rand(2, 7, 4, generator=rng) + 0.1
    normal = torch.distributions.Normal
    q = normal(m, sigma)
    slab = torch.distributions.kl_divergence(q, normal(mu, 1.0))
    spike = torch.distributions.kl_divergence(q, normal(0.0, 1.0))
    expected = (gamma * slab + (1 - gamma) * spike).sum(-1)
    torch.testing.assert_close(kl_z(Gaussian(m, sigma), gamma, mu), expected)


def test_kl_gamma_is_the_expectation_over_the_sparsity():
    logits = torch.tensor([[-1.0, 2.0], [0.5, -3.0]])
    sparsity = torch.distributions.Beta(torch.tensor([2.0, 0.7]), torch.tensor([5.0, 3.0]))
    torch.manual_seed(0)
    pi = sparsity.sample((200_000,))[:, None]  # (draws, 1, 2)
    p = logits.sigmoid()
    draws = p * (p / pi).log() + (1 - p) * ((1 - p) / (1 - pi)).log()
    torch.testing.assert_close(
        kl_gamma(logits, sparsity), draws.mean(0).sum(), rtol=0.02, atol=0.02
    )


def test_global_terms_count_once_for_all_cells(trained, split):
    history = trained.history_
    shared = (history["kl_gamma"] + history["kl_sparsity"]) / len(split.train)
    beyond = history["loss"].astype(float) - history["recon"] - history["kl_z"]
    np.testing.assert_allclose(beyond.mean(), shared.mean(), rtol=0.05)


@pytest.mark.parametrize("pair", [(0.0, 1.0), 3.0, ("a", 1), (1.0,), (1.0, np.nan), (True, 2)])
def test_a_sparsity_that_is_no_pair_of_positive_numbers_is_refused(screen, split, pair):
    with pytest.raises(InputError, match="sparsity=.*no pair"):
        SVAEPlusMethod(**SMALL, epochs=1, sparsity=pair).fit(screen, split)


@pytest.mark.parametrize("wrong", [{"prediction": "x"}, {"hidden": 0}])
def test_unusable_parameters_are_refused(screen, split, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        SVAEPlusMethod(**{**SMALL, "epochs": 1, **wrong}).fit(screen, split)
