import numpy as np
import pytest
from scipy.stats import ortho_group
from sklearn.decomposition import PCA

from pvae_lib.identifiability import nulls, recovery
from pvae_lib.identifiability.simulation import WorldConfig, make_world
from pvae_lib.model import PerturbedVAE, PerturbedVAEConfig

WORLD = make_world(WorldConfig(n_train=600, n_test=120, n_genes=40, mixing_widths=(16, 24)), seed=0)


def test_chance_mcc_of_a_rotated_block_is_far_from_zero():
    z_nu = np.random.default_rng(0).standard_normal((2000, 4))
    chance = nulls.random_rotations(z_nu, 400, seed=1)
    # Independent value: |entries| of a Haar rotation after the best assignment, about 0.77.
    assert chance.mean() == pytest.approx(0.77, abs=0.03)
    assert 0.03 < (chance >= 0.86).mean() < 0.25
    np.testing.assert_array_equal(chance, nulls.random_rotations(z_nu, 400, seed=1))


@pytest.mark.parametrize("r2", [0.88, 0.4])
def test_chance_mcc_of_a_block_found_in_part_is_that_of_noise_in_the_whole_block(r2):
    rng = np.random.default_rng(0)
    z_nu = rng.standard_normal((3000, 4)) @ rng.standard_normal((4, 4))
    noise = np.sqrt((1 - r2) / r2) * rng.multivariate_normal(np.zeros(4), np.cov(z_nu.T), 3000)
    found = z_nu + noise
    assert recovery.block_r2(z_nu, found, z_nu, found) == pytest.approx(r2, abs=0.02)
    rotations = ortho_group.rvs(4, size=200, random_state=np.random.default_rng(1))
    simulated = np.array([recovery.mcc(z_nu, found @ rotation) for rotation in rotations])
    expected = nulls.partly_found(nulls.random_rotations(z_nu, 200, seed=1), r2)
    np.testing.assert_allclose(simulated, expected, atol=0.03)


def test_chance_mcc_is_lower_still_where_one_direction_is_missing():
    rng = np.random.default_rng(0)
    z_nu = rng.standard_normal((3000, 4))
    found = np.concatenate([z_nu[:, :3], rng.standard_normal((3000, 1))], 1)  # R² 3/4
    turns = ortho_group.rvs(4, size=200, random_state=np.random.default_rng(1))
    lost = [
        recovery.mcc(z_nu @ turn, found @ other)
        for turn, other in zip(turns, turns[::-1], strict=True)
    ]
    evenly = nulls.partly_found(nulls.random_rotations(z_nu, 200, seed=1), 0.75)
    assert np.mean(lost) < evenly.mean() - 0.03


def test_chance_mcc_of_a_whole_block_stays_and_of_no_block_is_zero():
    whole = np.array([0.7, 0.8])
    np.testing.assert_array_equal(nulls.partly_found(whole, 1.0), whole)
    np.testing.assert_array_equal(nulls.partly_found(whole, -0.1), [0, 0])


def test_environment_means_know_the_environment_and_nothing_else():
    found = nulls.environment_means(WORLD.x, WORLD.environment, WORLD.train, 4)
    assert found.shape == (720, 4)
    for e in range(12):
        assert np.ptp(found[WORLD.environment == e], axis=0).max() == 0


def test_principal_components_are_fitted_on_the_training_cells_alone():
    found = nulls.principal_components(WORLD.x, WORLD.train, 5)
    expected = PCA(5, svd_solver="full").fit(WORLD.x[WORLD.train]).transform(WORLD.x)
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=0.05)


def test_untrained_network_has_the_same_shape_and_depends_on_its_seed_alone():
    config = PerturbedVAEConfig(n_genes=40, n_targets=12, d_nu=4, d_iota=7, hidden=8)
    first, again, other = (
        nulls.untrained(PerturbedVAE(config), WORLD.x, WORLD.u, seed)["z_nu"] for seed in (0, 0, 1)
    )
    assert first.shape == (720, 4)
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.01


def test_ridge_told_the_truth_finds_it():
    z = np.concatenate([WORLD.z_nu, WORLD.z_iota], 1)
    found = nulls.supervised(WORLD.x, z, WORLD.train)
    r = [np.corrcoef(z[WORLD.test, k], found[WORLD.test, k])[0, 1] for k in range(11)]
    assert np.median(r) > 0.9


def test_random_graphs_keep_the_number_of_edges_and_the_empty_graph_misses_them_all():
    support = np.zeros((4, 4), bool)
    support[1, 0] = True
    distances = nulls.random_graphs(support, 4000, seed=0)
    # One random edge among 12 directed ones: right (0), turned round (1), or elsewhere (2).
    assert distances.mean() == pytest.approx((0 + 1 + 10 * 2) / 12, abs=0.05)
    assert nulls.empty_graph(support) == 1
