import numpy as np
import torch

from pvae_lib.identifiability.mechanisms import CutSCM
from pvae_lib.model import SCM, PerturbedVAEConfig


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
