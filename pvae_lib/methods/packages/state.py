"""STATE's state transition model, the real package (`arc-state`), behind the one surface.

Adduri et al. 2025, https://doi.org/10.1101/2025.06.26.661135. The package's licence is CC BY-NC-SA
4.0: NO COMMERCIAL USE. It is imported where it is installed and no line of it is copied here.

The model class, its loss, training step, optimiser and prediction step are the package's (the
extra "state"), and so is the Trainer (Lightning) with its clipping of gradients. Ours is what fills
the batches from a Screen and a Split, because the package's own loader wants a folder of files of
many cell lines; and u: the package gives each perturbation, a double too, a column of its own, so
that an unseen double would reach untrained weights. Here it reads the multi-hot u of its genes.
"""

from collections.abc import Iterator
from typing import Self

import numpy as np
import torch

from pvae_lib.exceptions import InputError, check_number, check_whole
from pvae_lib.extras import load_extra
from pvae_lib.learning.device import resolve_device
from pvae_lib.learning.randomness import generator
from pvae_lib.methods.base import Method
from pvae_lib.methods.packages.contained import ACCELERATORS, contained
from pvae_lib.screen import Screen
from pvae_lib.splits import Split

CLIP = 10.0  # the package's gradient_clip_val
BATCH_NAMES = ("pert_emb", "ctrl_cell_emb", "pert_cell_emb")


