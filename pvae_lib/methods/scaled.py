"""The additive delta times one number: how that number is chosen without a look at the answer."""

from collections.abc import Mapping
from typing import Self

import numpy as np

from pvae_lib.exceptions import InputError
from pvae_lib.methods.means import ConstantMethod, TrainingMeans
from pvae_lib.screen import CONTROL
from pvae_lib.screen.labels import genes_of

SOURCES = ("singles", "doubles")


class ScaledAdditive(ConstantMethod):
    """control + scale × (sum of the singles' deltas).

    ΔPearson against control is that of `Additive` whatever the scale above 0; errors, distances and
    ΔPearson against the perturbed mean are not.

    Parameters
    ----------
    scale_from
        "singles": one scale from the training singles and their sampling noise alone, see
        `scale_from_singles`. "doubles": for each condition asked for, the scale that fits the
        training doubles *which share no gene with it* best, see `scale_from_doubles`; it needs a
        split that trains on doubles, and is no like-for-like rival of rows that see none.

    Attributes
    ----------
    scale_
        The one scale; only where it is learned from singles.
    """

    def __init__(self, scale_from: str = "singles"):
        self.scale_from = scale_from

    def fit_means(self, means: TrainingMeans) -> Self:
        """Choose the scale, or check that it can be chosen once a condition is asked for.

        Raises
        ------
        InputError
            Unknown `scale_from`; no two singles with known noise; no double trains.
        """
        if self.scale_from not in SOURCES:
            raise InputError(
                f"scale_from={self.scale_from!r} is not usable: give one of {', '.join(SOURCES)}."
            )
        super().fit_means(means)
        if self.scale_from == "singles":
            self.scale_ = scale_from_singles(means)
        elif not means.doubles:
            raise InputError(
                "The scale cannot come from doubles: none trains. Choose a split that trains on "
                "doubles (held-out-doubles, k_fold), or scale_from='singles'."
            )
        return self

    def scale(self, condition: str) -> float:
        """The scale used for a condition."""
        if self.scale_from == "singles":
            return self.scale_
        return scale_from_doubles(self.means_, condition)

    def predict_mean(self, condition: str) -> np.ndarray:
        delta = self.means_.additive_delta(condition)
        return self.means_.control + self.scale(condition) * delta


def scale_from_singles(means: TrainingMeans) -> float:
    """The share of a sum of two singles' deltas that is signal, over all pairs of singles.

    A delta is a true effect plus sampling error, and the error adds to its length. With v the
    squared sampling error of a mean (summed over genes), E‖δA + δB‖² = ‖true sum‖² + vA + vB +
    4 v_control, the control's error entering each delta. The least-squares multiplier that takes
    noisy sums to true sums is therefore Σ(‖δA + δB‖² − vA − vB − 4 v_control) / Σ‖δA + δB‖², sums
    over all pairs of training singles, kept within [0, 1]. It mends noise; that effects combine
    sub-additively only doubles can say.

    Raises
    ------
    InputError
        Nothing tells the noise, or fewer than two singles have a known one.
    """
    noise = means.noise or {}
    usable = [s for s in means.singles if np.isfinite(noise.get(s, np.nan))]
    of_control = noise.get(CONTROL, np.nan)
    if len(usable) < 2 or not np.isfinite(of_control):
        raise InputError(
            "The scale cannot come from the singles: the sampling noise of the control mean and of "
            "at least two singles must be known (two cells each). Train on more cells."
        )
    deltas = np.stack([means.singles[s] - means.control for s in usable])
    n = len(usable)
    # Over all pairs: Σ‖δA + δB‖² = (n − 2) Σ‖δA‖² + ‖Σ δA‖².
    energy = (n - 2) * np.sum(deltas**2) + np.sum(deltas.sum(axis=0) ** 2)
    error = (n - 1) * sum(noise[s] for s in usable) + 2 * n * (n - 1) * of_control
    return float(np.clip(1 - error / energy, 0, 1)) if energy > 0 else 0.0


def scale_from_doubles(means: TrainingMeans, condition: str) -> float:
    """The least-squares scale over training doubles that share no gene with a condition.

    Σ(additive delta · true delta) / Σ‖additive delta‖².

    Raises
    ------
    InputError
        No training double with both singles is free of the condition's genes.
    """
    pairs = [
        (means.additive_delta(d), mean - means.control)
        for d, mean in gene_disjoint(means.doubles, condition).items()
        if all(g in means.singles for g in genes_of(d))
    ]
    energy = sum(additive @ additive for additive, _ in pairs)
    if not energy:
        raise InputError(
            f"No scale for {condition!r}: no training double with both singles is free of its "
            "genes. Train on more doubles, or use scale_from='singles'."
        )
    return float(sum(additive @ true for additive, true in pairs) / energy)


def gene_disjoint(doubles: Mapping[str, np.ndarray], condition: str) -> dict[str, np.ndarray]:
    """Those of the doubles that share no perturbed gene with a condition."""
    own = set(genes_of(condition))
    return {d: mean for d, mean in doubles.items() if own.isdisjoint(genes_of(d))}
