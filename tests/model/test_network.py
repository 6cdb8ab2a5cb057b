import inspect

import pytest
import torch

from pvae_lib.model import PerturbedVAE, PerturbedVAEConfig
from pvae_lib.model.layers import FromGenes


@pytest.fixture
def model() -> PerturbedVAE:
    torch.manual_seed(0)
    return PerturbedVAE(PerturbedVAEConfig(n_genes=30, n_targets=4, d_nu=3, d_iota=5, hidden=16))


def test_background_head_never_sees_u(model):
    x, u = torch.randn(6, 30), torch.eye(4)[[0, 1, 2, 3, 0, 1]].requires_grad_()
    h = model.f_enc(x)
    q_iota = model.posterior_iota(h)
    seen = torch.autograd.grad(q_iota.mu.sum() + q_iota.sigma.sum(), u, allow_unused=True)
    assert seen == (None,)
    with torch.no_grad():
        a, b = model.embed(x, u), model.embed(x, u.flip(0))
    torch.testing.assert_close(a["z_iota"], b["z_iota"], rtol=0, atol=0)
    assert not torch.allclose(a["z_nu"], b["z_nu"])


def test_decoder_sees_u_only_through_z_nu(model):
    x, u = torch.randn(2, 30), torch.eye(4)[:2].requires_grad_()
    z_nu, _ = model.sample_prior(u, torch.randn(2, 5))
    (through_z,) = torch.autograd.grad(model.decode(z_nu, x[:, :5]).sum(), u, retain_graph=True)
    assert through_z.abs().max() > 0
    assert list(inspect.signature(model.decode).parameters) == ["z_nu", "z_iota"]
    # With mechanisms that ignore u nothing is left by which a prediction could know it.
    with torch.no_grad():
        for parameter in model.scm.parameters():
            parameter.zero_()
    first, second = (model.predict(x, row[None], torch.ones(2, 3)) for row in torch.eye(4)[:2])
    assert torch.equal(first, second) and first.std() > 0


def test_prior_samples_have_the_prior_moments(model):
    u, z_iota = torch.eye(4)[:1], torch.randn(1, 5)
    noise = torch.randn(200_000, 3, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        z_nu, m = model.sample_prior(u, z_iota, noise)
        mean, _ = model.sample_prior(u, z_iota)
    inverse = torch.linalg.inv(torch.eye(3) - m.Lambda_nu_nu[0])
    covariance = inverse @ torch.diag(m.beta_nu[0]) @ inverse.T
    torch.testing.assert_close(z_nu.mean(0), mean[0], rtol=0, atol=0.02)
    torch.testing.assert_close(z_nu.T.cov(), covariance, rtol=0.03, atol=0.02)


def test_one_row_of_u_serves_all_cells(model):
    x, u = torch.randn(6, 30), torch.tensor([[1.0, 0, 1, 0]])
    noise_nu, noise_iota = torch.randn(6, 3), torch.randn(6, 5)
    once = model.predict(x, u, noise_nu, noise_iota)
    each = model.predict(x, u.expand(6, -1), noise_nu, noise_iota)
    torch.testing.assert_close(once, each)
    assert once.shape == (6, 30)


def test_decoder_noise_has_the_stated_variance(model):
    model.log_variance.fill_(2.0)
    x, u = torch.randn(4000, 30), torch.zeros(1, 4)
    noise = torch.randn(4000, 30, generator=torch.Generator().manual_seed(2))
    added = model.predict(x, u, noise_x=noise) - model.predict(x, u)
    torch.testing.assert_close(added.var(), torch.tensor(2.0).exp(), rtol=0.02, atol=0)


@pytest.mark.parametrize("layers", [1, 3])
def test_depth_of_encoder_and_decoder(layers):
    config = PerturbedVAEConfig(n_genes=30, n_targets=4, d_nu=3, d_iota=5, hidden=16, layers=layers)
    model = PerturbedVAE(config)
    assert model.embed(torch.randn(2, 30), torch.zeros(2, 4))["h"].shape == (2, 16)
    assert sum(p.numel() for p in model.f_enc.parameters()) == 31 * 16 + (layers - 1) * 17 * 16


def test_paper_sizes_give_the_stated_shapes():
    model = PerturbedVAE(PerturbedVAEConfig(n_genes=5000, n_targets=105))
    shapes = {name: tuple(p.shape) for name, p in model.named_parameters()}
    assert shapes["f_enc.0.weight"] == (5000, 256)
    assert shapes["f_dec.0.weight"] == (256, 105)
    assert shapes["f_dec.2.weight"] == (5000, 256)


@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support")
def test_sparse_cells_give_the_dense_values_and_gradients():
    torch.manual_seed(0)
    layer = FromGenes(40, 8)
    dense = torch.randn(12, 40) * (torch.rand(12, 40) < 0.2)
    sparse = dense.to_sparse_csr(), dense.T.contiguous().to_sparse_csr()
    out_dense, out_sparse = layer(dense), layer(sparse)
    torch.testing.assert_close(out_sparse, out_dense)
    weight = torch.randn_like(out_dense)
    expected = torch.autograd.grad((out_dense * weight).sum(), list(layer.parameters()))
    found = torch.autograd.grad((out_sparse * weight).sum(), list(layer.parameters()))
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b)
