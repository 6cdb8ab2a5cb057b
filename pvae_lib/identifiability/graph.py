"""Edges among the estimated components: from a fitted prior, or from the components themselves."""

import numpy as np
import torch

from pvae_lib.model import PerturbedVAE

# The paper draws an edge where |weight| > 0.25 (Norman2019, 7 programs).
WEIGHT_THRESHOLD = 0.25
# An edge from the components must save so many nats per cell: a partial correlation of about 0.3.
NATS_THRESHOLD = 0.05


@torch.no_grad()
def of_mechanisms(model: PerturbedVAE, z_nu: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Edge strengths (d, d), j → i at [i, j]: root mean square of Λνν(e) over the environments.

    Weights are those of unit-variance components, z_nu (n, d); environments that cut row i do not
    count for it. (Inferred: the paper does not say how a Λ that depends on u becomes one graph.)
    """
    Lambda = model.scm(torch.eye(len(cuts))).Lambda_nu_nu.double().numpy()  # (E, d, d)
    sd = z_nu.std(0)
    squares = (Lambda * sd / np.where(sd > 0, sd, 1.0)[:, None]) ** 2
    kept = (~cuts)[:, :, None]
    return np.sqrt((squares * kept).sum(0) / kept.sum(0))


def information(
    components: np.ndarray,
    z_iota: np.ndarray,
    environment: np.ndarray,
    cuts: np.ndarray,
    order: np.ndarray,
) -> np.ndarray:
    """Edge strengths (d, d), j → i at [i, j], in nats per cell.

    How much the Gaussian log-likelihood of component i loses when j is left out of its
    predictors, which are all components before it in the order, and zι. Weights are free in every
    environment; environments that cut i do not count.
    """
    d = components.shape[1]
    strength = np.zeros((d, d))
    for position, i in enumerate(order):
        before, total = order[:position], 0
        for e in np.flatnonzero(~cuts[:, i]):
            rows = environment == e
            predictors = np.concatenate([components[rows][:, before], z_iota[rows]], 1)
            target = components[rows, i]
            full = _residual_variance(predictors, target)
            for k, j in enumerate(before):
                without = _residual_variance(np.delete(predictors, k, 1), target)
                strength[i, j] += 0.5 * np.log(without / full) * rows.sum()
            total += rows.sum()
        strength[i] /= max(total, 1)
    return strength


def _residual_variance(predictors: np.ndarray, target: np.ndarray) -> float:
    centred = predictors - predictors.mean(0)
    centred_target = target - target.mean()
    weights = np.linalg.lstsq(centred, centred_target, rcond=None)[0]
    return float(np.mean((centred_target - centred @ weights) ** 2))
