"""Norman's screen from tiny files of the published formats: prepared, checked, kept."""

import functools
import gzip
import io
import subprocess
import sys

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import scipy.io
import scipy.sparse as sp

from pvae_lib.exceptions import InputError
from pvae_lib.sources import norman, open_screen
from pvae_lib.sources.norman import Expected, Layout
from pvae_lib.sources.published import PublishedFile

# anndata says it whenever such a file is opened; the preparation mends it and says so itself.
pytestmark = pytest.mark.filterwarnings("ignore:Variable names are not unique")

LABELS = {"control": 40, "KLF1": 20, "MAP2K6": 20, "ETS2": 12, "KLF1_MAP2K6": 12, "MAP2K6_KLF1": 8}
TINY = Expected(singles=3, doubles=1, controls=(30, 30), cells=(102, 102), genes=(60, 60))
N_GENES = 60


def scperturb(path, seed: int = 0) -> ad.AnnData:
    """A tiny file of scPerturb's format: raw counts in X, `perturbation`, guides, two repeats."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(list(LABELS), list(LABELS.values()))
    rng.shuffle(labels)
    base = rng.gamma(0.5, 2.0, N_GENES)
    base[0] += 3
    depth = rng.lognormal(0, 0.4, (len(labels), 1))
    counts = rng.poisson(depth * base)
    counts[labels != "control", 1] += rng.poisson(6, (labels != "control").sum())
    guides = np.array([f"{label}_NegCtrl0" for label in labels], dtype=object)
    excluded = np.flatnonzero(labels == "control")[:10]
    guides[excluded] = "NegCtrl1_NegCtrl0"
    obs = pd.DataFrame(
        {
            "perturbation": pd.Categorical(labels),
            "guide_id": guides,
            "nperts": [0 if label == "control" else 1 + ("_" in label) for label in labels],
            "cell_line": "K562",
            "ncounts": counts.sum(axis=1),
        },
        index=[f"CELL{i:04d}-1" for i in range(len(labels))],
    )
    genes = [f"G{i}" for i in range(N_GENES)]
    genes[7] = genes[3]
    adata = ad.AnnData(sp.csr_matrix(counts, dtype=np.float32), obs, pd.DataFrame(index=genes))
    adata.write_h5ad(path)
    return adata


@pytest.fixture
def copy(tmp_path):
    path = tmp_path / "copy.h5ad"
    scperturb(path)
    return path


def load(folder, **options):
    return norman.load(folder, **{"n_genes": 25, "expected": TINY, **options})


def test_the_preparation_is_scanpys(copy, tmp_path):
    screen = load(tmp_path / "data", file=copy)
    adata = ad.read_h5ad(copy)
    adata = adata[adata.obs["guide_id"] != "NegCtrl1_NegCtrl0"].copy()
    adata.var_names_make_unique()
    totals = adata.X.sum(axis=1).A1
    sc.pp.normalize_total(adata)
    sc.pp.log1p(adata)
    sc.pp.highly_variable_genes(adata, n_top_genes=25)
    adata = adata[:, adata.var["highly_variable"]]
    assert list(screen.genes) == list(adata.var_names)
    assert list(screen.cells) == list(adata.obs_names)
    np.testing.assert_allclose(screen.expression.toarray(), adata.X.toarray(), rtol=1e-5)
    np.testing.assert_array_equal(screen.total_counts, totals)
    assert screen.n_genes == 25 and screen.counts.sum() < totals.sum()


def test_labels_are_merged_and_the_excluded_control_is_gone(copy, tmp_path, capsys):
    screen = load(tmp_path, file=copy)
    assert screen.singles == ["ETS2", "KLF1", "MAP2K6"] and screen.doubles == ["KLF1+MAP2K6"]
    assert len(screen.cells_of("KLF1+MAP2K6")) == 20
    assert int(screen.is_control.sum()) == 30
    said = capsys.readouterr().out
    assert "10 cells of the control NegCtrl1_NegCtrl0 dropped" in said
    assert "1 repeated gene symbols made unique" in said
    assert norman.NORMAN_SCPERTURB.md5 in said and "another copy" in said


def test_kept_screen_is_the_same_and_not_prepared_again(copy, tmp_path, monkeypatch):
    made = load(tmp_path, file=copy)
    monkeypatch.setattr(norman, "prepare", lambda *_: pytest.fail("prepared again"))
    kept = load(tmp_path, file=copy)
    assert kept.fingerprint == made.fingerprint and kept.name == "norman2019"
    np.testing.assert_array_equal(kept.expression.data, made.expression.data)
    assert open_screen("norman2019", data_dir=tmp_path).fingerprint == made.fingerprint


@pytest.mark.parametrize(
    "change", [{"n_genes": 20}, {"variable_over": "no-doubles"}, {"file": "other"}, {"damage": 1}]
)
def test_another_source_or_setting_or_a_damaged_file_is_prepared_again(copy, tmp_path, change):
    load(tmp_path, file=copy)
    kept = tmp_path / "norman2019.h5ad"
    before = kept.read_bytes()
    if change.pop("damage", None):
        kept.write_bytes(before[: len(before) // 2])
    if "file" in change:
        change["file"] = tmp_path / "other.h5ad"
        scperturb(change["file"], seed=1)
    screen = load(tmp_path, **{"file": copy, **change})
    assert open_screen("norman2019", data_dir=tmp_path).fingerprint == screen.fingerprint
    assert kept.stat().st_size > 0 and norman.cache.read_provenance(kept)["n_genes"] in (20, 25)


def test_variable_genes_without_doubles_do_not_see_them(copy, tmp_path):
    """A gene that varies only in doubles is chosen over all cells, not over the others."""
    adata = ad.read_h5ad(copy)
    doubles = adata.obs["perturbation"].isin(["KLF1_MAP2K6", "MAP2K6_KLF1"]).to_numpy()
    counts = adata.X.toarray()
    counts[:, 50] = 1
    counts[doubles, 50] = np.resize([0, 60], doubles.sum())
    adata.X = sp.csr_matrix(counts)
    adata.write_h5ad(copy)
    assert "G50" in load(tmp_path / "a", file=copy).genes
    assert "G50" not in load(tmp_path / "b", file=copy, variable_over="no-doubles").genes


def test_renamed_columns_are_named_by_the_layout(copy, tmp_path):
    """GEARS' spelling: ctrl, A+ctrl, counts in a layer, logs in X."""
    plain = load(tmp_path / "a", file=copy)
    adata = ad.read_h5ad(copy)
    adata = adata[adata.obs["guide_id"] != "NegCtrl1_NegCtrl0"].copy()
    spelt = {"control": "ctrl", "KLF1": "KLF1+ctrl", "MAP2K6": "ctrl+MAP2K6", "ETS2": "ETS2+ctrl"}
    labels = adata.obs["perturbation"].astype(str).replace(spelt).str.replace("_", "+")
    adata.obs = pd.DataFrame({"condition": labels})
    adata.layers["umi"] = adata.X.copy()
    sc.pp.log1p(adata)
    adata.write_h5ad(tmp_path / "gears.h5ad")
    layout = Layout("condition", "ctrl", "+", counts_layer="umi")
    screen = load(tmp_path / "b", file=tmp_path / "gears.h5ad", layout=layout)
    assert screen.fingerprint == plain.fingerprint


