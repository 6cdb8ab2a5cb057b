"""SENA-discrepancy-VAE, after published descriptions of it, not from its code.

de la Fuente, Lehmann, Ruiz-Arenas, Voges, Marin-Goñi, Martinez-de-Morentin, Gomez-Cabrero, Ochoa,
Tegner, Lagani, Hernaez: "Interpretable Causal Representation Learning for Biological Data in the
Pathway Space", ICLR 2025, arXiv 2506.12439. It is Discrepancy-VAE (`discrepancy_vae.py`) with
another encoder, SENA-δ. The first layer has one unit a biological process (BP) and reads the genes
g that are annotated to it, and the others through a leak λ; the second is linear:

    M_λ[g, BP] = 1 if g belongs to BP, else λ
    a = σ( x (W ⊙ M_λ) + b )     the activity of each process
    μ, log σ of q(z | x) = linear in a: every causal factor is a combination of activities

Assignment, shift, graph, decoder and loss are those of Discrepancy-VAE. The paper's text was not
at hand: this follows its abstract, its published descriptions and the project's notes on it. So the
equations here carry no numbers of the paper's, and the table says "not known to us" where it is
not.

| hyper-parameter | ours | the published set-up |
|---|---|---|
| gene sets | an argument; without it, modules of the training cells | GO biological processes |
| leak (λ) | 0.1 | several were compared; which one a table used is not known to us |
| σ | LeakyReLU 0.2 | not known to us |
| W at the start | uniform ± 1/√(genes of the set) | not known to us |
| everything else | as in Discrepancy-VAE | as in Discrepancy-VAE |

**Modules are no pathways.** Without gene sets, genes are clustered by their correlation across
training cells. That keeps the encoder's form, so that its effect on prediction can be scored where
no GO files are at hand, but a unit's name ("module 7") then carries no biology.
"""

import hashlib
import os
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler, normalize
from torch import Tensor, nn

from pvae_lib.exceptions import InputError, check_number, check_whole, nearest
from pvae_lib.learning.randomness import generator
from pvae_lib.methods.peers.discrepancy_vae import DiscrepancyVAEMethod
from pvae_lib.model.scm import LEAK
from pvae_lib.screen import Screen
from pvae_lib.splits import Split

CELLS_TO_CLUSTER, COMPONENTS, GENES_A_MODULE = 5000, 30, 20
ROWS_AT_ONCE = 2048


def membership(gene_sets: Mapping[str, Sequence[str]], genes: Sequence[str]) -> np.ndarray:
    """(n_genes, n_sets) bool: which gene belongs to which set, sets in the mapping's order.

    Raises
    ------
    InputError
        No sets, an empty set, or a gene that is not among `genes`.
    """
    if not isinstance(gene_sets, Mapping) or not gene_sets:
        raise InputError(
            "gene_sets holds no sets: give a mapping such as {'cell cycle': ['CDK1', 'PLK1']}."
        )
    position = pd.Index(genes)
    found = np.zeros((len(position), len(gene_sets)), bool)
    for column, (name, members) in enumerate(gene_sets.items()):
        if isinstance(members, str) or len(members) == 0:
            raise InputError(
                f"Gene set {name!r} is no list of genes, or an empty one ({members!r}): "
                "name its genes, or drop it."
            )
        index = position.get_indexer(list(members))
        if (index < 0).any():
            unknown = str(list(members)[int(np.argmin(index))])
            raise InputError(
                f"Gene {unknown!r} of set {name!r} is not in the screen; "
                f"{nearest(unknown, genes)} Keep only genes of the screen in a set."
            )
        found[index, column] = True
    return found


