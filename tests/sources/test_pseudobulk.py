"""Pseudobulk: what is read, what is refused, and in which units the real file is."""

import numpy as np
import pandas as pd
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.sources import pseudobulk


def written(path, lfc=None, condition=("A", "B", "A+B", "A+C"), gene=("x", "y", "z"), **others):
    lfc = np.arange(12, dtype=np.float32).reshape(4, 3) if lfc is None else lfc
    np.savez(path, lfc=lfc, condition=np.array(condition), gene=np.array(gene), **others)
    return path


def test_read_gives_singles_doubles_and_changes(tmp_path):
    bulk = pseudobulk.read(written(tmp_path / "a.npz"), {"A": 7})
    assert bulk.singles == ["A", "B"] and bulk.doubles == ["A+B", "A+C"]
    assert bulk.complete_doubles == ["A+B"]
    np.testing.assert_array_equal(bulk.change("B+A"), [6, 7, 8])
    assert list(bulk.changes(["B", "A"])) == ["B", "A"] and bulk.n_cells == {"A": 7}
    with pytest.raises(InputError, match="No 'B\\+C'"):
        bulk.change("B+C")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lfc": np.zeros((3, 3), np.float32)}, r"lfc is \(3, 3\)"),
        ({"lfc": np.zeros((4, 3), int)}, "table of numbers"),
        ({"lfc": np.full((4, 3), np.nan, np.float32)}, "12 values are NaN"),
        ({"lfc": np.array([[None] * 3] * 4, dtype=object)}, "not pickled"),
        ({"condition": ("A", "A", "A+B", "A+C")}, "condition 'A' stands twice"),
        ({"gene": ("x", "x", "z")}, "gene 'x' stands twice"),
        ({"condition": ("A", "B", "B+A", "A+C")}, "no canonical label"),
        ({"condition": ("A", "control", "A+B", "A+C")}, "leave the control out"),
    ],
)
def test_what_is_no_pseudobulk_is_refused(tmp_path, change, message):
    with pytest.raises(InputError, match=message):
        pseudobulk.read(written(tmp_path / "a.npz", **change))


def test_files_that_are_something_else_are_refused(tmp_path):
    with pytest.raises(InputError, match="No pseudobulk at"):
        pseudobulk.read(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("lfc")
    with pytest.raises(InputError, match="is no pseudobulk"):
        pseudobulk.read(tmp_path / "text.npz")
    whole = written(tmp_path / "a.npz").read_bytes()
    (tmp_path / "half.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="is no pseudobulk"):
        pseudobulk.read(tmp_path / "half.npz")
    np.savez(tmp_path / "other.npz", lfc=np.zeros((1, 1)))
    with pytest.raises(InputError, match="is no pseudobulk"):
        pseudobulk.read(tmp_path / "other.npz")


def test_another_file_under_the_real_name_is_refused(tmp_path, monkeypatch):
    monkeypatch.delenv("PVAE_DATA", raising=False)
    with pytest.raises(InputError, match="set PVAE_DATA"):
        pseudobulk.load()
    with pytest.raises(InputError, match=f"No {pseudobulk.FILE}"):
        pseudobulk.load(tmp_path)
    written(tmp_path / pseudobulk.FILE)
    (tmp_path / pseudobulk.COUNTS_FILE).write_text("condition,cells,type\nctrl,5,control\n")
    with pytest.raises(InputError, match="SHA256"):
        pseudobulk.load(tmp_path)


def test_counts_of_cells_are_merged_over_spellings(tmp_path):
    (tmp_path / "c.csv").write_text(
        "condition,cells,type\nctrl,5,control\nA+ctrl,2,s\nctrl+A,3,s\nB+A,4,d\n"
    )
    assert pseudobulk.read_counts(tmp_path / "c.csv") == {"control": 5, "A": 5, "A+B": 4}


def test_silent_genes_tell_the_base_of_the_logarithm():
    rng = np.random.default_rng(0)
    molecules = 5_000_000
    control = rng.integers(1, 40, size=30) / molecules * 1e6  # CPM
    perturbed = np.where(rng.random((60, 30)) < 0.5, 0.0, rng.uniform(1, 9, (60, 30)))
    natural = np.log1p(perturbed) - np.log1p(control)
    counts, found = pseudobulk.count_of_silent(natural)
    np.testing.assert_allclose(counts, counts.round(), atol=1e-6)
    smallest = round(control.min() * molecules / 1e6)
    assert found == pytest.approx(molecules / smallest, rel=1e-6)
    other, _ = pseudobulk.count_of_silent(natural / np.log(2))
    assert np.abs(other - other.round()).max() > 0.1


def test_the_real_file_is_in_natural_logarithms_of_counts_per_million(real_data):
    bulk = pseudobulk.load(real_data)
    assert bulk.lfc.shape == (234, 2000)
    assert (len(bulk.singles), len(bulk.doubles), len(bulk.complete_doubles)) == (104, 130, 126)
    counts, molecules = pseudobulk.count_of_silent(bulk.lfc)
    few = counts[counts < 100]
    assert len(few) > 300 and np.abs(few - few.round()).max() < 1e-4
    assert molecules == pytest.approx(150.1e6, rel=1e-3)
    for base in (2, 10):
        other = pseudobulk.count_of_silent(bulk.lfc * np.log(base))[0]
        other = other[other < 100]
        assert np.abs(other - other.round()).mean() > 0.1
    # The table of DE pairs, read as log2 fold changes, agrees in direction and order.
    de = pd.read_csv(real_data / "norman2019_de_pairs.csv")
    genes = {g: i for i, g in enumerate(bulk.genes)}
    de = de[de["perturbation"].isin(bulk.conditions) & de["gene"].isin(genes)]
    ours = [bulk.change(p)[genes[g]] for p, g in zip(de["perturbation"], de["gene"], strict=True)]
    assert len(de) == 1602 and np.corrcoef(ours, de["raw_log2FC"])[0, 1] > 0.95
