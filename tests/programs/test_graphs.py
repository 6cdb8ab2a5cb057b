import numpy as np
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.programs import graphs


def some_weights(rng, n=7, d=5):
    return np.tril(rng.standard_normal((n, d, d)), -1)


def test_standardised_weights_do_not_see_the_scale_of_a_latent_and_raw_ones_do():
    rng = np.random.default_rng(0)
    Lambda, sd = some_weights(rng) * 0.3, rng.uniform(0.5, 2, 5)
    scale = np.array([10.0, 0.1, -3.0, 0.5, 20.0])  # zν_i → scale_i zν_i
    rescaled = Lambda * scale[:, None] / scale
    signs = np.sign(scale)[:, None] * np.sign(scale)
    np.testing.assert_allclose(
        graphs.standardise(rescaled, sd * np.abs(scale)), graphs.standardise(Lambda, sd) * signs
    )
    assert graphs.n_edges(rescaled[0]) != graphs.n_edges(Lambda[0])


def test_a_component_that_does_not_vary_has_no_edges(known):
    scaled = graphs.standardise(known, np.array([1.0, 0.0, 1.0]))
    assert not scaled.any()


def test_ways_to_one_graph(known):
    Lambda = np.stack([known, -known, known])
    control, n_cells = 2 * known, np.array([1, 1, 2])
    np.testing.assert_allclose(graphs.one_graph(Lambda, control, n_cells, "mean"), known / 2)
    np.testing.assert_allclose(
        graphs.one_graph(Lambda, control, n_cells, "mean_abs"), np.abs(known)
    )
    np.testing.assert_allclose(graphs.one_graph(Lambda, control, n_cells, "control"), control)
    with pytest.raises(InputError, match="did you mean 'mean'"):
        graphs.one_graph(Lambda, control, n_cells, "means")


def test_share_of_the_mean_is_one_without_u_and_one_in_c_where_nothing_is_shared(known):
    rng = np.random.default_rng(0)
    n_cells = np.full(200, 3)
    assert graphs.share_of_mean(np.stack([known] * 4), np.array([1, 5, 2, 2])) == pytest.approx(1)
    assert graphs.share_of_mean(some_weights(rng, 200, 20), n_cells) == pytest.approx(
        1 / 200, rel=0.25
    )
    assert np.isnan(graphs.share_of_mean(np.zeros((2, 3, 3)), np.array([1, 1])))


def test_cells_that_lack_an_edge_of_the_mean_are_counted(known):
    other = known.copy()
    other[1, 0] = -0.1  # mean .8·.75 − .1·.25 > .25, but a quarter of the cells do not have it
    Lambda, n_cells = np.stack([known, other]), np.array([3, 1])
    assert graphs.against_the_mean(Lambda, n_cells) == pytest.approx(0.25 / 2)
    assert np.isnan(graphs.against_the_mean(Lambda * 0.1, n_cells))


def test_the_same_prior_in_another_order_has_other_arrows():
    rng = np.random.default_rng(1)
    Lambda, beta = some_weights(rng), rng.uniform(0.2, 2, (7, 5))
    order = np.array([4, 2, 0, 1, 3])
    turned = graphs.reordered(Lambda, beta, order)
    place = np.argsort(order)
    wrong_way = place[:, None] <= place  # an arrow j → i with i not after j
    assert np.abs(turned[:, wrong_way]).max() < 1e-10
    # The noise that is left is independent, so the covariance is that of the first order.
    for k in range(7):
        inverse = np.linalg.inv(np.eye(5) - Lambda[k])
        covariance = inverse @ np.diag(beta[k]) @ inverse.T
        A = np.eye(5) - turned[k]
        noise = A @ covariance @ A.T
        np.testing.assert_allclose(noise, np.diag(np.diag(noise)), atol=1e-9)
    np.testing.assert_allclose(graphs.reordered(Lambda, beta, np.arange(5)), Lambda, atol=1e-9)
