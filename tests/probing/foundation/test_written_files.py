"""UCE and scFoundation: the files that their scripts write, read and aligned by cell name."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pvae_lib.exceptions import InputError
from pvae_lib.probing.foundation import read_scfoundation, read_uce


def embedding(adata: ad.AnnData, width: int) -> np.ndarray:
    """(n_cells, width) float32 of which the first column numbers the cells."""
    values = np.random.default_rng(1).normal(size=(adata.n_obs, width)).astype(np.float32)
    values[:, 0] = np.arange(adata.n_obs)
    return values


@pytest.fixture
def uce_file(adata, tmp_path):
    """What UCE's script writes: its input, with the embedding in .obsm."""

    def write(order=None, width=1280, key="X_uce", change=None):
        written = adata.copy()
        written.obsm[key] = embedding(adata, width)
        if change is not None:
            change(written)
        written = written[np.arange(adata.n_obs) if order is None else order].copy()
        path = tmp_path / "screen_uce_adata.h5ad"
        written.write_h5ad(path)
        return path

    return write


def test_uce_is_aligned_by_name_whatever_the_order(adata, uce_file):
    counts = adata.X.copy()
    read_uce(adata, uce_file(order=np.random.default_rng(2).permutation(adata.n_obs)))
    np.testing.assert_array_equal(adata.obsm["X_uce"], embedding(adata, 1280))
    assert adata.obsm["X_uce"].dtype == np.float32
    assert adata.uns["X_uce"]["width"] == 1280 and adata.uns["X_uce"]["model"] == "UCE"
    assert (adata.X != counts).nnz == 0


def test_cells_that_the_screen_lacks_are_left_aside(adata, uce_file):
    path = uce_file()
    part = adata[[7, 3]].copy()
    read_uce(part, path, key="X_uce_33")
    np.testing.assert_array_equal(part.obsm["X_uce_33"][:, 0], [7, 3])


def test_the_result_survives_a_file(adata, uce_file, tmp_path):
    read_uce(adata, uce_file())
    adata.write_h5ad(tmp_path / "screen.h5ad")
    back = ad.read_h5ad(tmp_path / "screen.h5ad")
    np.testing.assert_array_equal(back.obsm["X_uce"], adata.obsm["X_uce"])
    assert back.uns["X_uce"]["model"] == "UCE"


def test_missing_cells_are_named_with_the_mend(adata, uce_file):
    with pytest.raises(InputError, match=r"2 of 12 cells .*\(cell10, cell11; .*--filter ''"):
        read_uce(adata, uce_file(order=np.arange(10)))
    assert "X_uce" not in adata.obsm


def double_a_name(written):
    written.obs_names = ["cell0", "cell0", *written.obs_names[2:]]


def spoil_a_value(written):
    written.obsm["X_uce"][4, 17] = np.nan


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"width": 512}, "512 columns where .* 1280"),
        ({"key": "X_other"}, r"no embedding .obsm\['X_uce'\]; .*X_other"),
        ({"change": double_a_name}, r"screen_uce_adata.h5ad: 1 cell names .* \(cell0\)"),
        ({"change": spoil_a_value}, r"1 cells have NaN or infinite values \(cell4\)"),
    ],
)
@pytest.mark.filterwarnings("ignore:Observation names are not unique")
def test_a_wrong_uce_file_is_refused(adata, uce_file, options, message):
    with pytest.raises(InputError, match=message):
        read_uce(adata, uce_file(**options))
    assert "X_uce" not in adata.obsm


@pytest.mark.filterwarnings("ignore:Observation names are not unique")
def test_a_screen_with_doubled_names_is_refused(adata, uce_file):
    path = uce_file()
    double_a_name(adata)
    with pytest.raises(InputError, match="The AnnData: 1 cell names"):
        read_uce(adata, path)


def test_a_truncated_missing_or_foreign_h5ad_is_refused(adata, uce_file, tmp_path):
    path = uce_file()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="damaged or truncated"):
        read_uce(adata, path)
    with pytest.raises(InputError, match="No file"):
        read_uce(adata, tmp_path / "nowhere.h5ad")
    path.write_text("<html>not found</html>")
    with pytest.raises(InputError, match="HTML page"):
        read_uce(adata, path)


def test_a_key_that_is_no_embedding_is_refused(adata, uce_file):
    with pytest.raises(InputError, match="key='uce'"):
        read_uce(adata, uce_file(), key="uce")


# --- scFoundation ---------------------------------------------------------------------------------


