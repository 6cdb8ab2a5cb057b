"""Discrepancy-VAE, after published descriptions of it, not from its code.

Zhang, Greenewald, Squires, Srivastava, Shanmugam, Uhler: "Identifiability Guarantees for Causal
Disentanglement from Soft Interventions", NeurIPS 2023, arXiv 2307.06250. The paper's text was not
at hand: this follows its abstract, its published descriptions and the project's notes on it. So the
equations here carry no numbers of the paper's, their letters need not be its own, and the table
says "not known to us" where it is not. Its picture of a cell:

    Z exogenous noise  →  U = Z (I − G)⁻¹ causal variables on a DAG G  →  X = f(U) expression

An intervention moves the mechanism of one causal variable (a soft intervention with a single
target). Which one is unknown: a network assigns each perturbed gene g to it by a softmax p_g, and
shifts its noise by a number s_g. What a control cell would have been under gene g is therefore

    q(z | x) → z;   u = (z + s_g p_g)(I − G)⁻¹;   x̂ = f(u)

Perturbed cells have no partner among controls, so these counterfactual cells are held against the
perturbed ones as clouds, by a maximum mean discrepancy; control cells carry the evidence bound:

    loss = MSE(x_control, x̂_control) + β KL(q(z|x_control) ‖ N(0, I))
         + α MMD(x_perturbed, x̂_counterfactual) + λ ‖G‖₁

A double is asked for by the sum of its genes' shifts: Σ_g s_g p_g (the paper's extrapolation to
unseen combinations). A screen says which gene was perturbed and so needs no guess of the condition.

| hyper-parameter | ours | the published set-up |
|---|---|---|
| encoder, decoder | one hidden layer, 128, LeakyReLU 0.2 | the same |
| output | linear | not known to us |
| d_z | 105 | 105, as many as single perturbations |
| assignment | softmax(temperature · MLP(one-hot gene)) | softmax; its MLP not known to us |
| temperature | 1 until 5 % of the steps, linear to 5 at the end | 1 → 5; when: not known to us |
| alpha | 0 until 5 % of the steps, linear to 10 at 50 % | 0 → 10 over epochs 5-50 of 100 |
| beta | 0 until 10 % of the steps, linear to 2 at the end | 0 → 2 from epoch 10 of 100 |
| w_graph (λ) | 1e-3, on the sum of G's absolute entries | 1e-3 |
| start | G at 0, every shift at 1 | not known to us |
| kernels | 10 Gaussians exp(−d²/b), b = 31.25 · 2^i, biased | the same, by its evaluation |
| error, KL | mean squared error over genes, KL summed over z | not known to us |
| batches | 32 cells of one condition, 32 random controls | 32 cells of one condition |
| optimiser | Adam 1e-3, 100 epochs | the same |

The schedules are in shares of the training, so that a shorter run goes through all of them.
"""

import os

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pvae_lib.exceptions import check_number, check_whole
from pvae_lib.learning.condition_batches import ConditionBatches
from pvae_lib.methods.peers.trained import Normal, TrainedPeer
from pvae_lib.model.layers import decoder, encoder
from pvae_lib.model.mmd import mmd
from pvae_lib.model.scm import LEAK, kl_iota
from pvae_lib.screen import Screen
from pvae_lib.splits import Split

FIRST_TEMPERATURE = 1.0


class InterventionEncoder(nn.Module):
    """Each target gene's assignment to a causal variable, and its shift."""

    def __init__(self, n_targets: int, hidden: int, d_z: int) -> None:
        super().__init__()
        self.of_gene = nn.Sequential(
            nn.Linear(n_targets, hidden), nn.LeakyReLU(LEAK), nn.Linear(hidden, d_z)
        )
        self.shift = nn.Parameter(torch.ones(n_targets))

    def assignment(self, temperature: Tensor | float) -> Tensor:
        """p (n_targets, d_z), rows sum to 1: sharper, the higher the temperature."""
        one_hot = torch.eye(len(self.shift), device=self.shift.device)
        return torch.softmax(temperature * self.of_gene(one_hot), dim=-1)

    def forward(self, u: Tensor, temperature: Tensor | float) -> Tensor:
        """Σ_g s_g p_g over the genes of u (B, n_targets): what is added to z, (B, d_z)."""
        return (u * self.shift) @ self.assignment(temperature)


