"""PerturbedVAE as a method: from a screen and a split to predicted cells."""

import os
from dataclasses import fields
from typing import Literal, Self

import numpy as np
import torch

from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.learning.batches import PairedBatches
from pvae_lib.learning.device import resolve_device
from pvae_lib.learning.loop import TrainingSettings, train
from pvae_lib.learning.pairing import check_pairing, check_partners
from pvae_lib.learning.randomness import generator, seeded_initialisation, standard_normal
from pvae_lib.methods import saved
from pvae_lib.methods.base import PREDICTIONS, Method
from pvae_lib.model import Objective, ObjectiveConfig, PerturbedVAE, PerturbedVAEConfig
from pvae_lib.model.config import one_of
from pvae_lib.model.residuals import residuals
from pvae_lib.screen import Screen
from pvae_lib.screen.labels import canonical_label
from pvae_lib.splits import Split

ROWS_AT_ONCE, RESIDUAL_CELLS = 2048, 2000


class PerturbedVAEMethod(Method):
    """PerturbedVAE (paper, Eq. 1-9, 54-62, Algorithm 1) with the paper's hyper-parameters.

    Parameters
    ----------
    d_nu, d_iota, hidden, layers, mechanism, mechanism_hidden, scm, prior_variance
        The network; see `pvae_lib.model.PerturbedVAEConfig`.
    w_kl_nu, w_kl_iota, alpha, reconstruction, annealing, w_mmd
        The objective; see `pvae_lib.model.ObjectiveConfig`.
    pairing, given
        Which control stands beside each cell: "random", "nearest", "optimal_transport", or
        "given" with an array (n_cells,) of indices of training controls.
    reconstruct_controls
        Whether control cells are reconstructed too, with u = 0 (Algorithm 1 does not).
    prediction, decoder_noise
        "samples" of both blocks or their "means"; decoder noise adds the variance that is left
        per gene, so that the answer looks like cells rather than like denoised cells.
    epochs, batch_size, learning_rate, keep
        Training; see `pvae_lib.learning.TrainingSettings`.
    device
        "cpu", "cuda", "mps", or "auto": CUDA where there is one, else the CPU. Only the CPU
        promises bitwise the same numbers; MPS has not been tried, so "auto" never takes it.
    checkpoint, checkpoint_seconds
        A file to resume from and to write to while training, and how often.

    Attributes
    ----------
    network_ : the trained PerturbedVAE, on the CPU whatever it was trained on
    history_ : DataFrame, one row a step: loss, recon, kl_nu, kl_iota, alignment, and mmd if used
    variance_ratio_ : Var(x̂)/Var(x) of reconstructed training cells: near 0 is collapse
    """

    def __init__(
        self,
        d_nu: int = 20,
        d_iota: int = 85,
        hidden: int = 256,
        layers: int = 1,
        mechanism: str = "mlp",
        mechanism_hidden: int = 256,
        scm: str = "full",
        prior_variance: str = "softplus",
        w_kl_nu: float = 1e-2,
        w_kl_iota: float = 1e-2,
        alpha: float = 0.05,
        reconstruction: str = "mean",
        annealing: str = "linear",
        w_mmd: float = 0.0,
        pairing: str = "random",
        given: np.ndarray | None = None,
        reconstruct_controls: bool = False,
        prediction: str = "samples",
        decoder_noise: bool = False,
        epochs: int = 100,
        batch_size: int = 64,
        learning_rate: float = 1e-4,
        keep: str = "last",
        seed: int = 0,
        device: str = "cpu",
        checkpoint: str | os.PathLike | None = None,
        checkpoint_seconds: float = 60.0,
    ) -> None:
        self.d_nu = d_nu
        self.d_iota = d_iota
        self.hidden = hidden
        self.layers = layers
        self.mechanism = mechanism
        self.mechanism_hidden = mechanism_hidden
        self.scm = scm
        self.prior_variance = prior_variance
        self.w_kl_nu = w_kl_nu
        self.w_kl_iota = w_kl_iota
        self.alpha = alpha
        self.reconstruction = reconstruction
        self.annealing = annealing
        self.w_mmd = w_mmd
        self.pairing = pairing
        self.given = given
        self.reconstruct_controls = reconstruct_controls
        self.prediction = prediction
        self.decoder_noise = decoder_noise
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.keep = keep
        self.seed = seed
        self.device = device
        self.checkpoint = checkpoint
        self.checkpoint_seconds = checkpoint_seconds

    def fit(self, screen: Screen, split: Split) -> Self:
        """Train on the split's perturbed cells, paired with its control cells.

        Raises
        ------
        InputError
            A parameter without meaning, no controls, a given partner that is no training control,
            a batch larger than the data, a device that is absent, or a checkpoint that is damaged
            or belongs to another run.
        """
        self._remember(screen, split)
        weights, settings, device = self._check_parameters()
        is_control = screen.is_control[split.train]
        cells = split.train if self.reconstruct_controls else split.train[~is_control]
        with seeded_initialisation(self.seed):
            network = PerturbedVAE(self._network_config(screen.n_genes))
        batches = PairedBatches(
            screen.expression,
            screen.u,
            cells,
            split.train[is_control],
            batch_size=self.batch_size,
            seed=self.seed,
            noise={"noise_nu": self.d_nu, "noise_iota": self.d_iota},
            pairing=self.pairing,
            given=self.given,
            device=device,
        )
        if batches.given is not None:
            check_partners(batches.given, batches.cells, batches.controls)
        self.origin_ = saved.origin(screen, split)
        self.history_ = train(
            network,
            Objective(weights),
            batches,
            settings,
            checkpoint=self.checkpoint,
            identity=saved.identity(self.get_params(), self.origin_),
            name=f"PerturbedVAE, seed {self.seed}",
        )
        self.network_ = network.cpu()
        self._measure_residuals(batches)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")  # an interrupted fit has learned nothing to be used

    def predict(self, controls: Screen, condition: str, n: int, seed: int) -> np.ndarray:
        """One cell under `condition` for each of n drawn control cells (paper, §3).

        zι ~ q(zι | x_ctrl), zν ~ p(zν | zι, u), decode. Returns (n, n_genes) float32, log1p of
        median-normalised counts (not clipped: the decoder is linear).

        Raises
        ------
        InputError
            A gene of the condition is unknown or was never trained on, or what `check_request`
            refuses.
        """
        self.check_request(controls, n, seed)
        u = torch.from_numpy(self.check_condition(condition)[None])  # (1, n_targets)
        index = self.draw_controls(controls, n, seed)
        rng = generator(seed, f"predict {canonical_label(condition)}")
        sample = self.prediction == "samples"
        widths = (self.d_nu * sample, self.d_iota * sample, len(self.genes_) * self.decoder_noise)
        found = np.empty((n, len(self.genes_)), np.float32)
        for start in range(0, n, ROWS_AT_ONCE):
            block = index[start : start + ROWS_AT_ONCE]
            x_control = torch.from_numpy(controls.dense(block))
            noises = (standard_normal(rng, len(block), w) if w else None for w in widths)
            found[start : start + len(block)] = self.network_.predict(x_control, u, *noises)
        return found

    def embed(
        self, screen: Screen, kind: Literal["means", "samples"] = "means", seed: int = 0
    ) -> dict[str, np.ndarray]:
        """h (n_cells, hidden), z_iota (n_cells, d_iota) and z_nu (n_cells, d_nu) of every cell.

        z_nu reads each cell's own u, so a classifier of u on it is circular. Means of a
        collapsed z_iota still carry a trace of u that its samples do not: probe both.

        Raises
        ------
        InputError
            Not fitted, unknown kind, no cells, or other genes or targets than the training screen.
        """
        one_of("kind", kind, PREDICTIONS)
        self.check_fitted()
        self.check_genes(screen)
        if screen.n_cells == 0:
            raise InputError(f"Screen {screen.name!r} has no cells to embed.")
        if screen.targets != self.targets_:
            raise InputError(
                f"Screen {screen.name!r} has other targets than the one trained on: embed cells "
                "of the same screen."
            )
        rng = generator(seed, "embed")
        widths = (self.d_nu, self.d_iota) if kind == "samples" else (0, 0)  # 0: no noise
        parts = []
        for start in range(0, screen.n_cells, ROWS_AT_ONCE):
            rows = slice(start, min(start + ROWS_AT_ONCE, screen.n_cells))
            x, u = torch.from_numpy(screen.dense(rows)), torch.from_numpy(screen.u[rows])
            noises = (standard_normal(rng, len(x), w) if w else None for w in widths)
            parts.append(self.network_.embed(x, u, *noises))
        return {name: torch.cat([p[name] for p in parts]).numpy() for name in parts[0]}

    def save(self, path: str | os.PathLike) -> None:
        """Write parameters and weights to one safetensors file, whole or not at all.

        Raises
        ------
        InputError
            Not fitted, or the file cannot be written.
        """
        self.check_fitted()
        record = {
            "parameters": saved.plain(self.get_params()),
            "origin": self.origin_,
            "names": saved.names(self.genes_, self.targets_),
            "trained_targets": sorted(self.trained_targets_),
            "variance_ratio": self.variance_ratio_,
        }
        saved.write(path, self.network_.state_dict(), record)

    @classmethod
    def load(
        cls, path: str | os.PathLike, screen: Screen, *, same_cells: bool = True
    ) -> "PerturbedVAEMethod":
        """Read what `save` wrote, for the screen it was trained on; `history_` is not kept.

        Without `same_cells`, any screen of the same genes and targets, in the same order, will do.

        Raises
        ------
        InputError
            No such file, damaged, not a saved PerturbedVAE, trained on another screen, or saved
            by another version of this project.
        """
        tensors, record = saved.read(path, screen, set(cls._get_param_names()), same_cells)
        method = cls(**record["parameters"])
        method.targets_, method.trained_targets_ = screen.targets, set(record["trained_targets"])
        method.origin_, method.genes_ = record["origin"], screen.genes
        method.variance_ratio_ = record["variance_ratio"]
        network = PerturbedVAE(method._network_config(screen.n_genes))
        method.network_ = saved.filled(network, tensors, path)
        return method

    # --- behind the surface --------------------------------------------------------------------

    def _check_parameters(self) -> tuple[ObjectiveConfig, TrainingSettings, torch.device]:
        one_of("prediction", self.prediction, PREDICTIONS)
        check_pairing(self.pairing)
        check_whole(at_least=0, seed=self.seed)
        weights = ObjectiveConfig(**self._shared(ObjectiveConfig))
        settings = TrainingSettings(
            self.epochs, self.learning_rate, self.keep, checkpoint_seconds=self.checkpoint_seconds
        )
        return weights, settings, resolve_device(self.device)

    def _shared(self, config: type) -> dict:
        """The parameters that are fields of a configuration too."""
        names = {field.name for field in fields(config)} & self.get_params().keys()
        return {name: getattr(self, name) for name in names}

    def _network_config(self, n_genes: int) -> PerturbedVAEConfig:
        return PerturbedVAEConfig(
            n_genes=n_genes,
            n_targets=len(self.targets_),
            learned_variance=self.reconstruction == "learned_variance",
            **self._shared(PerturbedVAEConfig),
        )

    @torch.no_grad()
    def _measure_residuals(self, batches: PairedBatches) -> None:
        """Per-gene variance that the decoder leaves, and the share of variance it keeps."""
        chosen = generator(self.seed, "residuals").permutation(batches.cells)[:RESIDUAL_CELLS]
        index = torch.from_numpy(np.sort(chosen)).to(batches.device)
        x, u = batches.rows.dense(index).cpu(), batches.u[index].cpu()
        rng, widths = generator(self.seed, "residuals"), (self.d_nu, self.d_iota)
        noise = standard_normal(rng, len(x), sum(widths)).split(widths, 1)
        self.variance_ratio_, log_variance = residuals(self.network_, x, u, *noise)
        if self.reconstruction != "learned_variance":
            self.network_.log_variance.copy_(log_variance)
