"""scVI's latent space, trained by scvi-tools (an optional extra), or before training."""

import numpy as np
import torch

from pvae_lib.exceptions import check_whole
from pvae_lib.methods.packages.contained import contained
from pvae_lib.methods.packages.scvi import train_scvi, untrained_scvi
from pvae_lib.probing.base import Kind, VectorsInBlocks
from pvae_lib.screen import Screen


class ScVI(VectorsInBlocks):
    """q(z | x) of a variational autoencoder of raw counts (Lopez et al. 2018), labels unread.

    Parameters
    ----------
    d, hidden, layers
        Sizes as PerturbedVAE has them; the package's own defaults are 10 and 128.
    gene_likelihood, epochs, batch_size, learning_rate, device
        See `pvae_lib.methods.packages.scvi.train_scvi`.
    trained
        False keeps the initial weights.

    Attributes
    ----------
    network_ : the module of scvi-tools, on the CPU
    """

    has_samples = True

    def __init__(
        self,
        d: int = 105,
        hidden: int = 256,
        layers: int = 1,
        gene_likelihood: str = "zinb",
        epochs: int = 20,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        trained: bool = True,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.d = d
        self.hidden = hidden
        self.layers = layers
        self.gene_likelihood = gene_likelihood
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.trained = trained
        self.seed = seed
        self.device = device

    def _fit(self, screen: Screen, cells: np.ndarray) -> None:
        check_whole(d=self.d, hidden=self.hidden, layers=self.layers)
        sizes = {"n_latent": self.d, "n_hidden": self.hidden, "n_layers": self.layers}
        if self.trained:
            model = train_scvi(
                screen,
                cells,
                seed=self.seed,
                epochs=self.epochs,
                gene_likelihood=self.gene_likelihood,
                batch_size=self.batch_size,
                learning_rate=self.learning_rate,
                device=self.device,
                **sizes,
            )
        else:
            with contained(self.seed, "scVI"):  # the draws that training starts from
                model = untrained_scvi(screen, cells, gene_likelihood=self.gene_likelihood, **sizes)
        self.network_ = model.module.cpu().eval()

    def _vectors(
        self, screen: Screen, rows: slice, kind: Kind, rng: np.random.Generator
    ) -> torch.Tensor:
        counts = torch.from_numpy(screen.counts[rows].toarray())
        batch = torch.zeros(len(counts), 1, dtype=torch.long)  # it corrects for none here
        q = self.network_.inference(counts, batch)["qz"]
        if kind == "means":
            return q.loc
        return q.loc + q.scale * torch.from_numpy(rng.standard_normal(q.loc.shape, np.float32))
