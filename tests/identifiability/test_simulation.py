import numpy as np
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.identifiability.simulation import WorldConfig, make_world

SMALL = {"n_train": 600, "n_test": 120, "n_genes": 40, "mixing_widths": (16, 24)}


@pytest.fixture(scope="module")
def world():
    return make_world(WorldConfig(**SMALL, cuts_per_row=2), seed=3)


def test_structural_equations_hold_in_the_standardised_units(world):
    e = world.environment
    driven = np.einsum("nij,nj->ni", world.Lambda_nu_iota[e], world.z_iota)
    among = np.einsum("nij,nj->ni", world.Lambda_nu_nu[e], world.z_nu)
    np.testing.assert_allclose(world.z_nu, driven + among + world.n_nu, atol=1e-10)
    for latent in (world.z_nu, world.z_iota):
        np.testing.assert_allclose(latent.mean(0), 0, atol=1e-10)
        np.testing.assert_allclose(latent.std(0), 1, atol=1e-10)


def test_noise_has_the_stated_moments_in_every_environment():
    world = make_world(WorldConfig(n_train=24_000, n_test=12, n_genes=12, mixing_widths=()), seed=0)
    for e in range(12):
        noise = world.n_nu[world.environment == e]
        sd = np.sqrt(world.beta_nu[e])
        np.testing.assert_allclose(noise.mean(0), world.mu_nu[e], atol=0.12 * sd.max())
        np.testing.assert_allclose(noise.std(0), sd, rtol=0.1)


def test_edges_lie_on_the_support_and_cuts_remove_all_parents(world):
    assert not np.triu(world.support).any() and world.support.sum() >= 1
    assert not world.Lambda_nu_nu[:, ~world.support].any()
    for e, row in zip(*np.nonzero(world.cuts), strict=True):
        assert not world.Lambda_nu_nu[e, row].any() and not world.Lambda_nu_iota[e, row].any()
    np.testing.assert_array_equal(world.cuts.sum(0), 2)
    assert not world.cuts[0].any()
    kept = world.Lambda_nu_nu[(~world.cuts)[:, :, None] & world.support]
    assert (np.abs(kept) > 0).all()


def test_background_can_be_kept_when_a_row_is_cut():
    config = WorldConfig(**SMALL, cut_background=False, background_density=1.0)
    world = make_world(config, seed=0)
    e, row = np.argwhere(world.cuts)[0]
    assert world.Lambda_nu_iota[e, row].all()


def test_background_of_a_cell_and_its_counterfactual_control_is_the_same():
    # Without noise, and with zν the same constant, x is a function of zι alone.
    config = WorldConfig.independent(**SMALL, noise=0.0, mean_shift=False)
    world = make_world(config, seed=1)
    e = world.environment
    fitted = np.linalg.lstsq(
        np.c_[np.ones(len(e)), world.z_iota], world.x_control - world.x, rcond=None
    )[1]
    total = ((world.x_control - world.x) ** 2).sum(0)
    # The difference is due to the fresh zν: the shared background explains little of it.
    assert np.median(fitted / total) > 0.8
    assert np.corrcoef(world.x.ravel(), world.x_control.ravel())[0, 1] > 0.2


def test_latents_of_the_controls_are_those_that_their_expression_shows():
    linear = {"n_train": 6000, "n_test": 12, "n_genes": 12, "mixing_widths": (), "noise": 0.0}
    world = make_world(WorldConfig(**linear, confounded_controls=1.0), seed=2)
    z = np.c_[world.z_nu, world.z_iota]
    read = np.linalg.lstsq(np.c_[world.x, np.ones(len(z))], z, rcond=None)[0]
    found = np.c_[world.x_control, np.ones(len(z))] @ read
    np.testing.assert_allclose(found, np.c_[world.z_nu_control, world.z_iota_control], atol=1e-3)
    in_control = world.z_nu[world.environment == 0]
    np.testing.assert_allclose(world.z_nu_control.mean(0), in_control.mean(0), atol=0.2)
    np.testing.assert_allclose(world.z_nu_control.std(0), in_control.std(0), rtol=0.15)


def test_a_pair_shares_its_background_unless_the_controls_are_confounded(world):
    np.testing.assert_array_equal(world.z_iota, world.z_iota_control)
    assert ((world.z_nu - world.z_nu_control) ** 2).mean() > 0.5
    confounded = make_world(WorldConfig(**SMALL, confounded_controls=1.0), seed=3)
    offset = confounded.z_iota - confounded.z_iota_control
    for e in range(12):
        assert np.ptp(offset[confounded.environment == e], axis=0).max() < 1e-10
    assert np.abs(offset[confounded.environment == 0]).max() < 1e-10 < np.abs(offset).max()


def test_generator_b_has_independent_components_and_no_edges():
    world = make_world(
        WorldConfig.independent(n_train=12_000, n_test=12, n_genes=12, mixing_widths=()), seed=0
    )
    assert not world.Lambda_nu_nu.any() and not world.Lambda_nu_iota.any()
    np.testing.assert_allclose(world.z_nu, world.n_nu, atol=1e-10)
    in_one = world.z_nu[world.environment == 4]
    assert np.abs(np.corrcoef(in_one.T) - np.eye(4)).max() < 0.12


def test_options_switch_off_what_they_name():
    same = make_world(WorldConfig(**SMALL, variance_change=False), seed=0)
    np.testing.assert_allclose(same.beta_nu, same.beta_nu[:1].repeat(12, 0))
    shared = make_world(WorldConfig(**SMALL, redraw_weights=False, cuts_per_row=0), seed=0)
    np.testing.assert_allclose(shared.Lambda_nu_nu, shared.Lambda_nu_nu[:1].repeat(12, 0))
    confounded = make_world(WorldConfig(**SMALL, confounded_controls=2.0), seed=0)
    means = [confounded.z_iota[confounded.environment == e].mean(0) for e in range(12)]
    assert np.std(means, axis=0).mean() > 0.4
    folded = make_world(WorldConfig.independent(**SMALL, invertible_mixing=False, noise=0), seed=0)
    lost = np.linalg.lstsq(np.c_[folded.x, np.ones(720)], folded.z_nu[:, 3], rcond=None)[1]
    within = folded.z_nu[:, 3] - folded.mu_nu[folded.environment, 3]
    assert lost.size == 0 or lost[0] > 0.5 * (within**2).sum()


def test_the_same_seed_gives_the_same_world_and_another_seed_another():
    config = WorldConfig(**SMALL)
    first, again, other = (make_world(config, seed).x for seed in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 0.1


def test_shapes_and_environments_are_balanced_within_train_and_test(world):
    assert world.x.shape == world.x_control.shape == (720, 40) and world.x.dtype == np.float32
    np.testing.assert_array_equal(world.u.argmax(1), world.environment)
    np.testing.assert_array_equal(np.bincount(world.environment[world.train]), 50)
    np.testing.assert_array_equal(np.bincount(world.environment[world.test]), 10)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"cuts_per_row": 3}, "cuts_per_row"),
        ({"edge_probability": 0.0}, "edges_at_least"),
        ({"n_genes": 100}, "narrow"),
    ],
)
def test_impossible_worlds_are_refused(options, word):
    with pytest.raises(InputError, match=word):
        WorldConfig(**options)
