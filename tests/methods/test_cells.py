"""Cells predicted from control cells without training."""

import numpy as np
import pytest

from pvae_lib import splits
from pvae_lib.exceptions import InputError
from pvae_lib.methods.cells import ControlCells, ScaledControlCounts, ShiftedControlCells
from pvae_lib.screen import Screen

LABELS = ["control"] * 8 + ["A"] * 5 + ["B"] * 5 + ["A+B"] * 4


@pytest.fixture
def screen():
    rng = np.random.default_rng(0)
    counts = rng.poisson(3.0, size=(len(LABELS), 6)) + 1
    counts[:, 5] = np.array(LABELS) != "control"  # a gene silent in all controls
    counts[:18, 4] = np.where(np.array(LABELS[:18]) == "control", 9, 1)  # pushed below zero by both
    return Screen.from_counts(
        counts, LABELS, list("abcdef"), total_counts=rng.integers(100, 300, len(LABELS))
    )


@pytest.fixture
def split(screen):
    return splits.doubles_with_both_singles(screen)


@pytest.fixture
def controls(screen):
    return screen[np.flatnonzero(screen.is_control)]


def predicted(method, screen, split, controls, n=20, seed=3):
    return method().fit(screen, split).predict(controls, "A+B", n, seed)


def test_control_cells_are_the_drawn_cells(screen, split, controls):
    cells = predicted(ControlCells, screen, split, controls)
    rows = ControlCells.draw_controls(controls, 20, 3)
    np.testing.assert_array_equal(cells, controls.expression[rows].toarray())
    assert cells.dtype == np.float32
    assert len(np.unique(cells, axis=0)) > 3


def test_shifted_cells_move_all_alike_to_the_additive_mean(screen, split, controls):
    shift = predicted(ShiftedControlCells, screen, split, controls) - predicted(
        ControlCells, screen, split, controls
    )
    delta = screen.mean("A") + screen.mean("B") - 2 * screen.mean("control")
    np.testing.assert_allclose(shift, np.tile(delta, (20, 1)), atol=1e-5)


def test_scaled_counts_multiply_each_gene_and_keep_the_total(screen, split, controls):
    cells = predicted(ScaledControlCounts, screen, split, controls)
    control = screen.mean("control")
    additive = screen.mean("A") + screen.mean("B") - control
    assert additive[4] < 0 < additive[5]
    rows = ControlCells.draw_controls(controls, 20, 3)
    counts, totals = controls.counts[rows].toarray(), controls.total_counts[rows]
    for gene in range(4):
        ratio = np.expm1(additive[gene]) / np.expm1(control[gene])
        expected = np.log1p(counts[:, gene] * ratio / totals * screen.target_total)
        np.testing.assert_allclose(cells[:, gene], expected, rtol=1e-5)
    assert (cells[:, 4] == 0).all()  # an additive mean below zero is none
    assert (cells[:, 5] == 0).all()  # nothing to scale
    assert cells.dtype == np.float32


@pytest.mark.parametrize("method", [ControlCells, ShiftedControlCells, ScaledControlCounts])
def test_same_seed_same_cells_and_unknown_genes_are_refused(screen, split, controls, method):
    first, again, other = (predicted(method, screen, split, controls, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    with pytest.raises(InputError, match="ZZZ"):
        method().fit(screen, split).predict(controls, "A+ZZZ", 2, 0)
