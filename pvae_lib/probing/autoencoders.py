"""AE, VAE and masked autoencoder as representations: trained on cells, or left untrained."""

import hashlib
import os
from abc import abstractmethod

import numpy as np
import scipy.sparse as sp
import torch
from sklearn.utils.sparsefuncs import mean_variance_axis
from torch import Tensor, nn

from pvae_lib.exceptions import InputError, check_number, check_whole
from pvae_lib.learning.cell_batches import CellBatches
from pvae_lib.learning.device import resolve_device
from pvae_lib.learning.loop import TrainingSettings, train
from pvae_lib.learning.randomness import seeded_initialisation
from pvae_lib.model import ObjectiveConfig
from pvae_lib.probing.base import Kind, VectorsInBlocks
from pvae_lib.probing.networks import (
    Autoencoder,
    MaskedAutoencoder,
    VariationalAutoencoder,
    loss_of,
)
from pvae_lib.screen import Screen

VARIANCE_FLOOR = 1e-4  # of genes that hardly a cell expresses
# These do not change what is learned, so a checkpoint made with others may be resumed.
NOT_IDENTITY = {"device", "checkpoint"}


@torch.no_grad()
def start_from_profile(network: nn.Module, x: sp.csr_matrix) -> None:
    """Let the decoder start from the cells' mean profile, and what else stands for genes likewise.

    Steps of Adam are as long as the learning rate: from zero, a short training would spend itself
    on reaching the means. The encoder, and with it the untrained representation, is not touched.
    """
    mean, variance = mean_variance_axis(x, axis=0)
    mean = torch.from_numpy(mean.astype(np.float32))
    network.f_dec[-1].bias.copy_(mean)
    if isinstance(network, MaskedAutoencoder):
        network.token.copy_(mean)
    if isinstance(network, VariationalAutoencoder) and network.log_variance.requires_grad:
        floored = np.maximum(variance, VARIANCE_FLOOR).astype(np.float32)
        network.log_variance.copy_(torch.from_numpy(floored).log())


class NetworkRepresentation(VectorsInBlocks):
    """A network trained on the expression of the given cells, labels unread.

    Parameters
    ----------
    d, hidden, layers
        Sizes: as PerturbedVAE has them, d = d_nu + d_iota = 105 and hidden = 256.
    epochs, batch_size, learning_rate
        Training with Adam; see `pvae_lib.learning.TrainingSettings`. Fewer and larger steps than
        PerturbedVAE's (100 epochs at 1e-4): enough for the loss to level off, in minutes.
    trained
        False keeps the initial weights, those that training with the same seed starts from.
    seed, device, checkpoint
        As for `pvae_lib.methods.perturbed_vae.PerturbedVAEMethod`.

    Attributes
    ----------
    network_ : the network, on the CPU whatever it was trained on
    history_ : DataFrame, one row a step: loss and its terms; None untrained
    """

    def __init__(
        self,
        d: int = 105,
        hidden: int = 256,
        layers: int = 1,
        epochs: int = 20,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        trained: bool = True,
        seed: int = 0,
        device: str = "cpu",
        checkpoint: str | os.PathLike | None = None,
    ) -> None:
        self.d = d
        self.hidden = hidden
        self.layers = layers
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.trained = trained
        self.seed = seed
        self.device = device
        self.checkpoint = checkpoint

    @abstractmethod
    def _network(self, n_genes: int) -> nn.Module:
        """The network with fresh weights; refuses parameters without meaning."""

    def _draws(self) -> dict[str, float]:
        """What the objective wants drawn; see `CellBatches`."""
        return {}

    def _fit(self, screen: Screen, cells: np.ndarray) -> None:
        check_whole(d=self.d, hidden=self.hidden, layers=self.layers)
        check_whole(at_least=0, seed=self.seed)
        settings = TrainingSettings(self.epochs, self.learning_rate)
        device = resolve_device(self.device)
        with seeded_initialisation(self.seed):
            network = self._network(screen.n_genes)
        start_from_profile(network, screen.expression[cells])
        self.history_ = None
        if self.trained:
            batches = CellBatches(
                screen.expression,
                cells,
                batch_size=self.batch_size,
                seed=self.seed,
                device=device,
                **self._draws(),
            )
            self.history_ = train(
                network,
                loss_of,
                batches,
                settings,
                checkpoint=self.checkpoint,
                identity=self._identity(screen, cells),
                name=f"{type(self).__name__}, seed {self.seed}",
            )
        self.network_ = network.cpu().eval()

    def _identity(self, screen: Screen, cells: np.ndarray) -> dict:
        """What makes this training run this run."""
        parameters = {k: v for k, v in self.get_params().items() if k not in NOT_IDENTITY}
        digest = hashlib.blake2b(cells.astype(np.int64).tobytes(), digest_size=8).hexdigest()
        return {
            "representation": type(self).__name__,
            **parameters,
            "screen": screen.fingerprint,
            "cells": digest,
        }

    def _vectors(self, screen: Screen, rows: slice, kind: Kind, rng: np.random.Generator) -> Tensor:
        return self.network_.encode(torch.from_numpy(screen.dense(rows)))


