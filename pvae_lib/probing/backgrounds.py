"""What a probe of background asks for: depth, cell cycle, state, batch."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import scanpy as sc

from pvae_lib.exceptions import InputError, nearest
from pvae_lib.screen import Screen
from pvae_lib.sources.twin.names import G2M_PHASE, S_PHASE
from pvae_lib.sources.twin.truth import TwinTruth

FEWEST_MARKERS = 5


def backgrounds(screen: Screen, columns: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """Targets that hold no perturbation: name → (n_cells,) or (n_cells, k) for `probe`.

    "library size" is the log of the raw total over all genes. Each column of `screen.obs` named in
    `columns` is taken as it is: numbers as numbers, all else (batches, guides) as classes. Cell
    cycle is `cycle_scores`, asked for apart, since few gene selections hold its markers.

    Raises
    ------
    InputError
        No such column.
    """
    found = {"library size": np.log(screen.total_counts)}
    for column in columns:
        if column not in screen.obs:
            raise InputError(
                f"No column {column!r} in obs of screen {screen.name!r}; "
                f"{nearest(column, screen.obs.columns)}"
            )
        values = screen.obs[column]
        numeric = pd.api.types.is_float_dtype(values)
        found[column] = values.to_numpy(float) if numeric else values.astype(object).to_numpy()
    return found


def cycle_scores(screen: Screen) -> np.ndarray:
    """(n_cells, 2) float64 scores of S and G2/M: scanpy's, on the markers of Tirosh et al. (2016).

    A score is a *linear* function of some genes' expression, so a probe of expression reads it
    perfectly when those genes are among its features: use it to compare compressed representations.

    Raises
    ------
    InputError
        Fewer than five markers of a phase are among the genes.
    """
    at_hand = [[gene for gene in phase if gene in screen.genes] for phase in (S_PHASE, G2M_PHASE)]
    if min(map(len, at_hand)) < FEWEST_MARKERS:
        raise InputError(
            f"Screen {screen.name!r} holds {len(at_hand[0])} marker genes of S and "
            f"{len(at_hand[1])} of G2/M; a score needs {FEWEST_MARKERS} of each. Keep more genes."
        )
    adata = screen.to_anndata()
    sc.tl.score_genes_cell_cycle(adata, s_genes=at_hand[0], g2m_genes=at_hand[1])
    return adata.obs[["S_score", "G2M_score"]].to_numpy(np.float64)


def true_backgrounds(truth: TwinTruth) -> dict[str, np.ndarray]:
    """The twin's own: log library (n,), cycle as cosine and sine (n, 2), cell state (n, k)."""
    phase = np.asarray(truth.cycle_phase, np.float64)
    return {
        "library size": np.log(np.asarray(truth.library, np.float64)),
        "cell cycle": np.column_stack([np.cos(phase), np.sin(phase)]),
        "cell state": np.asarray(truth.program_scores, np.float64),
    }
