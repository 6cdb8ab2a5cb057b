import numpy as np
import pytest
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.programs import graphs, mechanisms


def test_a_planted_graph_is_read_back_with_its_effects(planted, known, small_screen, small_split):
    fitted = mechanisms.read(planted, small_screen, small_split)
    assert fitted.conditions == ("A", "B", "C")
    np.testing.assert_array_equal(fitted.n_cells, [60, 60, 60])
    for Lambda in (*fitted.Lambda, fitted.control):
        np.testing.assert_allclose(Lambda, known, atol=1e-6)
    shared = np.linalg.inv(np.eye(3) - known) @ np.eye(3)  # column u: A⁻¹ μν(u)
    np.testing.assert_allclose(fitted.effect, (shared - shared.mean(1, keepdims=True)).T, atol=1e-5)
    assert fitted.kl_nu > 0
    assert fitted.z_nu.shape == (180, 3) and fitted.readout.shape == (3, 12)
    assert "control" not in fitted.condition


def test_planted_edges_and_no_others_pass_the_threshold(planted, known, small_screen, small_split):
    fitted = mechanisms.read(planted, small_screen, small_split)
    mean = graphs.one_graph(fitted.Lambda, fitted.control, fitted.n_cells)
    scaled = graphs.standardise(mean, fitted.sd)
    np.testing.assert_array_equal(np.sign(scaled) * (abs(scaled) > 0.25), np.sign(known))


def test_readout_is_the_slope_of_the_decoder(planted, small_screen, small_split):
    with torch.no_grad():  # a decoder that shows program 1 in gene 4 alone, twice over
        first, _, last = planted.network_.f_dec
        for layer in (first, last):
            layer.weight.zero_()
            layer.bias.zero_()
        first.weight[0, 1], first.bias[0] = 1.0, 100.0
        last.weight[4, 0] = 2.0
    fitted = mechanisms.read(planted, small_screen, small_split)
    expected = np.zeros((3, 12))
    expected[1, 4] = 2 * fitted.sd[1]
    np.testing.assert_allclose(fitted.readout, expected, rtol=1e-3, atol=1e-5)


def test_within_share_tells_noise_from_effects(planted, small_screen, small_split):
    fitted = mechanisms.read(planted, small_screen, small_split)
    means = fitted.z_nu.copy()
    for condition in fitted.conditions:
        rows = fitted.condition == condition
        means[rows] = means[rows].mean(0)
    by_hand = 1 - (means.var(0) / fitted.z_nu.var(0)).mean()
    assert fitted.within_share == pytest.approx(by_hand)
    assert 0.1 < fitted.within_share < 0.95


def test_untrained_has_the_first_weights_and_leaves_the_fit_alone(
    planted, small_screen, small_split
):
    kept = planted.network_
    before = mechanisms.untrained(planted).network_
    assert planted.network_ is kept
    again = mechanisms.untrained(planted).network_
    for a, b in zip(before.parameters(), again.parameters(), strict=True):
        torch.testing.assert_close(a, b)
    parameters = {**planted.get_params(), "epochs": 1, "learning_rate": 1e-12}
    still = PerturbedVAEMethod(**parameters).fit(small_screen, small_split).network_
    for a, b in zip(before.parameters(), still.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-9, rtol=1e-6)


def test_a_method_that_is_not_fitted_is_refused(small_screen, small_split):
    with pytest.raises(InputError, match="not fitted"):
        mechanisms.read(PerturbedVAEMethod(), small_screen, small_split)
