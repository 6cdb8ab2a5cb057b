"""A causal prior that is told which parents each environment cuts."""

import numpy as np
import torch
from torch import Tensor

from pvae_lib.model import SCM, Mechanisms, PerturbedVAEConfig


class CutSCM(SCM):
    """Mechanisms whose rows Λνν[i] and Λνι[i] are 0 where an environment cuts zν,i.

    The paper's assumption (iv), imposed on the model. Takes the place of `model.scm`.
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