def test_a_screen_of_other_labels_is_refused_and_not_kept(copy, tmp_path):
    with pytest.raises(InputError, match="found 102 cells × 60 genes, 3 singles, 1 doubles, 30"):
        norman.load(tmp_path / "data", file=copy)
    assert not (tmp_path / "data").exists()


def test_the_published_file_is_fetched_and_prepared(server, copy, tmp_path, monkeypatch):
    file = server.publish(norman.NORMAN_SCPERTURB.name, copy.read_bytes(), "truncated")
    monkeypatch.setattr(norman, "NORMAN_SCPERTURB", file)
    monkeypatch.setattr("time.sleep", lambda _: None)
    data_dir = tmp_path / "data"
    screen = load(data_dir)
    assert {p.name for p in data_dir.iterdir()} == {file.name, "norman2019.h5ad"}
    assert screen.fingerprint == load(tmp_path / "b", file=copy).fingerprint
    # The download may be removed: the kept screen knows what it was made from.
    (data_dir / file.name).unlink()
    assert load(data_dir).fingerprint == screen.fingerprint
    assert len(server.requests) == 2


def test_an_html_page_instead_of_the_screen_leaves_nothing(server, copy, tmp_path, monkeypatch):
    file = server.publish(norman.NORMAN_SCPERTURB.name, copy.read_bytes(), "html")
    monkeypatch.setattr(norman, "NORMAN_SCPERTURB", file)
    with pytest.raises(InputError, match="HTML page"):
        load(tmp_path / "data")
    assert not list((tmp_path / "data").iterdir())


