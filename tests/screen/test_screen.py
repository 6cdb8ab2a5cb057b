"""The Screen against scanpy and against plain numpy."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scanpy as sc
import scipy.sparse as sp

from pvae_lib.exceptions import InputError
from pvae_lib.screen import Screen

N_CELLS, N_GENES = 300, 80
LABELS = ("control", "B", "A", "A+B", "B+A", "C+A")


@pytest.fixture(scope="module")
def counts() -> np.ndarray:
    rng = np.random.default_rng(3)
    rates = rng.lognormal(0, 0.4, (N_CELLS, 1)) * rng.gamma(0.4, 3.0, N_GENES)
    made = rng.poisson(rates)
    made[:, 0] += 1
    return made


@pytest.fixture(scope="module")
def condition() -> np.ndarray:
    return np.random.default_rng(4).choice(LABELS, N_CELLS).astype(object)


@pytest.fixture(scope="module")
def screen(counts, condition) -> Screen:
    genes = [f"G{i:02d}" for i in range(N_GENES)]
    obs = pd.DataFrame({"batch": np.arange(N_CELLS) % 3})
    return Screen.from_counts(sp.csr_matrix(counts), condition, genes, name="made", obs=obs)


def scanpys(counts: np.ndarray) -> ad.AnnData:
    adata = ad.AnnData(sp.csr_matrix(counts, dtype=np.float32))
    adata.var_names = [f"G{i:02d}" for i in range(counts.shape[1])]
    sc.pp.normalize_total(adata)
    sc.pp.log1p(adata)
    return adata


# --- preprocessing -----------------------------------------------------------------------------


def test_normalisation_is_scanpys(screen, counts):
    expected = scanpys(counts).X.toarray()
    np.testing.assert_allclose(screen.expression.toarray(), expected, rtol=1e-5)
    assert screen.target_total == np.median(counts.sum(axis=1))
    np.testing.assert_array_equal(screen.counts.toarray(), counts)


def test_given_totals_normalise_a_file_of_some_genes(counts, condition):
    totals = counts.sum(axis=1)
    some = Screen.from_counts(
        counts[:, :30], condition, [f"G{i:02d}" for i in range(30)], total_counts=totals
    )
    expected = scanpys(counts).X.toarray()[:, :30]
    np.testing.assert_allclose(some.expression.toarray(), expected, rtol=1e-5)
    np.testing.assert_array_equal(some.total_counts, totals)


# No ties at these n: a tie is broken by the last bit of a number.
@pytest.mark.parametrize("n", [8, 18])
def test_variable_genes_are_scanpys_in_the_order_of_the_file(screen, counts, n):
    adata = scanpys(counts)
    sc.pp.highly_variable_genes(adata, n_top_genes=n)
    chosen = screen.with_variable_genes(n)
    assert list(chosen.genes) == list(adata.var_names[adata.var["highly_variable"]])
    np.testing.assert_array_equal(chosen.total_counts, screen.total_counts)
    kept = screen.expression.toarray()[:, adata.var["highly_variable"]]
    np.testing.assert_array_equal(chosen.expression.toarray(), kept)


def test_variable_genes_over_some_cells_see_only_those(screen, counts):
    cells = np.flatnonzero(screen.is_control)
    adata = scanpys(counts)[cells].copy()
    sc.pp.highly_variable_genes(adata, n_top_genes=18)
    expected = list(adata.var_names[adata.var["highly_variable"]])
    assert list(screen.with_variable_genes(18, cells=cells).genes) == expected
    assert list(screen.with_variable_genes(18).genes) != expected


def test_asking_for_all_genes_keeps_all(screen):
    assert screen.with_variable_genes(N_GENES) is screen


def test_both_matrices_share_their_index_arrays(screen):
    for part in (screen, screen[np.arange(20)], screen.select_genes(["G03", "G05"])):
        assert np.shares_memory(part.counts.indices, part.expression.indices)
        assert np.shares_memory(part.counts.indptr, part.expression.indptr)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix, sp.csc_matrix, sp.coo_matrix])
@pytest.mark.parametrize("dtype", [np.int32, np.uint16, np.float64])
def test_any_form_of_the_same_counts_is_the_same_screen(screen, counts, condition, make, dtype):
    given = make(counts.astype(dtype))
    same = Screen.from_counts(given, condition, screen.genes)
    assert same.fingerprint == screen.fingerprint
    np.testing.assert_array_equal(
        given if isinstance(given, np.ndarray) else given.toarray(), counts
    )


def test_explicit_zeros_and_repeated_entries_are_the_same_screen():
    plain = Screen.from_counts(np.array([[2, 0], [1, 3]]), ["control", "A"], ["x", "y"])
    entries = ([1, 1, 0, 1, 3], ([0, 0, 0, 1, 1], [0, 0, 1, 0, 1]))
    same = Screen.from_counts(sp.coo_matrix(entries), ["control", "A"], ["x", "y"])
    assert same.fingerprint == plain.fingerprint


# --- labels ------------------------------------------------------------------------------------


def test_conditions_singles_doubles_and_targets(screen):
    assert screen.conditions == ["A", "A+B", "A+C", "B"]
    assert screen.singles == ["A", "B"] and screen.doubles == ["A+B", "A+C"]
    assert screen.targets == ("A", "B", "C")


def test_u_is_multi_hot_in_sorted_order(screen, condition):
    expected = np.array([[gene in label.split("+") for gene in "ABC"] for label in condition])
    assert screen.u.dtype == np.float32
    np.testing.assert_array_equal(screen.u, expected)


def test_cells_of_a_condition_in_file_order(screen, condition):
    expected = [i for i, label in enumerate(condition) if label in ("A+B", "B+A")]
    assert list(screen.cells_of("A+B")) == list(screen.cells_of("B+A")) == expected
    assert list(screen.cells_of("control")) == list(np.flatnonzero(condition == "control"))


def test_dense_and_mean(screen):
    cells = screen.cells_of("A")
    dense = screen.expression.toarray()[cells]
    assert screen.dense(cells).dtype == np.float32
    np.testing.assert_array_equal(screen.dense(cells), dense)
    for given in ("A", cells):
        mean = screen.mean(given)
        assert mean.dtype == np.float64
        np.testing.assert_allclose(mean, dense.astype(np.float64).mean(axis=0), rtol=1e-6)


# --- parts -------------------------------------------------------------------------------------


def test_a_part_keeps_targets_and_normalisation(screen):
    cells = screen.cells_of("B")[::-1]
    part = screen[cells]
    np.testing.assert_array_equal(part.expression.toarray(), screen.expression.toarray()[cells])
    assert part.targets == screen.targets and part.target_total == screen.target_total
    assert list(part.cells) == list(screen.cells[cells])
    assert list(part.obs["batch"]) == list(screen.obs["batch"].to_numpy()[cells])
    assert part.conditions == ["B"]


def test_a_part_by_mask(screen):
    assert screen[screen.is_control].n_cells == int(screen.is_control.sum())


def test_genes_by_name_keep_the_order_asked_for(screen):
    part = screen.select_genes(["G10", "G02"])
    assert list(part.genes) == ["G10", "G02"]
    np.testing.assert_array_equal(part.counts.toarray(), screen.counts.toarray()[:, [10, 2]])


# --- AnnData -----------------------------------------------------------------------------------


def test_to_anndata_follows_the_fields_conventions(screen):
    adata = screen.to_anndata()
    np.testing.assert_array_equal(adata.X.toarray(), screen.expression.toarray())
    np.testing.assert_array_equal(adata.layers["counts"].toarray(), screen.counts.toarray())
    np.testing.assert_array_equal(adata.obsm["u"], screen.u)
    assert list(adata.obs["condition"]) == list(screen.condition)
    assert list(adata.obs["batch"]) == list(screen.obs["batch"])


@pytest.mark.parametrize("genes", [None, 20])
def test_there_and_back_through_a_file(screen, tmp_path, genes):
    made = screen if genes is None else screen.with_variable_genes(genes)
    made.to_anndata().write_h5ad(tmp_path / "made.h5ad")
    back = Screen.from_anndata(tmp_path / "made.h5ad", total_counts_column="total_counts")
    assert back.fingerprint == made.fingerprint and back.name == "made"
    np.testing.assert_array_equal(back.expression.toarray(), made.expression.toarray())
    np.testing.assert_array_equal(back.u, made.u)
    assert list(back.obs["batch"]) == list(made.obs["batch"])


def test_a_part_comes_back_with_the_normalisation_and_targets_of_the_whole(screen, tmp_path):
    part = screen[screen.cells_of("B")]
    part.to_anndata().write_h5ad(tmp_path / "part.h5ad")
    with pytest.raises(InputError, match="No control cells"):
        Screen.from_anndata(tmp_path / "part.h5ad")
    part = screen[np.flatnonzero(np.isin(screen.condition.astype(str), ["control", "B"]))]
    part.to_anndata().write_h5ad(tmp_path / "part.h5ad")
    back = Screen.from_anndata(tmp_path / "part.h5ad", total_counts_column="total_counts")
    assert back.fingerprint == part.fingerprint and back.targets == ("A", "B", "C")
    assert back.target_total == screen.target_total != np.median(part.total_counts)
    np.testing.assert_array_equal(back.expression.toarray(), part.expression.toarray())


def test_reading_leaves_the_anndata_as_it_was(counts, condition):
    adata = ad.AnnData(sp.csr_matrix(counts, dtype=np.float32))
    adata.obs["perturbation"] = pd.Categorical(condition)
    before = adata.copy()
    Screen.from_anndata(adata, condition_column="perturbation")
    np.testing.assert_array_equal(adata.X.toarray(), before.X.toarray())
    pd.testing.assert_frame_equal(adata.obs, before.obs)


@pytest.mark.parametrize("form", ["repeated", "unsorted", "zeros"])
@pytest.mark.parametrize("dtype", [np.float32, np.int64])
def test_untidy_counts_on_shared_indices_are_left_as_they_were(form, dtype):
    columns = {"repeated": [0, 0, 1, 2, 1], "unsorted": [2, 0, 1, 2, 1], "zeros": [0, 1, 2, 0, 1]}
    values = np.array([1, 2, 0 if form == "zeros" else 3, 4, 5], dtype=dtype)
    indices, indptr = np.array(columns[form], dtype=np.int32), np.array([0, 3, 5], dtype=np.int32)
    given = sp.csr_matrix((values, indices, indptr), (2, 3))
    beside = sp.csr_matrix((values.astype(np.float64), indices, indptr), (2, 3))
    before = [array.copy() for array in (values, indices, indptr)]
    expected, neighbour = given.toarray(), beside.toarray()
    screen = Screen.from_counts(given, ["control", "A"], ["x", "y", "z"])
    for array, kept in zip((given.data, given.indices, given.indptr), before, strict=True):
        np.testing.assert_array_equal(array, kept)
    np.testing.assert_array_equal(beside.toarray(), neighbour)
    np.testing.assert_array_equal(screen.counts.toarray(), expected)


def test_read_only_counts_are_taken_and_large_tidy_ones_are_not_copied(counts, condition, screen):
    given = sp.csr_matrix(counts, dtype=np.float32)
    shared = Screen.from_counts(given, condition, screen.genes)
    assert np.shares_memory(shared.counts.data, given.data)
    for array in (given.data, given.indices, given.indptr):
        array.setflags(write=False)
    copied = Screen.from_counts(given, condition, screen.genes)
    assert copied.fingerprint == screen.fingerprint
    assert copied.counts.data.flags.writeable and copied.counts.indices.flags.writeable
    untidy = sp.csr_matrix(counts, dtype=np.float32)
    untidy.data[:5] = 0
    for array in (untidy.data, untidy.indices, untidy.indptr):
        array.setflags(write=False)
    taken = Screen.from_counts(untidy, condition, screen.genes)
    np.testing.assert_array_equal(taken.counts.toarray(), untidy.toarray())


def test_the_screen_is_not_changed_through_its_anndata(screen):
    adata, again = screen.to_anndata(), screen.to_anndata()
    fingerprint, u = screen.fingerprint, screen.u.copy()
    sc.pp.scale(adata, zero_center=False)
    adata.layers["counts"].data[:] = 7
    adata.X.indices[:] = 0
    adata.obsm["u"][:] = 9
    adata.obs["total_counts"] = 0.0
    np.testing.assert_array_equal(screen.expression.toarray(), again.X.toarray())
    np.testing.assert_array_equal(screen.counts.toarray(), again.layers["counts"].toarray())
    np.testing.assert_array_equal(screen.u, u)
    del screen.__dict__["fingerprint"]
    assert screen.fingerprint == fingerprint


# --- fingerprint -------------------------------------------------------------------------------


def small(**changes: object) -> Screen:
    parts = dict(
        counts=np.array([[1, 2, 0], [0, 3, 1], [4, 0, 2]]),
        condition=["control", "A", "B"],
        genes=["x", "y", "z"],
        cells=["c0", "c1", "c2"],
        total_counts=np.array([10.0, 20.0, 30.0]),
    )
    return Screen.from_counts(**{**parts, **changes})


@pytest.mark.parametrize(
    "change",
    [
        {"counts": np.array([[1, 2, 0], [0, 3, 1], [4, 0, 3]])},
        {"counts": np.array([[1, 2, 0], [3, 0, 1], [4, 0, 2]])},
        {"condition": ["control", "B", "A"]},
        {"genes": ["x", "z", "y"]},
        {"cells": ["c0", "c2", "c1"]},
        {"total_counts": np.array([10.0, 20.0, 31.0])},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_fingerprint_changes_with_any_change(change):
    assert small(**change).fingerprint != small().fingerprint


def test_the_fingerprint_is_that_of_the_numbers_alone():
    assert small(name="another").fingerprint == small().fingerprint
    assert small()[np.array([0, 1, 2])].fingerprint == small().fingerprint
    assert small()[np.array([1, 0, 2])].fingerprint != small().fingerprint


def test_the_fingerprint_knows_the_normalisation():
    part = small()[np.array([0, 1])]
    counts, totals = part.counts, part.total_counts
    alone = small(
        counts=counts, condition=["control", "A"], cells=["c0", "c1"], total_counts=totals,
        targets=part.targets,
    )  # fmt: skip
    assert part.target_total != alone.target_total
    assert part.fingerprint != alone.fingerprint
    assert small(target_total=21.0).fingerprint != small().fingerprint
    assert small(target_total=20.0).fingerprint == small().fingerprint


def test_the_fingerprint_of_a_whole_screen_is_that_of_earlier_versions():
    assert (
        small().fingerprint == "709118c15eb1643ac0fd0fd77c1bd27e"
    )  # saved splits and checkpoints name it


def test_one_cell_by_its_number():
    part = small()[1]
    assert part.n_cells == 1 and list(part.cells) == ["c1"] and part.conditions == ["A"]


def test_a_screen_is_frozen(screen):
    with pytest.raises(AttributeError):
        screen.name = "another"
