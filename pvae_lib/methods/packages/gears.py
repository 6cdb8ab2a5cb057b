"""GEARS, the real package (`cell-gears`), behind the one surface.

Roohani, Huang & Leskovec 2023, https://doi.org/10.1038/s41587-023-01905-6. Network, loss, choice of
DE genes and training loop are the package's (the extra "gears"). Ours is what hands it a Screen and
a Split: the package itself would fetch a gene-ontology file from the network before it looks at any
data, so its loader is not used, and nothing here reaches the network.
"""

import os
import tempfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
import pandas as pd
import torch

from pvae_lib.exceptions import InputError, check_number, check_whole
from pvae_lib.extras import load_extra
from pvae_lib.learning.device import resolve_device
from pvae_lib.methods.base import Method
from pvae_lib.methods.means import TrainingMeans
from pvae_lib.methods.packages.contained import contained
from pvae_lib.methods.packages.gears_input import (
    N_DE,
    RESPONSES,
    read_edges,
    response_edges,
    their_data,
)
from pvae_lib.screen import Screen
from pvae_lib.screen.labels import genes_of
from pvae_lib.splits import Split


class Gears(Method):
    """Graph-enhanced prediction of perturbation effects, one per drawn control cell.

    The forward pass reads a cell only to add it to what it made of the perturbation. So each
    condition is one shift for all cells, as in "control cells + additive", but a learned one.
    (In cell-gears 0.1.2 the first cell of a batch has another: the edges of the co-expression
    graph are not repeated for the other cells, which see none. We predict as for those others.)

    Parameters
    ----------
    graph
        Which perturbed genes are neighbours. GEARS is meant to be given its gene-ontology graph:
        the path of its `go_essential_all.csv` (columns source, target, importance). The default,
        "responses", is a stand-in and no part of GEARS: neighbours are genes whose singles changed
        expression alike, by |Pearson| of the training deltas. (Their co-expression would not do:
        most perturbed genes of a screen may not be among the genes it keeps.)
    neighbours
        The most neighbours kept of a gene, in this graph and in the package's own co-expression
        graph of the measured genes, which it makes from training cells.
    coexpress_threshold
        |Pearson| below which two measured genes (and two responses) are no neighbours.
    hidden_size, decoder_hidden_size, direction_lambda, epochs, batch_size, learning_rate,
    weight_decay
        The package's defaults, and its halving of the learning rate after each epoch.
    passes
        How often an epoch goes through the training cells; 1 in the package. With few cells an
        epoch is few steps, and the halving ends the training before it has begun: more passes put
        it off.
    validation
        The share of each condition's training cells that choose the epoch to keep, by the error
        over the condition's 20 DE genes. The package holds out conditions for this; here every
        single trains, because the doubles need them.
    seed
        Of initialisation, pairing with control cells, validation cells and batches. Training
        cannot be resumed.

    Attributes
    ----------
    network_ : the package's GEARS_Model of the chosen epoch, on the CPU
    nodes_ : the genes that the perturbation graph holds
    """

    def __init__(
        self,
        graph: str | os.PathLike = RESPONSES,
        neighbours: int = 20,
        coexpress_threshold: float = 0.4,
        hidden_size: int = 64,
        decoder_hidden_size: int = 16,
        direction_lambda: float = 0.1,
        epochs: int = 20,
        passes: int = 1,
        batch_size: int = 32,
        learning_rate: float = 1e-3,
        weight_decay: float = 5e-4,
        validation: float = 0.1,
        seed: int = 0,
        device: str = "cpu",
    ) -> None:
        self.graph = graph
        self.neighbours = neighbours
        self.coexpress_threshold = coexpress_threshold
        self.hidden_size = hidden_size
        self.decoder_hidden_size = decoder_hidden_size
        self.direction_lambda = direction_lambda
        self.epochs = epochs
        self.passes = passes
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.validation = validation
        self.seed = seed
        self.device = device

    def fit(self, screen: Screen, split: Split) -> Self:
        """Train on the split's training cells, each perturbed one paired with a random control.

        Every cell becomes two dense rows: 8 bytes a gene a cell.

        Raises
        ------
        InputError
            The extra is not installed, a parameter without meaning, no such graph file or one
            without the columns, fewer than 20 genes, a training condition with fewer than three
            cells, or weights that became no numbers.
        """
        self._remember(screen, split)
        self._check_parameters()
        if screen.n_genes < N_DE:
            raise InputError(
                f"Screen {screen.name!r} has {screen.n_genes} genes: GEARS scores {N_DE} DE genes "
                f"of each condition, so give a screen with at least {N_DE}."
            )
        if self.graph == RESPONSES:
            edges = response_edges(TrainingMeans.of(screen, split), self.coexpress_threshold)
        else:
            edges = read_edges(self.graph)
        self.nodes_ = sorted({*screen.targets, *edges["source"], *edges["target"]})
        device = str(resolve_device(self.device))
        with contained(self.seed, "GEARS"), tempfile.TemporaryDirectory() as folder:
            gears = load_extra("gears", "gears")
            load_extra("torch_geometric", "gears")
            data = their_data(
                screen,
                split,
                self.nodes_,
                Path(folder),
                passes=self.passes,
                batch_size=self.batch_size,
                validation=self.validation,
                seed=self.seed,
            )
            model = gears.GEARS(data, device=device)
            index, weights = self._graph_tensors(edges)
            model.model_initialize(
                hidden_size=self.hidden_size,
                decoder_hidden_size=self.decoder_hidden_size,
                num_similar_genes_co_express_graph=self.neighbours,
                coexpress_threshold=self.coexpress_threshold,
                direction_lambda=self.direction_lambda,
                G_go=index,
                G_go_weight=weights,
            )
            model.train(epochs=self.epochs, lr=self.learning_rate, weight_decay=self.weight_decay)
        self.network_ = _on_cpu(model)
        if not all(torch.isfinite(p).all() for p in self.network_.parameters()):
            del self.network_
            raise InputError(
                f"GEARS's weights became no numbers (seed {self.seed}): train with a smaller "
                f"learning_rate than {self.learning_rate:g}."
            )
        return self

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "network_")

    def predict(self, controls: Screen, condition: str, n: int, seed: int) -> np.ndarray:
        """(n, n_genes) float32: the drawn control cells, moved by the condition's shift.

        What is below 0 is kept, as the package keeps it; `seed` only draws the control cells.

        Raises
        ------
        InputError
            A gene of the condition was never trained on, or what `check_request` refuses.
        """
        self.check_request(controls, n, seed)
        self.check_condition(condition)
        index = self.draw_controls(controls, n, seed)
        return controls.dense(index) + self.shift(condition)

    @torch.no_grad()
    def shift(self, condition: str) -> np.ndarray:
        """(n_genes,) float32, what the network adds to every cell under a condition.

        Raises
        ------
        InputError
            A gene of the condition was never trained on, or the method is not fitted.
        """
        self.check_condition(condition)
        nodes = [self.nodes_.index(gene) for gene in genes_of(condition)]
        # Two cells of zeros, whose sum with the shift is the shift. The second is answered as all
        # but the first of a batch are.
        n_genes = len(self.genes_)
        cells = SimpleNamespace(
            x=torch.zeros(2 * n_genes, 1),
            pert_idx=[nodes or [-1]] * 2,
            batch=torch.arange(2).repeat_interleave(n_genes),
        )
        return self.network_(cells)[1].numpy()

    # --- behind the surface --------------------------------------------------------------------

    def _check_parameters(self) -> None:
        check_whole(
            neighbours=self.neighbours,
            hidden_size=self.hidden_size,
            decoder_hidden_size=self.decoder_hidden_size,
            epochs=self.epochs,
            passes=self.passes,
            batch_size=self.batch_size,
        )
        check_whole(at_least=0, seed=self.seed)
        check_number(
            coexpress_threshold=self.coexpress_threshold,
            direction_lambda=self.direction_lambda,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
        )
        if not 0 < self.validation < 1:
            raise InputError(
                f"validation={self.validation!r} is not usable: give a share between 0 and 1."
            )

    def _graph_tensors(self, edges: pd.DataFrame) -> tuple[torch.Tensor, torch.Tensor]:
        """The package's own tensors of a graph: (2, edges) indices and (edges,) weights."""
        utils = load_extra("gears.utils", "gears")
        nearest = edges.sort_values("importance", ascending=False, kind="stable")
        # One more than asked for, as in the package: each gene is its own nearest neighbour.
        nearest = nearest.groupby("target", sort=True).head(self.neighbours + 1)
        node_map = {gene: i for i, gene in enumerate(self.nodes_)}
        network = utils.GeneSimNetwork(nearest, self.nodes_, node_map)
        return network.edge_index, network.edge_weight


def _on_cpu(model: Any) -> torch.nn.Module:
    """The network that a trained `gears.GEARS` chose.

    Its graphs are no buffers, so they are moved by hand.
    """
    network = model.best_model.cpu().eval()
    network.args["device"] = "cpu"
    for name in ("G_coexpress", "G_coexpress_weight", "G_sim", "G_sim_weight"):
        setattr(network, name, getattr(network, name).cpu())
    return network
