"""The harness: fitted methods and a screen become one tidy table, references always included.

Each scored condition's test cells are cut into random halves. One half, the reference, gives the
floor (its mean), the ceiling (its cells) and the DE genes; the other half is scored. Conditions
are streamed: cells of one condition at a time are dense, whatever the size of the screen.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from sklearn.utils.validation import check_is_fitted

from pvae_lib.evaluation import deltas
from pvae_lib.evaluation.case import Background, Case, Cloud
from pvae_lib.evaluation.metrics import CEILING, COLUMNS, FLOOR, METRICS, REFERENCES
from pvae_lib.exceptions import InputError
from pvae_lib.methods.base import Method
from pvae_lib.methods.cells import ControlCells, ShiftedControlCells
from pvae_lib.methods.means import Additive, ControlMean, MeansMethod, PerturbedMean, TrainingMeans
from pvae_lib.progress import bar
from pvae_lib.screen import Screen
from pvae_lib.splits import Split

FEWEST_CELLS = 4  # two in each half: a distance within a half needs a pair

# The references that predict; floor and ceiling come from the true cells.
REFERENCE_METHODS: dict[str, type[MeansMethod]] = {
    "control mean": ControlMean,
    "perturbed mean": PerturbedMean,
    "additive": Additive,
    "control cells": ControlCells,
    "control cells + additive": ShiftedControlCells,
}


def audit(
    methods: Mapping[str, Method],
    screen: Screen,
    split: Split,
    *,
    group: str = "double",
    seed: int = 0,
    max_cells: int = 1000,
) -> pd.DataFrame:
    """Score fitted methods, and the references beside them, on the split's test conditions.

    Parameters
    ----------
    methods
        Name → method fitted on this screen and split. May be empty: the references come anyway.
    group
        The test group to score.
    seed
        Of the halves, of the drawn control cells and of any sampling. Hand in methods trained
        with this seed; another seed is another call, and the tables are concatenated.
    max_cells
        At most so many cells on either side enter E-distance and MMD, whose cost is quadratic.

    Returns
    -------
    A tidy table (`pvae_lib.evaluation.metrics.COLUMNS`), one row a condition, method and metric of
    `METRICS`. A value that is not defined is NaN: ΔPearson of the control mean against control,
    the additive rows of a double whose single never trained.

    Raises
    ------
    InputError
        The split is of another screen or scores nothing; a condition has too few cells; a method
        cannot predict a condition, or answers with the wrong shape, NaN or infinite values.
    """
    split.check(screen)
    cells = _cells_to_score(screen, split, group)
    for name, method in methods.items():
        if name in REFERENCES:
            raise InputError(f"A method is named like the reference {name!r}; name it otherwise.")
        check_is_fitted(method)
    means = TrainingMeans.of(screen, split)
    references = {n: m().fit(screen, split, means) for n, m in REFERENCE_METHODS.items()}
    background = Background.of(_training_controls(screen, split), means.perturbed)

    scores: dict[str, list[dict[str, float]]] = {name: [] for name in [*REFERENCES, *methods]}
    profiles: dict[str, list[np.ndarray]] = {name: [] for name in scores}
    true_profiles = []
    for condition in bar(cells, desc="audit", unit="condition"):
        case = Case.draw(screen, condition, cells[condition], background, seed, max_cells)
        true_profiles.append(case.truth.moments.mean)
        for name in scores:
            cloud = _prediction(case, name, references, methods)
            scores[name].append(case.score(cloud))
            undefined = np.full(screen.n_genes, np.nan)
            profiles[name].append(undefined if cloud is None else cloud.moments.mean)
    for name in scores:
        ranks = deltas.discrimination(
            np.stack(profiles[name]), np.stack(true_profiles), background.centroid
        )
        for score, rank in zip(scores[name], ranks, strict=True):
            score["discrimination"] = float(rank)
    rows = [
        (screen.name, name, condition, metric, seed, score[metric])
        for name in scores
        for condition, score in zip(cells, scores[name], strict=True)
        for metric in METRICS
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _prediction(
    case: Case, name: str, references: Mapping[str, Method], methods: Mapping[str, Method]
) -> Cloud | None:
    """The cells to score under a name; None where a reference is not defined for the condition."""
    if name == FLOOR:
        return case.floor()
    if name == CEILING:
        return case.reference
    if name in methods:
        return case.ask(name, methods[name])
    try:
        return case.ask(name, references[name])
    except InputError:
        return None  # the additive of a single that never trained


def _cells_to_score(screen: Screen, split: Split, group: str) -> dict[str, np.ndarray]:
    """Condition → indices of its test cells, conditions sorted."""
    test = split.cells(group)
    labels = screen.condition[test]
    cells = {c: test[labels == c] for c in split.test_conditions(screen, group)}
    if not cells:
        raise InputError(
            f"Split {split.name!r} has no test cells in group {group!r}: nothing to score. "
            "Choose another group or split."
        )
    few = [c for c, found in cells.items() if len(found) < FEWEST_CELLS]
    if few:
        raise InputError(
            f"Too few test cells to cut into halves (fewer than {FEWEST_CELLS}): {', '.join(few)}. "
            "Drop these conditions from the screen and make the split again."
        )
    return cells


def _training_controls(screen: Screen, split: Split) -> Screen:
    controls = screen[split.train[screen.is_control[split.train]]]
    if controls.n_cells < 2:
        raise InputError("The split trains on a single control cell; scoring needs at least two.")
    return controls
