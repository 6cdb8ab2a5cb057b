"""What cannot be a screen is refused with one message that names the thing and the mend."""

import anndata as ad
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pvae_lib.exceptions import InputError
from pvae_lib.screen import Screen, anndata_io
from pvae_lib.sources import open_screen

LABELS = ["control", "control", "KLF1", "MAP2K6", "KLF1+MAP2K6", "MAP2K6+KLF1"]


def good() -> ad.AnnData:
    counts = np.random.default_rng(0).poisson(2.0, (6, 4)) + 1
    obs = pd.DataFrame({"condition": LABELS, "batch": 1}, index=[f"c{i}" for i in range(6)])
    var = pd.DataFrame(index=["KLF1", "ACTB", "GAPDH", "HBZ"])
    return ad.AnnData(sp.csr_matrix(counts, dtype=np.float32), obs, var)


def spoilt(value: float, dense: bool = False) -> ad.AnnData:
    adata = good()
    counts = adata.X.toarray()
    counts[2, 1] = value
    adata.X = counts if dense else sp.csr_matrix(counts)
    return adata


def relabelled(*labels: object) -> ad.AnnData:
    adata = good()
    adata.obs["condition"] = pd.Series([*labels, *LABELS[len(labels) :]], adata.obs_names, object)
    return adata


def refused(adata: ad.AnnData, *parts: str, **columns: str) -> None:
    with pytest.raises(InputError) as raised:
        Screen.from_anndata(adata, **columns)
    for part in parts:
        assert part in str(raised.value)
    assert "\n" not in str(raised.value)


def test_the_unspoilt_screen_is_taken():
    screen = Screen.from_anndata(good())
    assert screen.conditions == ["KLF1", "KLF1+MAP2K6", "MAP2K6"]


# --- files -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nowhere.h5ad", "nowhere/at/all", "."])
def test_missing_file(tmp_path, name):
    with pytest.raises(InputError, match="No file .*check the path"):
        open_screen(tmp_path / name)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b"cell,gene\n1,2\n", "not an h5ad"),
        (b"", "not an h5ad"),
    ],
)
def test_not_an_h5ad(tmp_path, content, kind):
    path = tmp_path / "screen.h5ad"
    path.write_bytes(content)
    with pytest.raises(InputError, match=f"screen.h5ad is {kind}.*download it again"):
        open_screen(path)


