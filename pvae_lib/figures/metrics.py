"""Figures about metrics: a ladder between references, parts of an error, what a knob does."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pvae_lib.evaluation.errors import pearson
from pvae_lib.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, SKY_BLUE, VERMILLION

PART_COLOURS = {"V": GREY, "bias²": VERMILLION, "Var(x̂)": SKY_BLUE}


def ladder(
    scores: Mapping[str, float], lines: Mapping[str, float], xlabel: str, ax: Axes | None = None
) -> Figure:
    """One number a method, a row each, between lines that say what the number can be.

    Parameters
    ----------
    scores
        Method → value; drawn from top to bottom in this order.
    lines
        Reference → value, drawn through all rows.
    xlabel
        Name of the metric and which way is better.
    ax
        Where to draw; by default a new figure.
    """
    if ax is None:
        _, ax = plt.subplots(figsize=(7.4, 0.42 * len(scores) + 1.6))
    styles = ((BLACK, "--"), (SKY_BLUE, "-"), (GREY, ":"))
    for (label, value), (colour, dash) in zip(lines.items(), styles, strict=False):
        ax.axvline(value, color=colour, ls=dash, lw=2, label=f"{label} {value:.3f}", zorder=1)
    for y, value in enumerate(dict(scores).values()):
        ax.plot(value, y, "D", color=VERMILLION, ms=7, zorder=3)
        ax.annotate(
            f"{value:.3f}",
            (value, y),
            xytext=(8, 0),
            textcoords="offset points",
            va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1, "alpha": 0.85},
        )
    ax.set_yticks(range(len(scores)), list(scores.keys()))
    ax.set_ylim(len(scores) - 0.5, -0.5)
    ax.set_xlabel(xlabel)
    ax.margins(x=0.12)
    ax.grid(axis="y", color="0.92")
    ax.set_axisbelow(True)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=len(lines))
    return ax.figure


def error_parts(parts: pd.DataFrame) -> Figure:
    """nRMSE² as a stacked bar: what the cells' own spread costs, the wrong mean, the own spread.

    Parameters
    ----------
    parts
        One row a prediction (index: its name); columns "V", "bias²", "Var(x̂)", each divided by
        the mean of ‖x‖² so that a row sums to nRMSE² up to the pairs' covariance.
    """
    fig, ax = plt.subplots(figsize=(7.8, 0.45 * len(parts) + 1.4))
    left = np.zeros(len(parts))
    for name, colour in PART_COLOURS.items():
        ax.barh(parts.index, parts[name], left=left, color=colour, label=name, height=0.7)
        left += parts[name].to_numpy()
    for y, total in enumerate(left):
        ax.text(total, y, f"  nRMSE {np.sqrt(total):.3f}", va="center")
    ax.set_xlim(0, left.max() * 1.22)
    ax.invert_yaxis()
    ax.set_xlabel("share of the mean of ‖x‖²; the bar's length is nRMSE²")
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.0), ncols=len(PART_COLOURS))
    return fig


def knob(
    s: np.ndarray, curves: Mapping[str, np.ndarray], theory: Mapping[str, np.ndarray]
) -> Figure:
    """What each metric says while one knob s turns; the best s of each is marked.

    Parameters
    ----------
    s
        (k,) positions of the knob.
    curves
        Metric → (k,) measured values, lower is better; a panel each.
    theory
        Metric → (k,) what the formula says, drawn as a dashed line where given.
    """
    fig, axes = plt.subplots(1, len(curves), figsize=(4.2 * len(curves), 3.3), squeeze=False)
    for ax, (name, values) in zip(axes.flat, curves.items(), strict=True):
        if name in theory:
            ax.plot(s, theory[name], color=BLACK, ls="--", lw=1.5, label="formula")
        ax.plot(s, values, "o-", color=BLUE, ms=4, label="measured")
        best = int(np.argmin(values))
        ax.plot(s[best], values[best], "D", color=VERMILLION, ms=9, label=f"best: s = {s[best]:g}")
        ax.set(title=name, xlabel="s  (0: all cells alike, 1: real spread)")
        ax.legend()
    return fig


def null_of_estimators(
    n: np.ndarray, biased: np.ndarray, unbiased: np.ndarray, reported: Mapping[str, float]
) -> Figure:
    """Two samples of one distribution: what the biased and the unbiased MMD read, by sample size.

    Parameters
    ----------
    n
        (k,) cells in each sample.
    biased, unbiased
        (k,) means over draws.
    reported
        Label → value, drawn as horizontal lines.
    """
    fig, ax = plt.subplots(figsize=(7.2, 3.5))
    ax.plot(n, biased, "o-", color=ORANGE, label="biased")
    ax.plot(n, unbiased, "s-", color=BLUE, label="unbiased")
    for label, value in reported.items():
        ax.axhline(value, color=VERMILLION, ls="--", lw=1.5, label=label)
    ax.axhline(0, color=GREY, lw=1)
    ax.set_xscale("log", base=2)
    ax.set_xticks(n, [str(int(v)) for v in n])
    ax.set(xlabel="cells in each sample (log scale)", ylabel="MMD of real against real")
    ax.legend()
    return fig


def profiles_and_deltas(
    prediction: np.ndarray,
    truth: np.ndarray,
    references: Mapping[str, np.ndarray],
    names: np.ndarray | None = None,
) -> Figure:
    """A predicted mean profile against the true one, and the same after taking references off.

    Parameters
    ----------
    prediction, truth
        (genes,) mean profiles, log1p of median-normalised counts.
    references
        Label → (genes,) what is subtracted from both; a panel each.
    names
        (genes,) where given, the three largest true changes are named in the last panel.
    """
    panels = {"mean profiles": np.zeros_like(truth), **references}
    fig, axes = plt.subplots(1, len(panels), figsize=(3.6 * len(panels), 3.5), squeeze=False)
    for ax, (title, reference) in zip(axes.flat, panels.items(), strict=True):
        x, y = truth - reference, prediction - reference
        low, high = min(x.min(), y.min()), max(x.max(), y.max())
        ax.plot([low, high], [low, high], color=GREY, lw=1, ls="--", zorder=1)
        ax.scatter(x, y, s=9, color=BLUE, alpha=0.55, lw=0, zorder=2)
        # A prediction that *is* the reference has no direction, and so no correlation.
        flat = np.linalg.norm(y) < 1e-9 * max(np.linalg.norm(prediction), 1)
        ax.set_title(title if flat else f"{title}: r = {pearson(x, y):.2f}", fontsize=10)
        ax.set(xlabel="true", ylabel="predicted")
    if names is not None:
        _name_largest(axes[0, -1], x, y, names)
    return fig


def _name_largest(ax: Axes, x: np.ndarray, y: np.ndarray, names: np.ndarray) -> None:
    for gene in np.argsort(-np.abs(x), kind="stable")[:3]:
        right = x[gene] > (x.max() + x.min()) / 2
        ax.annotate(
            names[gene],
            (x[gene], y[gene]),
            xytext=(-6 if right else 6, 4),
            textcoords="offset points",
            ha="right" if right else "left",
            fontsize=8,
        )


def gene_scores(scores: Mapping[str, np.ndarray]) -> Figure:
    """Histograms of one score a gene, a row each, with a line at 0.

    Parameters
    ----------
    scores
        Prediction → (genes,) values; what lies below −2 is counted in the first bin.
    """
    fig, axes = plt.subplots(
        len(scores), 1, figsize=(7, 1.35 * len(scores) + 0.6), sharex=True, squeeze=False
    )
    bins = np.linspace(-2.05, 0.25, 47)
    for ax, (name, values) in zip(axes.flat, scores.items(), strict=True):
        ax.hist(np.maximum(values, -2.04), bins=bins, color=GREEN)
        ax.axvline(0, color=BLACK, lw=1)
        below = float(np.mean(values <= 0))
        ax.set_title(f"{name}: {below:.0%} of genes at or below 0", fontsize=9.5)
        ax.set_ylabel("genes")
    axes[-1, 0].set_xlabel("gene-wise R² over cells (1: perfect; below −2 drawn at −2)")
    return fig
