"""Means that predict every cell alike, against the numbers worked out by hand."""

import numpy as np
import pytest

from pvae_lib import splits
from pvae_lib.exceptions import InputError
from pvae_lib.methods.means import (
    Additive,
    ControlMean,
    MeanOfSingles,
    PerturbedMean,
    TrainingMeans,
)
from pvae_lib.screen import Screen

LABELS = ["control"] * 3 + ["A"] * 2 + ["B"] * 4 + ["A+B"] * 4 + ["C+D"] * 4


@pytest.fixture
def screen():
    counts = np.random.default_rng(0).poisson(3.0, size=(len(LABELS), 6)) + 1
    return Screen.from_counts(counts, LABELS, list("abcdef"))


@pytest.fixture
def split(screen):
    return splits.doubles_with_both_singles(screen)


@pytest.fixture
def controls(screen):
    return screen[screen.is_control]


@pytest.fixture
def profile(screen):
    """Mean of a condition, computed from counts without the screen's help."""
    counts = screen.counts.toarray().astype(float)
    totals = counts.sum(axis=1, keepdims=True)
    expression = np.log1p(counts / totals * np.median(totals))
    return lambda label: expression[np.array(LABELS) == label].mean(axis=0)


def expected_means(profile):
    control, a, b = profile("control"), profile("A"), profile("B")
    return {
        ControlMean: control,
        PerturbedMean: (a + b) / 2,  # of conditions, not of cells: A has 2 cells, B has 4
        MeanOfSingles: (a + b) / 2,
        Additive: a + b - control,
    }


@pytest.mark.parametrize("method", [ControlMean, PerturbedMean, MeanOfSingles, Additive])
def test_prediction_is_the_mean_worked_out_by_hand(screen, split, controls, profile, method):
    cells = method().fit(screen, split).predict(controls, "A+B", 5, seed=0)
    assert cells.shape == (5, 6) and cells.dtype == np.float32
    np.testing.assert_allclose(cells, np.tile(expected_means(profile)[method], (5, 1)), rtol=1e-5)


def test_perturbed_mean_of_another_double_is_the_same_the_others_are_not(
    screen, split, controls, profile
):
    single = MeanOfSingles().fit(screen, split).predict(controls, "A", 1, 0)[0]
    np.testing.assert_allclose(single, profile("A"), rtol=1e-5)
    additive = Additive().fit(screen, split).predict(controls, "A", 1, 0)[0]
    np.testing.assert_allclose(additive, profile("A"), rtol=1e-5)
    perturbed = PerturbedMean().fit(screen, split)
    np.testing.assert_array_equal(
        perturbed.predict(controls, "A", 1, 0), perturbed.predict(controls, "A+B", 1, 0)
    )


def test_only_training_cells_count(screen, profile):
    train = np.array([0, 1, 3, 5, 6])  # one control and half of the singles are not trained on
    split = splits.Split("part", train, {"double": screen.cells_of("A+B")}, screen.fingerprint)
    means = TrainingMeans.of(screen, split)
    np.testing.assert_allclose(means.control, screen.dense(train[:2]).mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(means.singles["A"], screen.dense(train[2:3])[0], rtol=1e-5)
    np.testing.assert_allclose(means.singles["B"], screen.dense(train[3:]).mean(axis=0), rtol=1e-5)
    assert set(means.singles) == {"A", "B"}


def test_means_computed_before_are_taken(screen, split):
    means = TrainingMeans.of(screen, split)
    assert Additive().fit(screen, split, means).means_ is means


def test_refusals(screen, split, controls):
    with pytest.raises(InputError, match=r"'A\+C'.*no training cell has C perturbed alone"):
        Additive().fit(screen, split).predict(controls, "A+C", 2, 0)
    with pytest.raises(InputError, match="ZZZ"):
        ControlMean().fit(screen, split).predict(controls, "ZZZ", 2, 0)
    unsingle = splits.Split("none", np.arange(3), split.test, screen.fingerprint)
    method = PerturbedMean().fit(screen, unsingle)
    with pytest.raises(InputError, match="trains on no single"):
        method.predict(controls, "A+B", 2, 0)
    # What needs no single predicts genes that never trained.
    assert ControlMean().fit(screen, unsingle).predict(controls, "C+D", 2, 0).shape == (2, 6)


def test_a_mean_learns_no_parameters(twin_small):
    screen, _ = twin_small
    assert Additive().fit(screen, splits.paper(screen)).count_parameters() == 0