@pytest.fixture
def given(adata, tmp_path):
    """The .h5ad that scFoundation's script read: the screen's cells in another order."""
    order = np.random.default_rng(3).permutation(adata.n_obs)
    path = tmp_path / "screen.h5ad"
    adata[order].copy().write_h5ad(path)
    return path, order


@pytest.fixture
def npy(tmp_path):
    def write(values):
        np.save(tmp_path / "screen_singlecell_cell_embedding_t4_resolution.npy", values)
        return tmp_path / "screen_singlecell_cell_embedding_t4_resolution.npy"

    return write


@pytest.mark.parametrize(("pool_type", "width"), [("all", 3072), ("max", 768)])
def test_scfoundation_is_aligned_by_the_file_its_script_read(adata, given, npy, pool_type, width):
    path, order = given
    npy_path = npy(embedding(adata, width)[order])
    read_scfoundation(adata, npy_path, path, pool_type=pool_type)
    np.testing.assert_array_equal(adata.obsm["X_scfoundation"], embedding(adata, width))
    assert adata.uns["X_scfoundation"]["pool_type"] == pool_type


def test_the_names_may_come_from_a_csv_or_as_they_are(adata, given, npy, tmp_path):
    order = given[1]
    path = npy(embedding(adata, 768)[order])
    table = pd.DataFrame(adata.X[order].toarray(), adata.obs_names[order], adata.var_names)
    table.to_csv(tmp_path / "screen.csv")
    for cells in (tmp_path / "screen.csv", adata.obs_names[order], list(adata.obs_names[order])):
        read_scfoundation(adata, path, cells, pool_type="max")
        np.testing.assert_array_equal(adata.obsm["X_scfoundation"], embedding(adata, 768))
        del adata.obsm["X_scfoundation"]


def test_the_squeezed_array_of_one_cell_is_read(adata, npy):
    read_scfoundation(one := adata[[5]].copy(), npy(embedding(adata, 3072)[5]), ["cell5"])
    np.testing.assert_array_equal(one.obsm["X_scfoundation"], embedding(adata, 3072)[[5]])


def test_rows_and_names_of_other_lengths_are_refused(adata, given, npy):
    with pytest.raises(InputError, match="11 rows, but 12 cell names"):
        read_scfoundation(adata, npy(embedding(adata, 3072)[:11]), given[0])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: v[:, :768], "768 columns where .* 3072"),
        (lambda v: v.astype(int), "floating-point numbers, but this is int64"),
        (lambda v: v[:, :, None], "matrix of floating-point numbers, but .* 3072, 1"),
        (lambda v: v.astype(object), "Object arrays cannot be loaded"),
        (lambda v: np.where(v == 2, np.inf, v), r"1 cells have NaN or infinite values \(cell2\)"),
    ],
)
def test_a_wrong_array_is_refused(adata, npy, change, message):
    with pytest.raises(InputError, match=message):
        read_scfoundation(adata, npy(change(embedding(adata, 3072))), adata.obs_names)
    assert "X_scfoundation" not in adata.obsm


def test_a_truncated_missing_or_foreign_npy_is_refused(adata, npy, tmp_path):
    path = npy(embedding(adata, 3072))
    whole = path.read_bytes()
    for part in (whole[: len(whole) // 2], whole[:3], b"", b"a,b\n1,2\n"):
        path.write_bytes(part)
        with pytest.raises(InputError, match="no .npy array of numbers, or a truncated one"):
            read_scfoundation(adata, path, adata.obs_names)
    with pytest.raises(InputError, match="No file"):
        read_scfoundation(adata, tmp_path / "nowhere.npy", adata.obs_names)
    np.savez(tmp_path / "archive.npz", embedding(adata, 3072))
    with pytest.raises(InputError, match="archive"):
        read_scfoundation(adata, tmp_path / "archive.npz", adata.obs_names)


def test_names_that_cannot_be_read_are_refused(adata, npy, tmp_path):
    path = npy(embedding(adata, 3072))
    sp.save_npz(tmp_path / "screen.npz", adata.X)
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="or the names themselves"):
        read_scfoundation(adata, path, tmp_path / "screen.npz")
    for missing in ("empty.csv", "nowhere.csv"):
        with pytest.raises(InputError, match="Cannot read cell names"):
            read_scfoundation(adata, path, tmp_path / missing)


def test_an_unknown_pool_type_is_refused(adata, npy):
    with pytest.raises(InputError, match="pool_type='mean' is unknown; known: all, max"):
        read_scfoundation(adata, npy(embedding(adata, 3072)), adata.obs_names, pool_type="mean")