class StateTransition(Method):
    """A transformer that moves a set of control cells to a set of perturbed ones.

    Trained with the energy distance between predicted and true sets. A prediction reads all control
    cells of its set, so row i is the answer for control cell i among the others of its set.

    Parameters
    ----------
    cell_set_len
        Cells in a set.
    hidden_dim, layers, heads, mlp_layers
        Width, depth and heads of the transformer, and the layers of the networks before and after
        it. The defaults are the package's smallest configuration (state_sm); the feed-forward
        layers are four times the width, as there.
    epochs
        An epoch shows each training cell once or more: conditions are cut into sets, and the last
        set of each is filled up with cells drawn again. The package counts steps (400,000).
    batch_size, learning_rate
        Sets a step, and Adam's rate: the package's defaults.
    seed
        Of initialisation, sets and dropout. Training cannot be resumed.

    Attributes
    ----------
    network_ : the package's StateTransitionPerturbationModel, on the CPU
    """

    def __init__(
        self,
        cell_set_len: int = 128,
        hidden_dim: int = 672,
        layers: int = 4,
        heads: int = 8,
        mlp_layers: int = 4,
        dropout: float = 0.1,
        epochs: int = 100,
        batch_size: int = 16,
        learning_rate: float = 1e-4,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.cell_set_len = cell_set_len
        self.hidden_dim = hidden_dim
        self.layers = layers
        self.heads = heads
        self.mlp_layers = mlp_layers
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.seed = seed
        self.device = device

    def fit(self, screen: Screen, split: Split) -> Self:
        """Train on sets of the split's training cells, controls among them (u = 0).

        Raises
        ------
        InputError
            The extra is not installed, a parameter without meaning, or weights that became no
            numbers.
        """
        self._remember(screen, split)
        self._check_parameters()
        accelerator = ACCELERATORS[resolve_device(self.device).type]
        sets = TrainingSets(screen, split, self.cell_set_len, self.batch_size, self.seed)
        with contained(self.seed, "STATE"):
            network = self._network(screen)
            lightning = load_extra("lightning.pytorch", "state")
            trainer = lightning.Trainer(
                max_epochs=self.epochs,
                accelerator=accelerator,
                devices=1,
                gradient_clip_val=CLIP,
                logger=False,
                enable_checkpointing=False,
                enable_progress_bar=False,
                enable_model_summary=False,
            )
            trainer.fit(network, train_dataloaders=sets)
        network.trainer = None  # it holds the training cells
        if not all(torch.isfinite(p).all() for p in network.parameters()):
            raise InputError(
                f"STATE's weights became no numbers (seed {self.seed}): train with a smaller "
                f"learning_rate than {self.learning_rate:g}."
            )
        self.network_ = network.cpu().eval()
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def count_parameters(self) -> int:
        """Those that are trained; the package holds a frozen embedding of zeros besides."""
        network = getattr(self, "network_", None)
        trained = [] if network is None else network.parameters()
        return sum(p.numel() for p in trained if p.requires_grad)

    @torch.no_grad()
    def predict(self, controls: Screen, condition: str, n: int, seed: int) -> np.ndarray:
        """(n, n_genes) float32, log1p of median-normalised counts, none below 0.

        The drawn control cells are taken `cell_set_len` at a time; the last set is filled up with
        the first of them. `seed` only draws the control cells.

        Raises
        ------
        InputError
            A gene of the condition was never trained on, or what `check_request` refuses.
        """
        self.check_request(controls, n, seed)
        u = torch.from_numpy(self.check_condition(condition)).expand(self.cell_set_len, -1)
        index = self.draw_controls(controls, n, seed)
        full = np.resize(index, -(-n // self.cell_set_len) * self.cell_set_len)
        found = np.empty((len(full), len(self.genes_)), np.float32)
        for start in range(0, len(full), self.cell_set_len):
            rows = slice(start, start + self.cell_set_len)
            cells = torch.from_numpy(controls.dense(full[rows]))
            batch = dict(zip(BATCH_NAMES, (u, cells), strict=False))
            found[rows] = self.network_.predict_step(batch, 0, padded=False)["preds"].numpy()
        return found[:n]

    # --- behind the surface --------------------------------------------------------------------

    def _check_parameters(self) -> None:
        check_whole(
            cell_set_len=self.cell_set_len,
            hidden_dim=self.hidden_dim,
            layers=self.layers,
            heads=self.heads,
            mlp_layers=self.mlp_layers,
            epochs=self.epochs,
            batch_size=self.batch_size,
        )
        check_whole(at_least=0, seed=self.seed)
        check_number(learning_rate=self.learning_rate, dropout=self.dropout)
        if self.dropout >= 1:
            raise InputError(f"dropout={self.dropout!r} is not usable: give a share below 1.")
        if self.hidden_dim % self.heads:
            raise InputError(
                f"hidden_dim={self.hidden_dim} cannot be shared among heads={self.heads}: give a "
                "multiple."
            )

    def _network(self, screen: Screen) -> torch.nn.Module:
        """The package's model, configured as its state_sm.yaml."""
        models = load_extra("state.tx.models", "state")
        return models.StateTransitionPerturbationModel(
            input_dim=screen.n_genes,
            output_dim=screen.n_genes,
            gene_dim=screen.n_genes,
            pert_dim=len(screen.targets),
            hidden_dim=self.hidden_dim,
            dropout=self.dropout,
            lr=self.learning_rate,
            batch_size=self.batch_size,
            cell_set_len=self.cell_set_len,
            n_encoder_layers=self.mlp_layers,
            n_decoder_layers=self.mlp_layers,
            loss="energy",
            distributional_loss="energy",
            blur=0.05,
            predict_residual=True,
            use_basal_projection=False,
            output_space="gene",
            embed_key="X_hvg",  # genes in, genes out: the answer passes a ReLU
            gene_decoder_bool=False,
            transformer_backbone_key="llama",
            transformer_backbone_kwargs={
                "bidirectional_attention": True,
                "max_position_embeddings": self.cell_set_len,
                "hidden_size": self.hidden_dim,
                "intermediate_size": 4 * self.hidden_dim,
                "num_hidden_layers": self.layers,
                "num_attention_heads": self.heads,
                "num_key_value_heads": self.heads,
                "head_dim": self.hidden_dim // self.heads,
                "use_cache": False,
                "attention_dropout": 0.0,
                "tie_word_embeddings": False,
                "vocab_size": 3,  # cells are no words: the usual table of 32,000 would be zeros
                "pad_token_id": 0,
                "bos_token_id": 1,
                "eos_token_id": 2,
            },
        )


class TrainingSets:
    """Batches of sets of training cells with control cells beside them, anew each epoch.

    Iterating yields what the package's training step reads: a dict of flat (sets × cell_set_len, …)
    float32 tensors, u, control expression and perturbed expression. Each set is of one condition;
    its control cells are drawn at random.
    """

    def __init__(
        self, screen: Screen, split: Split, cell_set_len: int, batch_size: int, seed: int
    ) -> None:
        self.screen, self.seed, self.epoch = screen, seed, 0
        self.cell_set_len, self.batch_size = cell_set_len, batch_size
        labels = screen.condition[split.train]
        self.groups = [split.train[labels == label] for label in sorted(set(labels))]
        self.controls = split.train[screen.is_control[split.train]]
        self.n_sets = sum(-(-len(group) // cell_set_len) for group in self.groups)

    def __len__(self) -> int:
        return -(-self.n_sets // self.batch_size)

    def __iter__(self) -> Iterator[dict[str, torch.Tensor]]:
        rng = generator(self.seed, "STATE sets", self.epoch)
        self.epoch += 1
        sets = np.concatenate([self._sets(group, rng) for group in self.groups])
        rng.shuffle(sets)  # (n_sets, cell_set_len) indices
        for start in range(0, len(sets), self.batch_size):
            cells = sets[start : start + self.batch_size].ravel()
            partners = rng.choice(self.controls, len(cells))
            arrays = (self.screen.u[cells], self.screen.dense(partners), self.screen.dense(cells))
            yield {name: torch.from_numpy(a) for name, a in zip(BATCH_NAMES, arrays, strict=True)}

    def _sets(self, group: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(sets, cell_set_len) a condition's cells in random order, the last set filled up."""
        short = -len(group) % self.cell_set_len
        order = np.concatenate([rng.permutation(group), rng.choice(group, short)])
        return order.reshape(-1, self.cell_set_len)
