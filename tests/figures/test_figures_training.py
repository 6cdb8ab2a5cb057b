"""Figures of training and of methods compared, read back from the drawn artists."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.figures.training import bars_figure, deltas_figure, duel_figure, training_figure


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.fixture
def history() -> pd.DataFrame:
    steps = np.arange(1000)
    fall = np.exp(-steps / 300)
    return pd.DataFrame(
        {
            "step": steps,
            "recon": 0.3 + fall,
            "alignment": fall,
            "kl_nu": 20 * fall,
            "kl_iota": 100 * fall**2,
        }
    )


@pytest.fixture
def table() -> pd.DataFrame:
    rows = [
        ("s", method, condition, metric, seed, value + seed)
        for method, value in [("ours", 0.2), ("additive", 0.5)]
        for condition in ("A+B", "C+D", "all")
        for metric in ("nrmse", "delta_pearson_control")
        for seed in (0, 1)
    ]
    names = ["screen", "method", "condition", "metric", "seed", "value"]
    return pd.DataFrame(rows, columns=names)


def test_curves_are_binned_means_of_the_history(history):
    fig = training_figure({"seed 0": history})
    panels = {ax.get_title(): ax for ax in fig.axes}
    assert set(panels) == {"reconstruction", "alignment", "KLν (nats)", "KLι (nats)"}
    (line,) = panels["KLι (nats)"].lines
    x, y = line.get_data()
    assert len(x) == 120
    # The first bin holds the steps with step · 120 // 1000 == 0, that is 0 … 8.
    assert x[0] == pytest.approx(4.0)
    assert y[0] == pytest.approx(history["kl_iota"][:9].mean())
    assert np.mean(y) == pytest.approx(history["kl_iota"].mean(), rel=0.02)


def test_grey_zone_is_where_the_weights_rise(history):
    fig = training_figure({"a": history}, annealing=(0.1, 0.6))
    (zone,) = fig.axes[0].patches
    left, right = zone.get_extents().transformed(fig.axes[0].transData.inverted()).intervalx
    assert (left, right) == pytest.approx((100, 600), abs=1)
    fig = training_figure({"a": history}, annealing=None)
    assert not fig.axes[0].patches


def test_a_line_a_run_and_a_legend_for_several(history):
    fig = training_figure({"a": history, "b": history[:50].assign(recon=1.0)})
    assert all(len(ax.lines) == 2 for ax in fig.axes)
    assert [text.get_text() for text in fig.legends[0].get_texts()] == ["a", "b"]
    assert not training_figure({"a": history}).legends


def test_history_without_a_term_is_refused(history):
    with pytest.raises(InputError, match="seed 3.*kl_iota"):
        training_figure({"seed 3": history.drop(columns="kl_iota")})


def test_duel_shows_means_over_seeds_and_no_summary_rows(table):
    fig = duel_figure(table, "ours", "additive", ["nrmse"])
    points = fig.axes[0].collections[0].get_offsets()
    assert points.shape == (2, 2)  # two conditions; "all" is left out
    assert np.allclose(points, [[1.0, 0.7], [1.0, 0.7]])


def test_duel_writes_the_better_side_where_it_is(table):
    fig = duel_figure(table, "ours", "additive", ["nrmse", "delta_pearson_control"])
    below, above = (ax.texts[0].get_position()[1] for ax in fig.axes)
    assert below < 0.5 < above  # lower nRMSE and higher ΔPearson are better


@pytest.mark.parametrize("wrong", [("our", "additive", ["nrmse"]), ("ours", "additive", ["rmse"])])
def test_duel_names_what_is_missing(table, wrong):
    with pytest.raises(InputError, match="rmse|ours"):
        duel_figure(table, *wrong)


def test_deltas_names_the_genes_that_change_most():
    x = np.array([0.0, 0.1, -2.0, 0.05])
    y = np.array([0.1, 0.0, -1.0, 3.0])
    genes = np.array(["a", "b", "c", "d"])
    fig = deltas_figure({"A+B": (x, y)}, genes, {"A+B": ("measured", "predicted")}, named=2)
    (ax,) = fig.axes
    assert {text.get_text() for text in ax.texts} == {"c", "d"}
    assert np.allclose(ax.collections[0].get_offsets(), np.stack([x, y], 1))
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("measured", "predicted")


def test_deltas_leaves_out_names_that_would_overlap():
    x, y = np.array([0.0, 2.0, 2.01, -2.0]), np.array([0.0, 2.0, 2.0, -2.0])
    fig = deltas_figure({"t": (x, y)}, np.array(list("abcd")), {"t": ("x", "y")}, named=3)
    assert len(fig.axes[0].texts) == 2


def test_bars_have_the_values_and_the_line():
    values = pd.DataFrame({"MLP": [0.1, 0.2], "linear": [0.0, 0.3]}, ["μν", "decoded"])
    fig = bars_figure(values, "departure", ("chance", 0.05))
    (ax,) = fig.axes
    heights = sorted(bar.get_height() for bar in ax.patches)
    assert heights == [0.0, 0.1, 0.2, 0.3]
    assert list(ax.lines[0].get_ydata()) == [0.05, 0.05]
    assert [t.get_text() for t in ax.get_xticklabels()] == ["μν", "decoded"]
    assert {t.get_text() for t in fig.legends[0].get_texts()} == {"MLP", "linear", "chance"}
