"""E-distance and MMD against loops over pairs, written from the published formulas."""

import itertools

import numpy as np
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import foldnorm, norm

from pvae_lib.evaluation import distances
from pvae_lib.evaluation.distances import POINT, between, e_distance, mmd_biased, mmd_unbiased


@pytest.fixture
def clouds():
    rng = np.random.default_rng(0)
    return rng.normal(2, 1, size=(37, 60)), rng.normal(2.5, 1.2, size=(41, 60))


def pairs(x, y):
    return between(x, y), distances.within(x), distances.within(y)


def kernel(x, y):
    """Sum of ten Gaussians of one pair of cells, each exponential on its own."""
    d2 = float(((x - y) ** 2).sum())
    return sum(np.exp(-d2 / (31.25 * 2**i)) for i in range(10))


def brute_e_distance(x, y):
    across = cdist(x, y).mean()
    own = [cdist(c, c).sum() / (len(c) * (len(c) - 1)) for c in (x, y)]
    return 2 * across - sum(own)


def brute_biased_mmd(x, y):
    def means(a, b):
        return np.mean([kernel(p, q) for p, q in itertools.product(a, b)])

    return means(x, x) + means(y, y) - 2 * means(x, y)


def brute_unbiased_mmd(x, y):
    def own(a):
        return np.mean([kernel(a[i], a[j]) for i, j in itertools.permutations(range(len(a)), 2)])

    return own(x) + own(y) - 2 * np.mean([kernel(p, q) for p, q in itertools.product(x, y)])


def test_e_distance_agrees_with_a_loop_over_pairs(clouds):
    assert e_distance(*pairs(*clouds)) == pytest.approx(brute_e_distance(*clouds), rel=1e-9)


def test_float32_far_from_the_origin_keeps_every_distance(clouds):
    # Norms are a million times the distances here: without centring nothing would be left.
    x, y = ((1000 + c).astype(np.float32) for c in clouds)
    exact = cdist(x.astype(float), y.astype(float), "sqeuclidean")
    np.testing.assert_allclose(distances.squared_distances(x, y), exact, rtol=1e-3)
    own = cdist(x.astype(float), x.astype(float), "sqeuclidean")
    np.testing.assert_allclose(distances.squared_distances(x), own, rtol=1e-3, atol=1e-3)


def test_squared_distances_agree_with_scipy(clouds):
    x, y = clouds
    np.testing.assert_allclose(distances.squared_distances(x, y), cdist(x, y, "sqeuclidean"))
    own = distances.squared_distances(x)
    np.testing.assert_allclose(own, cdist(x, x, "sqeuclidean"), atol=1e-10)
    assert (np.diag(own) == 0).all()


def test_kernels_by_repeated_squaring_agree_with_ten_exponentials():
    d2 = np.array([0.0, 1.0, 30.0, 400.0, 5000.0, 1e5])
    direct = sum(np.exp(-d2 / (31.25 * 2**i)) for i in range(10))
    np.testing.assert_allclose(distances.kernel_sums(d2), direct, rtol=1e-12)
    np.testing.assert_allclose(
        distances.kernel_sums(d2.astype(np.float32)), direct, rtol=2e-4, atol=1e-6
    )


def test_unbiased_mmd_agrees_with_a_loop_over_pairs(clouds):
    assert mmd_unbiased(*pairs(*clouds)) == pytest.approx(brute_unbiased_mmd(*clouds), rel=1e-9)


def test_biased_mmd_of_one_full_batch_agrees_with_a_loop_over_pairs(clouds):
    x, y = clouds[0][:32], clouds[1][:32]
    assert mmd_biased(*pairs(x, y)) == pytest.approx(brute_biased_mmd(x, y), rel=1e-9)


def test_biased_mmd_is_the_average_over_all_batches(clouds):
    # Batches of 3 out of 5 and 4 cells: all of them can be listed.
    x, y = clouds[0][:5], clouds[1][:4]
    every = [
        brute_biased_mmd(x[list(a)], y[list(b)])
        for a in itertools.combinations(range(5), 3)
        for b in itertools.combinations(range(4), 3)
    ]
    assert mmd_biased(*pairs(x, y), batch=3) == pytest.approx(np.mean(every), rel=1e-9)


def test_two_samples_of_one_distribution_read_zero_unless_biased():
    rng = np.random.default_rng(1)
    found = []
    for _ in range(200):
        p = pairs(rng.normal(size=(20, 30)), rng.normal(size=(20, 30)))
        found.append((e_distance(*p), mmd_unbiased(*p), mmd_biased(*p, batch=20)))
    found = np.array(found)
    standard_error = found.std(axis=0) / np.sqrt(len(found))
    assert (np.abs(found[:, :2].mean(axis=0)) < 4 * standard_error[:2]).all()
    assert (found[:, :2] < 0).any(axis=0).all()  # unbiased: sometimes below zero
    assert found[:, 2].min() > 0.1


def test_e_distance_of_shifted_gaussians_has_its_known_value():
    # In one dimension x − y of N(0, 1) and N(m, 1) is N(m, 2); quantiles stand in for samples.
    x = norm.ppf((np.arange(1500) + 0.5) / 1500)[:, None]
    across = foldnorm(1.5 / np.sqrt(2), scale=np.sqrt(2)).mean()
    expected = 2 * across - 2 * 2 / np.sqrt(np.pi)
    assert e_distance(*pairs(x, x + 1.5)) == pytest.approx(expected, abs=0.01)


def test_order_of_cells_and_genes_does_not_matter_and_distance_scales(clouds):
    x, y = clouds
    rng = np.random.default_rng(3)
    genes = rng.permutation(60)
    shuffled = pairs(x[rng.permutation(37)][:, genes], y[rng.permutation(41)][:, genes])
    for metric in (e_distance, mmd_unbiased, mmd_biased):
        assert metric(*shuffled) == pytest.approx(metric(*pairs(x, y)), rel=1e-9)
    assert e_distance(*pairs(3 * x, 3 * y)) == pytest.approx(3 * e_distance(*pairs(x, y)))


def test_a_constant_is_a_point(clouds):
    x, constant = clouds[0], np.full((9, 60), 2.0)
    full = (between(x, constant), distances.within(x), distances.within(constant))
    point = (between(x, constant[:1]), distances.within(x), POINT)
    for metric in (e_distance, mmd_unbiased, mmd_biased):
        assert metric(*point) == pytest.approx(metric(*full), rel=1e-9)


def test_pairs_from_one_control_are_left_out(clouds):
    x = clouds[0]
    twice = np.concatenate([x, x[:20]])
    source = np.concatenate([np.arange(37), np.arange(20)])
    d = cdist(twice, twice)
    different = source[:, None] != source
    found = distances.within(twice, source)
    assert found.distance == pytest.approx(d[different].mean(), rel=1e-9)
    assert found.distance > distances.within(twice).distance
    assert distances.within(x, np.arange(37)) == distances.within(x)
    assert np.isnan(distances.within(x, np.zeros(37)).distance)