def test_geo_files_are_fetched_and_prepared_to_the_same_screen(server, copy, tmp_path, monkeypatch):
    """The same cells spelt as GEO spells them give the screen that scPerturb's file gives."""
    adata = ad.read_h5ad(copy)
    matrix = io.BytesIO()
    scipy.io.mmwrite(matrix, sp.coo_matrix(adata.X.T.astype(int)), field="integer")
    names = [
        "NegCtrl1_NegCtrl0" if guide == "NegCtrl1_NegCtrl0"
        else "NegCtrl10_NegCtrl0" if label == "control"
        else label if "_" in label
        else f"NegCtrl0_{label}"
        for label, guide in zip(adata.obs["perturbation"], adata.obs["guide_id"], strict=True)
    ]  # fmt: skip
    identities = pd.DataFrame(
        dict(cell_barcode=adata.obs_names, guide_identity=[f"{n}__{n}" for n in names],
             read_count=9, UMI_count=5, coverage=1.8, gemgroup=1, good_coverage=True,
             number_of_cells=1)
    )  # fmt: skip
    genes = pd.DataFrame({"id": [f"ENSG{i}" for i in range(N_GENES)], "symbol": adata.var_names})
    texts = {
        "matrix": matrix.getvalue(),
        "barcodes": "\n".join(adata.obs_names).encode(),
        "genes": genes.to_csv(sep="\t", header=False, index=False).encode(),
        "identities": identities.to_csv(index=False).encode(),
    }
    published = {
        part: server.publish(norman.NORMAN_GEO[part].name, gzip.compress(text))
        for part, text in texts.items()
    }
    monkeypatch.setattr(norman, "NORMAN_GEO", published)
    screen = load(tmp_path / "geo", source="geo")
    assert screen.fingerprint == load(tmp_path / "copy", file=copy).fingerprint
    assert screen.obs["gemgroup"].eq(1).all()
    published["matrix"] = PublishedFile("gone.mtx.gz", (f"{server.url}/gone",), "0" * 32, "page")
    with pytest.raises(InputError, match="gone.mtx.gz.*404"):
        load(tmp_path / "another", source="geo")


def test_sanity_is_the_norm_of_means_and_the_variance_within(copy, tmp_path):
    screen = load(tmp_path, file=copy)
    cells = screen.dense(screen.cells_of("KLF1+MAP2K6")).astype(np.float64)
    found = norman.sanity(screen)
    assert found["norm"] == pytest.approx(np.linalg.norm(cells.mean(axis=0)), rel=1e-6)
    assert found["V"] == pytest.approx(cells.var(axis=0).sum(), rel=1e-4)
    assert "102 cells × 25 genes, 3 singles, 1 doubles, 30 controls" in norman.describe(screen)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"source": "figshare"}, "known: 'scperturb', 'geo'"),
        ({"variable_over": "train"}, "all, no-doubles"),
        ({"file": "nowhere.h5ad"}, "No file nowhere.h5ad"),
    ],
)
def test_wrong_options_are_refused(tmp_path, options, message):
    with pytest.raises(InputError, match=message):
        load(tmp_path, **options)


def test_the_command_ends_with_one_message(tmp_path):
    """`make norman` calls exactly this."""
    command = [sys.executable, "-m", "pvae_lib.sources.norman", "--file", "nowhere.h5ad"]
    ended = subprocess.run(
        [*command, "--data-dir", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.strip() == "No file nowhere.h5ad; check the path."


def test_the_command_prepares_and_says_what_it_found(copy, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(norman, "load", functools.partial(norman.load, expected=TINY))
    norman.main(["--data-dir", str(tmp_path), "--file", str(copy), "--n-genes", "25"])
    said = capsys.readouterr().out
    assert "102 cells × 25 genes" in said and str(tmp_path / "norman2019.h5ad") in said
    kept = norman.cache.read_provenance(tmp_path / "norman2019.h5ad")
    assert kept["layout"]["condition_column"] == "perturbation"