class AE(NetworkRepresentation):
    """Autoencoder: the code of a cell that reconstructs it best in squared error."""

    def _network(self, n_genes: int) -> Autoencoder:
        return Autoencoder(n_genes, self.d, self.hidden, self.layers)


class VAE(NetworkRepresentation):
    """Variational autoencoder: q(z | x), with means and samples.

    Parameters
    ----------
    reconstruction, w_kl, annealing
        The objective, as `pvae_lib.model.ObjectiveConfig` has it. By default the evidence lower
        bound itself, with a learned variance per gene. reconstruction="mean" with w_kl=1e-2 are
        PerturbedVAE's: the KL term then costs more than most of what reconstruction can gain,
        q(z | x) falls back towards the prior, and samples say next to nothing of the cell, though
        the means, small as they are, still do. w_kl=1 leaves nothing in the samples.
    """

    has_samples = True

    def __init__(
        self,
        d: int = 105,
        hidden: int = 256,
        layers: int = 1,
        reconstruction: str = "learned_variance",
        w_kl: float = 1.0,
        annealing: str = "linear",
        epochs: int = 20,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        trained: bool = True,
        seed: int = 0,
        device: str = "cpu",
        checkpoint: str | os.PathLike | None = None,
    ) -> None:
        super().__init__(
            d, hidden, layers, epochs, batch_size, learning_rate, trained, seed, device, checkpoint
        )
        self.reconstruction = reconstruction
        self.w_kl = w_kl
        self.annealing = annealing

    def _network(self, n_genes: int) -> VariationalAutoencoder:
        check_number(w_kl=self.w_kl)
        chosen = ObjectiveConfig(reconstruction=self.reconstruction, annealing=self.annealing)
        return VariationalAutoencoder(
            n_genes,
            self.d,
            self.hidden,
            self.layers,
            chosen.reconstruction,
            self.w_kl,
            chosen.annealing,
        )

    def _draws(self) -> dict[str, float]:
        return {"noise": self.d}

    def _vectors(self, screen: Screen, rows: slice, kind: Kind, rng: np.random.Generator) -> Tensor:
        q = self.network_.encode(torch.from_numpy(screen.dense(rows)))
        if kind == "means":
            return q.mu
        return q.sample(torch.from_numpy(rng.standard_normal(q.mu.shape, np.float32)))


class MaskedAE(NetworkRepresentation):
    """scFoundation's objective on a small network: hidden values are regressed from the others.

    Parameters
    ----------
    hide
        The share of a cell's values that are hidden, zeros among them, anew at every step. At
        embedding none is.
    """

    def __init__(
        self,
        d: int = 105,
        hidden: int = 256,
        layers: int = 1,
        hide: float = 0.3,
        epochs: int = 20,
        batch_size: int = 64,
        learning_rate: float = 1e-3,
        trained: bool = True,
        seed: int = 0,
        device: str = "cpu",
        checkpoint: str | os.PathLike | None = None,
    ) -> None:
        super().__init__(
            d, hidden, layers, epochs, batch_size, learning_rate, trained, seed, device, checkpoint
        )
        self.hide = hide

    def _network(self, n_genes: int) -> MaskedAutoencoder:
        check_number(hide=self.hide)
        if not 0 < self.hide < 1:
            raise InputError(f"hide={self.hide!r} must lie between 0 and 1: 0.3 hides 30 %.")
        return MaskedAutoencoder(n_genes, self.d, self.hidden, self.layers)

    def _draws(self) -> dict[str, float]:
        return {"hide": self.hide}
