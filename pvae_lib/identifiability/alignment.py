"""Alignment without pairs: the background's distribution must be the same in every environment.

A pair of cells that share nι exists only in a simulation. But zι is invariant as a *distribution*
too: p(zι | e) = p(zι | control). So instead of μ'ι(x) − μ'ι(x_ctrl), penalise the maximum mean
discrepancy (MMD) between ẑι of each environment and of the controls. (Ours; not in the paper.)
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pvae_lib.model import PerturbedVAE

# Of the Gaussian kernels, in units of √d_iota standard deviations.
WIDTHS = (0.5, 0.7, 1.0, 1.5)
# Added to the standard deviation, so that a collapsed coordinate gives no division by zero.
TINY = 1e-3


class DistributionAlignment:
    """An objective plus weight · mean over environments of MMD²(ẑι | e, ẑι | control).

    The kernel is a sum of Gaussians, by random Fourier features: the cost is linear in the cells,
    so every control cell takes part in every step. ẑι is standardised first, so shrinking it does
    not lower the penalty; that keeps it from collapse. The estimate is the unbiased one, without
    the pairs of a cell with itself.

    Parameters
    ----------
    objective
        What else to minimise; with alpha = 0, lest pairs count as well.
    x_control
        (n_controls, n_genes) float32: each control cell once.
    weight
        Of the penalty.
    """

    def __init__(
        self,
        objective: Callable,
        x_control: np.ndarray,
        *,
        d_iota: int,
        weight: float,
        seed: int,
        n_features: int = 256,
    ) -> None:
        self.objective, self.weight = objective, weight
        self.x_control = torch.as_tensor(x_control)
        draws = torch.Generator().manual_seed(seed)
        per_width = n_features // len(WIDTHS)
        frequencies = torch.randn(d_iota, per_width * len(WIDTHS), generator=draws)
        widths = torch.tensor(WIDTHS).repeat_interleave(per_width) * d_iota**0.5
        self.frequencies = frequencies / widths  # (d_iota, n_features)

    def __call__(self, model: PerturbedVAE, batch: dict) -> dict[str, Tensor]:
        """The objective's terms, with the penalty in "loss" and reported as "mmd".

        batch["u"] (B, E) is one-hot over environments, its first column the control.
        """
        terms = dict(self.objective(model, batch))
        x = batch["x"]
        z_iota = model.posterior_iota(model.f_enc(torch.cat([x, self.x_control]))).mu
        z_iota = (z_iota - z_iota.mean(0)) / (z_iota.std(0) + TINY)
        phases = z_iota @ self.frequencies
        features = torch.cat([phases.cos(), phases.sin()], 1) / len(self.frequencies.T) ** 0.5
        terms["mmd"] = mmd(features[: len(x)], features[len(x) :], batch["u"][:, 1:])
        terms["loss"] = terms["loss"] + self.weight * terms["mmd"]
        return terms


def mmd(features: Tensor, control_features: Tensor, membership: Tensor) -> Tensor:
    """Mean over groups of the unbiased MMD² to the controls, in feature space.

    features (B, F), control_features (n, F), membership (B, groups) 0/1. Groups with fewer than
    two cells are left out.
    """
    size = membership.sum(0)  # (groups,)
    counted = size > 1
    size = size.clamp(min=2)
    total = membership.T @ features  # (groups, F)
    own = total.square().sum(1) - membership.T @ features.square().sum(1)
    within = own / (size * (size - 1))
    n = len(control_features)
    control_total = control_features.sum(0)
    control_own = control_total.square().sum() - control_features.square().sum()
    across = (total / size[:, None]) @ control_total / n
    distance = within + control_own / (n * (n - 1)) - 2 * across
    return (distance * counted).sum() / counted.sum().clamp(min=1)