@pytest.mark.parametrize("share", [0.01, 0.4, 0.8, 0.99])
def test_truncated_h5ad(tmp_path, share):
    path = tmp_path / "screen.h5ad"
    good().write_h5ad(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(InputError, match="screen.h5ad is a damaged or truncated h5ad"):
        open_screen(path)


@pytest.mark.filterwarnings("ignore:Element")
def test_an_hdf5_file_of_something_else(tmp_path):
    with h5py.File(tmp_path / "other.h5ad", "w") as file:
        file["x"] = [1, 2, 3]
    with pytest.raises(InputError, match="other.h5ad"):
        open_screen(tmp_path / "other.h5ad")


def test_unknown_screen_name():
    with pytest.raises(InputError, match="No screen 'twinn'; did you mean 'twin'"):
        open_screen("twinn")


# --- labels ----------------------------------------------------------------------------------


def test_no_condition_column():
    adata = good()
    adata.obs = adata.obs.rename(columns={"condition": "perturbation"})
    refused(adata, "'condition'", "perturbation, batch", "condition_column=")


def test_no_controls():
    adata = relabelled("DMSO", "DMSO")
    refused(adata, "'control'", "DMSO, KLF1, KLF1+MAP2K6, MAP2K6, MAP2K6+KLF1", "control=")


def test_another_control_than_the_one_named():
    refused(good(), "says 'control'", "'NT'", "control='control'", control="NT")


@pytest.mark.parametrize("label", ["", " ", "KLF1+", "+KLF1", "nan"])
def test_empty_condition(label):
    refused(relabelled("control", "control", label), "empty gene name", "Drop those cells")


@pytest.mark.parametrize("label", [None, np.nan])
def test_missing_condition(label):
    refused(relabelled("control", label), "1 cells have no condition label", "drop or label")


def test_a_gene_twice_in_one_condition():
    refused(relabelled("control", "KLF1+KLF1"), "'KLF1+KLF1'", "names a gene twice")


def test_a_category_without_cells_is_no_condition():
    adata = good()
    adata.obs["condition"] = pd.Categorical(LABELS, categories=[*sorted(set(LABELS)), "HBZ"])
    assert "HBZ" not in Screen.from_anndata(adata).targets


def test_unknown_gene_in_a_requested_condition():
    screen = Screen.from_anndata(good())
    with pytest.raises(InputError, match="'KLF2'.*did you mean 'KLF1'"):
        screen.design("KLF1+KLF2")
    with pytest.raises(InputError, match="no cells of condition 'KLF2'.*'KLF1'"):
        screen.cells_of("KLF2")
    with pytest.raises(InputError, match="'ACTBB' is not in screen.*'ACTB'"):
        screen.select_genes(["KLF1", "ACTBB"])


def test_more_than_two_genes_work():
    screen = Screen.from_anndata(relabelled("control", "control", "KLF1+MAP2K6+ETS2"))
    assert screen.targets == ("ETS2", "KLF1", "MAP2K6")
    np.testing.assert_array_equal(screen.u[2], [1, 1, 1])
    np.testing.assert_array_equal(screen.design("MAP2K6+KLF1+ETS2"), [1, 1, 1])
    assert "ETS2+KLF1+MAP2K6" not in screen.singles + screen.doubles


# --- counts ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dense", [True, False])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_or_infinite(value, dense):
    refused(spoilt(value, dense), "1 NaN or infinite")


@pytest.mark.parametrize("dense", [True, False])
def test_negative(dense):
    refused(spoilt(-1.0, dense), "1 negative", "raw counts", "counts_layer=")


def test_log_transformed():
    adata = good()
    adata.X = adata.X.log1p()
    refused(adata, "log-transformed", "counts_layer=")


def test_not_whole_numbers():
    adata = good()
    adata.X = adata.X * np.float32(12.7)
    refused(adata, "not whole numbers", "normalised", "counts_layer=")


def test_counts_in_a_layer_are_found_beside_log_data():
    adata = good()
    adata.layers["umi"] = adata.X.copy()
    adata.X = adata.X.log1p()
    expected = Screen.from_anndata(good())
    assert Screen.from_anndata(adata, counts_layer="umi").fingerprint == expected.fingerprint
    refused(adata, "No layer 'umis'", "did you mean 'umi'", counts_layer="umis")


def test_an_unknown_column_of_totals():
    refused(good(), "No column 'totals'", "batch", total_counts_column="totals")


def test_duplicate_genes():
    adata = good()
    adata.var_names = ["KLF1", "ACTB", "ACTB", "HBZ"]
    refused(adata, "gene names", "ACTB", "var_names_make_unique")


def test_duplicate_cells():
    adata = good()
    adata.obs_names = ["c0", "c1", "c1", "c3", "c4", "c5"]
    refused(adata, "cell names", "c1", "obs_names_make_unique")


def test_one_gene():
    refused(good()[:, :1].copy(), "1 gene(s)", "at least two")


def test_one_gene_selected():
    with pytest.raises(InputError, match="1 gene.s. selected"):
        Screen.from_anndata(good()).select_genes(["KLF1"])


def test_zero_total_cells():
    adata = good()
    counts = adata.X.toarray()
    counts[[1, 4]] = 0
    adata.X = sp.csr_matrix(counts)
    refused(adata, "2 cells have no counts", "c1, c4", "filter_cells")


def test_no_cells():
    with pytest.raises(InputError, match="no cells"):
        Screen.from_counts(np.zeros((0, 3)), [], ["a", "b", "c"])


def test_names_that_do_not_fit_the_counts():
    with pytest.raises(InputError, match=r"counts are \(2, 3\).*1 condition labels"):
        Screen.from_counts(np.ones((2, 3)), ["control"], ["a", "b", "c"])


# --- totals ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("totals", "parts"),
    [
        ([100, 100, 2, 100, 100, 1], ("2 cells", "c2, c5", "below the sum of their counts")),
        ([100, np.inf, 100, 100, 100, 100], ("1 cells", "c1", "infinite total")),
        ([100, np.nan, 100, 100, np.nan, 100], ("2 cells", "c1, c4", "the total NaN")),
        (list("abcdef"), ("total_counts are no numbers",)),
    ],
    ids=["too small", "infinite", "NaN", "text"],
)
def test_totals_that_cannot_be(totals, parts):
    adata = good()
    adata.obs["totals"] = totals
    refused(adata, *parts, total_counts_column="totals")


def test_totals_of_another_number_of_cells():
    with pytest.raises(InputError, match=r"shape \(3,\), but there are 2 cells"):
        Screen.from_counts(np.ones((2, 3)), ["control", "A"], list("abc"), total_counts=[9, 9, 9])


def test_totals_that_float32_has_rounded_are_taken():
    counts, total = np.array([[2**24 - 1, 2], [1, 1]]), np.array([2**24, 2], np.float32)
    assert Screen.from_counts(counts, ["control", "A"], ["a", "b"], total_counts=total).n_cells == 2


# --- other forms -------------------------------------------------------------------------------


@pytest.mark.parametrize("counts", [[["a", "b"], ["c", "d"]], np.ones((2, 2, 2))])
def test_counts_that_are_no_matrix_of_numbers(counts):
    with pytest.raises(InputError, match="no matrix of numbers"):
        Screen.from_counts(counts, ["control", "A"], ["x", "y"])


def test_an_anndata_without_counts():
    adata = ad.AnnData(obs=good().obs, var=good().var)
    refused(adata, "has no X", "counts_layer=")


def test_an_empty_separator():
    refused(good(), "separator is empty", separator="")


def test_a_file_that_may_not_be_read(tmp_path, monkeypatch):
    path = tmp_path / "screen.h5ad"
    good().write_h5ad(path)

    def forbidden(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(anndata_io, "open", forbidden, raising=False)
    with pytest.raises(InputError, match="Cannot read .*screen.h5ad: Permission denied"):
        open_screen(path)


def test_genes_selected_twice_or_by_a_wrong_mask():
    screen = Screen.from_anndata(good())
    with pytest.raises(InputError, match="'ACTB' is selected twice"):
        screen.select_genes(["ACTB", "KLF1", "ACTB"])
    with pytest.raises(InputError, match=r"mask has shape \(3,\)"):
        screen.select_genes(np.ones(3, bool))
