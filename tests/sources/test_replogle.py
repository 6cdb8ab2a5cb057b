"""Replogle's screens from tiny files of scPerturb's format; the protocol on a twin of singles."""

from dataclasses import replace

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

from pvae_lib import splits
from pvae_lib.evaluation.audit import audit
from pvae_lib.exceptions import InputError
from pvae_lib.sources import open_screen, replogle
from pvae_lib.sources.twin import TwinConfig, make_twin

LABELS = {"control": 30, "RPL3": 20, "POLR2A": 20, "HLA_X": 10}


def scperturb(path, labels=LABELS, matrix=np.asarray):
    """Raw counts in a dense X, obs column `perturbation`, a repeated gene symbol."""
    rng = np.random.default_rng(0)
    names = np.repeat(list(labels), list(labels.values()))
    counts = rng.poisson(rng.gamma(0.5, 3.0, 50) + 0.1, (len(names), 50))
    counts[:, 0] += 1
    obs = pd.DataFrame(
        {"perturbation": pd.Categorical(names), "gene": names, "cell_line": "K562"},
        index=[f"CELL{i}" for i in range(len(names))],
    )
    genes = [f"G{i}" for i in range(50)]
    genes[4] = genes[2]
    with pytest.warns(UserWarning, match="not unique"):
        adata = ad.AnnData(matrix(counts.astype(np.float32)), obs, pd.DataFrame(index=genes))
        adata.write_h5ad(path)
    return path


pytestmark = pytest.mark.filterwarnings("ignore:Variable names are not unique")


def test_a_tiny_file_is_prepared_and_kept(tmp_path, monkeypatch):
    file = scperturb(tmp_path / "copy.h5ad")
    screen = replogle.load(tmp_path, "rpe1", file=file, n_genes=20)
    assert screen.name == "replogle-rpe1" and screen.n_genes == 20 and not screen.doubles
    assert screen.singles == ["HLA_X", "POLR2A", "RPL3"]  # "_" is part of a name here
    assert int(screen.is_control.sum()) == 30
    np.testing.assert_array_equal(screen.total_counts, ad.read_h5ad(file).X.sum(axis=1))
    monkeypatch.setattr(replogle, "_read", lambda *_: pytest.fail("prepared again"))
    kept = replogle.load(tmp_path, "rpe1", file=file, n_genes=20)
    assert kept.fingerprint == screen.fingerprint


@pytest.mark.parametrize("matrix", [sp.csr_matrix, sp.csc_matrix])
def test_a_dense_matrix_is_read_in_parts_and_a_sparse_one_is_the_same(
    tmp_path, monkeypatch, matrix
):
    monkeypatch.setattr(replogle, "ROWS_AT_ONCE", 7)  # of 80 cells
    dense = replogle.load(tmp_path / "1", file=scperturb(tmp_path / "dense.h5ad"), n_genes=20)
    file = scperturb(tmp_path / "sparse.h5ad", matrix=matrix)
    sparse = replogle.load(tmp_path / "2", file=file, n_genes=20)
    assert dense.fingerprint == sparse.fingerprint
    np.testing.assert_array_equal(dense.condition, sparse.condition)


def test_the_published_file_is_fetched(tmp_path, server, monkeypatch):
    body = scperturb(tmp_path / "source.h5ad").read_bytes()
    published = server.publish("replogle.h5ad", body, "truncated")
    monkeypatch.setitem(replogle.LINES, "k562", published)
    monkeypatch.setattr("pvae_lib.sources.fetch.time.sleep", lambda _: None)
    screen = replogle.load(tmp_path / "data", n_genes=20)
    assert screen.name == "replogle-k562" and (tmp_path / "data" / "replogle.h5ad").exists()


@pytest.mark.parametrize("line", ["k562", "rpe1"])
def test_a_line_opens_by_name_and_is_fetched_once(tmp_path, server, monkeypatch, line):
    body = scperturb(tmp_path / "source.h5ad").read_bytes()
    monkeypatch.setitem(replogle.LINES, line, server.publish(f"{line}-as-published.h5ad", body))
    name, data = f"replogle-{line}", tmp_path / "data"
    screen = open_screen(name, data_dir=data)
    assert screen.name == name and screen.singles == ["HLA_X", "POLR2A", "RPL3"]
    (data / f"{line}-as-published.h5ad").unlink()  # what was prepared is enough
    assert open_screen(name, data_dir=data).fingerprint == screen.fingerprint
    assert len(server.requests) == 1


