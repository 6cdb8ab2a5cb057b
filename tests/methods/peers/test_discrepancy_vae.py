import signal

import numpy as np
import pytest
import torch

from pvae_lib import splits
from pvae_lib.evaluation import distances
from pvae_lib.exceptions import InputError
from pvae_lib.learning.condition_batches import ConditionBatches
from pvae_lib.methods.peers.discrepancy_vae import (
    DiscrepancyObjective,
    DiscrepancyVAE,
    DiscrepancyVAEMethod,
)
from pvae_lib.model.layers import encoder
from pvae_lib.model.mmd import mmd

G = 0.3 * np.array([[0, 1, -1], [0, 0, 1], [0, 0, 0]])
# Thirty genes in place of thousands: the KL needs less weight for z to be used.
SMALL = {"d_z": 6, "hidden": 64, "batch_size": 64, "learning_rate": 5e-3, "beta": 0.02}
RECOVERED = 0.55  # of the distance from the control mean to the truth, over unseen doubles


@pytest.fixture(scope="module")
def screen(screen_of_causal_factors):
    """Linear and Gaussian: three factors on a DAG, each gene shifts one of them."""
    mixing = np.linalg.qr(np.random.default_rng(0).standard_normal((30, 3)))[0].T
    return screen_of_causal_factors(0.4 * np.sqrt(30) * mixing, G)


@pytest.fixture(scope="module")
def split(screen):
    return splits.doubles_with_both_singles(screen)


@pytest.fixture(scope="module")
def controls(screen):
    return screen[screen.is_control]


def fit(screen, split, **changes) -> DiscrepancyVAEMethod:
    return DiscrepancyVAEMethod(**{**SMALL, "epochs": 50, **changes}).fit(screen, split)


@pytest.fixture(scope="module")
def trained(screen, split) -> DiscrepancyVAEMethod:
    """Of three fits the one with the lowest training loss, as one would without a truth.

    A softmax can put two genes on one factor at the start and leave them there.
    """
    fits = [fit(screen, split, seed=seed) for seed in range(3)]
    return min(fits, key=lambda method: method.history_["loss"].iloc[-60:].mean())


def test_it_recovers_unseen_doubles_from_singles(screen, trained, error_of_means):
    assert error_of_means(trained, screen, screen.doubles) < RECOVERED


def test_each_gene_is_assigned_to_a_factor_of_its_own(trained):
    p = trained.assignments()
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-5)
    assert len(set(p.argmax(1))) == 3 and p.max(1).min() > 0.8


@pytest.mark.parametrize(
    "term_off",
    [{"alpha": 0.0}, {"temperature": 0.0}],
    ids=["without the discrepancy", "with one assignment for all genes"],
)
def test_with_a_term_off_it_does_not(screen, split, error_of_means, term_off):
    broken = fit(screen, split, **term_off)
    assert error_of_means(broken, screen, screen.doubles) > RECOVERED
    p = broken.assignments()
    assert len(set(p.argmax(1))) < 3 or p.max(1).min() < 0.8


def test_the_discrepancy_is_that_of_the_table():
    rng = np.random.default_rng(0)
    x, y = rng.normal(3, 2, (32, 40)).astype(np.float32), rng.normal(4, 2, (32, 40))
    y = y.astype(np.float32)
    expected = distances.mmd_biased(
        distances.between(x, y), distances.within(x), distances.within(y), batch=32
    )
    assert float(mmd(torch.tensor(x), torch.tensor(y))) == pytest.approx(expected, rel=1e-4)


@pytest.fixture
def network() -> DiscrepancyVAE:
    torch.manual_seed(0)
    network = DiscrepancyVAE(encoder(8, 16, 1), 16, 8, n_targets=3, hidden=16, d_z=4)
    torch.nn.init.normal_(network.G)
    return network


def test_causal_variables_solve_the_graph_and_read_only_its_upper_triangle(network):
    z = torch.randn(5, 4)
    u = network.causal_variables(z)
    torch.testing.assert_close(z + u @ network.G.triu(1), u)
    u.sum().backward()
    assert torch.equal(network.G.grad, network.G.grad.triu(1))


def test_a_double_shifts_by_the_sum_of_its_genes_and_control_by_nothing(network):
    of = network.interventions
    shifts = of(torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 1, 0], [0, 0, 0]]), 2.0)
    torch.testing.assert_close(shifts[2], shifts[0] + shifts[1])
    assert torch.equal(shifts[3], torch.zeros(4))


@pytest.mark.parametrize(
    ("progress", "alpha", "beta"), [(0.02, 0, 0), (0.275, 5, 2 * 0.175 / 0.9), (0.999, 10, 2)]
)
def test_the_loss_is_the_sum_of_its_terms_under_their_schedules(network, progress, alpha, beta):
    batch = {
        "x": torch.rand(6, 8),
        "x_control": torch.rand(6, 8),
        "u": torch.tensor([[0.0, 1, 0]]),
        "noise": torch.randn(6, 4),
        "progress": torch.tensor(progress),
    }
    terms = DiscrepancyObjective(10, 2, 1e-3, 5)(network, batch)
    expected = terms["recon"] + alpha * terms["mmd"] + beta * terms["kl"] + 1e-3 * terms["graph"]
    torch.testing.assert_close(terms["loss"], expected, rtol=3e-3, atol=0)


def test_a_prediction_has_the_stated_form_and_depends_on_its_seed(controls, trained):
    found = trained.predict(controls, "A+B", 70, seed=3)
    assert found.shape == (70, 30) and found.dtype == np.float32
    np.testing.assert_array_equal(found, trained.predict(controls, "B+A", 70, seed=3))
    assert not np.array_equal(found, trained.predict(controls, "A+B", 70, seed=4))


def test_resumed_it_ends_with_the_weights_of_a_run_left_alone(tmp_path, screen, split, monkeypatch):
    path = tmp_path / "run.safetensors"
    whole = fit(screen, split, epochs=2)
    draw = ConditionBatches.draw

    def draw_and_interrupt(self, step):
        if step == 15:
            signal.raise_signal(signal.SIGINT)
        return draw(self, step)

    monkeypatch.setattr(ConditionBatches, "draw", draw_and_interrupt)
    with pytest.raises(KeyboardInterrupt):
        fit(screen, split, epochs=2, checkpoint=path)
    monkeypatch.undo()
    resumed = fit(screen, split, epochs=2, checkpoint=path)
    for name, tensor in resumed.network_.state_dict().items():
        assert torch.equal(tensor, whole.network_.state_dict()[name]), name
    with pytest.raises(InputError, match="alpha was 10.0, is 1.0"):
        fit(screen, split, epochs=2, alpha=1.0, checkpoint=path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"d_z": 0}, "d_z"), ({"alpha": -1}, "alpha"), ({"seed": -1}, "seed"), ({"epochs": 0}, "ep")],
)
def test_unusable_parameters_are_refused(screen, split, changes, message):
    with pytest.raises(InputError, match=message):
        fit(screen, split, **changes)
