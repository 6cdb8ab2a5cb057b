"""Regressors from u to the change of the mean, against what algebra says of one-hot singles."""

import numpy as np
import pytest

from pvae_lib import splits
from pvae_lib.exceptions import InputError
from pvae_lib.methods.means import Additive, MeanOfSingles, TrainingMeans
from pvae_lib.methods.regressors import ElasticNetMean, KNNMean, RandomForestMean, RidgeMean

ALL = [RidgeMean(), ElasticNetMean(), KNNMean(), RandomForestMean(n_trees=10)]


@pytest.fixture
def means():
    rng = np.random.default_rng(0)
    control = rng.uniform(1, 2, 30)
    singles = {f"g{i}": control + rng.normal(0, 0.5, 30) for i in range(8)}
    # What the additive cannot know: pairs reach three quarters of the sum.
    doubles = {
        f"g{i}+g{j}": control + 0.75 * (singles[f"g{i}"] + singles[f"g{j}"] - 2 * control)
        for i, j in [(0, 2), (0, 3), (1, 2), (1, 3), (4, 5), (6, 7)]
    }
    return TrainingMeans(control, singles, doubles)


def test_ridge_on_singles_is_the_additive_scaled(means):
    additive = Additive().fit_means(means).predict_mean("g0+g1") - means.control
    for alpha in (0.0, 0.25, 1.0):
        found = RidgeMean(alpha).fit_means(means).predict_mean("g0+g1") - means.control
        np.testing.assert_allclose(found, additive / (1 + alpha), atol=1e-9)
    half = MeanOfSingles().fit_means(means).predict_mean("g0+g1")
    np.testing.assert_allclose(RidgeMean().fit_means(means).predict_mean("g0+g1"), half, atol=1e-9)


def test_elastic_net_on_singles_is_the_sum_of_thresholded_deltas(means):
    found = ElasticNetMean(penalty=0.4, l1_ratio=0.75).fit_means(means)
    deltas = [means.singles[g] - means.control for g in ("g0", "g1")]
    assert any((np.abs(d) < 0.3).any() for d in deltas)
    expected = sum(np.sign(d) * np.maximum(np.abs(d) - 0.3, 0) / 1.1 for d in deltas)
    np.testing.assert_allclose(found.predict_mean("g0+g1") - means.control, expected, atol=1e-6)
    kept = sum(int((np.abs(m - means.control) > 0.3).sum()) for m in means.singles.values())
    assert found.count_parameters() == kept


def test_nearest_neighbours_are_the_two_singles_and_what_the_ties_give(means):
    half = MeanOfSingles().fit_means(means).predict_mean("g0+g1")
    np.testing.assert_allclose(KNNMean(k=2).fit_means(means).predict_mean("g0+g1"), half)
    found = [KNNMean(seed=s).fit_means(means).predict_mean("g0+g1") for s in (0, 0, 1)]
    np.testing.assert_array_equal(found[0], found[1])
    assert not np.allclose(found[0], found[2])
    # Two of five neighbours are its own singles, whatever the ties.
    for mean in found:
        rest = (5 * mean - 2 * half) / 3
        others = np.stack([means.singles[f"g{i}"] for i in range(2, 8)])
        weights = np.linalg.lstsq(others.T, rest, rcond=None)[0]
        np.testing.assert_allclose(np.sort(weights), [0, 0, 0, 1 / 3, 1 / 3, 1 / 3], atol=1e-8)


def test_a_forest_blends_singles_and_cannot_add(means):
    found = RandomForestMean(seed=3).fit_means(means).predict_mean("g0+g1")
    singles = np.stack(list(means.singles.values()))
    weights = np.linalg.lstsq(singles.T, found, rcond=None)[0]
    np.testing.assert_allclose(weights @ singles, found, atol=1e-8)
    assert weights.min() > -1e-8 and weights.sum() == pytest.approx(1)
    assert weights[:2].sum() > 0.5  # the two singles together; an additive mean has 2
    again = RandomForestMean(seed=3).fit_means(means).predict_mean("g0+g1")
    np.testing.assert_array_equal(found, again)


def test_only_a_row_that_says_so_learns_from_doubles(means):
    without = TrainingMeans(means.control, means.singles)
    for method in ALL:
        np.testing.assert_array_equal(
            method.fit_means(means).predict_mean("g0+g1"),
            method.fit_means(without).predict_mean("g0+g1"),
        )
    pooled = RidgeMean(alpha=0.0, with_doubles=True).fit_means(means)
    true = 0.75 * (means.singles["g0"] + means.singles["g1"] - 2 * means.control)
    own = pooled.predict_mean("g0+g1") - means.control - true
    additive = Additive().fit_means(means).predict_mean("g0+g1") - means.control - true
    assert np.linalg.norm(own) < np.linalg.norm(additive)
    with pytest.raises(InputError, match="no doubles to learn from"):
        RidgeMean(with_doubles=True).fit_means(without)


@pytest.mark.parametrize("method", ALL, ids=lambda m: type(m).__name__)
def test_on_a_screen_it_repeats_the_mean_of_the_training_means(twin_small, method):
    screen, _ = twin_small
    split = splits.doubles_with_both_singles(screen)
    double = split.test_conditions(screen, "double")[0]
    controls = screen[screen.is_control]
    cells = method.fit(screen, split).predict(controls, double, 3, seed=0)
    mean = method.fit_means(TrainingMeans.of(screen, split)).predict_mean(double)
    np.testing.assert_array_equal(cells, np.tile(mean.astype(np.float32), (3, 1)))


def test_parameters_are_counted(means):
    assert RidgeMean().fit_means(means).count_parameters() == 8 * 30
    assert KNNMean().fit_means(means).count_parameters() == 0
    tree = RandomForestMean(n_trees=1).fit_means(means)
    leaves = tree.regressor_.estimators_[0].get_n_leaves()
    assert tree.count_parameters() == leaves * 30 + leaves - 1


def test_refusals(means):
    with pytest.raises(InputError, match="g9 is perturbed in no condition"):
        RidgeMean().fit_means(means).predict_mean("g0+g9")
    with pytest.raises(InputError, match="no singles to learn from"):
        RidgeMean().fit_means(TrainingMeans(means.control, {}))
    with pytest.raises(InputError, match="k=9 neighbours among 8"):
        KNNMean(k=9).fit_means(means)
    for method in (RidgeMean(-1.0), ElasticNetMean(penalty=-1.0), RandomForestMean(0), KNNMean(0)):
        with pytest.raises(InputError, match="is not usable"):
            method.fit_means(means)
