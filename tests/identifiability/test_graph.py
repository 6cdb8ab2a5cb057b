import numpy as np
import pytest
import torch

from pvae_lib.identifiability import graph
from pvae_lib.identifiability.simulation import WorldConfig, make_world
from pvae_lib.model import PerturbedVAE, PerturbedVAEConfig
from pvae_lib.model.scm import Mechanisms


def test_information_of_an_edge_is_that_of_its_partial_correlation():
    rng = np.random.default_rng(0)
    n, weight = 200_000, 0.5
    first, z_iota = rng.standard_normal(n), rng.standard_normal((n, 2))
    second = weight * first + z_iota @ [1.0, -1.0] + rng.standard_normal(n)
    components = np.c_[first, second]
    gain = graph.information(
        components, z_iota, np.zeros(n, int), np.zeros((1, 2), bool), np.array([0, 1])
    )
    assert gain[1, 0] == pytest.approx(0.5 * np.log(1 + weight**2), abs=0.005)
    assert gain[0].sum() == gain[1, 1] == 0


def test_true_components_give_the_true_graph():
    config = WorldConfig(n_genes=11, mixing_widths=(), n_train=6000, n_test=0, cuts_per_row=2)
    world = make_world(config, seed=1)
    gain = graph.information(world.z_nu, world.z_iota, world.environment, world.cuts, np.arange(4))
    np.testing.assert_array_equal(gain > graph.NATS_THRESHOLD, world.support)


def test_strengths_of_a_prior_are_in_units_of_unit_variance_components_without_cut_rows():
    class Fixed(torch.nn.Module):
        def forward(self, u):
            Lambda = torch.zeros(2, 2, 2)
            Lambda[:, 1, 0] = torch.tensor([3.0, 0.5])
            return Mechanisms(Lambda, None, None, None)

    model = PerturbedVAE(PerturbedVAEConfig(n_genes=8, n_targets=2, d_nu=2, d_iota=2))
    model.scm = Fixed()
    cuts = np.array([[False, True], [False, False]])  # environment 0 cuts row 1
    z_nu = np.random.default_rng(0).standard_normal((100_000, 2)) * [2.0, 1.0]
    strength = graph.of_mechanisms(model, z_nu, cuts)
    assert strength[1, 0] == pytest.approx(0.5 * 2.0, rel=0.02)
    assert strength[0, 1] == 0
