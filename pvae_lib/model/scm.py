"""The causal prior over the responsive block: u → (Λνν, Λνι, μν, βν), and what it does to noise.

    zν = Λνι(u) zι + Λνν(u) zν + nν,   nν ~ N(μν(u), diag βν(u)),   Λνν strictly lower-triangular

With A(u) = I − Λνν(u) this is p(zν | u, zι) = N(A⁻¹(Λνι zι + μν), A⁻¹ diag(βν) A⁻ᵀ)
(paper, Eq. 6-9 and 59). A⁻¹ is never formed: every product with it is a triangular solve.
Shapes: B cells; a single u may stand for all of them, with a leading dimension of 1.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pvae_lib.model.config import PerturbedVAEConfig

BETA_FLOOR = 1e-3
LEAK = 0.2


class Mechanisms(NamedTuple):
    """What a perturbation u sets: how programs drive each other, and the noise that enters."""

    Lambda_nu_nu: Tensor  # (B, d_nu, d_nu)    program → program, strictly lower-triangular
    Lambda_nu_iota: Tensor  # (B, d_nu, d_iota)  background → program
    mu_nu: Tensor  # (B, d_nu)          mean of the noise nν: the shift u causes
    beta_nu: Tensor  # (B, d_nu)          variance of the noise nν, > 0


class SCM(nn.Module):
    """Mechanisms as functions of u, each read off one network (paper, Eq. 6-9)."""

    def __init__(self, config: PerturbedVAEConfig) -> None:
        super().__init__()
        self.config = config
        d_nu, d_iota = config.d_nu, config.d_iota
        full = config.scm == "full"
        self.sizes = {
            "Lambda_nu_nu": d_nu * d_nu * full,
            "Lambda_nu_iota": d_nu * d_iota * full,
            "mu_nu": d_nu,
            "beta_nu": d_nu * (config.prior_variance == "softplus"),
        }
        outputs = sum(self.sizes.values())
        if config.mechanism == "linear":
            self.of_u = nn.Linear(config.n_targets, outputs)
        else:
            self.of_u = nn.Sequential(
                nn.Linear(config.n_targets, config.mechanism_hidden),
                nn.LeakyReLU(LEAK),
                nn.Linear(config.mechanism_hidden, outputs),
            )

    def forward(self, u: Tensor) -> Mechanisms:
        """Mechanisms under u (B, n_targets)."""
        d_nu, d_iota = self.config.d_nu, self.config.d_iota
        parts = self.of_u(u).split(list(self.sizes.values()), dim=-1)
        Lambda_nu_nu, Lambda_nu_iota, mu_nu, raw_beta = parts  # each (B, its size), 0 if absent
        if self.config.scm == "full":
            Lambda_nu_nu = Lambda_nu_nu.unflatten(-1, (d_nu, d_nu)).tril(-1)  # (B, d_nu, d_nu)
            Lambda_nu_iota = Lambda_nu_iota.unflatten(-1, (d_nu, d_iota))  # (B, d_nu, d_iota)
        else:
            Lambda_nu_nu = u.new_zeros(len(u), d_nu, d_nu)
            Lambda_nu_iota = u.new_zeros(len(u), d_nu, d_iota)
        if self.config.prior_variance == "softplus":
            beta_nu = F.softplus(raw_beta) + BETA_FLOOR  # (B, d_nu)
        else:
            beta_nu = torch.ones_like(mu_nu)
        return Mechanisms(Lambda_nu_nu, Lambda_nu_iota, mu_nu, beta_nu)


def propagate(Lambda_nu_nu: Tensor, n: Tensor) -> Tensor:
    """A⁻¹ n = (I + Λ + Λ² + …) n: what n becomes once programs have acted on each other.

    Lambda_nu_nu (B, d_nu, d_nu), n (B, d_nu) → (B, d_nu), by one triangular solve.
    """
    A = torch.eye(n.shape[-1], device=n.device, dtype=n.dtype) - Lambda_nu_nu  # (B, d_nu, d_nu)
    solution = torch.linalg.solve_triangular(A, n.unsqueeze(-1), upper=False, unitriangular=True)
    return solution.squeeze(-1)  # (B, d_nu)


def background_drive(m: Mechanisms, z_iota: Tensor) -> Tensor:
    """Λνι zι (B, d_nu): what the background feeds into each program, before propagation."""
    return (m.Lambda_nu_iota @ z_iota.unsqueeze(-1)).squeeze(-1)


def shared_effect(m: Mechanisms) -> Tensor:
    """A⁻¹ μν (B, d_nu): the part of the prior mean that every cell under u shares."""
    return propagate(m.Lambda_nu_nu, m.mu_nu)


def modulation(m: Mechanisms, z_iota: Tensor) -> Tensor:
    """A⁻¹ Λνι zι (B, d_nu): the part of the prior mean that depends on the cell's background."""
    return propagate(m.Lambda_nu_nu, background_drive(m, z_iota))


def responsive(m: Mechanisms, z_tilde_nu: Tensor, z_iota: Tensor) -> Tensor:
    """zν = A⁻¹(z̃ν + Λνι zι + μν) (B, d_nu): noise, centred, to programs (paper, Algorithm 1).

    With z̃ν ~ N(0, diag βν) this samples the prior; with z̃ν = 0 it is the prior mean,
    `shared_effect + modulation`.
    """
    return propagate(m.Lambda_nu_nu, z_tilde_nu + background_drive(m, z_iota) + m.mu_nu)


def kl_nu(mu_nu_q: Tensor, sigma_nu_q: Tensor, beta_nu: Tensor) -> Tensor:
    """KL(q(zν | x, u, zι) ‖ p(zν | u, zι)) per cell (B,), in closed form.

    ½ Σ [ (σ'² + μ'²)/β − 1 + ln(β/σ'²) ]. Posterior and prior are the same bijection of z̃ν
    (same A, Λνι, μν), and KL does not change under a bijection, so it is the KL between
    N(μ', diag σ'²) and N(0, diag β). (Inferred: the paper does not give the closed form.)
    """
    variance = sigma_nu_q.square()
    inside = (variance + mu_nu_q.square()) / beta_nu - 1 + (beta_nu / variance).log()
    return 0.5 * inside.sum(-1)


def kl_iota(mu_iota_q: Tensor, sigma_iota_q: Tensor) -> Tensor:
    """KL(q(zι | x) ‖ N(0, I)) per cell (B,): ½ Σ [σ'² + μ'² − 1 − ln σ'²]."""
    variance = sigma_iota_q.square()
    return 0.5 * (variance + mu_iota_q.square() - 1 - variance.log()).sum(-1)
