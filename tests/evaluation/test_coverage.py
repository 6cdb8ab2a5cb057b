"""Coverage of predicted intervals, against cells whose distribution is known."""

import numpy as np
import pytest

from pvae_lib.evaluation.coverage import coverage


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_cells_of_the_true_distribution_cover_what_they_say(rng, level):
    found = coverage(rng.normal(size=(2000, 20)), rng.normal(size=(2000, 20)), level)
    assert found == pytest.approx(level, abs=0.01)


def test_cells_that_vary_too_little_cover_too_little(rng):
    narrow, truth = 0.1 * rng.normal(size=(500, 20)), rng.normal(size=(500, 20))
    assert coverage(narrow, truth, 0.9) < 0.2


def test_a_point_spans_no_interval(rng):
    assert np.isnan(coverage(np.ones((5, 3)), rng.normal(size=(5, 3)), 0.9))


def test_exact_zeros_lift_the_coverage_of_true_cells_over_the_level(rng):
    prediction, truth = (rng.poisson(0.5, size=(1000, 20)) for _ in range(2))
    assert coverage(prediction, truth, 0.5) > 0.7
