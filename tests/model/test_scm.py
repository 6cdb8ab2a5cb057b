import numpy as np
import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from pvae_lib.model import SCM, PerturbedVAEConfig
from pvae_lib.model.scm import (
    BETA_FLOOR,
    Mechanisms,
    kl_iota,
    kl_nu,
    modulation,
    propagate,
    responsive,
    shared_effect,
)


def random_mechanisms(seed: int, batch: int = 5, d_nu: int = 6, d_iota: int = 4) -> Mechanisms:
    g = torch.Generator().manual_seed(seed)

    def draw(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=g, dtype=torch.float64)

    return Mechanisms(
        draw(batch, d_nu, d_nu).tril(-1),
        draw(batch, d_nu, d_iota),
        draw(batch, d_nu),
        draw(batch, d_nu).exp(),
    )


@pytest.mark.parametrize("seed", range(5))
def test_closed_form_kl_is_the_kl_of_the_full_covariance_gaussians(seed):
    m = random_mechanisms(seed)
    g = torch.Generator().manual_seed(100 + seed)
    mu_q = torch.randn(m.mu_nu.shape, generator=g, dtype=torch.float64)
    sigma_q = torch.randn(m.mu_nu.shape, generator=g, dtype=torch.float64).exp()
    z_iota = torch.randn(5, 4, generator=g, dtype=torch.float64)

    inverse = torch.linalg.inv(torch.eye(6, dtype=torch.float64) - m.Lambda_nu_nu)
    drive = torch.einsum("bij,bj->bi", m.Lambda_nu_iota, z_iota) + m.mu_nu

    def gaussian(mean, variance):
        covariance = inverse @ torch.diag_embed(variance) @ inverse.mT
        return MultivariateNormal(torch.einsum("bij,bj->bi", inverse, mean), covariance)

    full = kl_divergence(gaussian(mu_q + drive, sigma_q**2), gaussian(drive, m.beta_nu))
    torch.testing.assert_close(kl_nu(mu_q, sigma_q, m.beta_nu), full, rtol=1e-8, atol=1e-8)


def test_kl_iota_is_the_kl_to_the_standard_normal():
    mu, sigma = torch.tensor([[0.3, -1.0]]), torch.tensor([[0.5, 2.0]])
    normal = torch.distributions.Normal
    expected = kl_divergence(normal(mu, sigma), normal(0.0, 1.0)).sum(-1)
    torch.testing.assert_close(kl_iota(mu, sigma), expected)


def test_propagation_is_the_power_series_and_the_recursion():
    m = random_mechanisms(3)
    n = m.mu_nu
    series, term = n.clone(), n.clone()
    for _ in range(6):
        term = torch.einsum("bij,bj->bi", m.Lambda_nu_nu, term)
        series = series + term
    torch.testing.assert_close(propagate(m.Lambda_nu_nu, n), series)

    z = np.zeros(6)
    for i in range(6):  # zν,i = Σ_j<i Λ_ij zν,j + n_i, one program after another
        z[i] = m.Lambda_nu_nu[0, i].numpy() @ z + n[0, i].item()
    np.testing.assert_allclose(propagate(m.Lambda_nu_nu, n)[0].numpy(), z)


def test_prior_mean_is_shared_effect_plus_modulation():
    m = random_mechanisms(4)
    z_iota = torch.linspace(-1, 1, 20, dtype=torch.float64).reshape(5, 4)
    mean = responsive(m, torch.zeros_like(m.mu_nu), z_iota)
    torch.testing.assert_close(mean, shared_effect(m) + modulation(m, z_iota))


@pytest.mark.parametrize("mechanism", ["mlp", "linear"])
def test_mechanisms_have_the_declared_shapes_and_signs(mechanism):
    scm = SCM(PerturbedVAEConfig(n_genes=9, n_targets=3, d_nu=4, d_iota=5, mechanism=mechanism))
    m = scm(torch.eye(3))
    assert m.Lambda_nu_nu.shape == (3, 4, 4) and m.Lambda_nu_iota.shape == (3, 4, 5)
    assert torch.equal(m.Lambda_nu_nu, m.Lambda_nu_nu.tril(-1))
    assert m.mu_nu.shape == m.beta_nu.shape == (3, 4)
    assert (m.beta_nu > BETA_FLOOR).all()


def test_linear_mechanisms_are_additive_in_u():
    config = PerturbedVAEConfig(n_genes=9, n_targets=3, d_nu=4, d_iota=5, mechanism="linear")
    control, a, b, ab = SCM(config)(
        torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
    ).mu_nu
    torch.testing.assert_close(ab, a + b - control)


def test_diagonal_scm_and_fixed_variance_leave_only_the_shift():
    scm = SCM(
        PerturbedVAEConfig(
            n_genes=9, n_targets=3, d_nu=4, d_iota=5, scm="diagonal", prior_variance="fixed"
        )
    )
    m = scm(torch.eye(3))
    assert not m.Lambda_nu_nu.any() and not m.Lambda_nu_iota.any()
    assert (m.beta_nu == 1).all()
    torch.testing.assert_close(shared_effect(m), m.mu_nu)