def gene_modules(
    screen: Screen, cells: np.ndarray, n_modules: int | None = None, seed: int = 0
) -> dict[str, list[str]]:
    """Clusters of genes that vary together across `cells`: a stand-in for gene sets, not GO.

    k-means of the genes' directions in the leading principal components of standardised
    expression, from at most 5,000 of the cells; by default one module for every 20 genes.

    Raises
    ------
    InputError
        Fewer than two cells, or a number of modules that is no whole number up to the genes'.
    """
    if n_modules is None:
        n_modules = max(2, screen.n_genes // GENES_A_MODULE)
    check_whole(n_modules=n_modules)
    if n_modules > screen.n_genes or len(cells) < 2:
        raise InputError(
            f"{n_modules} modules of {screen.n_genes} genes cannot be found in {len(cells)} "
            "cells: give at least two cells, and no more modules than genes."
        )
    chosen = generator(seed, "modules").permutation(cells)[:CELLS_TO_CLUSTER]
    x = StandardScaler().fit_transform(screen.dense(np.sort(chosen)))  # (n, n_genes)
    pca = PCA(min(COMPONENTS, *x.shape), svd_solver="randomized", random_state=seed).fit(x)
    loadings = pca.components_.T * pca.singular_values_  # (n_genes, components)
    label = KMeans(n_modules, n_init=4, random_state=seed).fit_predict(normalize(loadings))
    return {f"module {k}": screen.genes[label == k].tolist() for k in np.unique(label)}


class PathwayLayer(nn.Module):
    """x (B, n_genes) → activities (B, n_sets): a linear layer seen through the mask M_λ."""

    def __init__(self, member: np.ndarray, leak: float) -> None:
        super().__init__()
        inside = torch.from_numpy(member.astype(np.float32))  # (n_genes, n_sets)
        self.register_buffer("mask", inside + leak * (1 - inside))
        bound = inside.sum(0).rsqrt()  # (n_sets,)
        self.weight = nn.Parameter((2 * torch.rand(inside.shape) - 1) * bound)
        self.bias = nn.Parameter((2 * torch.rand(len(bound)) - 1) * bound)

    def forward(self, x: Tensor) -> Tensor:
        """LeakyReLU of x (W ⊙ M_λ) + b."""
        return nn.functional.leaky_relu(torch.addmm(self.bias, x, self.weight * self.mask), LEAK)


class SENAMethod(DiscrepancyVAEMethod):
    """SENA-discrepancy-VAE; the table above compares its set-up with the published one.

    Parameters
    ----------
    gene_sets
        Name → genes, all of the screen; or None for `gene_modules` of the training cells.
    leak
        λ, the weight of genes outside a set: 0 shuts them out, 1 drops the mask.
    d_z, hidden, alpha, beta, w_graph, temperature, epochs, batch_size, learning_rate, seed, device,
    checkpoint
        As in `DiscrepancyVAEMethod`; `hidden` are the units of the decoder and the assignment.

    Attributes
    ----------
    gene_sets_ : the sets in use, name → genes
    """

    NAME = "SENA"

    def __init__(
        self,
        gene_sets: Mapping[str, Sequence[str]] | None = None,
        leak: float = 0.1,
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
        super().__init__(
            d_z=d_z,
            hidden=hidden,
            alpha=alpha,
            beta=beta,
            w_graph=w_graph,
            temperature=temperature,
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            seed=seed,
            device=device,
            checkpoint=checkpoint,
        )
        self.gene_sets = gene_sets
        self.leak = leak

    def activity(self, screen: Screen) -> pd.DataFrame:
        """(n_cells, n_sets) activity of each gene set in each cell, of any condition.

        A set's difference between perturbed cells and controls says what a perturbation does to
        it, whatever the causal factors; its unit is arbitrary, so compare within a set.

        Raises
        ------
        InputError
            Not fitted, or a screen with other genes.
        """
        self.check_fitted()
        self.check_genes(screen)
        found = np.empty((screen.n_cells, len(self.gene_sets_)), np.float32)
        with torch.no_grad():
            for start in range(0, screen.n_cells, ROWS_AT_ONCE):
                rows = slice(start, start + ROWS_AT_ONCE)
                found[rows] = self.network_.f_enc(torch.from_numpy(screen.dense(rows)))
        return pd.DataFrame(found, index=screen.cells, columns=list(self.gene_sets_))

    def _encoder(self, screen: Screen, split: Split) -> tuple[nn.Module, int]:
        check_number(leak=self.leak)
        sets = self.gene_sets
        if sets is None:
            sets = gene_modules(screen, split.train, seed=self.seed)
        member = membership(sets, screen.genes)
        self.gene_sets_ = {str(name): list(members) for name, members in sets.items()}
        return PathwayLayer(member, self.leak), member.shape[1]

    def _identity(self) -> dict:
        sets = repr(self.gene_sets_).encode()
        digest = hashlib.blake2b(sets, digest_size=8).hexdigest()
        return super()._identity() | {"gene_sets": digest}
