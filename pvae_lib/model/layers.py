"""The layers the network is made of, among them a first layer that reads sparse cells."""

import math

import torch
from torch import Tensor, nn

from pvae_lib.model.scm import LEAK


class _SparseProduct(torch.autograd.Function):
    """x W for a sparse x that needs no gradient; both passes cost only x's non-zeros.

    torch's own backward forms the weight gradient by a slow sparse product; handing it the
    transpose of x, which the batch prepares once, keeps it on the fast path.
    """

    @staticmethod
    def forward(ctx, x: Tensor, x_transposed: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x_transposed)
        return x @ weight  # (B, hidden)

    @staticmethod
    def backward(ctx, gradient: Tensor) -> tuple[None, None, Tensor]:
        (x_transposed,) = ctx.saved_tensors
        out = gradient.new_empty(len(x_transposed), gradient.shape[1])
        torch.addmm(out, x_transposed, gradient, beta=0, out=out)  # `@` would zero and copy first
        return None, None, out  # (n_genes, hidden)


class FromGenes(nn.Module):
    """x W + b from genes to hidden units, for x dense (B, n_genes) or a pair of sparse tensors.

    The pair is (x, xᵀ), both CSR. W is stored (n_genes, hidden): rows of W are then what a
    non-zero entry of x touches. Initialised as torch.nn.Linear is.
    """

    def __init__(self, n_genes: int, hidden: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(n_genes)
        self.weight = nn.Parameter(torch.empty(n_genes, hidden).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(hidden).uniform_(-bound, bound))

    def forward(self, x: Tensor | tuple[Tensor, Tensor]) -> Tensor:
        if isinstance(x, tuple):
            return _SparseProduct.apply(*x, self.weight) + self.bias  # (B, hidden)
        return torch.addmm(self.bias, x, self.weight)  # (B, hidden)


def encoder(n_genes: int, hidden: int, layers: int) -> nn.Sequential:
    """Genes → h: `layers` hidden layers, each with LeakyReLU 0.2."""
    blocks: list[nn.Module] = [FromGenes(n_genes, hidden), nn.LeakyReLU(LEAK)]
    for _ in range(layers - 1):
        blocks += [nn.Linear(hidden, hidden), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*blocks)


def decoder(d_z: int, hidden: int, layers: int, n_genes: int) -> nn.Sequential:
    """z → genes: `layers` hidden layers with LeakyReLU 0.2, then a linear output."""
    widths = [d_z] + [hidden] * layers
    blocks: list[nn.Module] = []
    for width_in, width_out in zip(widths[:-1], widths[1:], strict=True):
        blocks += [nn.Linear(width_in, width_out), nn.LeakyReLU(LEAK)]
    return nn.Sequential(*blocks, nn.Linear(hidden, n_genes))
