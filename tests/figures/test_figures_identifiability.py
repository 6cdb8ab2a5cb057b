import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt

from pvae_lib.figures import identifiability as draw

TABLE = pd.DataFrame(
    [
        ("A", method, "test", metric, seed, 0.1 * (k + seed))
        for k, method in enumerate(["one", "two", "random DAG"])
        for metric in ("r2_iota", "leak", "var_iota", "mcc", "mcc_polished", "shd")
        for seed in range(3)
    ],
    columns=["screen", "method", "condition", "metric", "seed", "value"],
)
EMPTY = TABLE.iloc[:0]


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def drawn(ax, marker):
    return [line for line in ax.lines if line.get_marker() == marker and len(line.get_xdata())]


def test_blocks_figure_draws_every_seed_of_both_tables_and_the_papers_value():
    fig = draw.blocks_figure(
        TABLE, TABLE[TABLE["seed"] == 0], {"one": "first", "two": "second"},
        lines={"leak": {"0": 0.0}}, paper={"first": 0.66},
    )  # fmt: skip
    ax = fig.axes[0]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["first", "second"]
    dots = drawn(ax, "o")
    np.testing.assert_allclose(dots[1].get_xdata(), [0.1, 0.2, 0.3])
    assert drawn(ax, "x")[0].get_xdata()[0] == 0.66
    assert len(drawn(ax, "D")) == 2


def test_sweep_figure_has_a_mean_line_for_each_pairing():
    curves = {"counterfactual": {0.0: "one", 0.5: "two"}, "random": {0.0: "one", 0.05: "two"}}
    fig = draw.sweep_figure(TABLE, curves, chance=7 / 11)
    means = [line for line in fig.axes[0].lines if line.get_label() == "counterfactual"][0]
    np.testing.assert_allclose(means.get_ydata(), [0.1, 0.2])
    np.testing.assert_allclose(means.get_xdata(), [0, 0.5])
    assert [t.get_text() for t in fig.axes[0].get_xticklabels()] == ["0", ".05", ".5"]
    assert fig.axes[1].get_yscale() == "log"


def test_chance_figure_marks_the_percentile_and_the_values():
    rotations = np.linspace(0.6, 0.9, 101)
    fig = draw.chance_figure(rotations, {"paper": 0.86})
    at = [float(line.get_xdata()[0]) for line in fig.axes[0].lines]
    assert at == pytest.approx([0.885, 0.86])


def test_likelihood_figure_measures_likelihood_from_the_best():
    fig = draw.likelihood_figure({"flat": (np.array([0.5, 0.9]), np.array([-3.0, -1.0]))})
    np.testing.assert_allclose(fig.axes[0].lines[0].get_ydata(), [-2, 0])


def test_polish_figure_joins_before_and_after_of_every_seed():
    fig = draw.polish_figure(TABLE, EMPTY, {"one": "1", "two": "2"}, (0.7, 0.9))
    joined = [line for line in fig.axes[0].lines if len(line.get_xdata()) == 2][1:]
    assert len(joined) == 6
    assert "this run" not in [t.get_text() for t in fig.axes[0].get_legend().get_texts()]


def test_graphs_figure_draws_the_mean_as_a_bar_and_nulls_in_grey():
    fig = draw.graphs_figure(
        TABLE, {"null: random": ("A", "random DAG", "shd"), "ours": ("A", "one", "shd")}
    )
    widths = [bar.get_width() for bar in fig.axes[0].patches]
    assert widths == pytest.approx([0.3, 0.1])
    assert fig.axes[0].patches[0].get_facecolor() != fig.axes[0].patches[1].get_facecolor()


def test_violations_figure_has_a_panel_for_each_assumption():
    fig = draw.violations_figure(
        {"(i)": {"holds": 1.0, "broken": 0.3}, "(ii)": {"holds": 1.0}}, "R²"
    )
    assert [ax.get_title(loc="left") or ax.get_title() for ax in fig.axes] == ["(i)", "(ii)"]
    assert [bar.get_height() for bar in fig.axes[0].patches] == [1.0, 0.3]
    assert fig.axes[0].get_ylim()[0] == 0


def test_violations_figure_shows_bars_below_zero():
    fig = draw.violations_figure({"(iii)": {"holds": 1.0, "broken": -0.2}}, "contrast")
    assert fig.axes[0].get_ylim()[0] < -0.2


def test_violations_figure_draws_chance_and_tells_three_kinds_of_bars_apart():
    panels = {"(i)": {"holds": 1.0, "not": 0.0}, "(iv)": {"two": 1.0, "one": 0.7, "none": 0.8}}
    fig = draw.violations_figure(panels, "MCC", chance={"(iv)": 0.77}, as_stated=["one"])
    dashed = [[line.get_ydata()[0] for line in drawn_as(ax, "--")] for ax in fig.axes]
    assert dashed == [[], [0.77]]
    colours = [bar.get_facecolor() for bar in fig.axes[1].patches]
    assert len(set(colours)) == 3
    assert fig.axes[0].patches[1].get_facecolor() == colours[2]
    words = [text.get_text() for text in fig.legends[0].get_texts()]
    assert words == ["assumption holds", "holds as stated", "violated", "chance: random rotations"]


def drawn_as(ax, style):
    return [line for line in ax.lines if line.get_linestyle() == style]
