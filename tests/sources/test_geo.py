"""GEO's four raw files, written tiny in exactly their format, become labelled counts."""

import gzip

import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse as sp

from pvae_lib.exceptions import InputError
from pvae_lib.sources import geo
from pvae_lib.sources.geo import guide_condition, read_geo

SYMBOLS = ["KLF1", "MAP2K6", "TBCE", "TBCE", "ACTB", "TBCE"]
# Barcode, guide identity, good_coverage, number_of_cells: every form that GEO's table holds.
IDENTITIES = [
    ("AAAA-1", "TSC22D1_NegCtrl0__TSC22D1_NegCtrl0", True, 1),
    ("AAAC-1", "NegCtrl0_TSC22D1__NegCtrl0_TSC22D1", True, 1),
    ("AAAG-2", "KLF1_MAP2K6__KLF1_MAP2K6", True, 1),
    ("AAAT-2", "MAP2K6_KLF1__MAP2K6_KLF1", True, 1),
    ("AACA-3", "TGFBR2_IGDCC3__TGFBR2_IGDCC3_2", True, 1),
    ("AACC-3", "TGFBR2_IGDCC3__TGFBR2_IGDCC3_1", True, 1),
    ("AACG-4", "ZBTB10_NegCtrl0__ZBTB10_NegCtrl0_1", True, 1),
    ("AACT-4", "NegCtrl0_NegCtrl0__NegCtrl0_NegCtrl0", True, 1),
    ("AAGA-5", "NegCtrl10_NegCtrl0__NegCtrl10_NegCtrl0", True, 1),
    ("AAGC-5", "NegCtrl11_NegCtrl0__NegCtrl11_NegCtrl0", True, 1),
    ("AAGG-6", "NegCtrl1_NegCtrl0__NegCtrl1_NegCtrl0", True, 1),
    ("AAGT-6", "KLF1_NegCtrl0__KLF1_NegCtrl0", False, 1),
    ("AATA-7", "KLF1_NegCtrl0__KLF1_NegCtrl0", True, 2),
    ("GGGG-8", "KLF1_NegCtrl0__KLF1_NegCtrl0", True, 1),  # not among the barcodes
]
CONDITIONS = [
    "TSC22D1", "TSC22D1", "KLF1+MAP2K6", "KLF1+MAP2K6", "IGDCC3+TGFBR2", "IGDCC3+TGFBR2",
    "ZBTB10", "control", "control", "control",
]  # fmt: skip


def write_geo(folder, counts: np.ndarray, identities=IDENTITIES, symbols=SYMBOLS) -> dict:
    """The four files; `counts` is cells × genes, one row for each barcode of the matrix.

    The matrix has a barcode that the identities lack, and the two tables differ in their order.
    """
    folder.mkdir(exist_ok=True)
    paths = {
        "matrix": folder / "raw_matrix.mtx.gz",
        "barcodes": folder / "raw_barcodes.tsv.gz",
        "genes": folder / "raw_genes.tsv.gz",
        "identities": folder / "raw_cell_identities.csv.gz",
    }
    barcodes = ["CCCC-1", *(row[0] for row in identities if row[0] != "GGGG-8")]
    assert counts.shape == (len(barcodes), len(symbols))
    with gzip.open(paths["matrix"], "wb") as handle:
        scipy.io.mmwrite(handle, sp.coo_matrix(counts.T), field="integer", comment=" made")
    pd.Series(barcodes).to_csv(paths["barcodes"], header=False, index=False)
    ids = [f"ENSG{i:011d}" for i in range(len(symbols))]
    pd.DataFrame([ids, symbols]).T.to_csv(paths["genes"], sep="\t", header=False, index=False)
    table = pd.DataFrame(
        [
            dict(cell_barcode=cell, guide_identity=identity, read_count=1037, UMI_count=59,
                 coverage=17.6, gemgroup=int(cell[-1]), good_coverage=good, number_of_cells=n)
            for cell, identity, good, n in reversed(identities)
        ]
    )  # fmt: skip
    table.to_csv(paths["identities"], index=False)
    return paths


@pytest.fixture
def counts() -> np.ndarray:
    made = np.random.default_rng(1).poisson(1.5, (len(IDENTITIES), len(SYMBOLS)))
    made[:, 0] += 1
    return made


@pytest.mark.parametrize(
    ("identity", "condition"),
    [
        ("TSC22D1_NegCtrl0__TSC22D1_NegCtrl0", "TSC22D1"),
        ("NegCtrl0_TSC22D1__NegCtrl0_TSC22D1", "TSC22D1"),
        ("TGFBR2_IGDCC3__TGFBR2_IGDCC3_2", "IGDCC3+TGFBR2"),
        ("HOXC13_NegCtrl0__HOXC13_NegCtrl0_1", "HOXC13"),
        ("NegCtrl11_NegCtrl0__NegCtrl11_NegCtrl0", "control"),
    ],
)
def test_guide_condition(identity, condition):
    assert guide_condition(identity) == condition


