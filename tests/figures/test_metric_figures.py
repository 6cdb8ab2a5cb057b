"""Figures about metrics show the numbers that they are given."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from pvae_lib.figures import metrics as draw

RNG = np.random.default_rng(0)


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


@pytest.mark.parametrize("kind", [dict, pd.Series])
def test_ladder_has_a_row_a_method_and_a_line_a_reference(kind):
    scores = kind({"best": 0.3, "worst": 0.6})
    ax = draw.ladder(scores, {"floor": 0.25, "ceiling": 0.7}, "nRMSE").axes[0]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["best", "worst"]
    assert [line.get_xdata()[0] for line in ax.lines] == [0.25, 0.7, 0.3, 0.6]
    assert [text.get_text() for text in ax.texts] == ["0.300", "0.600"]
    top, bottom = ax.get_ylim()[::-1]
    assert top < bottom, "the first method stands on top"


def test_error_parts_stack_to_nrmse_squared():
    parts = pd.DataFrame(
        {"V": [0.2, 0.2], "bias²": [0.01, 0.05], "Var(x̂)": [0.0, 0.2]}, index=["mean", "cells"]
    )
    ax = draw.error_parts(parts).axes[0]
    ends = [max(bar.get_x() + bar.get_width() for bar in ax.patches[row::2]) for row in range(2)]
    np.testing.assert_allclose(ends, [0.21, 0.45])
    said = [float(text.get_text().split()[-1]) for text in ax.texts]
    np.testing.assert_allclose(said, np.sqrt([0.21, 0.45]), atol=5e-4)


def test_knob_marks_the_lowest_point_of_each_curve():
    s = np.linspace(0, 2, 5)
    curves = {"rising": s, "bowl": (s - 1) ** 2}
    fig = draw.knob(s, curves, {"rising": s})
    best = [ax.lines[-1].get_xdata()[0] for ax in fig.axes]
    assert best == [0.0, 1.0]
    assert [len(ax.lines) for ax in fig.axes] == [3, 2], "the formula only where it is given"


def test_null_of_estimators_draws_both_and_the_reported():
    n = np.array([8, 16, 32])
    ax = draw.null_of_estimators(n, 10 / n, 0 / n, {"reported": 0.3}).axes[0]
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 10 / n)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), 0)
    assert ax.lines[2].get_ydata()[0] == 0.3


def test_profiles_and_deltas_says_the_correlation_and_none_where_undefined():
    truth, reference = RNG.normal(size=(2, 60))
    prediction = reference + RNG.normal(size=60)
    names = np.array([f"g{i}" for i in range(60)])
    fig = draw.profiles_and_deltas(
        prediction, truth, {"delta": reference, "itself": prediction}, names=names
    )
    titles = [ax.get_title(loc="left") or ax.get_title() for ax in fig.axes]
    r = np.corrcoef(prediction - reference, truth - reference)[0, 1]
    assert titles[1] == f"delta: r = {r:.2f}"
    assert titles[2] == "itself", "a prediction that is the reference has no direction"
    largest = set(names[np.argsort(-np.abs(truth - prediction))[:3]])
    assert {text.get_text() for text in fig.axes[2].texts} == largest


def test_gene_scores_counts_all_genes_and_those_at_or_below_zero():
    values = np.array([-5.0, -0.5, 0.0, 0.2])
    ax = draw.gene_scores({"some": values}).axes[0]
    assert sum(patch.get_height() for patch in ax.patches) == 4
    assert (ax.get_title(loc="left") or ax.get_title()).startswith("some: 75%")
