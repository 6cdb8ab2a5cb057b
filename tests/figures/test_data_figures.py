"""Figures of a screen show the numbers that they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from pvae_lib.exceptions import InputError
from pvae_lib.figures import data as draw

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def test_counts_picture_leaves_zeros_blank_and_marks_the_median():
    counts = RNG.poisson(2.0, size=(10, 8))
    totals = RNG.lognormal(9, 0.4, size=1001)
    fig = draw.counts_picture(counts, totals)
    image = fig.axes[0].images[0].get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(image), counts == 0)
    assert fig.axes[1].lines[0].get_xdata()[0] == np.median(totals)
    assert sum(patch.get_height() for patch in fig.axes[1].patches) == len(totals)


def test_depth_picture_has_a_panel_a_unit_over_the_same_number_of_decades():
    totals = RNG.lognormal(9, 0.4, size=300)
    fig = draw.depth_picture(totals, {"raw": totals * 0.2, "flat": np.full(300, 50.0)})
    assert [ax.get_title(loc="left") or ax.get_title() for ax in fig.axes] == ["raw", "flat"]
    decades = [np.ptp(np.log10(ax.get_ylim())) for ax in fig.axes]
    assert decades[0] == pytest.approx(decades[1])


def test_conditions_picture_sorts_and_colours_by_kind():
    sizes = pd.Series({"A": 5, "control": 50, "A+B": 20})
    kinds = pd.Series({"A": "single", "control": "control", "A+B": "double"})
    ax = draw.conditions_picture(sizes, kinds).axes[0]
    bars = ax.patches[:3]
    assert [bar.get_height() for bar in bars] == [50, 20, 5]
    expected = [draw.KIND_COLOURS[kind] for kind in ("control", "double", "single")]
    assert [to_hex(bar.get_facecolor()).upper() for bar in bars] == expected
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == ["control (1)", "single (1)", "double (1)"]


def test_activation_picture_puts_both_means_above_their_gene():
    control, own = pd.Series({"B": 0.1, "A": 0.2}), pd.Series({"A": 3.0, "B": 1.0})
    ax = draw.activation_picture(control, own).axes[0]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["B", "A"]
    grey, red = ax.collections[1:]
    np.testing.assert_allclose(grey.get_offsets()[:, 1], [0.1, 0.2])
    np.testing.assert_allclose(red.get_offsets()[:, 1], [1.0, 3.0])


def test_signal_picture_draws_every_condition_and_holds_small_ones_at_the_edge():
    table = pd.DataFrame(
        {"kind": ["single"] * 3 + ["double"] * 2, "share": [-0.2, 0.02, 0.5, 0.1, 0.3]}
    )
    ax = draw.signal_picture(table, {"two per cent": 0.02}).axes[0]
    single, double = (dots.get_offsets()[:, 0] for dots in ax.collections)
    np.testing.assert_allclose(sorted(single), [0.001, 0.02, 0.5])
    np.testing.assert_allclose(sorted(double), [0.1, 0.3])
    medians = [line.get_xdata()[0] for line in ax.lines[:2]]
    np.testing.assert_allclose(medians, [0.02, 0.2])


def test_variance_picture_counts_every_gene():
    between = RNG.uniform(0, 0.3, 200)
    fig = draw.variance_picture(RNG.random(200), RNG.random(200), between)
    histogram = next(ax for ax in fig.axes if ax.get_ylabel() == "genes")
    assert sum(patch.get_height() for patch in histogram.patches) == 200
    assert histogram.lines[0].get_xdata()[0] == pytest.approx(100 * np.median(between))


def test_components_picture_shows_all_cells_known_ones_on_top():
    coordinates = RNG.normal(size=(50, 2))
    values = np.where(np.arange(50) < 20, 1.0, np.nan)
    fig = draw.components_picture(coordinates, ("one", "two"), {"some": values})
    pale, bright = fig.axes[0].collections
    assert (len(pale.get_offsets()), len(bright.get_offsets())) == (30, 20)
    assert (fig.axes[0].get_xlabel(), fig.axes[0].get_ylabel()) == ("one", "two")


def test_components_picture_refuses_three_columns():
    with pytest.raises(InputError, match="two columns"):
        draw.components_picture(np.zeros((4, 3)), ("a", "b"), {"x": np.zeros(4)})


def test_colours_of_marks_the_chosen_and_the_controls():
    found = draw.colours_of(["control", "A", "A+B"], "A+B")
    np.testing.assert_array_equal(found, [0.0, np.nan, 1.0])


def test_doubles_picture_draws_each_gene_on_equal_axes():
    total, double = RNG.normal(size=(2, 40))
    fig = draw.doubles_picture({"one": (total, double), "two": (double, total)}, "sum", "double")
    for ax, x, y in zip(fig.axes, (total, double), (double, total), strict=True):
        np.testing.assert_allclose(ax.collections[0].get_offsets(), np.column_stack([x, y]))
        assert ax.get_xlim() == ax.get_ylim()
