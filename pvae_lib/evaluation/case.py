"""One scored condition: its two halves, and what a prediction of it is worth."""

import zlib
from dataclasses import dataclass
from typing import Self

import numpy as np
from sklearn.utils.sparsefuncs import mean_variance_axis

from pvae_lib.evaluation import deltas, distances, errors
from pvae_lib.evaluation.coverage import coverage
from pvae_lib.evaluation.distances import POINT, PairMeans
from pvae_lib.evaluation.errors import Moments
from pvae_lib.evaluation.metrics import METRICS
from pvae_lib.exceptions import InputError
from pvae_lib.methods.base import Method
from pvae_lib.screen import Screen


@dataclass(frozen=True, eq=False)
class Background:
    """What all conditions of a screen are compared with, from training cells only.

    `controls` are the training controls; `control_mean`, `control_variance` (divisor n − 1) and
    `centroid` (the perturbed mean) are (n_genes,) float64.
    """

    controls: Screen
    control_mean: np.ndarray
    control_variance: np.ndarray
    centroid: np.ndarray

    @classmethod
    def of(cls, controls: Screen, centroid: np.ndarray) -> Self:
        """Moments of two or more control cells, gene by gene, without making them dense."""
        n = controls.n_cells
        _, variance = mean_variance_axis(controls.expression.astype(np.float64), axis=0)
        return cls(controls, controls.mean(slice(None)), variance * n / (n - 1), centroid)


@dataclass(frozen=True, eq=False)
class Cloud:
    """Cells of one condition, true or predicted, and what is computed of them once.

    Attributes
    ----------
    cells
        (n, n_genes) float32, paired row by row with the true cells.
    far
        The rows that distances are taken of; a single row where all cells are the same point.
    within
        Means over pairs of `far`.
    """

    cells: np.ndarray
    moments: Moments
    far: np.ndarray
    within: PairMeans

    @classmethod
    def of(cls, cells: np.ndarray, rows: np.ndarray, source: np.ndarray | None = None) -> Self:
        """`rows` are those to take distances of; `source`, the control cell behind each row."""
        if (cells == cells[0]).all():
            moments = Moments(cells[0].astype(np.float64), 0.0, errors.mean_square(cells[0]))
            return cls(cells, moments, cells[:1], POINT)
        far = cells[rows]
        own = None if source is None else source[rows]
        return cls(cells, Moments.of(cells), far, distances.within(far, own))


