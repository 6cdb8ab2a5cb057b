"""The generated screen: sizes, labels, exact counts, seeds, truth."""

import tracemalloc
from dataclasses import fields, replace

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.stats import spearmanr

from pvae_lib.exceptions import InputError
from pvae_lib.sources.twin import CLASSES, TwinConfig, make_twin
from pvae_lib.sources.twin.calibration import condition_sums
from pvae_lib.sources.twin.names import SPLIT_SINGLES, choose_labels, norman_labels


@pytest.fixture(scope="module")
def small():
    return make_twin(TwinConfig.small(), seed=0)


@pytest.fixture(scope="module")
def tiny():
    return TwinConfig.small(
        n_cells=900, n_genes=120, n_singles=6, n_doubles=4, n_controls=120, min_cells=40
    )


def test_labels_are_norman_s():
    singles, doubles = norman_labels()
    assert (len(set(singles)), len(set(doubles))) == (105, 131)
    assert {"ZBTB10", *SPLIT_SINGLES} <= set(singles)
    assert {"IGDCC3+TGFBR2", "KLF1+MAP2K6"} <= set(doubles)
    for double in doubles:
        genes = double.split("+")
        assert genes == sorted(genes) and set(genes) <= set(singles)


def test_small_twin_holds_the_split_and_enough_doubles(small):
    screen, _ = small
    assert screen.name == "twin"
    assert (screen.n_cells, screen.n_genes) == (5_000, 500)
    assert set(SPLIT_SINGLES) <= set(screen.singles)
    complete = [d for d in screen.doubles if set(d.split("+")) <= set(screen.singles)]
    assert len(complete) == 18 and len(screen.doubles) == 20
    for gene in SPLIT_SINGLES:
        assert len(screen.cells_of(gene)) >= 144
    assert set(screen.targets) <= set(screen.genes)
    assert screen.is_control.sum() == 500


@pytest.mark.parametrize("n_singles, n_doubles", [(105, 131), (30, 25), (3, 0), (1, 1)])
def test_labels_for_other_sizes(n_singles, n_doubles):
    singles, doubles = choose_labels(n_singles, n_doubles)
    assert len(set(singles)) == n_singles and len(set(doubles)) == n_doubles


def test_counts_are_whole_numbers_below_the_total(small):
    screen, _ = small
    assert sp.issparse(screen.counts) and screen.counts.dtype == np.float32
    assert (screen.counts.data > 0).all()
    assert (screen.counts.data == np.rint(screen.counts.data)).all()
    kept = np.asarray(screen.counts.sum(axis=1)).ravel()
    assert (kept < screen.total_counts).all()
    assert 0.15 < np.median(kept / screen.total_counts) < 0.35


