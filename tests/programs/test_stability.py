import numpy as np
import pytest

from pvae_lib.programs import stability
from pvae_lib.programs.stability import jaccard, label_matrix, rank_correlation

D = 10


def sparse_graph(rng, d=D):
    weights = np.tril(rng.standard_normal((d, d)), -1)
    return weights * (rng.random((d, d)) < 0.3)


def relabelled(graph, names, rng):
    """The same named graph with its programs in another order."""
    order = rng.permutation(len(graph))
    return graph[np.ix_(order, order)], names[order], order


def test_a_graph_that_returns_under_other_indices_is_found_stable():
    rng = np.random.default_rng(0)
    graph, names = sparse_graph(rng), np.array([f"T{k}" for k in range(D)], dtype=object)
    seeds = [relabelled(graph, names, rng)[:2] for _ in range(3)]
    of_graph, of_name = zip(*seeds, strict=True)
    for score in (jaccard, rank_correlation):
        found = stability.by_label(of_graph, of_name, score, permutations=99)
        assert found.value == pytest.approx(1)
        assert found.p == pytest.approx(0.01) and found.null_mean < 0.3


def test_programs_matched_by_their_values_need_no_names():
    rng = np.random.default_rng(1)
    graph, z_nu = sparse_graph(rng), rng.standard_normal((500, D))
    order = rng.permutation(D)
    other = graph[np.ix_(order, order)] * -1
    other_z = -3 * z_nu[:, order] + 0.1 * rng.standard_normal((500, D))
    found = stability.by_matching([graph, other], [z_nu, other_z], jaccard, permutations=99)
    assert found.value == pytest.approx(1) and found.p == pytest.approx(0.01)
    n = int((np.abs(graph) > 0.25).sum())
    assert stability.same_direction([graph, other], [z_nu, other_z]) == (n, n)
    assert stability.same_direction([graph, other.T], [z_nu, other_z]) == (n, 0)


@pytest.mark.parametrize("score", [jaccard, rank_correlation])
def test_unrelated_graphs_give_p_values_without_a_lean(score):
    rng = np.random.default_rng(2)
    names = np.array([f"T{k}" for k in range(D)], dtype=object)
    p = np.array(
        [
            stability.by_label(
                [sparse_graph(rng), sparse_graph(rng)], [names, rng.permutation(names)], score,
                permutations=39, seed=k,
            ).p
            for k in range(60)
        ]
    )  # fmt: skip
    # Of 60 uniform p-values, fewer than 12 lie under 0.1 (6 expected) but for one time in 100, and
    # their mean (sd 0.037) lies near 0.5; ties, of which Jaccard has many, only lift it.
    assert (p <= 0.1).sum() < 12
    assert p.mean() > 0.38
    if score is rank_correlation:
        assert p.mean() < 0.62


def test_a_permutation_without_any_edge_left_counts_neither_for_nor_against():
    """One edge a → b between programs a, a, a, b: dealt anew, it often joins a with a, no edge."""
    graph, names = np.zeros((4, 4)), np.array(["a", "a", "a", "b"], dtype=object)
    graph[3, 0] = 1.0
    found = stability.by_label([graph] * 2, [names] * 2, jaccard, permutations=3999)
    # Of 16 deals of both seeds' labels, 4 leave neither an edge; of the other 12, 1 agrees by
    # a → b and 1 by b → a.
    assert found.value == 1
    assert found.p == pytest.approx(2 / 12, abs=0.02)
    assert found.null_mean == pytest.approx(2 / 12, abs=0.02)
    nowhere = stability.by_label([graph] * 2, [np.array(["a"] * 4)] * 2, jaccard, permutations=9)
    assert np.isnan(nowhere.value) and np.isnan(nowhere.p)


def test_label_matrix_keeps_the_largest_of_programs_that_share_a_name():
    weights = np.zeros((4, 4))
    weights[1, 0], weights[2, 0], weights[3, 1], weights[2, 1] = 0.3, -0.9, 5.0, 7.0
    matrix = label_matrix(weights, np.array(["A", "B", "B", "A"], dtype=object), ["A", "B", "C"])
    expected = np.zeros((3, 3))
    expected[1, 0], expected[0, 1] = -0.9, 5.0  # B → B at [2, 1] is no edge
    np.testing.assert_array_equal(matrix, expected)


def test_an_edge_of_the_other_sign_is_another_edge():
    a, b = np.array([0.5, 0.5, 0.0]), np.array([0.5, -0.5, 0.1])
    assert jaccard(a, b) == pytest.approx(1 / 3)
    assert np.isnan(jaccard(a * 0.1, b * 0.1))
    assert np.isnan(rank_correlation(a, np.ones(3)))
