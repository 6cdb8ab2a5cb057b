"""scVI+additive: effects added in the latent space of scvi-tools' SCVI, then decoded.

Lopez et al. 2018, https://doi.org/10.1038/s41592-018-0229-2; the network and its training are the
package's own (the extra "scvi"), the addition is ours.
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import anndata as ad
import numpy as np
import pandas as pd
import torch

from pvae_lib.exceptions import InputError, check_number, check_whole
from pvae_lib.extras import load_extra
from pvae_lib.learning.device import resolve_device
from pvae_lib.methods.base import PREDICTIONS
from pvae_lib.methods.latent import LatentAdditive
from pvae_lib.methods.packages.contained import ACCELERATORS, contained
from pvae_lib.model.config import one_of
from pvae_lib.screen import Screen
from pvae_lib.screen.labels import canonical_label
from pvae_lib.splits import Split

if TYPE_CHECKING:
    from scvi.model import SCVI

LIKELIHOODS = ("zinb", "nb", "poisson")
SIZE = "size"  # the column of a cell's size factor
ROWS_AT_ONCE = 2048


def scvi_input(screen: Screen) -> ad.AnnData:
    """What SCVI reads of a screen: raw counts in X, and each cell's size factor.

    The size factor is the cell's total over all genes of the source relative to the screen's
    median total, so that the decoder's scale is in median-normalised counts, the unit of the table.
    """
    sizes = screen.total_counts / screen.target_total
    return ad.AnnData(
        screen.counts,
        obs=pd.DataFrame({SIZE: sizes}, index=screen.cells.astype(str)),
        var=pd.DataFrame(index=screen.genes.astype(str)),
    )


def untrained_scvi(screen: Screen, cells: np.ndarray, **sizes: int | str) -> "SCVI":
    """SCVI with fresh weights, drawn from torch's global generator: call it inside `contained`.

    Parameters
    ----------
    sizes
        n_latent, n_hidden, n_layers and gene_likelihood, as `train_scvi` has them.

    Raises
    ------
    InputError
        The extra is not installed.
    """
    models = load_extra("scvi.model", "scvi")
    adata = scvi_input(screen[cells])
    models.SCVI.setup_anndata(adata, size_factor_key=SIZE)
    return models.SCVI(adata, **sizes)


def train_scvi(
    screen: Screen,
    cells: np.ndarray,
    *,
    seed: int,
    epochs: int,
    n_latent: int = 10,
    n_hidden: int = 128,
    n_layers: int = 1,
    gene_likelihood: str = "zinb",
    batch_size: int = 128,
    learning_rate: float = 1e-3,
    device: str = "cpu",
) -> "SCVI":
    """Train scvi-tools' SCVI on some cells of a screen; it is told nothing of their conditions.

    `model.get_latent_representation(scvi_input(other))` embeds other cells of the same genes.

    Parameters
    ----------
    cells
        Indices of the cells to train on; all of them train, none is kept for validation.
    seed, epochs
        The package warms the KL term up over 400 epochs, the most that it trains by default; here
        over `epochs`, so that a shorter run still ends at the full objective.
    n_latent, n_hidden, n_layers, gene_likelihood, batch_size, learning_rate
        The package's own defaults. Beyond them, cells are scaled by `scvi_input`'s size factors.

    Raises
    ------
    InputError
        The extra is not installed, a parameter without meaning, no cells, or a loss that is no
        number.
    """
    check_whole(
        epochs=epochs,
        n_latent=n_latent,
        n_hidden=n_hidden,
        n_layers=n_layers,
        batch_size=batch_size,
    )
    check_whole(at_least=0, seed=seed)
    check_number(learning_rate=learning_rate)
    one_of("gene_likelihood", gene_likelihood, LIKELIHOODS)
    if len(cells) == 0:
        raise InputError(f"No cells of screen {screen.name!r} to train on: give at least one.")
    accelerator = ACCELERATORS[resolve_device(device).type]
    with contained(seed, "scVI"):
        model = untrained_scvi(
            screen,
            cells,
            n_latent=n_latent,
            n_hidden=n_hidden,
            n_layers=n_layers,
            gene_likelihood=gene_likelihood,
        )
        model.train(
            max_epochs=epochs,
            accelerator=accelerator,
            devices=1,
            train_size=1.0,
            validation_size=0.0,
            shuffle_set_split=False,  # it would shuffle by the clock; batches are shuffled anyway
            batch_size=batch_size,
            plan_kwargs={"lr": learning_rate, "n_epochs_kl_warmup": epochs},
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
    loss = _last_loss(model)
    if not math.isfinite(loss):
        raise InputError(
            f"SCVI's loss became {loss} (seed {seed}, learning_rate {learning_rate:g}): train with "
            "a smaller learning_rate."
        )
    return model


def _last_loss(model: "SCVI") -> float:
    return float(model.history["train_loss"].to_numpy()[-1, 0])


class ScviAdditive(LatentAdditive):
    """Add in the latent space of SCVI, decode, and sample counts.

    Decoded at the control cell's own size, so that what it gains in total counts is the
    perturbation's doing.

    Parameters
    ----------
    n_latent, n_hidden, n_layers, gene_likelihood, epochs, batch_size, learning_rate, device
        See `train_scvi`; the defaults are the package's. It trains 400 epochs for screens of up to
        20,000 cells and fewer beyond, which is not copied: `epochs` is what is run.
    prediction
        "samples": z_ctrl from q(z | x_ctrl) and counts from the decoder's distribution, so that the
        answer looks like cells; or the "means" of both, whose log1p is not a mean of log1p.
    seed
        Of the initialisation and the order of the batches. Training cannot be resumed.

    Attributes
    ----------
    network_ : the trained module of scvi-tools, on the CPU
    history_ : DataFrame, one row an epoch: loss
    """

    def __init__(
        self,
        n_latent: int = 10,
        n_hidden: int = 128,
        n_layers: int = 1,
        gene_likelihood: str = "zinb",
        prediction: str = "samples",
        epochs: int = 400,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.n_latent = n_latent
        self.n_hidden = n_hidden
        self.n_layers = n_layers
        self.gene_likelihood = gene_likelihood
        self.prediction = prediction
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed
        self.device = device

    def _fit_latent(self, screen: Screen, split: Split) -> Callable[[np.ndarray], np.ndarray]:
        """Train SCVI; the latents are posterior means. Raises what `train_scvi` does."""
        one_of("prediction", self.prediction, PREDICTIONS)
        parameters = {k: v for k, v in self.get_params().items() if k != "prediction"}
        model = train_scvi(screen, split.train, **parameters)
        with contained(self.seed, "scVI latents"):
            latent = model.get_latent_representation()  # (n_train, n_latent)
        losses = model.history["train_loss"].to_numpy(dtype=float)[:, 0]
        self.history_ = pd.DataFrame({"loss": losses})
        self.network_ = model.module.cpu().eval()
        return lambda mask: latent[mask]

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def _decode_moved(
        self, controls: Screen, index: np.ndarray, delta: np.ndarray, condition: str, seed: int
    ) -> np.ndarray:
        """Normalised with the control's total."""
        found = np.empty((len(index), len(self.genes_)), np.float32)
        with contained(seed, f"predict {canonical_label(condition)}"), torch.no_grad():
            for start in range(0, len(index), ROWS_AT_ONCE):
                block = index[start : start + ROWS_AT_ONCE]
                size = controls.total_counts[block, None] / controls.target_total
                counts = self._decode(controls.counts[block].toarray(), size, delta)
                found[start : start + len(block)] = np.log1p(counts / size)
        return found

    def _decode(self, counts: np.ndarray, size: np.ndarray, delta: np.ndarray) -> np.ndarray:
        """(rows, n_genes) counts of cells moved by `delta` (n_latent,); `size` is (rows, 1)."""
        batch = torch.zeros(len(counts), 1, dtype=torch.long)  # SCVI corrects for no batches here
        log_size = torch.from_numpy(np.log(size).astype(np.float32))
        inferred = self.network_.inference(torch.from_numpy(counts), batch)
        sample = self.prediction == "samples"
        z = inferred["z"] if sample else inferred["qz"].loc
        z = z + torch.as_tensor(delta, dtype=z.dtype)
        decoded = self.network_.generative(
            z, library=log_size, batch_index=batch, size_factor=log_size
        )["px"]
        return (decoded.sample() if sample else decoded.mean).numpy()
