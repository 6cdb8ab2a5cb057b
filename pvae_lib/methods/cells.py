"""Methods that predict cells from control cells without training a model."""

import numpy as np

from pvae_lib.methods.means import MeansMethod
from pvae_lib.screen import Screen


class ControlCells(MeansMethod):
    """Control cells as they are: the spread of real cells, and no effect."""

    def predict(self, controls: Screen, condition: str, n: int, seed: int) -> np.ndarray:
        """(n, n_genes) float32 drawn control cells."""
        self.check_request(controls, n, seed)
        self.check_known(condition)
        return controls.dense(self.draw_controls(controls, n, seed))


class ShiftedControlCells(MeansMethod):
    """Control cells, each moved by the additive delta of the condition.

    The delta is added on the log scale and values below 0 are kept, so that the mean is the
    additive mean and the spread that of the controls.
    """

    def predict(self, controls: Screen, condition: str, n: int, seed: int) -> np.ndarray:
        """(n, n_genes) float32 shifted control cells."""
        self.check_request(controls, n, seed)
        self.check_condition(condition)
        delta = self.means_.additive_delta(condition).astype(np.float32)
        return controls.dense(self.draw_controls(controls, n, seed)) + delta


class ScaledControlCounts(MeansMethod):
    """Raw counts of control cells, each gene multiplied by the additive ratio.

    The ratio is that of the additive mean to the control mean, both taken back from log1p by
    expm1; counts are scaled, not redrawn, and each cell keeps its total. Which ratio is meant is
    inferred: of several, this one gives the published spread, distances and ΔPearson best.
    """

    def predict(self, controls: Screen, condition: str, n: int, seed: int) -> np.ndarray:
        """(n, n_genes) float32, log1p of the scaled counts, median-normalised."""
        self.check_request(controls, n, seed)
        self.check_condition(condition)
        control = np.expm1(self.means_.control)
        additive = self.means_.control + self.means_.additive_delta(condition)
        # A gene silent in all controls has no counts to scale; an additive mean below 0 is none.
        ratio = np.divide(
            np.expm1(np.maximum(additive, 0)), control, out=np.ones_like(control), where=control > 0
        )
        cells = self.draw_controls(controls, n, seed)
        size = controls.target_total / controls.total_counts[cells]
        scaled = controls.counts[cells].toarray() * ratio * size[:, None]
        return np.log1p(scaled).astype(np.float32)
