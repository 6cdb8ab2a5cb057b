"""What training minimises, as a pure function of a network and a batch (paper, Eq. 3-5 and 54).

recon(x, x̂) + wν KLν + wι [KL(q(zι|x) ‖ N(0,I)) + the same for the control cell]
            + α ‖μ'ι(x) − μ'ι(x_ctrl)‖²
            + w_mmd MMD²(x, x̂' | u),  x̂' = f_dec([zν, zι]),  zι ~ q(zι|x_ctrl),  zν ~ p(zν|u, zι)

The last line is for the variant of Table 11 and off by default. The paper gives its name and its
numbers; what it matches is inferred, after Discrepancy-VAE: as clouds, the observed cells of each
condition and the cells that the model predicts for it from the paired controls.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from pvae_lib.model.config import ObjectiveConfig
from pvae_lib.model.mmd import mmd_within_conditions
from pvae_lib.model.network import PerturbedVAE
from pvae_lib.model.scm import kl_iota, kl_nu, responsive


def reconstruction(x: Tensor, x_hat: Tensor, how: str, log_variance: Tensor) -> Tensor:
    """The reconstruction term, averaged over cells; x and x_hat (B, n_genes).

    "mean" or "sum" of squared errors over genes, or with "learned_variance" the Gaussian
    negative log-likelihood ½ Σ [(x − x̂)²/σ² + ln σ²] summed over genes, without its constant.
    """
    if how == "mean":
        return F.mse_loss(x_hat, x)
    if how == "sum":
        return F.mse_loss(x_hat, x, reduction="sum") / len(x)
    squared = (x_hat - x).square()  # (B, n_genes)
    return 0.5 * (squared * torch.exp(-log_variance) + log_variance).sum(-1).mean()


def annealed(progress: Tensor, annealing: str) -> Tensor:
    """The factor on both KL weights at `progress` through training, from 0 to 1.

    "linear": 0 for the first 10 % of the steps, then straight up to 1 at 60 %; "constant": 1.
    """
    if annealing == "constant":
        return torch.ones_like(progress)
    return ((progress - 0.1) / 0.5).clamp(0, 1)


class Objective:
    """The objective with its weights; call it on a network and a batch.

    The batch holds x (B, n_genes); cells, the 2B rows that enter the encoder in one pass,
    first x and then the control cell paired with each (dense, or sparse as FromGenes takes
    it); u (B, n_targets); noise_nu (B, d_nu) and noise_iota (B, d_iota), standard normal; and
    progress, a scalar from 0 to 1. Nothing else is read and nothing is drawn, so that the same
    batch gives the same terms, and a device may record the step once and replay it.
    """

    def __init__(self, config: ObjectiveConfig) -> None:
        self.config = config

    def __call__(self, model: PerturbedVAE, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Scalars: loss, recon, kl_nu, kl_iota (perturbed cells only), alignment; mmd if used."""
        weights, x, u = self.config, batch["x"], batch["u"]

        h_both = model.f_enc(batch["cells"])  # (2B, hidden)
        q_iota, q_control = model.posterior_iota(h_both).halves()  # each (B, d_iota)
        q_nu = model.posterior_nu(h_both[: len(x)], u)  # (B, d_nu)

        m = model.scm(u)
        z_iota = q_iota.sample(batch["noise_iota"])  # (B, d_iota)
        z_nu = responsive(m, q_nu.sample(batch["noise_nu"]), z_iota)  # (B, d_nu)
        x_hat = model.decode(z_nu, z_iota)  # (B, n_genes)

        recon = reconstruction(x, x_hat, weights.reconstruction, model.log_variance)
        term_nu = kl_nu(*q_nu, m.beta_nu).mean()
        term_iota = kl_iota(*q_iota).mean()
        term_control = kl_iota(*q_control).mean()
        alignment = (q_iota.mu - q_control.mu).square().sum(-1).mean()

        penalty = weights.w_kl_nu * term_nu + weights.w_kl_iota * (term_iota + term_control)
        anneal = annealed(batch["progress"], weights.annealing)
        terms = {
            "loss": recon + anneal * penalty + weights.alpha * alignment,
            "recon": recon,
            "kl_nu": term_nu,
            "kl_iota": term_iota,
            "alignment": alignment,
        }
        if weights.w_mmd > 0:
            # The noise may serve twice: a generated cell must not depend on the observed ones that
            # it is held against, and the noise knows nothing of them.
            z_control = q_control.sample(batch["noise_iota"])  # (B, d_iota)
            z_nu_prior, _ = model.sample_prior(u, z_control, batch["noise_nu"])  # (B, d_nu)
            terms["mmd"] = mmd_within_conditions(model.decode(z_nu_prior, z_control), x, u)
            terms["loss"] = terms["loss"] + weights.w_mmd * terms["mmd"]
        return terms
