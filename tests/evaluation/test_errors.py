"""nRMSE, its decomposition and the three R², against explicit sums."""

import numpy as np
import pytest
from sklearn.metrics import r2_score

from pvae_lib.evaluation import errors


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    truth = rng.gamma(0.5, 1.0, size=(70, 30)).astype(np.float32)
    prediction = (truth[rng.permutation(70)] * 0.7 + 0.2).astype(np.float32)
    return prediction, truth


def test_nrmse_is_the_ratio_of_explicit_sums(pair):
    prediction, truth = (a.astype(float) for a in pair)
    wrong = sum((prediction[i, g] - truth[i, g]) ** 2 for i in range(70) for g in range(30))
    size = sum(truth[i, g] ** 2 for i in range(70) for g in range(30))
    assert errors.nrmse(*pair) == pytest.approx(np.sqrt(wrong / size), rel=1e-5)


def test_nrmse_has_no_unit_and_is_undefined_for_zeros(pair):
    prediction, truth = pair
    assert errors.nrmse(10 * prediction, 10 * truth) == pytest.approx(errors.nrmse(*pair), rel=1e-5)
    assert errors.nrmse(truth, truth) == 0
    assert np.isnan(errors.nrmse(prediction, np.zeros_like(truth)))


def test_decomposition_is_exact_and_its_parts_are_the_variances_and_the_bias(pair):
    prediction, truth = pair
    parts = errors.decompose(prediction, truth)
    assert parts.nrmse == pytest.approx(errors.nrmse(prediction, truth), rel=1e-5)
    assert parts.V == pytest.approx(truth.astype(float).var(axis=0).sum(), rel=1e-5)
    assert parts.var == pytest.approx(prediction.astype(float).var(axis=0).sum(), rel=1e-5)
    bias = prediction.mean(axis=0, dtype=float) - truth.mean(axis=0, dtype=float)
    assert parts.bias2 == pytest.approx(bias @ bias, rel=1e-5)
    covariance = np.mean(
        (prediction.astype(float) - prediction.mean(axis=0, dtype=float))
        * (truth.astype(float) - truth.mean(axis=0, dtype=float)),
        axis=0,
    ).sum()
    assert parts.cross == pytest.approx(-2 * covariance, abs=1e-3 * parts.V)


def test_with_random_pairs_error_is_variance_plus_bias_plus_variance():
    # Gaussians with known parts: V = 3 genes · 4, bias² = 3 · 0.25, Var(x̂) = 3 · 1.
    rng = np.random.default_rng(1)
    truth = rng.normal(5.0, 2.0, size=(200_000, 3))
    prediction = rng.normal(5.5, 1.0, size=(200_000, 3))
    parts = errors.decompose(prediction, truth)
    assert abs(parts.cross) < 0.01 * parts.V
    assert parts.second_moment == pytest.approx(3 * (25 + 4), rel=0.01)
    expected = np.sqrt((12 + 0.75 + 3) / (3 * 29))
    assert errors.nrmse(prediction, truth) == pytest.approx(expected, rel=0.01)
    assert parts.bias2_over_V == pytest.approx(0.75 / 12, rel=0.03)
    assert parts.var_over_V == pytest.approx(0.25, rel=0.02)


def test_collapse_is_rewarded_a_perfect_sampler_is_root_two_worse():
    rng = np.random.default_rng(2)
    truth, sampler = rng.normal(0, 1, size=(2, 50_000, 4))
    constant = np.zeros_like(truth)
    ratio = errors.nrmse(sampler, truth) / errors.nrmse(constant, truth)
    assert ratio == pytest.approx(np.sqrt(2), rel=0.01)


def test_variance_of_a_nearly_collapsed_prediction_survives_float32():
    rng = np.random.default_rng(3)
    noise = 1e-3 * rng.normal(size=(500, 40))
    parts = errors.Moments.of((7.0 + noise).astype(np.float32))
    assert parts.variance == pytest.approx(noise.var(axis=0).sum(), rel=0.01)


def test_the_three_r2_differ_as_they_should():
    true = np.array([0.0, 1.0, 2.0, 3.0])
    predicted = np.array([0.5, 1.0, 1.5, 2.0])  # half the spread, same order
    # errors: .25 + 0 + .25 + 1 = 1.5; spread of the prediction 1.25, of the truth 5.
    assert errors.r2(predicted, true) == pytest.approx(1 - 1.5 / 5)
    assert errors.r2_inherited(predicted, true) == 0.0  # 1 − 1.5 / 1.25 < 0, clipped
    assert errors.r2_inherited(true, predicted) == pytest.approx(1 - 1.5 / 5)
    assert errors.r2_pearson(predicted, true) == pytest.approx(1.0)
    assert errors.r2_pearson(3 - true, true) == pytest.approx(1.0)  # a mirror fools it
    assert errors.r2(-predicted, true) < 0


def test_r2_of_batches_is_the_mean_over_full_batches(pair):
    prediction, truth = pair
    expected = [
        max(r2_score(prediction[s : s + 32].mean(axis=0), truth[s : s + 32].mean(axis=0)), 0.0)
        for s in (0, 32)
    ]  # 70 cells: two full batches, six cells left out
    found = errors.r2_inherited_of_batches(prediction, truth)
    assert found == pytest.approx(np.mean(expected), rel=1e-4)
    few = errors.r2_inherited_of_batches(prediction[:10], truth[:10])
    whole = errors.r2_inherited(prediction[:10].mean(axis=0), truth[:10].mean(axis=0))
    assert few == pytest.approx(whole, rel=1e-4)


def test_pearson_agrees_with_numpy_and_is_undefined_for_a_constant():
    a, b = np.random.default_rng(4).normal(size=(2, 50))
    assert errors.pearson(a, b) == pytest.approx(np.corrcoef(a, b)[0, 1])
    assert np.isnan(errors.pearson(np.ones(5), b[:5]))
