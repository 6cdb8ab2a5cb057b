import numpy as np
import torch

from pvae_lib.identifiability.mechanisms import SIGMA_FLOOR, CutSCM, FlooredVAE
from pvae_lib.model import SCM, PerturbedVAE, PerturbedVAEConfig
from pvae_lib.model.scm import kl_iota


def test_cut_rows_have_no_parents_and_the_others_are_those_of_the_plain_scm():
    config = PerturbedVAEConfig(n_genes=8, n_targets=5, d_nu=3, d_iota=2)
    cuts = np.zeros((5, 3), bool)
    cuts[2, 1] = cuts[4, 2] = True
    cut, plain = CutSCM(config, cuts), SCM(config)
    plain.load_state_dict({k: v for k, v in cut.state_dict().items() if k != "cuts"})
    with torch.no_grad():
        found, free = cut(torch.eye(5)), plain(torch.eye(5))
    for name in ("Lambda_nu_nu", "Lambda_nu_iota"):
        weights, expected = getattr(found, name).numpy(), getattr(free, name).numpy()
        assert not weights[cuts].any()
        np.testing.assert_array_equal(weights[~cuts], expected[~cuts])
    np.testing.assert_array_equal(found.mu_nu, free.mu_nu)
    np.testing.assert_array_equal(found.beta_nu, free.beta_nu)


def test_the_floor_keeps_the_divergence_finite_where_sigma_underflows_and_else_changes_nothing():
    config = PerturbedVAEConfig(n_genes=8, n_targets=5, d_nu=3, d_iota=2)
    plain, floored = PerturbedVAE(config), FlooredVAE(config)
    floored.load_state_dict(plain.state_dict())
    x, u = torch.randn(6, 8), torch.eye(5)[[0, 1, 2, 3, 4, 0]]
    h = plain.f_enc(x)
    for head in ("posterior_iota", "posterior_nu"):
        inputs = (h,) if head == "posterior_iota" else (h, u)
        before, after = getattr(plain, head)(*inputs), getattr(floored, head)(*inputs)
        assert torch.equal(before.mu, after.mu)
        assert torch.allclose(before.sigma, after.sigma, rtol=1e-4)
    with torch.no_grad():
        floored.g_iota.bias[2:] = -200.0  # log σ
    q = floored.posterior_iota(h)
    assert torch.allclose(q.sigma, torch.tensor(SIGMA_FLOOR))
    kl = kl_iota(*q).sum()
    kl.backward()
    assert torch.isfinite(kl) and torch.isfinite(floored.g_iota.bias.grad).all()
