"""The last step to components: which rotation of an estimated block do the environments allow?

A VAE finds the responsive block up to an invertible map. What is left, W (d_nu × d_nu), can be
climbed alone, with the Gaussian likelihood of the block's per-environment second moments. Two
models of the block:

- "diagonal": components independent within each environment. W is then the joint diagonaliser of
  the per-environment covariances (Pham 2001); it exists uniquely where variances change.
- "causal": s = W ẑν + c ẑι follows a structural model with one order for all environments, weights
  free in each, and known cuts: where an environment cuts row i, sᵢ is independent of everything
  before it and of zι. Every order is tried. (Inferred: our way of imposing the paper's
  assumption (iv) on the estimate.)

Without cuts the causal model is a factorisation of any covariance at all: its likelihood is the
same for every W (see `likelihood`), which is why it cannot choose one.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pvae_lib.exceptions import InputError

STEPS, LEARNING_RATE = 400, 0.05
# Keeps the logarithms finite where a component is fitted exactly.
TINY = 1e-9


@dataclass(frozen=True)
class Polish:
    """The best of all restarts, and all of them.

    W (d, d), c (d, d_iota) and offset (d,): components = z_nu Wᵀ + z_iota cᵀ + offset.
    order: positions of the components from root to leaf (all orders are alike if diagonal).
    likelihoods (restarts,): mean log-likelihood per cell, up to a constant. candidates
    (restarts, d, d): the W of every restart. orders (restarts, d).
    """

    W: np.ndarray
    c: np.ndarray
    offset: np.ndarray
    order: np.ndarray
    likelihoods: np.ndarray
    candidates: np.ndarray
    orders: np.ndarray

    def components(self, z_nu: np.ndarray, z_iota: np.ndarray) -> np.ndarray:
        """(n, d) components of estimated blocks."""
        return z_nu @ self.W.T + z_iota @ self.c.T + self.offset


def diagonal_polish(
    z_nu: np.ndarray, z_iota: np.ndarray, environment: np.ndarray, *, seed: int, restarts: int = 6
) -> Polish:
    """Joint diagonalisation of the block's per-environment covariances.

    z_nu (n, d), z_iota (n, d_iota; not used beyond its width), environment (n,) from 0.
    """
    d = z_nu.shape[1]
    n_environments = int(environment.max()) + 1
    everything_cut = np.ones((n_environments, d), dtype=bool)
    order = np.arange(d)[None]
    return _polish(z_nu, z_iota, environment, everything_cut, order, restarts, seed, False)


def causal_polish(
    z_nu: np.ndarray,
    z_iota: np.ndarray,
    environment: np.ndarray,
    cuts: np.ndarray,
    *,
    seed: int,
    restarts: int = 2,
    background: bool = True,
) -> Polish:
    """Maximum likelihood of the structural model with known cuts, over W, c and the order.

    Parameters
    ----------
    cuts
        (n_environments, d) bool: the rows that each environment cuts.
    restarts
        For each of the d! orders; the first starts at `unreached_directions`, the others at random
        rotations.
    background
        Also estimate c, the background still mixed into the block; False holds it at 0.
    """
    d = z_nu.shape[1]
    if cuts.shape != (int(environment.max()) + 1, d):
        raise InputError(
            f"cuts has shape {cuts.shape}; it needs one row for each of the "
            f"{int(environment.max()) + 1} environments and one column for each of the {d} "
            "components."
        )
    orders = np.array(list(itertools.permutations(range(d))))
    return _polish(z_nu, z_iota, environment, cuts, orders, restarts, seed, background)


def unreached_directions(moments: "Moments", cuts: np.ndarray, background: bool) -> np.ndarray:
    """W (d, d) in closed form: row i is the direction of the block that the background reaches
    least in the environments that cut i.

    Where i is cut, wᵢẑν + cᵢẑι is independent of zι; so wᵢ B(e) = −cᵢ for the regression weights
    B(e) of ẑν on ẑι, the same in each of these environments. With two of them, or cᵢ = 0, that
    leaves an eigenvector.
    """
    d = moments.given_iota.shape[1]
    across, within = moments.joint[:, :d, d:].numpy(), moments.joint[:, d:, d:].numpy()
    B = across @ np.linalg.pinv(within)  # (E, d, d_iota)
    rows = []
    for i in range(d):
        reach = B[cuts[:, i]]
        if background:
            reach = reach - reach.sum(0) / max(len(reach), 1)
        rows.append(np.linalg.eigh(np.einsum("eij,ekj->ik", reach, reach))[1][:, 0])
    W = np.array(rows)
    # Two rows alike, for want of cuts, would make W singular and its likelihood undefined.
    return W if np.linalg.cond(W) < 1e3 else np.eye(d)


def likelihood(
    z_nu: np.ndarray,
    z_iota: np.ndarray,
    environment: np.ndarray,
    W: np.ndarray,
    cuts: np.ndarray,
) -> float:
    """Mean log-likelihood per cell, up to a constant, of the components z_nu Wᵀ in the order given.

    cuts (E, d) bool. All False is the free structural model, all True the diagonal one.
    """
    d = z_nu.shape[1]
    moments = Moments.of(z_nu, z_iota, environment)
    turned = torch.tensor(np.asarray(W) @ moments.unwhiten)[None]
    c = torch.zeros(1, d, z_iota.shape[1], dtype=torch.double)
    order = torch.arange(d)[None]
    return -float(_negative_likelihood(turned, c, moments, torch.tensor(cuts), order))


@dataclass(frozen=True)
class Moments:
    """Per-environment second moments of whitened ẑν and standardised ẑι."""

    joint: Tensor  # (E, d + d_iota, d + d_iota)
    given_iota: Tensor  # (E, d, d), of ẑν given ẑι
    share: Tensor  # (E,) of the cells
    mean_nu: np.ndarray
    whiten: np.ndarray  # (d, d): whitened = (ẑν − mean) whitenᵀ
    unwhiten: np.ndarray
    mean_iota: np.ndarray
    scale_iota: np.ndarray

    @classmethod
    def of(cls, z_nu: np.ndarray, z_iota: np.ndarray, environment: np.ndarray) -> "Moments":
        d = z_nu.shape[1]
        values, vectors = np.linalg.eigh(np.cov(z_nu.T))
        root = np.sqrt(np.maximum(values, TINY))
        whiten, unwhiten = (vectors / root) @ vectors.T, (vectors * root) @ vectors.T
        mean_iota, scale_iota = z_iota.mean(0), z_iota.std(0) + TINY
        block = np.concatenate(
            [(z_nu - z_nu.mean(0)) @ whiten.T, (z_iota - mean_iota) / scale_iota], 1
        )
        cells = [block[environment == e] for e in range(int(environment.max()) + 1)]
        joint = np.stack([np.cov(rows.T, bias=True) for rows in cells])
        across = joint[:, :d, d:]
        explained = across @ np.linalg.pinv(joint[:, d:, d:]) @ across.transpose(0, 2, 1)
        return cls(
            torch.tensor(joint),
            torch.tensor(joint[:, :d, :d] - explained),
            torch.tensor([len(rows) / len(block) for rows in cells], dtype=torch.double),
            z_nu.mean(0), whiten, unwhiten, mean_iota, scale_iota,
        )  # fmt: skip


def _polish(z_nu, z_iota, environment, cuts, orders, restarts, seed, background) -> Polish:
    """Adam on every order and restart at once: the matrices are tiny, so a batch costs as one."""
    moments, d = Moments.of(z_nu, z_iota, environment), z_nu.shape[1]
    draws = torch.randn(restarts, d, d, generator=torch.Generator().manual_seed(seed))
    starts = torch.linalg.qr(draws.double())[0]
    if not cuts.all():
        starts[0] = torch.tensor(unreached_directions(moments, cuts, background))
    W = starts.repeat(len(orders), 1, 1).requires_grad_()
    c = torch.zeros(len(W), d, z_iota.shape[1], dtype=torch.double, requires_grad=background)
    order = torch.tensor(orders).repeat_interleave(restarts, 0)
    adam = torch.optim.Adam([W, c] if background else [W], LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(adam, LEARNING_RATE, total_steps=STEPS)
    for _ in range(STEPS):
        loss = _negative_likelihood(W, c, moments, torch.tensor(cuts), order)
        adam.zero_grad()
        loss.sum().backward()
        adam.step()
        schedule.step()
    with torch.no_grad():
        likelihoods = -_negative_likelihood(W, c, moments, torch.tensor(cuts), order).numpy()
    candidates = W.detach().numpy() @ moments.whiten
    best = int(np.argmax(likelihoods))
    c_best = c.detach().numpy()[best] / moments.scale_iota
    offset = -candidates[best] @ moments.mean_nu - c_best @ moments.mean_iota
    return Polish(
        candidates[best],
        c_best,
        offset,
        order[best].numpy(),
        likelihoods,
        candidates,
        order.numpy(),
    )


def _negative_likelihood(
    W: Tensor, c: Tensor, moments: Moments, cuts: Tensor, order: Tensor
) -> Tensor:
    """(K,) ½ Σ share · ln(residual variance) − ln|det W|, residuals at their per-environment best.

    W (K, d, d), c (K, d, d_iota), cuts (E, d), order (K, d). A component's residual variance is
    that given everything before it and zι, or its whole variance where it is cut.
    """
    d = W.shape[1]
    S = torch.einsum("kij,ejl,kml->keim", W, moments.given_iota, W)  # (K, E, d, d)
    rows = order[:, None, :, None].expand_as(S)
    columns = order[:, None, None, :].expand_as(S)
    L = torch.linalg.cholesky(S.gather(2, rows).gather(3, columns) + TINY * torch.eye(d))
    residual = L.diagonal(dim1=-2, dim2=-1).square().log()  # (K, E, d), in the order
    residual = residual.gather(2, order.argsort(1)[:, None].expand_as(residual))
    both = torch.cat([W, c], 2)
    whole = torch.einsum("kip,epq,kiq->kei", both, moments.joint, both).log()  # (K, E, d)
    variance = torch.where(cuts, whole, residual)
    return 0.5 * (variance * moments.share[:, None]).sum((1, 2)) - torch.linalg.slogdet(W)[1]
