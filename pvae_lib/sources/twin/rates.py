"""Expected counts of any cell: background times effects, before any noise."""

import numpy as np

from pvae_lib.sources.twin.doubles import Interactions
from pvae_lib.sources.twin.effects import Effects, promoter, saturate
from pvae_lib.sources.twin.genes import Genes


class Rates:
    """The twin's mechanism, for cells given by label, dose, state and phase."""

    def __init__(self, genes: Genes, effects: Effects, interactions: Interactions) -> None:
        self.genes = genes
        self.effects = effects
        self._target = {gene: i for i, gene in enumerate(effects.targets)}
        self._double = {label: i for i, label in enumerate(interactions.doubles)}
        # Each table has a last row that stands for "none", so that all cells are handled alike.
        self._drive = _with_none(effects.drive, 0)
        self._regulon = _with_none(effects.regulon, 0)
        self._scale = _with_none(interactions.scale, 1)
        self._pair_drive = _with_none(interactions.drive, 0)
        self._pair_regulon = _with_none(interactions.regulon, 0)
        self._cycling = np.flatnonzero(genes.cycle_amplitude)
        self._abundance = genes.abundance.astype(np.float32)

    def __call__(
        self,
        labels: np.ndarray,
        dose: np.ndarray,
        state: np.ndarray,
        phase: np.ndarray | None = None,
    ) -> np.ndarray:
        """(n, n_genes) float32, expected UMI in cells of median size.

        `labels` (n,), `dose` (n, 2), `state` (n, n_programs) and `phase` (n,) as in Cells; without
        phases the cell cycle is left out.
        """
        first, second, pair = self._rows(labels)
        scale = self._scale[pair] * dose
        both = np.minimum(dose[:, 0], dose[:, 1])[:, None]
        drive = self._drive[first] * scale[:, :1] + self._drive[second] * scale[:, 1:]
        drive += self._pair_drive[pair] * both
        rate = promoter(np.exp(drive + state), self.genes)

        active = np.flatnonzero(dose[:, 0] > 0)
        if len(active):
            direct = self._regulon[first[active]] * scale[active, :1]
            paired = active[dose[active, 1] > 0]
            inside = np.searchsorted(active, paired)
            direct[inside] += self._regulon[second[paired]] * scale[paired, 1:]
            direct[inside] += self._pair_regulon[pair[paired]] * both[paired]
            rate[active] *= np.exp(saturate(direct))
        rate *= self._abundance
        if phase is not None and len(self._cycling):
            rate[:, self._cycling] *= self._cycle(phase)
        # A guide recruits the machinery to its own gene: it adds UMI, whatever was there before.
        rows = np.arange(len(labels))
        for target, amount in ((first, dose[:, 0]), (second, dose[:, 1])):
            on = amount > 0
            rate[rows[on], target[on]] += self.effects.own[target[on]] * amount[on]
        return rate

    def _cycle(self, phase: np.ndarray) -> np.ndarray:
        """(n, n_cycling) float32, a bump once per turn; about 1 on average."""
        peak = self.genes.peak[self._cycling].astype(np.float32)
        swing = self.genes.cycle_amplitude[self._cycling].astype(np.float32)
        bump = np.exp(2 * (np.cos(phase.astype(np.float32)[:, None] - peak) - 1))
        return np.exp(swing * (bump - 0.31))

    def _rows(self, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """For each cell the rows of its first and second target and of its double."""
        names, codes = np.unique(labels, return_inverse=True)
        none_target, none_double = len(self._target), len(self._double)
        table = []
        for name in map(str, names):
            first, _, second = name.partition("+")
            table.append(
                (
                    self._target.get(first, none_target),
                    self._target.get(second, none_target),
                    self._double.get(name, none_double),
                )
            )
        return tuple(np.array(table)[codes].T)


def _with_none(table: np.ndarray, value: float) -> np.ndarray:
    """The table with one more row of `value`."""
    return np.vstack([table, np.full((1, table.shape[1]), value, dtype=table.dtype)])
