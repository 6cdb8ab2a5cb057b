"""ΔPearson, DE genes and discrimination, against explicit computations."""

import numpy as np
import pytest
from scipy.stats import ttest_ind

from pvae_lib.evaluation import deltas


def test_delta_pearson_is_the_correlation_of_changes():
    rng = np.random.default_rng(0)
    reference, predicted, true = rng.normal(size=(3, 40))
    expected = np.corrcoef(predicted - reference, true - reference)[0, 1]
    assert deltas.delta_pearson(predicted, true, reference) == pytest.approx(expected)
    assert deltas.delta_pearson(true, true, reference) == pytest.approx(1)
    mirrored = 2 * reference - true
    assert deltas.delta_pearson(mirrored, true, reference) == pytest.approx(-1)


def test_all_genes_agree_though_changes_do_not():
    # What the metric is for: profiles correlate by abundance, changes tell.
    rng = np.random.default_rng(1)
    control = rng.gamma(0.5, 2.0, size=500)
    true, predicted = control + 0.1 * rng.normal(size=(2, 500))
    assert np.corrcoef(predicted, true)[0, 1] > 0.99
    assert abs(deltas.delta_pearson(predicted, true, control)) < 0.15


def test_a_prediction_that_is_the_reference_has_no_direction():
    rng = np.random.default_rng(2)
    reference, true = rng.gamma(1.0, size=(2, 40))
    assert np.isnan(deltas.delta_pearson(reference, true, reference))
    rounded = reference.astype(np.float32).astype(float)  # what a float32 prediction gives back
    assert not np.array_equal(rounded, reference)
    assert np.isnan(deltas.delta_pearson(rounded, true, reference))


def test_de_genes_are_those_of_scipys_welch_test():
    rng = np.random.default_rng(3)
    control = rng.gamma(1.0, size=(80, 50))
    cells = rng.gamma(1.0, size=(30, 50)) + np.where(np.arange(50) % 5 == 0, 1.0, 0.0)
    t = np.abs(ttest_ind(cells, control, equal_var=False).statistic)
    found = deltas.de_genes(cells, control.mean(axis=0), control.var(axis=0, ddof=1), 80, 10)
    assert set(found) == set(np.argsort(-t)[:10])
    assert list(found) == sorted(found)


def test_de_genes_with_silent_genes_and_few_genes():
    control = np.zeros((10, 4))
    control[:, 1] = np.arange(10)
    cells = np.zeros((6, 4))
    cells[:, 1], cells[:, 2] = np.arange(6), 1.0  # gene 2: on in every cell, off in all controls
    moments = control.mean(axis=0), control.var(axis=0, ddof=1), 10
    assert list(deltas.de_genes(cells, *moments, 2)) == [1, 2]
    assert list(deltas.de_genes(cells, *moments, 20)) == [0, 1, 2, 3]


def explicit_discrimination(predicted, true, centroid):
    def cosine(a, b):
        return a @ b / np.linalg.norm(a) / np.linalg.norm(b)

    scores = []
    for own in range(len(true)):
        similarity = [cosine(predicted[own] - centroid, t - centroid) for t in true]
        above = sum(s > similarity[own] for s in similarity)
        scores.append(1 - above / (len(true) - 1))
    return np.array(scores)


def test_discrimination_agrees_with_explicit_ranks():
    rng = np.random.default_rng(4)
    centroid, true = rng.normal(size=20), rng.normal(size=(9, 20))
    predicted = true + 2 * rng.normal(size=(9, 20))
    found = deltas.discrimination(predicted, true, centroid)
    np.testing.assert_allclose(found, explicit_discrimination(predicted, true, centroid))
    assert 0 < found.mean() < 1  # neither perfect nor all wrong: the ranks were put to work


def test_discrimination_is_one_for_the_truth_zero_for_its_mirror_and_half_for_any_constant():
    rng = np.random.default_rng(5)
    centroid, true = rng.normal(size=20), rng.normal(size=(9, 20))
    assert (deltas.discrimination(true, true, centroid) == 1).all()
    assert (deltas.discrimination(2 * centroid - true, true, centroid) == 0).all()
    constant = np.tile(rng.normal(size=20), (9, 1))
    assert deltas.discrimination(constant, true, centroid).mean() == pytest.approx(0.5)


def test_discrimination_counts_a_tie_half():
    true = np.array([[1.0, 0.0], [2.0, 0.0], [0.0, 1.0]])  # two conditions in one direction
    found = deltas.discrimination(true, true, np.zeros(2))
    np.testing.assert_allclose(found, [0.75, 0.75, 1.0])


def test_discrimination_is_undefined_where_there_is_no_direction_or_no_other_condition():
    rng = np.random.default_rng(6)
    centroid, true = rng.gamma(1.0, size=20), rng.normal(size=(4, 20))
    predicted = true.copy()
    predicted[1] = centroid.astype(np.float32)
    found = deltas.discrimination(predicted, true, centroid)
    assert np.isnan(found[1]) and (found[[0, 2, 3]] == 1).all()
    assert np.isnan(deltas.discrimination(true[:1], true[:1], centroid)).all()
