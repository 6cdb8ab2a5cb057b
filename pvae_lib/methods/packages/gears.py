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
from typing import TYPE_CHECKING, Any, Self

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp
import torch

from pvae_lib.exceptions import InputError, check_number, check_whole
from pvae_lib.extras import load_extra
from pvae_lib.learning.device import resolve_device
from pvae_lib.learning.randomness import generator
from pvae_lib.methods.base import Method
from pvae_lib.methods.means import TrainingMeans
from pvae_lib.methods.packages.contained import contained
from pvae_lib.screen import CONTROL, Screen
from pvae_lib.screen.labels import genes_of
from pvae_lib.splits import Split

if TYPE_CHECKING:
    from gears import GEARS

RESPONSES = "responses"
EDGE_COLUMNS = ["source", "target", "importance"]
THEIR_CONTROL = "ctrl"
N_DE = 20  # the package scores its validation cells on so many DE genes
FEWEST_CELLS = 3  # of a condition: two train, so that it has a variance, and one validates


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
            without the columns, a training condition with fewer than three cells, or weights that
            became no numbers.
        """
        self._remember(screen, split)
        self._check_parameters()
        means = TrainingMeans.of(screen, split)
        edges = _responses(means) if self.graph == RESPONSES else read_edges(self.graph)
        edges = edges[edges["importance"] > self.coexpress_threshold * (self.graph == RESPONSES)]
        self.nodes_ = sorted({*screen.targets, *edges["source"], *edges["target"]})
        device = str(resolve_device(self.device))
        with contained(self.seed, "GEARS"), tempfile.TemporaryDirectory() as folder:
            gears = load_extra("gears", "gears")
            load_extra("torch_geometric", "gears")
            model = gears.GEARS(self._their_data(screen, split, Path(folder)), device=device)
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

    def _their_data(self, screen: Screen, split: Split, folder: Path) -> Any:
        """A PertData of the training cells, made without the package's loader.

        The package's functions choose DE genes and genes that are never 0 throughout a condition.
        """
        pertdata = load_extra("gears.pertdata", "gears")
        chooser = load_extra("gears.data_utils", "gears")
        adata = their_anndata(screen[split.train])
        adata = chooser.get_dropout_non_zero_genes(chooser.get_DE_genes(adata, False))
        adata.X = _Counts(adata.X)
        data = object.__new__(pertdata.PertData)  # its own __init__ downloads
        data.adata, data.data_path, data.dataset_name = adata, str(folder), "screen"
        data.ctrl_adata = adata[adata.obs["condition"] == THEIR_CONTROL]
        data.gene_names = adata.var["gene_name"]
        data.node_map = {gene: i for i, gene in enumerate(data.gene_names)}
        data.pert_names = np.array(self.nodes_)
        data.node_map_pert = {gene: i for i, gene in enumerate(self.nodes_)}
        data.default_pert_graph, data.gene_set_path, data.subgroup = False, None, None
        data.split, data.seed, data.train_gene_set_size = "no_test", self.seed, 1.0
        conditions = [their_label(c) for c in split.train_conditions(screen)] + [THEIR_CONTROL]
        data.set2conditions = {"train": conditions, "val": conditions}
        (folder / data.dataset_name).mkdir()
        data.dataloader = self._loaders(data, adata)
        return data

    def _loaders(self, data: Any, adata: ad.AnnData) -> dict[str, Any]:
        """The package's batches of cell graphs: each perturbed cell behind a random control."""
        loader = load_extra("torch_geometric.loader", "gears").DataLoader
        x = adata.X.toarray()
        labels = adata.obs["condition"].to_numpy(str)
        controls = np.flatnonzero(labels == THEIR_CONTROL)
        rng = generator(self.seed, "GEARS pairs")
        graphs: dict[str, list] = {"train": [], "val": []}
        for label in data.set2conditions["train"]:
            cells = rng.permutation(np.flatnonzero(labels == label))
            if len(cells) < FEWEST_CELLS:
                raise InputError(
                    f"Condition {label!r} has {len(cells)} training cells: GEARS needs at least "
                    f"{FEWEST_CELLS} of each. Drop this condition from the screen."
                )
            is_control = label == THEIR_CONTROL
            basal = cells if is_control else rng.choice(controls, len(cells))
            nodes = [-1] if is_control else data.get_pert_idx(label)
            de = [-1] * N_DE if is_control else _de(data, adata, cells[0])
            n_val = max(1, round(self.validation * len(cells)))
            for i, (cell, before) in enumerate(zip(cells, basal, strict=True)):
                graph = data.create_cell_graph(x[before][None], x[cell][None], de, label, nodes)
                graphs["val" if i < n_val else "train"].append(graph)
        if len(graphs["train"]) < self.batch_size:
            raise InputError(
                f"batch_size={self.batch_size} is more than the {len(graphs['train'])} cells that "
                "train: give a smaller one."
            )
        return {
            "train_loader": loader(graphs["train"], self.batch_size, shuffle=True, drop_last=True),
            "val_loader": loader(graphs["val"], self.batch_size, shuffle=True),
        }


