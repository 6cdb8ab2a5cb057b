import numpy as np
import pytest
from scipy.stats import multivariate_normal

from pvae_lib.exceptions import InputError
from pvae_lib.identifiability import polish
from pvae_lib.identifiability.graph import NATS_THRESHOLD, information
from pvae_lib.identifiability.recovery import match, matched_graph, mcc
from pvae_lib.identifiability.simulation import WorldConfig, make_world

SIZES = {"n_train": 6000, "n_test": 12, "n_genes": 12, "mixing_widths": ()}
RNG = np.random.default_rng(0)
TURN, LEAK_IN = RNG.standard_normal((4, 4)), 0.3 * RNG.standard_normal((7, 4))


def blocks(config, seed=0, leak=0.0):
    """A perfect encoder: zν up to an invertible map and some background, zι up to a map."""
    world = make_world(config, seed)
    z_iota = world.z_iota @ np.random.default_rng(1).standard_normal((7, 7))
    return world, world.z_nu @ TURN + leak * (world.z_iota @ LEAK_IN), z_iota


def test_joint_diagonalisation_undoes_a_mixing_where_variances_change():
    world, z_nu, z_iota = blocks(WorldConfig.independent(**SIZES))
    found = polish.diagonal_polish(z_nu, z_iota, world.environment, seed=0)
    assert mcc(world.z_nu, z_nu) < 0.95
    assert mcc(world.z_nu, found.components(z_nu, z_iota)) > 0.98


def test_without_variance_change_joint_diagonalisation_stays_at_chance():
    config = WorldConfig.independent(**SIZES, variance_change=False)
    world, z_nu, z_iota = blocks(config)
    scores = [
        mcc(
            world.z_nu,
            polish.diagonal_polish(
                z_nu, z_iota, world.environment, seed=seed, restarts=1
            ).components(z_nu, z_iota),
        )
        for seed in range(5)
    ]
    assert np.median(scores) < 0.9


def test_two_cuts_a_row_identify_components_and_graph_though_background_leaks_in():
    world, z_nu, z_iota = blocks(WorldConfig(**SIZES, cuts_per_row=2), seed=1, leak=1.0)
    found = polish.causal_polish(z_nu, z_iota, world.environment, world.cuts, seed=0, restarts=1)
    components = found.components(z_nu, z_iota)
    columns, r = match(world.z_nu, components)
    assert np.abs(r).mean() > 0.9
    gain = information(components, z_iota, world.environment, world.cuts, found.order)
    wrong = matched_graph(gain > NATS_THRESHOLD, columns) != world.support
    assert wrong.sum() <= 1


def test_programs_may_come_in_any_order_and_the_polish_finds_the_causal_one():
    world, z_nu, z_iota = blocks(WorldConfig(**SIZES, cuts_per_row=2), seed=1)
    shuffled = np.array([2, 0, 3, 1])
    cuts, support = world.cuts[:, shuffled], world.support[np.ix_(shuffled, shuffled)]
    found = polish.causal_polish(z_nu, z_iota, world.environment, cuts, seed=0, restarts=1)
    components = found.components(z_nu, z_iota)
    r = np.abs(np.corrcoef(world.z_nu[:, shuffled].T, components.T))[:4, 4:]
    assert r.diagonal().min() > 0.9, "component i is the program of column i of the cuts"
    position = found.order.argsort()
    assert all(position[parent] < position[child] for child, parent in np.argwhere(support))
    gain = information(components, z_iota, world.environment, cuts, found.order)
    np.testing.assert_array_equal(gain > NATS_THRESHOLD, support)


def test_with_one_cut_a_row_wrong_components_are_at_least_as_likely_as_the_true_ones():
    world, z_nu, z_iota = blocks(WorldConfig(**SIZES, cuts_per_row=1), seed=0)
    given = z_nu, z_iota, world.environment
    found = polish.causal_polish(*given, world.cuts, seed=0, restarts=1)
    assert mcc(world.z_nu, found.components(z_nu, z_iota)) < 0.95
    at_truth = polish.likelihood(*given, np.linalg.inv(TURN).T, world.cuts)
    assert found.likelihoods.max() >= at_truth


def test_without_cuts_the_likelihood_is_the_same_for_every_mixing():
    world, z_nu, z_iota = blocks(WorldConfig(**SIZES, cuts_per_row=0))
    turns = [np.random.default_rng(k).standard_normal((4, 4)) for k in range(5)]
    free = np.zeros((12, 4), bool)
    likelihoods = [polish.likelihood(z_nu, z_iota, world.environment, turn, free) for turn in turns]
    np.testing.assert_allclose(likelihoods, likelihoods[0], atol=1e-6)


def test_the_likelihood_is_that_of_scipys_gaussians_up_to_a_constant():
    """Mean log-density of ẑν given ẑι per environment, with the fitted moments."""
    world, z_nu, z_iota = blocks(WorldConfig(**SIZES, cuts_per_row=0))
    total = 0.0
    for e in range(12):
        rows = world.environment == e
        X = np.c_[np.ones(rows.sum()), z_iota[rows]]
        residual = z_nu[rows] - X @ np.linalg.lstsq(X, z_nu[rows], rcond=None)[0]
        density = multivariate_normal(np.zeros(4), residual.T @ residual / rows.sum())
        total += density.logpdf(residual).sum()
    constant = -0.5 * 4 * (np.log(2 * np.pi) + 1)
    expected = total / len(z_nu) - constant
    values = np.linalg.eigvalsh(np.cov(z_nu.T))
    expected += 0.5 * np.log(values).sum()  # the polish works on the whitened block
    free = np.zeros((12, 4), bool)
    found = polish.likelihood(z_nu, z_iota, world.environment, np.eye(4), free)
    assert found == pytest.approx(expected, abs=1e-5)


def test_polish_does_not_depend_on_the_scale_or_mean_of_the_estimates():
    world, z_nu, z_iota = blocks(WorldConfig.independent(**SIZES))
    first = polish.diagonal_polish(z_nu, z_iota, world.environment, seed=0, restarts=2)
    moved, wide = 100 * z_nu + 7, 0.01 * z_iota - 3
    second = polish.diagonal_polish(moved, wide, world.environment, seed=0, restarts=2)
    both = first.components(z_nu, z_iota), second.components(moved, wide)
    r = np.abs(np.corrcoef(both[0].T, both[1].T))[:4, 4:]
    np.testing.assert_allclose(r.max(1), 1, atol=1e-3)


def test_cuts_of_the_wrong_shape_are_refused():
    world, z_nu, z_iota = blocks(WorldConfig(**SIZES))
    with pytest.raises(InputError, match="cuts has shape"):
        polish.causal_polish(z_nu, z_iota, world.environment, world.cuts[:, :2], seed=0)
