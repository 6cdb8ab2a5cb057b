"""Any .obsm["X_…"] as a representation: aligned by cell name, refused with a mend."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pvae_lib.exceptions import InputError
from pvae_lib.probing.representations import from_obsm


@pytest.fixture(scope="module")
def screen(twin_small):
    return twin_small[0][:60]


@pytest.fixture
def values() -> np.ndarray:
    return np.random.default_rng(0).standard_normal((60, 4)).astype(np.float32)


def stored(screen, values, order=slice(None)) -> ad.AnnData:
    """The vectors of the screen's cells, their rows in another order."""
    names = screen.cells[order].astype(str)
    return ad.AnnData(obs=pd.DataFrame(index=names), obsm={"X_mine": values[order]})


def test_rows_follow_the_names_and_not_the_order(screen, values):
    order = np.random.default_rng(1).permutation(60)
    representation = from_obsm(stored(screen, values, order), "X_mine")
    assert np.array_equal(representation.embed(screen), values)
    assert not representation.has_samples


def test_a_part_of_the_cells_may_be_asked_for_and_a_fit_changes_nothing(screen, values):
    representation = from_obsm(stored(screen, values), "X_mine")
    part = np.array([7, 3, 50])
    assert np.array_equal(representation.embed(screen[part]), values[part])
    assert representation.fit(screen, part) is representation
    assert np.array_equal(representation.embed(screen), values)


def test_a_file_a_data_frame_and_a_sparse_matrix_are_read(screen, values, tmp_path):
    adata = stored(screen, values)
    adata.write_h5ad(tmp_path / "mine.h5ad")
    adata.obsm["X_frame"] = pd.DataFrame(values, index=adata.obs_names, columns=list("abcd"))
    adata.obsm["X_sparse"] = sp.csr_matrix(values)
    for source, key in [
        (tmp_path / "mine.h5ad", "X_mine"), (adata, "X_frame"), (adata, "X_sparse"),
    ]:  # fmt: skip
        assert np.array_equal(from_obsm(source, key).embed(screen), values)


def test_a_missing_key_names_the_nearest(screen, values, tmp_path):
    with pytest.raises(InputError, match="X_mind.*did you mean 'X_mine'"):
        from_obsm(stored(screen, values), "X_mind")
    with pytest.raises(InputError, match="obsm is empty"):
        from_obsm(ad.AnnData(obs=pd.DataFrame(index=["a"])), "X_mine")
    with pytest.raises(InputError, match="No file"):
        from_obsm(tmp_path / "none.h5ad", "X_mine")


def test_unusable_vectors_are_refused(screen, values):
    representation = from_obsm(stored(screen, values, slice(0, 58)), "X_mine")
    with pytest.raises(InputError, match="2 of 60 cells have no embedding"):
        representation.embed(screen)
    with pytest.raises(InputError, match="4 columns where .* 512"):
        from_obsm(stored(screen, values), "X_mine", width=512).embed(screen)
    with pytest.raises(InputError, match="no distribution"):
        from_obsm(stored(screen, values), "X_mine").embed(screen, "samples")
    text = pd.DataFrame({"a": ["x"] * 60}, index=screen.cells.astype(str))
    adata = stored(screen, values)
    adata.obsm["X_text"] = text
    with pytest.raises(InputError, match="no matrix of numbers"):
        from_obsm(adata, "X_text")
    broken = values.copy()
    broken[5, 2] = np.nan
    with pytest.raises(InputError, match=f"NaN or infinite.*{screen.cells[5]}"):
        from_obsm(stored(screen, broken), "X_mine").embed(screen)
    twice = stored(screen, values)
    twice.obs_names = ["same", "same", *screen.cells[2:].astype(str)]
    with pytest.raises(InputError, match="more than once"):
        from_obsm(twice, "X_mine").embed(screen)
