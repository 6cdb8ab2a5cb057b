"""The network as the simulations use it: a causal prior that may be told what was cut."""

import numpy as np
import torch
from torch import Tensor

from pvae_lib.model import SCM, Mechanisms, PerturbedVAE, PerturbedVAEConfig
from pvae_lib.model.network import Gaussian

# While the KL weights are 0, clean data let σ of single cells fall until σ² underflows;
# 0 · ∞ then ends the training. Far below any σ that matters.
SIGMA_FLOOR = 1e-6


class FlooredVAE(PerturbedVAE):
    """PerturbedVAE with a floor under its posterior standard deviations."""

    def posterior_nu(self, h: Tensor, u: Tensor) -> Gaussian:
        mu_nu_q, sigma_nu_q = super().posterior_nu(h, u)
        return Gaussian(mu_nu_q, sigma_nu_q + SIGMA_FLOOR)

    def posterior_iota(self, h: Tensor) -> Gaussian:
        mu_iota_q, sigma_iota_q = super().posterior_iota(h)
        return Gaussian(mu_iota_q, sigma_iota_q + SIGMA_FLOOR)


class CutSCM(SCM):
    """Mechanisms whose rows Λνν[i] and Λνι[i] are 0 where an environment cuts zν,i.

    The paper's assumption (iv), imposed on the model. Takes the place of `model.scm`.

    Column i of `cuts` is the model's program i, and Λνν is strictly lower triangular: program i may
    have only programs before it as parents. Whoever gives the cuts gives a causal order with
    them, so the columns must run from root to leaf.
    """

    def __init__(self, config: PerturbedVAEConfig, cuts: np.ndarray) -> None:
        """cuts (n_environments, d_nu) bool; u must be one-hot over environments."""
        super().__init__(config)
        self.register_buffer("cuts", torch.tensor(cuts, dtype=torch.float32))

    def forward(self, u: Tensor) -> Mechanisms:
        """Mechanisms under u (B, n_environments)."""
        m = super().forward(u)
        kept = (1 - u @ self.cuts).unsqueeze(-1)  # (B, d_nu, 1)
        return m._replace(
            Lambda_nu_nu=m.Lambda_nu_nu * kept, Lambda_nu_iota=m.Lambda_nu_iota * kept
        )
