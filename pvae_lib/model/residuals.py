"""What the decoder leaves out of cells it reconstructs."""

import torch
from torch import Tensor

from pvae_lib.model.network import PerturbedVAE

TINY_VARIANCE = 1e-8  # of a gene that is silent in all cells looked at


@torch.no_grad()
def residuals(
    network: PerturbedVAE, x: Tensor, u: Tensor, noise_nu: Tensor, noise_iota: Tensor
) -> tuple[float, Tensor]:
    """Var(x̂)/Var(x) of reconstructed cells, and ln of the variance left per gene (n_genes,).

    x (B, n_genes), u (B, n_targets) and standard normal noise (B, d_nu), (B, d_iota). A ratio near
    0 is collapse: the decoder gives one profile whatever the cell.
    """
    z = network.embed(x, u, noise_nu, noise_iota)
    x_hat = network.decode(z["z_nu"], z["z_iota"])
    left = (x - x_hat).square().mean(0)
    return float(x_hat.var(0).sum() / x.var(0).sum()), torch.log(left + TINY_VARIANCE)
