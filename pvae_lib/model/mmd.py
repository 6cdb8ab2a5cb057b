"""Maximum mean discrepancies (MMD) of clouds of cells, under the sum of ten Gaussian kernels.

k(x, y) = Σ_i exp(−‖x − y‖²/b_i), b_i = 31.25 · 2^i for i = 0 … 9: inherited from Discrepancy-VAE.
"""

import torch
from torch import Tensor

N_KERNELS, SMALLEST_BANDWIDTH = 10, 31.25


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    """(2B, 2B): k of all pairs among x (B, n_genes) and y (B, n_genes), x first."""
    both = torch.cat([x, y])  # (2B, n_genes)
    both = both - y.mean(0)  # norms then have the size of distances: less is lost below
    norms = both.square().sum(-1)
    squares = (norms[:, None] + norms - 2 * both @ both.T).clamp_min(0)  # (2B, 2B)
    widths = SMALLEST_BANDWIDTH * 2.0 ** torch.arange(N_KERNELS, device=x.device)
    return torch.exp(-squares / widths[:, None, None]).sum(0)


def mmd(x: Tensor, y: Tensor) -> Tensor:
    """Biased squared MMD of two clouds (B, n_genes) each."""
    kernel = _kernel(x, y)
    B = len(x)
    return kernel[:B, :B].mean() + kernel[B:, B:].mean() - 2 * kernel[:B, B:].mean()


def mmd_within_conditions(x_hat: Tensor, x: Tensor, u: Tensor) -> Tensor:
    """Unbiased squared MMD of generated and observed cells, condition by condition.

    x_hat and x (B, n_genes); row i of u (B, n_targets) is the condition of both their rows i. The
    mean over the conditions, each weighted by how many pairs of cells the batch has of it; 0 where
    it has no pair.
    """
    # A batch mixes the conditions. Pooled, it would not see which condition a cell is of: cells
    # generated under swapped perturbations would fit. So what is compared are (x̂, u) and (x, u)
    # under the kernel k(x, x') · [u = u'], which meets cells of one condition only.
    #
    # A cell's pairs with itself are left out, and by that the bias. With 64 cells of a hundred
    # conditions they would outnumber the other pairs of one condition; as k(x̂_i, x̂_i) is
    # constant, most of what keeps generated cells apart would be lost, and they would crowd where
    # observed cells are densest. The pairs (x̂_i, x_i) go with them: all sums are over one set.
    B = len(x)
    kernel = _kernel(x_hat, x)
    same = torch.cdist(u, u, p=1) == 0  # (B, B)
    pairs = (same & ~torch.eye(B, dtype=torch.bool, device=u.device)).to(kernel)  # (B, B)
    discrepancy = kernel[:B, :B] + kernel[B:, B:] - kernel[:B, B:] - kernel[B:, :B]  # (B, B)
    return (discrepancy * pairs).sum() / pairs.sum().clamp_min(1)
