"""SAMS-VAE, after published descriptions of it, not from its code.

Bereket & Karaletsos, "Modelling Cellular Perturbations with the Sparse Additive Mechanism Shift
Variational Autoencoder", NeurIPS 2023, arXiv 2311.02794. For cell i under the targets u_i:

    m_t ~ Bernoulli(mask_prior)^d_z,   e_t ~ N(0, I)         of every target t, shared by all cells
    z_i = z_b,i + Σ_t u_it (m_t ⊙ e_t),   z_b,i ~ N(0, I)    the cell's own basal state
    counts_i ~ NB(total_i · share(z_i), θ)

The guide is the correlated one: q(m_t) Bernoulli, relaxed with straight-through gradients;
q(e_t | m_t) by a network of t and the mask; q(z_b,i | x_i, Σ_t u_it m_t ⊙ e_t) by an encoder that
is told what the perturbation adds. The paper's text was not at hand: this follows its abstract,
its published descriptions and the project's notes on it. So the equations here carry no numbers of
the paper's, and the table says "not known" where it is not.

| hyper-parameter | ours | the paper's, as far as known |
|---|---|---|
| d_z, hidden | 200, 400 | 200, 400 |
| layers, activation | 1, LeakyReLU 0.2 | not known |
| q(e_t given m_t) | one hidden layer of (one-hot t, m_t) | a network of both; size not known |
| mask_prior, effect prior | 0.01, N(0, 1) | 0.01, N(0, 1) |
| relaxed masks | temperature 1, straight-through | relaxed; temperature not known |
| masks at the start | probability 0.5 | not known |
| optimiser, learning_rate, batch_size | Adam, 3e-4, 512 | Adam, 3e-4, 512 |
| epochs | 100 | not known |
| likelihood | negative binomial, one θ a gene | counts (gamma-Poisson, the same) |
| library | total over all genes; one softmax column more | total over the genes modelled |
| encoder reads | log1p of median-normalised counts | not known |
| decoder's bias, θ at the start | training shares, moments | not known |
| prediction | basal state of a control cell, sampled | not known; its prior N(0, I) fits |

Training needs steps, not only cells: Adam moves a mask's logit by about the learning rate a step,
so that at 3e-4 a thousand steps leave the masks near where they began. The mean mask, which
`mask_probabilities` shows, tells how far they have come.
"""

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pvae_lib.exceptions import InputError, check_number, check_whole
from pvae_lib.learning.loop import Objective
from pvae_lib.methods.peers.count_peer import CountPeer
from pvae_lib.methods.peers.trained import Normal
from pvae_lib.model.counts import CountDecoder, CountStart, nb_log_likelihood
from pvae_lib.model.layers import encoder
from pvae_lib.model.network import Gaussian
from pvae_lib.model.scm import LEAK, kl_iota
from pvae_lib.screen import Screen
from pvae_lib.splits import Split

TINY = 1e-6


class SAMSVAE(nn.Module):
    """The network: T targets, d_z latents."""

    def __init__(
        self, n_targets: int, d_z: int, hidden: int, layers: int, start: CountStart
    ) -> None:
        super().__init__()
        n_genes = len(start.log_theta)
        self.mask_logits = nn.Parameter(torch.zeros(n_targets, d_z))
        self.g_effect = nn.Sequential(
            nn.Linear(n_targets + d_z, hidden), nn.LeakyReLU(LEAK), nn.Linear(hidden, 2 * d_z)
        )
        self.f_enc = encoder(n_genes + d_z, hidden, layers)
        self.g_basal = nn.Linear(hidden, 2 * d_z)
        self.decoder = CountDecoder(d_z, hidden, layers, start)

    def masks(self, noise: Tensor) -> Tensor:
        """0 or 1 (T, d_z) from q(m), with the gradients of the relaxed Bernoulli at temperature 1.

        Standard normal noise (T, d_z) becomes logistic noise, by both distribution functions.
        """
        logistic = torch.logit(torch.special.ndtr(noise), eps=TINY)
        soft = torch.sigmoid(self.mask_logits + logistic)
        return (soft > 0.5).float() + soft - soft.detach()

    def effect(self, target: Tensor, mask: Tensor) -> Gaussian:
        """q(e_t | m_t): each (B, d_z), for one-hot targets (B, T) and masks (B, d_z)."""
        mu, log_sigma = self.g_effect(torch.cat([target, mask], -1)).chunk(2, -1)
        return Gaussian(mu, log_sigma.exp())

    def basal(self, x: Tensor, shift: Tensor) -> Gaussian:
        """q(z_b | x, Σ_t u_t m_t ⊙ e_t): each (B, d_z), for x (B, n_genes) and shift (B, d_z)."""
        mu, log_sigma = self.g_basal(self.f_enc(torch.cat([x, shift], -1))).chunk(2, -1)
        return Gaussian(mu, log_sigma.exp())


