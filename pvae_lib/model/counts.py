"""Raw counts given a latent state: a negative binomial around shares of a cell's total.

    log μ_g = log total + log softmax(f_dec(z))_g,   counts_g ~ NB(mean μ_g, Var = μ_g + μ_g²/θ_g)

The total counts all genes of the source, and a screen may hold a few of them, so the softmax has
one more column than there are genes: the share of all the others. A perturbation can then change
how much of a cell the kept genes are.
"""

from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pvae_lib.model.layers import decoder

# Beyond this θ the distribution is a Poisson's for any count at hand, and float32 loses digits.
THETA_FROM, THETA_TO = 1e-2, 1e3


class CountStart(NamedTuple):
    """Where a count decoder starts: what it would give without latents."""

    log_share: np.ndarray  # (n_genes + 1,) ln of each gene's share of all counts, others last
    log_theta: np.ndarray  # (n_genes,) ln of the inverse dispersion, by moments

    @classmethod
    def of(cls, counts: sp.csr_matrix, total: np.ndarray) -> "CountStart":
        """From raw counts (n_cells, n_genes) and totals over all genes (n_cells,).

        Sums of squares around the cell's own mean total · share give 1/θ; a gene without counts
        gets those of one.
        """
        total = np.asarray(total, np.float64)
        share = (np.asarray(counts.sum(0)).ravel() + 1) / total.sum()
        squares = np.asarray(counts.power(2).sum(0)).ravel() - 2 * share * (counts.T @ total)
        mean_squares = share**2 * (total**2).sum()
        excess = squares + mean_squares - share * total.sum()
        theta = np.clip(mean_squares / np.maximum(excess, 1e-9), 0.1, 100)
        log_share = np.log(np.append(share, max(1 - share.sum(), 1e-6)))
        return cls(log_share.astype(np.float32), np.log(theta).astype(np.float32))


class CountDecoder(nn.Module):
    """z (B, d_z) → the mean of raw counts, and one inverse dispersion a gene."""

    def __init__(self, d_z: int, hidden: int, layers: int, start: CountStart) -> None:
        super().__init__()
        self.f_dec = decoder(d_z, hidden, layers, len(start.log_share))
        self.log_theta = nn.Parameter(torch.from_numpy(start.log_theta.copy()))
        with torch.no_grad():
            self.f_dec[-1].bias.copy_(torch.from_numpy(start.log_share))

    def forward(self, z: Tensor, total: Tensor) -> Tensor:
        """log μ (B, n_genes), for totals over all genes (B, 1)."""
        return total.log() + F.log_softmax(self.f_dec(z), -1)[:, :-1]

    def theta(self) -> Tensor:
        """(n_genes,) inverse dispersion."""
        return self.log_theta.exp().clamp(THETA_FROM, THETA_TO)


def nb_log_likelihood(counts: Tensor, log_mu: Tensor, theta: Tensor) -> Tensor:
    """ln NB(counts; μ, θ) summed over genes (B,), but for −ln counts!, which is the data's alone.

    counts, log_mu (B, n_genes); theta (n_genes,).
    """
    inside = torch.lgamma(counts + theta) - (counts + theta) * torch.log(theta + log_mu.exp())
    constant = (theta * theta.log() - torch.lgamma(theta)).sum()
    return (inside + counts * log_mu).sum(-1) + constant
