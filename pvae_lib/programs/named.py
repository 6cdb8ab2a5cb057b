"""The three edges the paper names, where genes and cells are at hand to judge them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pvae_lib.screen import Screen
from pvae_lib.sources.pseudobulk import Pseudobulk
from pvae_lib.splits import Split


@dataclass(frozen=True)
class NamedEdge:
    """source → end, activating (+1) or repressing (−1)."""

    source: str
    end: str
    sign: int

    def __str__(self) -> str:
        return f"{self.source} {'→' if self.sign > 0 else '⊣'} {self.end}"


NAMED = (
    NamedEdge("TGFBR2", "SNAI1", +1),
    NamedEdge("TP73", "CDKN1A", +1),
    NamedEdge("DUSP9", "JUN", -1),
)


def presence(edge: NamedEdge, screen: Screen, split: Split) -> dict[str, float]:
    """1 or 0: whether source and end are trained on as singles, and the end is measured.

    A learned edge between the two needs both to label programs; the measured effect needs the
    source trained and the end measured.
    """
    trained = set(split.train_conditions(screen))
    return {
        "source_trained": float(edge.source in trained),
        "end_trained": float(edge.end in trained),
        "end_measured": float(edge.end in set(screen.genes)),
    }


def learned_weight(edge: NamedEdge, matrix: np.ndarray, names: Sequence[str]) -> float:
    """Weight of source → end in a (T, T) label matrix over names; NaN where either names nothing.

    0 means that both name programs and no arrow joins them in this direction.
    """
    names = list(names)
    if edge.source not in names or edge.end not in names:
        return np.nan
    return float(matrix[names.index(edge.end), names.index(edge.source)])


def in_pseudobulk(edge: NamedEdge, bulk: Pseudobulk) -> dict[str, float]:
    """The measured change of the end under the source, and how it stands among all singles.

    lfc: natural log fold change against control. expected_rank: 1 for the single that moves the
    end most in the direction the edge states, the end's own activation left out. Empty where the
    source or the end was not measured.
    """
    genes = list(bulk.genes)
    if edge.source not in bulk.singles or edge.end not in genes:
        return {}
    singles = [s for s in bulk.singles if s != edge.end]
    lfc = np.array([bulk.change(s)[genes.index(edge.end)] for s in singles])
    own = lfc[singles.index(edge.source)]
    return {
        "lfc": float(own),
        "expected_rank": float(1 + (edge.sign * lfc > edge.sign * own).sum()),
        "singles": float(len(singles)),
        "z_among_singles": float((own - np.median(lfc)) / lfc.std()),
    }