def kl_bernoulli(logits: Tensor, prior: float) -> Tensor:
    """KL(Bernoulli(sigmoid(logits)) ‖ Bernoulli(prior)), of the shape of the logits."""
    p = torch.sigmoid(logits)
    on = F.logsigmoid(logits) - np.log(prior)
    off = F.logsigmoid(-logits) - np.log1p(-prior)
    return p * on + (1 - p) * off


class NegativeElbo:
    """−ELBO a cell: what all cells share, masks and effects, counts 1 / n_cells in each."""

    def __init__(self, mask_prior: float, n_cells: int) -> None:
        self.mask_prior, self.n_cells = mask_prior, n_cells

    def __call__(self, model: SAMSVAE, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Scalars: loss, recon, kl_basal (a cell), kl_mask and kl_effect (of all targets)."""
        u = batch["u"]  # (B, T)
        m = model.masks(batch["noise_mask"])  # (T, d_z)
        q_effect = model.effect(torch.eye(len(m), device=m.device), m)
        shift = u @ (m * q_effect.sample(batch["noise_effect"]))  # (B, d_z)
        q_basal = model.basal(batch["x"], shift)
        z = q_basal.sample(batch["noise_basal"]) + shift  # (B, d_z)
        log_mu = model.decoder(z, batch["total"])  # (B, n_genes)
        recon = -nb_log_likelihood(batch["counts"], log_mu, model.decoder.theta()).mean()
        kl_basal = kl_iota(*q_basal).mean()
        kl_mask = kl_bernoulli(model.mask_logits, self.mask_prior).sum()
        kl_effect = kl_iota(*q_effect).sum()
        loss = recon + kl_basal + (kl_mask + kl_effect) / self.n_cells
        return {
            "loss": loss,
            "recon": recon,
            "kl_basal": kl_basal,
            "kl_mask": kl_mask,
            "kl_effect": kl_effect,
        }


class SAMSVAEMethod(CountPeer):
    """SAMS-VAE on a screen; the table above says what each parameter is in the paper.

    Trains on all training cells, controls among them with u = 0. A double adds both targets'
    masked effects, which is the model's own composition. `prediction`: see `CountPeer`.
    """

    NAME = "SAMS-VAE"

    def __init__(
        self,
        d_z: int = 200,
        hidden: int = 400,
        layers: int = 1,
        mask_prior: float = 0.01,
        prediction: str = "samples",
        epochs: int = 100,
        batch_size: int = 512,
        learning_rate: float = 3e-4,
        seed: int = 0,
        device: str = "cpu",
        checkpoint: str | None = None,
    ) -> None:
        self.d_z = d_z
        self.hidden = hidden
        self.layers = layers
        self.mask_prior = mask_prior
        self.prediction = prediction
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed
        self.device = device
        self.checkpoint = checkpoint

    def mask_probabilities(self) -> np.ndarray:
        """(n_targets, d_z) posterior probability that a target shifts a latent.

        Raises
        ------
        InputError
            Not fitted.
        """
        self.check_fitted()
        return torch.sigmoid(self.network_.mask_logits.detach()).numpy()

    def _network(self, screen: Screen, split: Split) -> SAMSVAE:
        check_whole(d_z=self.d_z, hidden=self.hidden, layers=self.layers)
        check_number(mask_prior=self.mask_prior)
        if not 0 < self.mask_prior < 1:
            raise InputError(f"mask_prior={self.mask_prior} is no probability between 0 and 1.")
        self.n_cells_ = len(split.train)
        start = self._start(screen, split)
        return SAMSVAE(len(self.targets_), self.d_z, self.hidden, self.layers, start)

    def _objective(self) -> Objective:
        return NegativeElbo(self.mask_prior, self.n_cells_)

    def _labels(self, screen: Screen, split: Split) -> np.ndarray:
        return screen.u

    def _noise(self) -> dict[str, tuple[int | None, int]]:
        shared = (len(self.targets_), self.d_z)
        return {"noise_mask": shared, "noise_effect": shared, "noise_basal": (None, self.d_z)}

    def _latents(self, x: Tensor, u: Tensor, normal: Normal) -> Tensor:
        """z_b ~ q(z_b | x_ctrl, no shift), plus m_t ⊙ e_t of every target, drawn for each cell."""
        z = self.network_.basal(x, x.new_zeros(len(x), self.d_z)).sample(normal(len(x), self.d_z))
        for t in u[0].nonzero().ravel().tolist():
            target = torch.zeros(len(x), u.shape[1])
            target[:, t] = 1
            p = torch.sigmoid(self.network_.mask_logits[t]).numpy()
            m = torch.from_numpy((normal.rng.random(z.shape) < p).astype(np.float32))
            z = z + m * self.network_.effect(target, m).sample(normal(*z.shape))
        return z