@pytest.mark.parametrize("identity", ["KLF1", "A_B_C__A_B_C", "KLF1___KLF1_", "nan"])
def test_an_identity_of_another_form_is_refused(identity):
    with pytest.raises(InputError, match="does not name two positions"):
        guide_condition(identity)


def test_good_cells_with_their_counts_and_labels(tmp_path, counts):
    adata = read_geo(**write_geo(tmp_path, counts))
    kept = [row[0] for row in IDENTITIES[:10]]
    assert list(adata.obs_names) == kept
    assert list(adata.obs["condition"]) == CONDITIONS
    # Row 0 of the counts is the barcode without identity.
    np.testing.assert_array_equal(adata.X.toarray(), counts[1:11])
    assert adata.X.dtype == np.float32
    assert list(adata.obs["gemgroup"]) == [int(cell[-1]) for cell in kept]


def test_repeated_symbols_are_made_unique_and_told(tmp_path, counts):
    adata = read_geo(**write_geo(tmp_path, counts))
    assert list(adata.var_names) == ["KLF1", "MAP2K6", "TBCE", "TBCE-1", "ACTB", "TBCE-2"]
    assert adata.var["gene_id"].iloc[3] == "ENSG00000000003"
    assert "2 gene symbols" in adata.uns["notes"][0]
    assert adata.uns["notes"][1].startswith("1 cells")


def test_reading_in_pieces_gives_the_same(tmp_path, counts, monkeypatch):
    paths = write_geo(tmp_path, counts)
    whole = read_geo(**paths).X.toarray()
    monkeypatch.setattr(geo, "ENTRIES_AT_A_TIME", 7)
    np.testing.assert_array_equal(read_geo(**paths).X.toarray(), whole)


def test_good_coverage_may_be_missing_for_some(tmp_path, counts):
    paths = write_geo(tmp_path, counts)
    table = pd.read_csv(paths["identities"]).astype({"good_coverage": object})
    table.loc[table.cell_barcode == "AAAA-1", "good_coverage"] = None
    table.to_csv(paths["identities"], index=False)
    assert "AAAA-1" not in read_geo(**paths).obs_names


@pytest.mark.parametrize("part", ["matrix", "barcodes", "genes", "identities"])
def test_a_missing_file_is_named(tmp_path, counts, part):
    paths = write_geo(tmp_path, counts)
    paths[part].unlink()
    with pytest.raises(InputError, match=paths[part].name):
        read_geo(**paths)


@pytest.mark.parametrize("part", ["matrix", "barcodes", "genes", "identities"])
def test_a_truncated_file_is_named(tmp_path, counts, part):
    paths = write_geo(tmp_path, counts)
    paths[part].write_bytes(paths[part].read_bytes()[:-20])
    with pytest.raises(InputError, match=f"{paths[part].name}.*download it again"):
        read_geo(**paths)


def test_a_matrix_that_ends_early_is_refused(tmp_path, counts):
    paths = write_geo(tmp_path, counts)
    lines = gzip.decompress(paths["matrix"].read_bytes()).splitlines(keepends=True)
    paths["matrix"].write_bytes(gzip.compress(b"".join(lines[:-3])))
    with pytest.raises(InputError, match=f"{len(lines) - 6} of {len(lines) - 3} entries"):
        read_geo(**paths)


def test_a_matrix_of_another_series_is_refused(tmp_path, counts):
    paths = write_geo(tmp_path, counts)
    other = write_geo(tmp_path / "other", counts[:, :5], symbols=SYMBOLS[:5])
    with pytest.raises(InputError, match="5 × 14, but there are 6 genes"):
        read_geo(**{**paths, "matrix": other["matrix"]})


def test_no_matrix_at_all(tmp_path, counts):
    paths = write_geo(tmp_path, counts)
    paths["matrix"].write_bytes(gzip.compress(b"<html>\n</html>\n"))
    with pytest.raises(InputError, match="no Matrix Market file"):
        read_geo(**paths)


def test_a_table_without_its_columns_lists_those_it_has(tmp_path, counts):
    paths = write_geo(tmp_path, counts)
    table = pd.read_csv(paths["identities"]).rename(columns={"good_coverage": "good"})
    table.to_csv(paths["identities"], index=False)
    with pytest.raises(InputError, match="lacks the column.s. good_coverage; it has .*gemgroup"):
        read_geo(**paths)


def test_identities_of_other_cells_are_refused(tmp_path, counts):
    paths = write_geo(tmp_path, counts)
    table = pd.read_csv(paths["identities"])
    table["cell_barcode"] = "X" + table["cell_barcode"]
    table.to_csv(paths["identities"], index=False)
    with pytest.raises(InputError, match="No cell of"):
        read_geo(**paths)


def test_no_good_cell_is_refused(tmp_path, counts):
    paths = write_geo(tmp_path, counts)
    table = pd.read_csv(paths["identities"]).assign(good_coverage=False)
    table.to_csv(paths["identities"], index=False)
    with pytest.raises(InputError, match="no cell with good coverage"):
        read_geo(**paths)