class DiscrepancyVAE(nn.Module):
    """The network: x (B, n_genes), u (B or 1, n_targets) multi-hot with control = 0."""

    def __init__(
        self, encoder: nn.Module, width: int, n_genes: int, n_targets: int, hidden: int, d_z: int
    ) -> None:
        super().__init__()
        self.f_enc = encoder  # x → (B, width)
        self.q_z = nn.Linear(width, 2 * d_z)
        self.interventions = InterventionEncoder(n_targets, hidden, d_z)
        self.G = nn.Parameter(torch.zeros(d_z, d_z))  # only above the diagonal: a DAG
        self.f_dec = decoder(d_z, hidden, 1, n_genes)

    def posterior(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """q(z | x): mean and standard deviation, each (B, d_z)."""
        mu, log_sigma = self.q_z(self.f_enc(x)).chunk(2, -1)
        return mu, log_sigma.exp()

    def causal_variables(self, z: Tensor) -> Tensor:
        """z (I − G)⁻¹ (B, d_z), by a triangular solve."""
        A = torch.eye(len(self.G), device=z.device) - self.G.triu(1)
        return torch.linalg.solve_triangular(A, z, upper=True, left=False, unitriangular=True)

    def decode(self, z: Tensor) -> Tensor:
        """x̂ (B, n_genes) from exogenous noise z (B, d_z), shifted or not."""
        return self.f_dec(self.causal_variables(z))


def ramp(progress: Tensor, start: float, end: float) -> Tensor:
    """0 until `start`, 1 from `end` on, straight between; all in shares of the training."""
    return ((progress - start) / (end - start)).clamp(0, 1)


class DiscrepancyObjective:
    """The loss above; the batch is that of `ConditionBatches`, with noise (B, d_z)."""

    def __init__(self, alpha: float, beta: float, w_graph: float, temperature: float) -> None:
        self.alpha, self.beta, self.w_graph, self.temperature = alpha, beta, w_graph, temperature

    def __call__(self, model: DiscrepancyVAE, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Scalars: loss, recon, mmd, kl, graph."""
        x_control, progress = batch["x_control"], batch["progress"]
        rise = (self.temperature - FIRST_TEMPERATURE) * ramp(progress, 0.05, 1)
        delta = model.interventions(batch["u"], FIRST_TEMPERATURE + rise)  # (1, d_z)

        mu, sigma = model.posterior(x_control)
        z = mu + sigma * batch["noise"]  # (B, d_z)
        x_hat, x_counterfactual = model.decode(torch.cat([z, z + delta])).chunk(2)

        recon = F.mse_loss(x_hat, x_control)
        discrepancy = mmd(x_counterfactual, batch["x"])
        kl = kl_iota(mu, sigma).mean()  # from N(0, I), summed over latents
        graph = model.G.triu(1).abs().sum()
        loss = (
            recon
            + self.alpha * ramp(progress, 0.05, 0.5) * discrepancy
            + self.beta * ramp(progress, 0.1, 1) * kl
            + self.w_graph * graph
        )
        return {"loss": loss, "recon": recon, "mmd": discrepancy, "kl": kl, "graph": graph}


class DiscrepancyVAEMethod(TrainedPeer):
    """Discrepancy-VAE with the published set-up; the table above compares them.

    Parameters
    ----------
    d_z, hidden
        Causal variables, and units of every hidden layer.
    alpha, beta, w_graph
        Final weights of the MMD, of the KL and of ‖G‖₁.
    temperature
        Of the assignment's softmax at the end of training and in prediction. At 0 every gene is
        assigned to all causal variables alike.
    epochs, batch_size, learning_rate, seed, device, checkpoint
        Training; an epoch sees each perturbed training cell once.
    """

    NAME = "Discrepancy-VAE"

    def __init__(
        self,
        d_z: int = 105,
        hidden: int = 128,
        alpha: float = 10.0,
        beta: float = 2.0,
        w_graph: float = 1e-3,
        temperature: float = 5.0,
        epochs: int = 100,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        seed: int = 0,
        device: str = "cpu",
        checkpoint: str | os.PathLike | None = None,
    ) -> None:
        self.d_z = d_z
        self.hidden = hidden
        self.alpha = alpha
        self.beta = beta
        self.w_graph = w_graph
        self.temperature = temperature
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed
        self.device = device
        self.checkpoint = checkpoint

    def assignments(self) -> np.ndarray:
        """(n_targets, d_z) share of each causal variable in each gene's shift; rows sum to 1."""
        self.check_fitted()
        with torch.no_grad():
            return self.network_.interventions.assignment(self.temperature).numpy()

    # --- what TrainedPeer asks for -------------------------------------------------------------

    def _encoder(self, screen: Screen, split: Split) -> tuple[nn.Module, int]:
        """Cells to a hidden layer, and its width."""
        return encoder(screen.n_genes, self.hidden, 1), self.hidden

    def _network(self, screen: Screen, split: Split) -> DiscrepancyVAE:
        check_whole(d_z=self.d_z, hidden=self.hidden)
        check_number(
            alpha=self.alpha,
            beta=self.beta,
            w_graph=self.w_graph,
            temperature=self.temperature,
        )
        f_enc, width = self._encoder(screen, split)
        return DiscrepancyVAE(
            f_enc, width, screen.n_genes, len(screen.targets), self.hidden, self.d_z
        )

    def _objective(self) -> DiscrepancyObjective:
        return DiscrepancyObjective(self.alpha, self.beta, self.w_graph, self.temperature)

    def _batches(self, screen: Screen, split: Split, device: torch.device) -> ConditionBatches:
        is_control = screen.is_control[split.train]
        return ConditionBatches(
            screen.expression,
            screen.u,
            split.train[~is_control],
            split.train[is_control],
            batch_size=self.batch_size,
            seed=self.seed,
            noise={"noise": self.d_z},
            device=device,
        )

    def _cells(self, controls: Screen, rows: np.ndarray, u: Tensor, normal: Normal) -> Tensor:
        """z ~ q(z | x_control), the genes' shifts added, decoded."""
        network = self.network_
        mu, sigma = network.posterior(torch.from_numpy(controls.dense(rows)))
        z = mu + sigma * normal(len(rows), self.d_z)
        return network.decode(z + network.interventions(u, self.temperature))
