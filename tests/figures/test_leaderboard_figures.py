"""Figures of the leaderboard: what they draw, and what they refuse."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.figures.leaderboard import differences_figure, ranks_figure
from pvae_lib.figures.style import BLUE, GREY, VERMILLION


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def differences():
    found = {
        "difference": [0.2, -0.3, 0.01, np.nan],
        "low": [0.1, -0.4, -0.1, np.nan],
        "high": [0.3, -0.2, 0.12, np.nan],
        "seed_sd": np.nan,
        "seeds": 1,
    }
    return pd.DataFrame(found, index=["up", "down", "level", "undefined"])


@pytest.mark.parametrize(
    ("better", "order", "colours"),
    [
        ("higher", ["up", "level", "down"], [BLUE, GREY, VERMILLION]),
        ("lower", ["down", "level", "up"], [BLUE, GREY, VERMILLION]),
    ],
)
def test_methods_stand_from_best_to_worst_and_say_whether_they_are_apart(
    differences, better, order, colours
):
    ax = differences_figure(differences, "the bar", "ΔPearson", better).axes[0]
    assert [text.get_text() for text in ax.get_yticklabels()] == order
    assert [line.get_color() for line in ax.lines[:-1:2]] == colours
    assert "the bar" in ax.get_xlabel()


def test_nothing_to_compare_is_refused(differences):
    with pytest.raises(InputError, match="No method has a value"):
        differences_figure(differences.loc[["undefined"]], "b", "m", "lower")


def test_ranks_are_drawn_best_on_top_and_gaps_stay_gaps():
    ranks = pd.DataFrame({"x": [1, 2, 3], "y": [2.0, np.nan, 1.0]}, index=["a", "b", "c"])
    ax = ranks_figure(ranks).axes[0]
    assert {t.get_text() for t in ax.texts} == {"a", "b", "c"}
    assert np.isnan(ax.lines[1].get_ydata()[1]) and ax.get_ylim()[0] > ax.get_ylim()[1]


def test_methods_that_tie_everywhere_are_one_line_with_all_names():
    ranks = pd.DataFrame({"x": [1.5, 1.5, 3], "y": [1.5, 1.5, np.nan]}, index=["a", "b", "c"])
    ax = ranks_figure(ranks).axes[0]
    assert [t.get_text() for t in ax.texts] == ["a\nb", "c"] and len(ax.lines) == 2


def test_one_track_gives_no_comparison():
    with pytest.raises(InputError, match="two tracks"):
        ranks_figure(pd.DataFrame({"x": [1]}, index=["a"]))