def test_a_prepared_local_copy_opens_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(replogle, "fetch", lambda *_: pytest.fail("fetched"))
    file = scperturb(tmp_path / "copy.h5ad")
    prepared = replogle.load(tmp_path, "k562", file=file, n_genes=20)
    assert open_screen("replogle-k562", data_dir=tmp_path).fingerprint == prepared.fingerprint


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("offline", "no connection.*is there a network"),
        ("404", "answers 404"),
        ("html", "an HTML page"),
        ("other bytes", "is not the published one"),
    ],
)
def test_what_cannot_be_fetched_says_why_and_how_to_go_on(
    tmp_path, server, monkeypatch, fault, message
):
    monkeypatch.setattr("pvae_lib.sources.fetch.time.sleep", lambda _: None)
    body = scperturb(tmp_path / "source.h5ad").read_bytes()
    published = server.publish("rpe1.h5ad", body, fault)
    if fault == "offline":
        published = replace(published, urls=("http://127.0.0.1:9/rpe1.h5ad",))  # nobody listens
    elif fault == "other bytes":
        published = replace(published, md5="0" * 32)
    monkeypatch.setitem(replogle.LINES, "rpe1", published)
    with pytest.raises(InputError, match=f"(?s)Could not fetch rpe1.h5ad.*{message}") as raised:
        open_screen("replogle-rpe1", data_dir=tmp_path / "data")
    assert "https://example.org/record" in str(raised.value)
    assert "as a local file" in str(raised.value)
    assert not (tmp_path / "data" / "replogle-rpe1.h5ad").exists()


def test_the_published_md5s_are_those_of_the_two_files():
    found = {line: (file.name, file.md5) for line, file in replogle.LINES.items()}
    assert found == {
        "k562": ("ReplogleWeissman2022_K562_essential.h5ad", "d8cba17576d1a8afc0f7d71b79cad0f7"),
        "rpe1": ("ReplogleWeissman2022_rpe1.h5ad", "cc7f1ec50aeb3a3e1b4a6cfa713d80fa"),
    }


def test_refusals(tmp_path):
    with pytest.raises(InputError, match="No cell line 'hela'.*k562, rpe1"):
        replogle.load(tmp_path, "hela")
    with pytest.raises(InputError, match="No file"):
        replogle.load(tmp_path, file=tmp_path / "none.h5ad")
    file = scperturb(tmp_path / "d.h5ad", {"control": 9, "A": 9, "B": 9, "A+B": 9})
    with pytest.raises(InputError, match=r"combinations such as 'A\+B'"):
        replogle.load(tmp_path, file=file)
    file = scperturb(tmp_path / "c.h5ad", {"control": 9, "A": 9})
    with pytest.raises(InputError, match="fewer than two"):
        replogle.load(tmp_path, file=file)
    with pytest.raises(InputError, match="No column 'target'"):
        replogle.load(tmp_path, file=file, condition_column="target")


def test_command_ends_with_one_message(tmp_path, capsys):
    file = scperturb(tmp_path / "copy.h5ad")
    replogle.main(["--data-dir", str(tmp_path), "--file", str(file), "--n-genes", "20"])
    assert "80 cells × 20 genes, 3 singles, 0 doubles" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="No file"):
        replogle.main(["--data-dir", str(tmp_path), "--file", "none.h5ad"])


def test_protocol_on_a_twin_of_singles():
    config = TwinConfig.singles(n_cells=600, n_genes=60, n_singles=6, n_controls=150)
    screen, truth = make_twin(config, seed=0)
    assert len(screen.singles) == 6 and not screen.doubles and truth.interaction == {}
    table = audit({}, screen, splits.iid_singles(screen, seed=0), group="single")
    assert set(table["condition"]) == set(screen.singles)
    wide = table.pivot_table(index="method", columns="metric", values="value")
    # A single's own training mean is what additive means here; it must beat the control mean.
    assert wide.loc["additive", "nrmse"] < wide.loc["control mean", "nrmse"]
