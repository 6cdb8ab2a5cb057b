"""PerturbedVAE: an encoder with two heads, a causal prior, and a decoder that never sees u.

    h = f_enc(x);  q(z̃ν | x, u) = N(μ'ν, diag σ'ν²) from gν(h, u);  q(zι | x) from gι(h)
    zν = A(u)⁻¹(z̃ν + Λνι(u) zι + μν(u));  x̂ = f_dec([zν, zι])      (paper, Eq. 1-2, Algorithm 1)

zν depends on zι given x, so the posterior is not the factorised one the text states, but the
one the algorithm samples; the closed-form KL needs it.
Expression is log1p of median-normalised counts wherever a screen is used; the network itself
takes any real-valued array.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from pvae_lib.model.config import PerturbedVAEConfig
from pvae_lib.model.layers import decoder, encoder
from pvae_lib.model.scm import SCM, Mechanisms, responsive


class Gaussian(NamedTuple):
    """A diagonal Gaussian: mean and standard deviation, each (B, d)."""

    mu: Tensor
    sigma: Tensor

    def sample(self, noise: Tensor) -> Tensor:
        """mu + sigma · noise (B, d), for standard normal noise (B, d)."""
        return self.mu + self.sigma * noise

    def halves(self) -> tuple["Gaussian", "Gaussian"]:
        """The first and the last half of the rows, apart."""
        (mu_a, mu_b), (sigma_a, sigma_b) = self.mu.chunk(2), self.sigma.chunk(2)
        return Gaussian(mu_a, sigma_a), Gaussian(mu_b, sigma_b)


class PerturbedVAE(nn.Module):
    """The network. x (B, n_genes), u (B, n_targets) multi-hot with control = 0."""

    def __init__(self, config: PerturbedVAEConfig) -> None:
        super().__init__()
        self.config = config
        self.f_enc = encoder(config.n_genes, config.hidden, config.layers)
        self.g_nu = nn.Linear(config.hidden + config.n_targets, 2 * config.d_nu)
        self.g_iota = nn.Linear(config.hidden, 2 * config.d_iota)
        self.scm = SCM(config)
        self.f_dec = decoder(
            config.d_nu + config.d_iota, config.hidden, config.layers, config.n_genes
        )
        log_variance = torch.zeros(config.n_genes)  # of x given z, per gene
        if config.learned_variance:
            self.log_variance = nn.Parameter(log_variance)
        else:
            self.register_buffer("log_variance", log_variance)

    def posterior_nu(self, h: Tensor, u: Tensor) -> Gaussian:
        """q(z̃ν | x, u), from h (B, hidden) and u."""
        mu_nu_q, log_sigma = self.g_nu(torch.cat([h, u], -1)).chunk(2, -1)  # each (B, d_nu)
        return Gaussian(mu_nu_q, log_sigma.exp())

    def posterior_iota(self, h: Tensor) -> Gaussian:
        """q(zι | x), from h (B, hidden) alone: it never sees u."""
        mu_iota_q, log_sigma = self.g_iota(h).chunk(2, -1)  # each (B, d_iota)
        return Gaussian(mu_iota_q, log_sigma.exp())

    def decode(self, z_nu: Tensor, z_iota: Tensor) -> Tensor:
        """x̂ (B, n_genes) from the two blocks; u is not an argument."""
        return self.f_dec(torch.cat([z_nu, z_iota], -1))

    def sample_prior(
        self, u: Tensor, z_iota: Tensor, noise_nu: Tensor | None = None
    ) -> tuple[Tensor, Mechanisms]:
        """zν ~ p(zν | u, zι) (B, d_nu) and the mechanisms under u; without noise the prior mean."""
        m = self.scm(u)
        z_tilde_nu = torch.zeros_like(m.mu_nu) if noise_nu is None else m.beta_nu.sqrt() * noise_nu
        return responsive(m, z_tilde_nu, z_iota), m

    @torch.no_grad()
    def embed(
        self,
        x: Tensor,
        u: Tensor,
        noise_nu: Tensor | None = None,
        noise_iota: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """h (B, hidden), z_iota (B, d_iota), z_nu (B, d_nu): samples with noise, else means."""
        h = self.f_enc(x)
        q_nu, q_iota = self.posterior_nu(h, u), self.posterior_iota(h)
        z_tilde_nu = q_nu.mu if noise_nu is None else q_nu.sample(noise_nu)
        z_iota = q_iota.mu if noise_iota is None else q_iota.sample(noise_iota)
        return {"h": h, "z_iota": z_iota, "z_nu": responsive(self.scm(u), z_tilde_nu, z_iota)}

    @torch.no_grad()
    def predict(
        self,
        x_control: Tensor,
        u: Tensor,
        noise_nu: Tensor | None = None,
        noise_iota: Tensor | None = None,
        noise_x: Tensor | None = None,
    ) -> Tensor:
        """x̂ (B, n_genes) under an unseen u, one for every control cell (paper, §3).

        zι ~ q(zι | x_control), zν ~ p(zν | u, zι), decode. A noise that is None puts the mean
        in place of the sample; `noise_x` (B, n_genes) adds the decoder's own noise. One row of
        u may serve all the cells.
        """
        q_iota = self.posterior_iota(self.f_enc(x_control))
        z_iota = q_iota.mu if noise_iota is None else q_iota.sample(noise_iota)
        z_nu, _ = self.sample_prior(u, z_iota, noise_nu)
        x_hat = self.decode(z_nu, z_iota)
        return x_hat if noise_x is None else x_hat + torch.exp(0.5 * self.log_variance) * noise_x
