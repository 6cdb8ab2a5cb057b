"""Figures of ablations: what they draw, and what they refuse."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex

from pvae_lib.exceptions import InputError
from pvae_lib.figures.ablations import collapse_figure, effects_figure
from pvae_lib.figures.style import BLUE, GREY, VERMILLION


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def effects():
    found = {
        "difference": [-0.2, 0.3, 0.01],
        "low": [-0.3, 0.2, -0.1],
        "high": [-0.1, 0.4, 0.12],
        "seed_sd": [0.01, 0.01, np.nan],
        "seeds": [4, 4, 1],
    }
    table = pd.DataFrame(found, index=["less", "more", "same"])
    return {"nrmse": table, "delta_pearson_control": table}


def marks(ax):
    """Colour and place of each mark, from the top row down."""
    points = [line for line in ax.lines if line.get_marker() in ("o", "s")]
    return [(to_hex(p.get_color()).upper(), p.get_xdata()[0], p.get_ydata()[0]) for p in points]


def test_a_row_a_change_coloured_by_its_verdict(effects):
    lower, higher = effects_figure(effects).axes
    assert [x[0] for x in marks(lower)] == [BLUE, VERMILLION, GREY]
    assert [x[0] for x in marks(higher)] == [VERMILLION, BLUE, GREY]
    assert [x[1:] for x in marks(lower)] == [(-0.2, 0), (0.3, 1), (0.01, 2)]
    assert [label.get_text() for label in lower.get_yticklabels()] == ["less", "more", "same"]


def test_a_spread_over_seeds_that_crosses_zero_is_no_verdict(effects):
    effects["nrmse"].loc["less", "seed_sd"] = 0.5
    assert marks(effects_figure(effects).axes[0])[0][0] == GREY


def test_references_and_published_differences_stand_where_they_belong(effects):
    figure = effects_figure(
        effects, {"nrmse": {"additive mean": -0.4}}, {"nrmse": {"more": 0.5, "not a row": 9.0}}
    )
    ax = figure.axes[0]
    diamonds = [(p.get_xdata()[0], p.get_ydata()[0]) for p in ax.lines if p.get_marker() == "D"]
    assert diamonds == [(0.5, 1)]
    assert any(line.get_linestyle() == ":" and line.get_xdata()[0] == -0.4 for line in ax.lines)
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["additive mean", "the paper"]


@pytest.mark.parametrize("nothing", [{}, {"nrmse": pd.DataFrame()}])
def test_nothing_to_draw_is_said(nothing):
    with pytest.raises(InputError, match="no effect to draw"):
        effects_figure(nothing)


def test_a_mark_a_run_and_zero_stays_on_a_logarithmic_axis():
    points = pd.DataFrame({"setting": ["a", "a", "b"], "x": [1.0, 0.0, 2.0], "y": [1.0, 2.0, 3.0]})
    (ax,) = collapse_figure(points, "x", "y", ("KL", "ratio"), floor=1e-4).axes
    first, second = ax.lines
    assert list(first.get_xdata()) == [1.0, 1e-4] and list(second.get_ydata()) == [3.0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b"]
    with pytest.raises(InputError, match="no run to draw"):
        collapse_figure(points[:0], "x", "y", ("KL", "ratio"))
