import itertools

import networkx as nx
import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from pvae_lib.identifiability.recovery import (
    block_r2,
    environment_accuracy,
    graph_auc,
    match,
    matched_graph,
    mcc,
    shd,
)

RNG = np.random.default_rng(0)
Z = RNG.standard_normal((500, 4))


def test_mcc_ignores_order_sign_and_scale():
    assert mcc(Z, -3 * Z[:, [2, 0, 3, 1]] + 5) == pytest.approx(1)


def test_mcc_is_the_best_over_all_matchings():
    z_hat = Z @ RNG.standard_normal((4, 4))
    r = np.abs(np.corrcoef(Z.T, z_hat.T)[:4, 4:])
    best = max(r[range(4), list(p)].mean() for p in itertools.permutations(range(4)))
    assert mcc(Z, z_hat) == pytest.approx(best)


def test_match_names_the_column_of_each_true_component_and_its_sign():
    columns, r = match(Z, np.c_[Z[:, 3], -Z[:, 1], Z[:, 0], Z[:, 2]])
    assert columns.tolist() == [2, 1, 3, 0]
    np.testing.assert_allclose(r, [1, -1, 1, 1])


def test_a_constant_estimate_correlates_with_nothing():
    assert mcc(Z, np.ones((500, 4))) == 0


def test_block_r2_sees_an_invertible_map_as_perfect_and_noise_as_nothing():
    turned = Z @ RNG.standard_normal((4, 4)) + 1
    assert block_r2(Z[:400], turned[:400], Z[400:], turned[400:]) == pytest.approx(1)
    noise = RNG.standard_normal((500, 4))
    assert abs(block_r2(Z[:400], noise[:400], Z[400:], noise[400:])) < 0.1


def test_block_r2_of_a_subspace_is_its_share():
    z = RNG.standard_normal((20_000, 4))
    assert block_r2(z[::2], z[::2, :3], z[1::2], z[1::2, :3]) == pytest.approx(0.75, abs=0.01)


def test_environment_accuracy_is_chance_for_an_invariant_block_and_high_for_a_shifted_one():
    e = np.arange(6000) % 6
    invariant = RNG.standard_normal((6000, 3))
    half = slice(0, 3000), slice(3000, 6000)
    accuracy = environment_accuracy(invariant[half[0]], e[half[0]], invariant[half[1]], e[half[1]])
    assert accuracy == pytest.approx(1 / 6, abs=0.04)
    shifted = invariant + 6 * np.eye(6)[e][:, :3] * [1, 1, 1] + 3 * (e == 5)[:, None]
    assert environment_accuracy(shifted[half[0]], e[half[0]], shifted[half[1]], e[half[1]]) > 0.6
    collapsed = np.zeros((6000, 3))
    assert environment_accuracy(
        collapsed[half[0]], e[half[0]], collapsed[half[1]], e[half[1]]
    ) == pytest.approx(1 / 6, abs=0.01)


def test_shd_counts_missing_extra_and_reversed_edges_once_each():
    truth = np.zeros((4, 4), bool)
    truth[1, 0] = truth[2, 1] = True
    guess = np.zeros((4, 4), bool)
    guess[0, 1] = True  # turned round
    guess[3, 0] = True  # extra; 1 → 2 is missing
    assert shd(truth, guess) == 3
    assert shd(truth, truth) == 0


def test_shd_agrees_with_a_count_over_pairs_of_networkx_graphs():
    for seed in range(20):
        a, b = (np.random.default_rng(seed + k).random((4, 4)) < 0.4 for k in (0, 100))
        a, b = np.tril(a, -1), np.tril(b, -1).T
        A, B = (nx.from_numpy_array(g.astype(int), create_using=nx.DiGraph) for g in (a, b))
        pairs = itertools.combinations(range(4), 2)
        brute = sum(
            (A.has_edge(i, j), A.has_edge(j, i)) != (B.has_edge(i, j), B.has_edge(j, i))
            for i, j in pairs
        )
        assert shd(a, b) == brute


def test_matched_graph_follows_its_components():
    support = np.tril(RNG.random((4, 4)) < 0.6, -1)
    order = np.array([2, 0, 3, 1])  # estimated column k holds true component order[k]
    estimated = support[np.ix_(order, order)]
    columns, _ = match(Z, Z[:, order])
    np.testing.assert_array_equal(matched_graph(estimated, columns), support)


def test_graph_auc_ranks_edges_by_strength_off_the_diagonal():
    support = np.zeros((3, 3), bool)
    support[1, 0] = support[2, 0] = True
    strength = RNG.random((3, 3))
    off = ~np.eye(3, dtype=bool)
    assert graph_auc(support, -strength) == pytest.approx(
        roc_auc_score(support[off], strength[off])
    )
    assert graph_auc(support, support * 1.0) == 1
    assert np.isnan(graph_auc(np.zeros((3, 3), bool), strength))
