"""Three autoencoders and what each minimises: functions of arrays, built of PerturbedVAE's layers.

    AE   ‖x − dec(enc(x))‖²
    VAE  −log p(x | z) + w_kl KL(q(z | x) ‖ N(0, I)),   z ~ q(z | x)
    masked autoencoder  ‖x − dec(enc(x with some values hidden))‖² on the hidden values

x (B, n_genes) is log1p of median-normalised counts. None of them is given a label.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from pvae_lib.model.layers import decoder, encoder
from pvae_lib.model.network import Gaussian
from pvae_lib.model.objective import annealed, reconstruction
from pvae_lib.model.scm import kl_iota


class Autoencoder(nn.Module):
    """x → h → z → x̂, with z (B, d) linear in h (B, hidden)."""

    def __init__(self, n_genes: int, d: int, hidden: int, layers: int) -> None:
        super().__init__()
        self.f_enc = encoder(n_genes, hidden, layers)
        self.to_z = nn.Linear(hidden, d)
        self.f_dec = decoder(d, hidden, layers, n_genes)

    def encode(self, x: Tensor) -> Tensor:
        """z (B, d)."""
        return self.to_z(self.f_enc(x))

    def decode(self, z: Tensor) -> Tensor:
        """x̂ (B, n_genes)."""
        return self.f_dec(z)

    def loss(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Squared error, a mean over genes."""
        return {"loss": F.mse_loss(self.decode(self.encode(batch["x"])), batch["x"])}


class VariationalAutoencoder(nn.Module):
    """Kingma and Welling 2014: x → h → q(z | x) → x̂, with a Gaussian around x̂.

    how, w_kl, annealing: as `pvae_lib.model.ObjectiveConfig` has them for PerturbedVAE.
    """

    def __init__(
        self,
        n_genes: int,
        d: int,
        hidden: int,
        layers: int,
        how: str,
        w_kl: float,
        annealing: str,
    ) -> None:
        super().__init__()
        self.how, self.w_kl, self.annealing = how, w_kl, annealing
        self.f_enc = encoder(n_genes, hidden, layers)
        self.to_q = nn.Linear(hidden, 2 * d)
        self.f_dec = decoder(d, hidden, layers, n_genes)
        self.log_variance = nn.Parameter(torch.zeros(n_genes), how == "learned_variance")

    def encode(self, x: Tensor) -> Gaussian:
        """q(z | x), each part (B, d)."""
        mu, log_sigma = self.to_q(self.f_enc(x)).chunk(2, -1)
        return Gaussian(mu, log_sigma.exp())

    def decode(self, z: Tensor) -> Tensor:
        """x̂ (B, n_genes)."""
        return self.f_dec(z)

    def loss(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Negative evidence lower bound; the batch holds standard normal noise (B, d)."""
        q = self.encode(batch["x"])
        x_hat = self.decode(q.sample(batch["noise"]))
        recon = reconstruction(batch["x"], x_hat, self.how, self.log_variance)
        kl = kl_iota(*q).mean()  # the same prior as zι has
        loss = recon + annealed(batch["progress"], self.annealing) * self.w_kl * kl
        return {"loss": loss, "recon": recon, "kl": kl}


class MaskedAutoencoder(Autoencoder):
    """Values of some genes are hidden and regressed from the others (Hao et al., scFoundation).

    What is taken from scFoundation is the objective: continuous values in, no bins and no ranks,
    squared error on the hidden values alone. Its transformer over genes, its pre-training corpus
    and its indicators of sequencing depth are not. A hidden value is replaced by one number a
    gene, learned like the mask token of a transformer.
    """

    def __init__(self, n_genes: int, d: int, hidden: int, layers: int) -> None:
        super().__init__(n_genes, d, hidden, layers)
        self.token = nn.Parameter(torch.zeros(n_genes))

    def predict_hidden(self, x: Tensor, hidden: Tensor) -> Tensor:
        """x̂ (B, n_genes) from the values that are not hidden; `hidden` (B, n_genes) is 0 or 1."""
        return self.decode(self.encode(torch.lerp(x, self.token.expand_as(x), hidden)))

    def loss(self, batch: dict[str, Tensor]) -> dict[str, Tensor]:
        """Squared error on the values that batch["hidden"] hides, a mean over them."""
        x, hidden = batch["x"], batch["hidden"]
        error = (self.predict_hidden(x, hidden) - x).square() * hidden
        return {"loss": error.sum() / hidden.sum().clamp(min=1)}


def loss_of(module: nn.Module, batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """The objective that `pvae_lib.learning.train` calls."""
    return module.loss(batch)
