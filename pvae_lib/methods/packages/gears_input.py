"""What GEARS is handed: training cells as its PertData, and a graph of the perturbed genes.

The package's own loader is not used, because it fetches files before it looks at any data.
"""

import os
from pathlib import Path
from typing import Any

import anndata as ad
import numpy as np
import pandas as pd
import scipy.sparse as sp

from pvae_lib.exceptions import InputError
from pvae_lib.extras import load_extra
from pvae_lib.learning.randomness import generator
from pvae_lib.methods.means import TrainingMeans
from pvae_lib.screen import CONTROL, Screen
from pvae_lib.screen.labels import genes_of
from pvae_lib.splits import Split

RESPONSES = "responses"
EDGE_COLUMNS = ["source", "target", "importance"]
THEIR_CONTROL = "ctrl"
N_DE = 20  # the package scores its validation cells on so many DE genes
FEWEST_CELLS = 3  # of a condition: two train, so that it has a variance, and one validates


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


def response_edges(means: TrainingMeans, threshold: float) -> pd.DataFrame:
    """Edges between singles of which |Pearson| of the training deltas is above a threshold.

    Each gene is a neighbour of itself too, as in the package's graphs.

    Raises
    ------
    InputError
        The split trains on no single.
    """
    names = sorted(means.singles)
    if not names:
        raise InputError(
            f"graph={RESPONSES!r} is made from single perturbations, and the split trains on none: "
            "give the path of a graph."
        )
    deltas = np.stack([means.singles[name] - means.control for name in names])
    r = np.abs(np.nan_to_num(np.atleast_2d(np.corrcoef(deltas))))
    np.fill_diagonal(r, 1.0)
    pairs = [(names[i], names[j], r[i, j]) for i, j in np.argwhere(r > threshold)]
    return pd.DataFrame(pairs, columns=EDGE_COLUMNS)


class _Counts(sp.csr_matrix):
    """A sparse matrix that can be asked for rows by a pandas mask, which scipy no longer takes."""

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key.to_numpy() if isinstance(key, pd.Series) else key)


def _de(data: Any, adata: ad.AnnData, cell: int) -> list[int]:
    """Indices of the 20 DE genes of a cell's condition."""
    ranked = adata.uns["rank_genes_groups_cov_all"][adata.obs["condition_name"].iloc[cell]]
    return [data.node_map[gene] for gene in ranked[:N_DE]]


def their_data(
    screen: Screen,
    split: Split,
    nodes: list[str],
    folder: Path,
    *,
    passes: int,
    batch_size: int,
    validation: float,
    seed: int,
) -> Any:
    """A PertData of the split's training cells, made without the package's loader.

    The package's own functions choose the DE genes, and the genes that a condition has at all.

    Parameters
    ----------
    nodes
        The genes of the perturbation graph.
    folder
        An empty folder, where the package keeps its co-expression graph.
    passes, batch_size, validation, seed
        See `pvae_lib.methods.packages.gears.Gears`.

    Raises
    ------
    InputError
        A training condition with fewer than three cells, or fewer training cells than a batch.
    """
    pertdata = load_extra("gears.pertdata", "gears")
    chooser = load_extra("gears.data_utils", "gears")
    adata = their_anndata(screen[split.train])
    few = adata.obs["condition"].value_counts()
    for label, n_cells in few[few < FEWEST_CELLS].items():
        raise InputError(
            f"Condition {label!r} has {n_cells} training cells: GEARS needs at least "
            f"{FEWEST_CELLS} of each. Drop this condition from the screen."
        )
    adata = chooser.get_dropout_non_zero_genes(chooser.get_DE_genes(adata, False))
    adata.X = _Counts(adata.X)
    data = object.__new__(pertdata.PertData)  # its own __init__ downloads
    data.adata, data.data_path, data.dataset_name = adata, str(folder), "screen"
    data.ctrl_adata = adata[adata.obs["condition"] == THEIR_CONTROL]
    data.gene_names = adata.var["gene_name"]
    data.node_map = {gene: i for i, gene in enumerate(data.gene_names)}
    data.pert_names = np.array(nodes)
    data.node_map_pert = {gene: i for i, gene in enumerate(nodes)}
    data.default_pert_graph, data.gene_set_path, data.subgroup = False, None, None
    data.split, data.seed, data.train_gene_set_size = "no_test", seed, 1.0
    conditions = [their_label(c) for c in split.train_conditions(screen)] + [THEIR_CONTROL]
    data.set2conditions = {"train": conditions, "val": conditions}
    (folder / data.dataset_name).mkdir()
    data.dataloader = _loaders(data, adata, passes, batch_size, validation, seed)
    return data


def _loaders(
    data: Any, adata: ad.AnnData, passes: int, batch_size: int, validation: float, seed: int
) -> dict[str, Any]:
    """The package's batches of cell graphs: each perturbed cell behind a random control."""
    loader = load_extra("torch_geometric.loader", "gears").DataLoader
    x = adata.X.toarray()
    labels = adata.obs["condition"].to_numpy(str)
    controls = np.flatnonzero(labels == THEIR_CONTROL)
    rng = generator(seed, "GEARS pairs")
    graphs: dict[str, list] = {"train": [], "val": []}
    for label in data.set2conditions["train"]:
        cells = rng.permutation(np.flatnonzero(labels == label))
        is_control = label == THEIR_CONTROL
        basal = cells if is_control else rng.choice(controls, len(cells))
        nodes = [-1] if is_control else data.get_pert_idx(label)
        de = [-1] * N_DE if is_control else _de(data, adata, cells[0])
        n_val = max(1, round(validation * len(cells)))
        for i, (cell, before) in enumerate(zip(cells, basal, strict=True)):
            graph = data.create_cell_graph(x[before][None], x[cell][None], de, label, nodes)
            graphs["val" if i < n_val else "train"].append(graph)
    if len(graphs["train"]) < batch_size:
        raise InputError(
            f"batch_size={batch_size} is more than the {len(graphs['train'])} cells that "
            "train: give a smaller one."
        )
    return {
        "train_loader": loader(graphs["train"] * passes, batch_size, shuffle=True, drop_last=True),
        "val_loader": loader(graphs["val"], batch_size, shuffle=True),
    }