def their_label(condition: str) -> str:
    """ "KLF1" as GEARS spells it, "KLF1+ctrl"; the control is "ctrl", a double as ours."""
    genes = genes_of(condition)
    return "+".join([*genes, THEIR_CONTROL][: max(2, len(genes))]) if genes else THEIR_CONTROL


def their_anndata(screen: Screen) -> ad.AnnData:
    """What GEARS reads: log1p of median-normalised counts, and the columns that it names."""
    labels = {c: their_label(c) for c in [*screen.conditions, CONTROL]}
    return ad.AnnData(
        screen.expression.copy(),
        obs=pd.DataFrame(
            {"condition": [labels[c] for c in screen.condition], "cell_type": "cell"},
            index=screen.cells.astype(str),
        ),
        var=pd.DataFrame({"gene_name": screen.genes.astype(str)}, index=screen.genes.astype(str)),
    )


def read_edges(path: str | os.PathLike) -> pd.DataFrame:
    """Edges between genes, as in GEARS's `go_essential_all.csv`.

    Raises
    ------
    InputError
        No such file, or not a CSV with the columns source, target, importance.
    """
    try:
        edges = pd.read_csv(path)
    except (OSError, UnicodeDecodeError, pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise InputError(
            f"No gene-ontology graph can be read from {str(path)!r} ({error}). GEARS publishes it "
            "as go_essential_all.csv (Harvard Dataverse, datafile 6934319): unpack it and give its "
            f"path as graph=, or use graph={RESPONSES!r}, a stand-in made from the training cells."
        ) from error
    missing = [c for c in EDGE_COLUMNS if c not in edges]
    if missing:
        raise InputError(
            f"{str(path)!r} has no column {' or '.join(map(repr, missing))}: a graph is a CSV with "
            f"the columns {', '.join(EDGE_COLUMNS)}."
        )
    return edges[EDGE_COLUMNS].astype({"source": str, "target": str, "importance": float})


def _responses(means: TrainingMeans) -> pd.DataFrame:
    """Edges weighted by |Pearson| of the deltas of training singles, each gene with itself too."""
    names = sorted(means.singles)
    if not names:
        raise InputError(
            f"graph={RESPONSES!r} is made from single perturbations, and the split trains on none: "
            "give the path of a graph."
        )
    deltas = np.stack([means.singles[name] - means.control for name in names])
    r = np.abs(np.nan_to_num(np.atleast_2d(np.corrcoef(deltas))))
    np.fill_diagonal(r, 1.0)
    pairs = [(a, b, r[i, j]) for i, a in enumerate(names) for j, b in enumerate(names)]
    return pd.DataFrame(pairs, columns=EDGE_COLUMNS)


class _Counts(sp.csr_matrix):
    """A sparse matrix that can be asked for rows by a pandas mask, which scipy ended in 1.13."""

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key.to_numpy() if isinstance(key, pd.Series) else key)


def _de(data: Any, adata: ad.AnnData, cell: int) -> list[int]:
    """Indices of the DE genes of a cell's condition, fewer than 20 only where there are fewer."""
    ranked = adata.uns["rank_genes_groups_cov_all"][adata.obs["condition_name"].iloc[cell]]
    return [data.node_map[gene] for gene in ranked[:N_DE]]


def _on_cpu(model: "GEARS") -> torch.nn.Module:
    """The chosen network; its graphs are no buffers, so they are moved by hand."""
    network = model.best_model.cpu().eval()
    network.args["device"] = "cpu"
    for name in ("G_coexpress", "G_coexpress_weight", "G_sim", "G_sim_weight"):
        setattr(network, name, getattr(network, name).cpu())
    return network
