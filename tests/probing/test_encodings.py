"""Rank and presence: what Geneformer and UCE are fed."""

import numpy as np
import pytest
import scipy.sparse as sp

from pvae_lib.exceptions import InputError
from pvae_lib.probing.encodings import nonzero_medians
from pvae_lib.probing.representations import make
from pvae_lib.screen import Screen


def a_screen(counts, total_counts=None) -> Screen:
    counts = np.asarray(counts, np.float32)
    genes = [f"G{i}" for i in range(counts.shape[1])]
    labels = ["control"] * len(counts)
    return Screen.from_counts(
        sp.csr_matrix(counts), labels, genes, total_counts=total_counts, target_total=100.0
    )


def everyone(screen: Screen) -> np.ndarray:
    return np.arange(screen.n_cells)


def test_the_median_of_a_gene_leaves_its_zeros_out():
    screen = a_screen([[1, 0, 0], [3, 2, 0], [8, 0, 5]], total_counts=np.full(3, 100.0))
    medians = nonzero_medians(screen, np.array([0, 1]))
    assert medians[:2] == pytest.approx([2, 2])
    assert np.isnan(medians[2])  # expressed, but in no cell that was fitted


def test_rank_orders_genes_by_expression_over_their_medians():
    counts = [[10, 1, 0, 6], [10, 1, 2, 2], [10, 3, 2, 2]]
    screen = a_screen(counts, total_counts=np.full(3, 100.0))
    # Medians 10, 1, 2, 2, so the quotients are [1, 1, -, 3], [1, 1, 1, 1] and [1, 3, 1, 1].
    found = make("rank").fit(screen, everyone(screen)).embed(screen)
    expected = [[0.75, 0.5, 0, 1], [1, 0.75, 0.5, 0.25], [0.75, 1, 0.5, 0.25]]
    assert np.allclose(found, expected)


def test_rank_keeps_the_first_genes_only():
    screen = a_screen([[10, 1, 0, 6], [10, 1, 2, 2], [10, 3, 2, 2]], np.full(3, 100.0))
    found = make("rank", length=2).fit(screen, everyone(screen)).embed(screen)
    assert np.allclose(found, [[0.5, 0, 0, 1], [1, 0.5, 0, 0], [0.5, 1, 0, 0]])


def test_rank_leaves_out_genes_that_no_fitted_cell_expresses():
    screen = a_screen([[1, 1, 0], [1, 2, 0], [1, 1, 9]], np.full(3, 100.0))
    found = make("rank").fit(screen, np.array([0, 1])).embed(screen)
    assert (found[:, 2] == 0).all()
    assert found.max() == 1  # and the first place is not lost with them


def test_rank_does_not_see_a_factor_common_to_a_cell_while_pca_does(twin_small):
    screen = twin_small[0][:300]
    factor = np.where(np.arange(300) % 2, 1, 4)[:, None]
    deeper = Screen.from_counts(
        screen.counts.multiply(factor).tocsr(),
        screen.condition,
        screen.genes,
        screen.cells,
        total_counts=screen.total_counts * 4,  # and the target likewise: every second cell is × 4
        target_total=screen.target_total * 4,
        targets=screen.targets,
    )
    for name, same in [("rank", True), ("PCA-10", False), ("expression", False)]:
        fitted = make(name).fit(screen, everyone(screen))
        assert np.allclose(fitted.embed(deeper), fitted.embed(screen), atol=1e-3) == same, name


def test_presence_draws_genes_in_proportion_to_log1p_of_counts():
    screen = a_screen([[1, 3, 15, 0, 255]] * 400)
    drawn = make("presence", draws=50, repeats=True).fit(screen, everyone(screen)).embed(screen)
    assert (drawn.sum(axis=1) == 50).all()
    # log2(1 + counts) = 1, 2, 4, 0, 8; 20,000 draws: a standard error of at most .0036.
    assert np.allclose(drawn.mean(axis=0) / 50, np.array([1, 2, 4, 0, 8]) / 15, atol=0.018)
    assert (drawn[:, 3] == 0).all()


def test_presence_says_only_whether_a_gene_was_drawn():
    screen = a_screen([[1, 3, 15, 0, 255]] * 400)
    found = make("presence", draws=4).fit(screen, everyone(screen)).embed(screen)
    assert set(np.unique(found)) == {0, 1}
    expected = 1 - (1 - np.array([1, 2, 4, 0, 8]) / 15) ** 4
    assert np.allclose(found.mean(axis=0), expected, atol=0.13)  # five standard errors


def test_presence_is_seeded_at_the_embedding():
    screen = a_screen([[1, 3, 15, 0, 255]] * 40)
    presence = make("presence", draws=4).fit(screen, everyone(screen))
    assert np.array_equal(presence.embed(screen, seed=1), presence.embed(screen, seed=1))
    assert not np.array_equal(presence.embed(screen, seed=1), presence.embed(screen, seed=2))


@pytest.mark.parametrize("name", ["rank", "presence"])
def test_a_cell_without_counts_is_a_row_of_zeros(name):
    screen = a_screen([[1, 2], [0, 0]], total_counts=np.array([100.0, 100.0]))
    found = make(name).fit(screen, everyone(screen)).embed(screen)
    assert (found[1] == 0).all() and (found[0] > 0).any()


@pytest.mark.parametrize(("name", "setting"), [("rank", "length"), ("presence", "draws")])
def test_sizes_are_whole_numbers(name, setting, twin_small):
    with pytest.raises(InputError, match=f"{setting}=0"):
        make(name, **{setting: 0}).fit(twin_small[0], np.arange(9))
