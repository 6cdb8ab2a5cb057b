"""What a fitted model loses when its graph is deleted: whether the data asked for it at all.

Λνν enters twice: it moves the prior's mean, where A⁻¹μν and A⁻¹Λνι say the same with no graph, and
it ties the noise of one program to that of another. Only the second is the graph's own. So the
graph is deleted with both means kept, and with each program's own spread kept too.
"""

from dataclasses import dataclass

import numpy as np
import torch

from pvae_lib.learning.randomness import standard_normal
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.model.scm import kl_nu, modulation, shared_effect
from pvae_lib.screen import Screen
from pvae_lib.splits import Split

ROWS_AT_ONCE = 1024


@dataclass(frozen=True)
class Cost:
    """A term of the objective with the graph and without it."""

    with_graph: float
    without: float

    @property
    def relative(self) -> float:
        """The rise, as a share of the term with the graph."""
        return (self.without - self.with_graph) / self.with_graph


@torch.no_grad()
def deletion(
    method: PerturbedVAEMethod, screen: Screen, split: Split, seed: int = 0
) -> dict[str, Cost]:
    """Costs by term: "recon" (squared error, mean over cells and genes), "kl_nu" (nats a cell).

    On the training's perturbed cells. Posterior samples with the same noise in both. Without the
    graph, zν's posterior and prior keep their means and the variance of every program, and lose
    the covariances: N(m, diag S) in place of N(m, S), where S = A⁻¹ diag(σ'²) A⁻ᵀ for the
    posterior and A⁻¹ diag(βν) A⁻ᵀ for the prior.
    """
    method.check_fitted()
    split.check(screen)
    network, rng = method.network_, np.random.default_rng(seed)
    cells = split.train[~screen.is_control[split.train]]
    sums = np.zeros((2, 2))
    for start in range(0, len(cells), ROWS_AT_ONCE):
        rows = cells[start : start + ROWS_AT_ONCE]
        x, u = torch.from_numpy(screen.dense(rows)), torch.from_numpy(screen.u[rows])
        noise_nu, noise_iota = (
            standard_normal(rng, len(rows), width) for width in (method.d_nu, method.d_iota)
        )
        h = network.f_enc(x)
        q_nu, z_iota = network.posterior_nu(h, u), network.posterior_iota(h).sample(noise_iota)
        m = network.scm(u)
        base = shared_effect(m) + modulation(m, z_iota)  # (B, d_nu), the prior's mean
        A = torch.eye(method.d_nu) - m.Lambda_nu_nu
        A_inverse = torch.linalg.solve_triangular(
            A, torch.eye(method.d_nu).expand_as(A), upper=False, unitriangular=True
        )
        moved = (A_inverse @ q_nu.mu[..., None])[..., 0]
        spread = ((A_inverse**2) @ q_nu.sigma.square()[..., None])[..., 0].sqrt()
        prior_variance = ((A_inverse**2) @ m.beta_nu[..., None])[..., 0]
        tied = (A_inverse @ q_nu.sample(noise_nu)[..., None])[..., 0]
        for column, z_nu in enumerate((base + tied, base + moved + spread * noise_nu)):
            x_hat = network.decode(z_nu, z_iota)
            sums[0, column] += float((x - x_hat).square().mean(1).sum())
        sums[1, 0] += float(kl_nu(*q_nu, m.beta_nu).sum())
        sums[1, 1] += float(kl_nu(moved, spread, prior_variance).sum())
    return {
        name: Cost(*map(float, row / len(cells)))
        for name, row in zip(("recon", "kl_nu"), sums, strict=True)
    }
