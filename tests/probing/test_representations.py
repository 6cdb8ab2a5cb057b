"""One surface for every representation: shapes, determinism, labels unread, refusals."""

from dataclasses import replace

import numpy as np
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.probing.representations import REPRESENTATIONS, make

WIDTHS = {
    "expression": 500,
    "random projection": 50,
    "PCA-10": 10,
    "PCA-50": 50,
    "PCA-7": 7,
    "rank": 500,
    "presence": 500,
}


@pytest.fixture(scope="module")
def screen(twin_small):
    """300 cells × 500 genes of the twin."""
    return twin_small[0][::16][:300]


CELLS = np.arange(0, 300, 2)


@pytest.mark.parametrize("name", WIDTHS)
def test_one_float32_vector_a_cell_and_the_same_again(name, screen):
    found = make(name, seed=3).fit(screen, CELLS).embed(screen, seed=5)
    assert found.shape == (300, WIDTHS[name]) and found.dtype == np.float32
    assert np.isfinite(found).all() and (found.std(axis=0) > 0).any()
    again = make(name, seed=3).fit(screen, CELLS).embed(screen, seed=5)
    assert np.array_equal(found, again)


@pytest.mark.parametrize("name", WIDTHS)
def test_labels_are_never_read(name, screen):
    found = make(name).fit(screen, CELLS).embed(screen)
    shuffled = replace(screen, condition=np.random.default_rng(0).permutation(screen.condition))
    assert np.array_equal(found, make(name).fit(shuffled, CELLS).embed(shuffled))


@pytest.mark.parametrize("name", ["PCA-10", "rank"])
def test_only_the_given_cells_are_learned_from(name, screen):
    few = make(name).fit(screen, CELLS)
    copies = {"expression": screen.expression.copy(), "counts": screen.counts.copy()}
    others_changed = replace(screen, **copies)
    for matrix in copies.values():
        for row in range(1, 300, 2):
            matrix.data[matrix.indptr[row] : matrix.indptr[row + 1]] *= 2
    assert np.array_equal(few.embed(screen), make(name).fit(others_changed, CELLS).embed(screen))
    mask = np.isin(np.arange(300), CELLS)
    assert np.array_equal(few.embed(screen), make(name).fit(screen, mask).embed(screen))


def test_pca_finds_the_variance_and_centres_on_the_fitted_cells(screen):
    pca = make("PCA-10").fit(screen, CELLS)
    found = pca.embed(screen[CELLS]).astype(float)
    assert np.allclose(found.mean(axis=0), 0, atol=1e-3)
    x = screen.dense(CELLS).astype(float)
    expected = np.linalg.svd(x - x.mean(axis=0), compute_uv=False)[:10] ** 2 / (len(x) - 1)
    assert np.allclose(found.var(axis=0, ddof=1), expected, rtol=1e-3)


def test_a_random_projection_follows_its_seed(screen):
    first, other = (make("random projection", seed=s).fit(screen, CELLS) for s in (0, 1))
    assert not np.allclose(first.embed(screen), other.embed(screen))


@pytest.mark.parametrize("name", WIDTHS)
def test_samples_of_what_has_none_are_refused(name, screen):
    fitted = make(name).fit(screen, CELLS)
    assert not fitted.has_samples
    with pytest.raises(InputError, match="no distribution"):
        fitted.embed(screen, "samples")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "PCA"}, "PCA-k for any k"),
        ({"name": "PCA-0"}, "No representation 'PCA-0'"),
        ({"name": "ranks"}, "did you mean 'rank'"),
        ({"name": "rank", "lenght": 3}, "did you mean 'length'"),
        ({"name": "PCA-10", "k": 3}, "no setting 'k'"),
        ({"name": "rank", "trained": False}, "nothing before training"),
        ({"name": "rank", "seed": -1}, "seed=-1"),
    ],
)
def test_what_cannot_be_made_is_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        make(**arguments)


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (np.array([], int), "no cells to fit on"),
        (np.array([3, 3]), "Cell 3 is given twice"),
        (np.array([300]), "no cells of screen"),
        (np.array([True, False]), "no cells of screen"),
        (np.array([0.5]), "no cells of screen"),
        (np.arange(10), "PCA-10 does not fit 10 cells"),
    ],
)
def test_cells_that_cannot_be_fitted_on_are_refused(cells, message, screen):
    with pytest.raises(InputError, match=message):
        make("PCA-10").fit(screen, cells)


def test_embedding_is_refused_before_a_fit_on_other_genes_and_of_no_cells(screen):
    with pytest.raises(InputError, match="not fitted yet"):
        make("PCA-10").embed(screen)
    fitted = make("PCA-10").fit(screen, CELLS)
    with pytest.raises(InputError, match="other genes"):
        fitted.embed(screen.select_genes(screen.genes[::-1]))
    with pytest.raises(InputError, match="no cells to embed"):
        fitted.embed(screen[:0])
    with pytest.raises(InputError, match="kind='mean' is unknown"):
        fitted.embed(screen, "mean")
    with pytest.raises(InputError, match="no cells to fit on"):
        fitted.fit(screen, [])
    with pytest.raises(InputError, match="not fitted yet"):
        fitted.embed(screen)  # a fit that failed leaves nothing of the one before


def test_every_entry_says_what_it_is():
    for name, entry in REPRESENTATIONS.items():
        assert entry.idea and entry.source, name