@dataclass(frozen=True, eq=False)
class Case:
    """A condition's test cells in two random halves, and the control cells drawn for it.

    Attributes
    ----------
    truth
        The half that is scored.
    reference
        The other half: its mean is the floor, its cells are the ceiling.
    rows
        The rows of each half that distances are taken of.
    source
        (n,) the control cell behind each prediction.
    de
        Indices of the DE genes, chosen on the reference half.
    null
        Biased MMD of the two real halves: what a perfect sampler scores.
    """

    condition: str
    truth: Cloud
    reference: Cloud
    rows: np.ndarray
    source: np.ndarray
    de: np.ndarray
    null: float
    background: Background
    predict_seed: int

    @classmethod
    def draw(
        cls,
        screen: Screen,
        condition: str,
        cells: np.ndarray,
        background: Background,
        seed: int,
        max_cells: int,
    ) -> Self:
        """Cut `cells` (indices into the screen) into halves of equal size; an odd cell is left out.

        The draws depend on the seed and the condition's name alone, not on what else is scored.
        """
        of_halves, of_predictions = np.random.SeedSequence(
            [seed, zlib.crc32(condition.encode())]
        ).spawn(2)
        rng = np.random.default_rng(of_halves)
        n = len(cells) // 2
        order = rng.permutation(cells)
        rows = np.arange(n) if n <= max_cells else np.sort(rng.choice(n, max_cells, replace=False))
        truth = Cloud.of(screen.dense(order[:n]), rows)
        reference = Cloud.of(screen.dense(order[n : 2 * n]), rows)
        predict_seed = int(of_predictions.generate_state(1)[0])
        across = distances.between(truth.far, reference.far)
        controls = background.controls
        return cls(
            condition=condition,
            truth=truth,
            reference=reference,
            rows=rows,
            source=Method.draw_controls(controls, n, predict_seed),
            de=deltas.de_genes(
                reference.cells,
                background.control_mean,
                background.control_variance,
                controls.n_cells,
            ),
            null=distances.mmd_biased(across, truth.within, reference.within),
            background=background,
            predict_seed=predict_seed,
        )

    def floor(self) -> Cloud:
        """The mean of the other half: with endless cells, the best that a constant can do."""
        mean = self.reference.moments.mean.astype(np.float32)
        return Cloud.of(np.tile(mean, (len(self.truth.cells), 1)), self.rows)

    def ask(self, name: str, method: Method) -> Cloud:
        """A method's prediction, checked.

        Raises
        ------
        InputError
            The method cannot predict the condition, or what it answers is no set of cells; the
            message names method and condition.
        """
        shape = self.truth.cells.shape
        who = f"Method {name!r}, condition {self.condition!r}"
        try:
            answer = method.predict(
                self.background.controls, self.condition, shape[0], self.predict_seed
            )
        except InputError as error:
            raise InputError(f"{who}: {error}") from error
        answer = np.asarray(answer, dtype=np.float32)
        if answer.shape != shape:
            raise InputError(
                f"{who}: predict returned shape {answer.shape}, not (cells, genes) = {shape}. "
                "It must give one row for each requested cell and one column for each gene."
            )
        bad = ~np.isfinite(answer)
        if bad.any():
            raise InputError(
                f"{who}: predict returned {bad.sum()} NaN or infinite values. Check that training "
                "converged (a smaller learning rate, say) and train again."
            )
        return Cloud.of(answer, self.rows, self.source)

    def score(self, prediction: Cloud | None) -> dict[str, float]:
        """All metrics but discrimination, which needs the other conditions; NaN for None."""
        if prediction is None:
            return dict.fromkeys(METRICS, float("nan"))
        truth, de = self.truth, self.de
        mean, true_mean = prediction.moments.mean, truth.moments.mean
        parts = errors.decompose(prediction.cells, truth.cells, prediction.moments, truth.moments)
        across = distances.between(truth.far, prediction.far)
        pairs = (across, truth.within, prediction.within)
        control, centroid = self.background.control_mean, self.background.centroid
        return {
            "nrmse": parts.nrmse,
            "bias2_over_V": parts.bias2_over_V,
            "var_over_V": parts.var_over_V,
            "V": parts.V,
            "r2_inherited": errors.r2_inherited(mean, true_mean),
            "r2_inherited_batch32": errors.r2_inherited_of_batches(prediction.cells, truth.cells),
            "r2": errors.r2(mean, true_mean),
            "r2_pearson": errors.r2_pearson(mean, true_mean),
            "delta_pearson_control": deltas.delta_pearson(mean, true_mean, control),
            "delta_pearson_centroid": deltas.delta_pearson(mean, true_mean, centroid),
            "nrmse_de20": errors.nrmse(prediction.cells[:, de], truth.cells[:, de]),
            "delta_pearson_control_de20": deltas.delta_pearson(
                mean[de], true_mean[de], control[de]
            ),
            "delta_pearson_centroid_de20": deltas.delta_pearson(
                mean[de], true_mean[de], centroid[de]
            ),
            "mmd": distances.mmd_unbiased(*pairs),
            "mmd_biased32": distances.mmd_biased(*pairs),
            "mmd_biased32_null": self.null,
            "e_distance": distances.e_distance(*pairs),
            "coverage_50": coverage(prediction.cells, truth.cells, 0.5),
            "coverage_90": coverage(prediction.cells, truth.cells, 0.9),
        }
