"""What a fitted PerturbedVAE says about its programs: Λνν and effects under every training u.

Shapes: C training perturbations, d programs (the dimensions of zν), n cells, G genes. Weights run
j → i at [i, j], as in zν = Λνν zν + …; they are strictly lower-triangular, so an arrow can only
point from a lower to a higher index.
"""

import copy
from dataclasses import dataclass

import numpy as np
import torch

from pvae_lib.learning.randomness import seeded_initialisation
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.model import PerturbedVAE
from pvae_lib.model.scm import kl_nu, shared_effect
from pvae_lib.screen import Screen
from pvae_lib.splits import Split

# Cells from which a decoder's slopes are averaged.
SLOPE_CELLS = 200


@dataclass(frozen=True, eq=False)
class Fitted:
    """The responsive block of one fit, as arrays."""

    conditions: tuple[str, ...]
    """(C,) training perturbations, sorted; the control is not among them."""
    n_cells: np.ndarray
    """(C,) training cells of each."""
    Lambda: np.ndarray
    """(C, d, d) Λνν(u), in the network's own units."""
    control: np.ndarray
    """(d, d) Λνν(u = 0). Training does not meet u = 0 unless controls are reconstructed."""
    beta_nu: np.ndarray
    """(C, d) prior variance of the noise."""
    effect: np.ndarray
    """(C, d) shared effect A⁻¹μν(u), minus its mean over the training cells: without a trained
    u = 0, a program's movement can only be told against the other perturbations."""
    z_nu: np.ndarray
    """(n, d) samples of zν of the training's perturbed cells: what the decoder read."""
    condition: np.ndarray
    """(n,) their labels."""
    readout: np.ndarray
    """(d, G) change of decoded expression (log1p of median-normalised counts) when a program goes
    up by one standard deviation, averaged over cells."""
    kl_nu: float
    """KL(q(zν|x,u,zι) ‖ p) in nats a cell, all dimensions: near 0 is collapse."""

    @property
    def sd(self) -> np.ndarray:
        """(d,) standard deviation of zν over cells."""
        return self.z_nu.std(0)

    @property
    def within_share(self) -> float:
        """Share of the variance of standardised zν that lies within perturbations."""
        z = (self.z_nu - self.z_nu.mean(0)) / _positive(self.sd)
        within = sum(((z[k] - z[k].mean(0)) ** 2).sum() for k in _groups(self.condition))
        return float(within / (z**2).sum())


@torch.no_grad()
def read(method: PerturbedVAEMethod, screen: Screen, split: Split, seed: int = 0) -> Fitted:
    """The responsive block of a fitted method on the cells it was trained on.

    Raises
    ------
    InputError
        Not fitted, or a screen other than the one trained on.
    """
    method.check_fitted()
    split.check(screen)
    perturbed = split.train[~screen.is_control[split.train]]
    cells, network = screen[perturbed], method.network_
    conditions = tuple(split.train_conditions(screen))
    n_cells = np.array([(cells.condition == c).sum() for c in conditions])
    z = method.embed(cells, kind="samples", seed=seed)
    m = network.scm(torch.from_numpy(np.stack([screen.design(c) for c in conditions])))
    at_rest = network.scm(torch.zeros(1, len(screen.targets)))
    effect = shared_effect(m).double().numpy()
    return Fitted(
        conditions=conditions,
        n_cells=n_cells,
        Lambda=m.Lambda_nu_nu.double().numpy(),
        control=at_rest.Lambda_nu_nu[0].double().numpy(),
        beta_nu=m.beta_nu.double().numpy(),
        effect=effect - np.average(effect, axis=0, weights=n_cells),
        z_nu=z["z_nu"].astype(np.float64),
        condition=cells.condition,
        readout=_slopes(network, z["z_nu"], z["z_iota"], seed),
        kl_nu=_kl(network, cells),
    )


def untrained(method: PerturbedVAEMethod) -> PerturbedVAEMethod:
    """The same method as it stood before its first step: the same seed, the initial weights."""
    before = copy.copy(method)
    with seeded_initialisation(method.seed):
        before.network_ = PerturbedVAE(method.network_.config).eval()
    return before


def _slopes(network: PerturbedVAE, z_nu: np.ndarray, z_iota: np.ndarray, seed: int) -> np.ndarray:
    """(d, G) half the difference of the decoded expression one sd above and one below."""
    chosen = np.random.default_rng(seed).permutation(len(z_nu))[:SLOPE_CELLS]
    z_nu_t, z_iota_t = torch.from_numpy(z_nu[chosen]), torch.from_numpy(z_iota[chosen])
    steps = torch.from_numpy(np.diag(z_nu.std(0)))
    rises = [network.decode(z_nu_t + s, z_iota_t) - network.decode(z_nu_t - s, z_iota_t)
             for s in steps]  # fmt: skip
    return torch.stack([rise.mean(0) / 2 for rise in rises]).double().numpy()


def _kl(network: PerturbedVAE, cells: Screen) -> float:
    x, u = torch.from_numpy(cells.dense(slice(None))), torch.from_numpy(cells.u)
    q = network.posterior_nu(network.f_enc(x), u)
    return float(kl_nu(*q, network.scm(u).beta_nu).mean())


def _groups(labels: np.ndarray) -> list[np.ndarray]:
    return [np.flatnonzero(labels == label) for label in dict.fromkeys(labels)]


def _positive(sd: np.ndarray) -> np.ndarray:
    return np.where(sd > 0, sd, 1.0)