def test_cells_stand_in_random_order(small):
    screen, _ = small
    first = screen.condition[: screen.n_cells // 4]
    assert len(set(first)) == len(set(screen.condition))


def test_same_seed_same_numbers_and_other_seed_others(tiny):
    (one, truth), (again, truth_again), (other, _) = (make_twin(tiny, seed=s) for s in (3, 3, 4))
    assert one.fingerprint == again.fingerprint
    for field in fields(truth):
        np.testing.assert_equal(getattr(truth, field.name), getattr(truth_again, field.name))
    assert one.fingerprint != other.fingerprint


def test_the_number_of_threads_changes_nothing(tiny, monkeypatch):
    config = replace(tiny, n_cells=2_500)
    threaded, _ = make_twin(config, seed=1)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    alone, _ = make_twin(config, seed=1)
    assert threaded.fingerprint == alone.fingerprint


def test_blocks_bound_the_memory(tiny, monkeypatch):
    """A sparse screen of 20,000 × 2,000 is made in less than a quarter of its dense size."""
    monkeypatch.setattr("pvae_lib.sources.twin.counts._BLOCK", 256)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    config = replace(tiny, n_cells=20_000, n_genes=2_000, n_controls=4_000, abundance_log_mean=-9.0)
    tracemalloc.start()
    screen, _ = make_twin(config, seed=0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < screen.n_cells * screen.n_genes * 4 / 4


def test_truth_has_the_screen_s_shape(small):
    screen, truth = small
    assert truth.effects.shape == truth.realised.shape == (42, screen.n_genes)
    assert list(truth.conditions) == sorted(screen.singles + screen.doubles)
    assert truth.program_scores.shape[0] == screen.n_cells
    assert truth.programs.shape[0] == screen.n_genes
    assert set(truth.interaction) == set(screen.doubles)
    assert set(truth.interaction.values()) <= set(CLASSES)
    assert ((truth.cycle_phase >= 0) & (truth.cycle_phase <= 2 * np.pi)).all()
    assert (truth.dose[screen.is_control] == 0).all()
    assert (truth.dose[~screen.is_control, 0] > 0).mean() > 0.85


def test_measured_changes_follow_the_true_ones(small):
    screen, truth = small
    numbers = np.array([len(screen.cells_of(c)) for c in truth.conditions])
    sums = condition_sums(screen.counts, screen.condition)
    totals = condition_sums(screen.total_counts[:, None], screen.condition)[0]
    level = np.log(sums.div(totals, axis=0) + 1e-5)
    measured = (level - level.loc["control"]).loc[list(truth.conditions)].to_numpy()
    expressed = truth.abundance > 1
    big = np.flatnonzero((numbers > 100) & (np.abs(truth.effects).mean(axis=1) > 0.15))
    assert len(big) >= 3
    for i in big:
        realised = np.corrcoef(measured[i, expressed], truth.realised[i, expressed])[0, 1]
        at_rest = np.corrcoef(truth.effects[i], truth.realised[i])[0, 1]
        assert realised > 0.8 and at_rest > 0.9, truth.conditions[i]


def test_library_and_cycle_are_in_the_counts(small):
    screen, truth = small
    assert spearmanr(truth.library, screen.total_counts)[0] > 0.97
    cycling = np.flatnonzero((truth.cycle_amplitude > 0.8) & (truth.abundance > 1))
    towards = np.cos(truth.cycle_phase[:, None] - truth.cycle_peak[cycling])
    expression = screen.dense(np.arange(screen.n_cells))[:, cycling]
    found = [np.corrcoef(towards[:, i], expression[:, i])[0, 1] for i in range(len(cycling))]
    assert np.mean(found) > 0.15


def test_targets_are_activated(small):
    screen, truth = small
    names = list(screen.genes)
    for gene in screen.singles:
        assert truth.effects[list(truth.conditions).index(gene), names.index(gene)] > 0.3


def test_interacting_doubles_are_further_from_the_sum():
    _, truth = make_twin(TwinConfig.reduced(n_cells=6_500, n_genes=300, n_controls=200), seed=0)
    row = {c: truth.effects[i] for i, c in enumerate(truth.conditions)}

    def left(double):
        a, b = (row[g] for g in double.split("+"))
        return np.linalg.norm(row[double] - a - b) / np.linalg.norm(a + b)

    by_class = {k: [left(d) for d, kind in truth.interaction.items() if kind == k] for k in CLASSES}
    assert all(by_class.values())
    middle = {kind: np.median(values) for kind, values in by_class.items()}
    for kind in ("synergy", "buffering", "neomorphic"):
        assert middle[kind] > middle["additive"], middle


def test_background_and_signal_are_knobs(tiny):
    base, truth = make_twin(tiny, seed=0)
    _, no_signal = make_twin(replace(tiny, signal=0.0), seed=0)
    _, more = make_twin(replace(tiny, background=2.0), seed=0)
    assert np.abs(no_signal.effects).max() < 1e-6 < np.abs(truth.effects).max()
    np.testing.assert_allclose(more.program_scores, 2 * truth.program_scores, rtol=1e-5)
    np.testing.assert_allclose(more.cycle_amplitude, 2 * truth.cycle_amplitude)


@pytest.mark.parametrize("change", [{"n_singles": 106}, {"n_doubles": 132}, {"background": -1.0}])
def test_impossible_configurations_are_refused(change):
    with pytest.raises(InputError):
        TwinConfig.small(**change)
