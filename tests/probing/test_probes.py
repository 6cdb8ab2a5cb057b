"""Probes read what is linearly there, and nothing that is not."""

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from pvae_lib.exceptions import InputError
from pvae_lib.probing import probe
from pvae_lib.probing.probes import _tune
from pvae_lib.probing.tables import COLUMNS

RNG = np.random.default_rng(0)
LABELS = np.repeat(["a", "b", "c"], [60, 120, 240])
NOISE = RNG.standard_normal((420, 4))
SIGNAL = NOISE + 3 * (LABELS[:, None] == ["a", "b", "c", "d"])
COLLAPSED = 1e-4 * SIGNAL  # tiny means: standardised, they tell as much


def mean(table, metric, label="all"):
    rows = table[(table["metric"] == metric) & (table["class"] == label)]
    return rows["value"].mean()


def test_it_reads_classes_that_are_linearly_there():
    table = probe(SIGNAL, LABELS, seeds=(0,), folds=4, representation="mine", screen="s")
    assert list(table.columns) == list(COLUMNS)
    assert mean(table, "balanced_accuracy") > 0.8
    assert mean(table, "chance") == pytest.approx(1 / 3)
    recalls = [mean(table, "recall", label) for label in "abc"]
    assert np.mean(recalls) == pytest.approx(mean(table, "balanced_accuracy"))
    assert set(table["fold"]) == {0, 1, 2, 3} and set(table["screen"]) == {"s"}


def test_permuted_labels_and_noise_are_at_chance():
    table = probe(SIGNAL, LABELS, seeds=(0, 1, 2))
    assert abs(mean(table, "null") - 1 / 3) < 0.08
    noise = probe(NOISE, LABELS, seeds=(0, 1, 2))
    assert abs(mean(noise, "balanced_accuracy") - 1 / 3) < 0.08


def test_standardised_features_of_any_size_tell_the_same():
    large, tiny = (probe(x, LABELS, seeds=(0,)) for x in (SIGNAL, COLLAPSED))
    difference = mean(large, "balanced_accuracy") - mean(tiny, "balanced_accuracy")
    assert abs(difference) < 0.02


def test_weights_help_the_rare_class():
    blurred = NOISE + (LABELS[:, None] == ["a", "b", "c", "d"])
    with_weights = probe(blurred, LABELS, seeds=(0,))
    without = probe(blurred, LABELS, seeds=(0,), weighted=False)
    assert mean(with_weights, "recall", "a") > mean(without, "recall", "a") + 0.1


def test_the_penalty_is_tuned_for_the_data_at_hand():
    rng = np.random.default_rng(1)
    # A class that the small difference of two columns tells wants a weak penalty …
    hidden, loud = rng.standard_normal((2, 420))
    narrow = np.stack([hidden + 10 * loud, loud], axis=1)
    # … and a weak signal among 100 columns of noise a strong one.
    weak = rng.standard_normal((420, 3)) + (LABELS[:, None] == ["a", "b", "c"])
    wide = np.hstack([weak, rng.standard_normal((420, 100))])
    assert _tune(wide, LABELS, 0, "balanced") > 10 * _tune(narrow, hidden > 0, 0, "balanced")


def test_it_reads_numbers_and_several_at_once():
    numbers = SIGNAL @ np.array([1.0, -2.0, 0.5, 0.0])
    table = probe(SIGNAL, numbers, seeds=(0,), target_name="depth")
    assert mean(table, "r2") > 0.99 and mean(table, "null") < 0.05
    half = np.column_stack([numbers, RNG.standard_normal(420)])
    assert 0.4 < mean(probe(SIGNAL, half, seeds=(0,)), "r2") < 0.55
    assert set(table["target"]) == {"depth"}


def test_whole_numbers_are_classes():
    table = probe(SIGNAL, np.unique(LABELS, return_inverse=True)[1], seeds=(0,))
    assert "balanced_accuracy" in set(table["metric"])


def test_the_same_seed_gives_the_same_table_and_another_does_not():
    first, again = (probe(SIGNAL, LABELS, seeds=(1,)) for _ in range(2))
    pd.testing.assert_frame_equal(first, again)
    assert not first["value"].equals(probe(SIGNAL, LABELS, seeds=(2,))["value"])


def spoiled(value):
    x = SIGNAL.copy()
    x[7, 2] = value
    return x


@pytest.mark.parametrize(
    ("features", "target", "options", "message"),
    [
        (spoiled(np.nan), LABELS, {}, "1 cells hold NaN or infinite.*row 7"),
        (spoiled(np.inf), LABELS, {}, "NaN or infinite"),
        (SIGNAL[:-1], LABELS, {}, "419 rows of features, but 420 targets"),
        (SIGNAL, "condition", {}, "420 rows of features"),
        (SIGNAL[:, 0], LABELS, {}, r"shape \(420,\)"),
        (SIGNAL[:, :0], LABELS, {}, "dimensions"),
        (sparse.csr_matrix(SIGNAL), LABELS, {}, "toarray"),
        (SIGNAL, ["x"] * 3 + ["y"] * 417, {}, r"fewer cells than the 5 folds: x \(3\)"),
        (SIGNAL, ["x"] * 420, {}, "one class only"),
        (SIGNAL, [None, *LABELS[1:]], {}, "1 cells have no label"),
        (SIGNAL, [np.nan] + [1.0] * 419, {}, "NaN or infinite"),
        (SIGNAL, np.ones(420), {}, "same number in every cell"),
        (SIGNAL, LABELS, {"folds": 2}, "at least 3"),
        (SIGNAL, LABELS, {"seeds": ()}, "No seeds"),
        (SIGNAL, LABELS, {"seeds": (0.5,)}, "seeds"),
        (SIGNAL, np.stack([LABELS, LABELS], 1), {}, "one label a cell"),
    ],
)
def test_what_cannot_be_probed_is_refused_in_words(features, target, options, message):
    with pytest.raises(InputError, match=message):
        probe(features, target, **options)
