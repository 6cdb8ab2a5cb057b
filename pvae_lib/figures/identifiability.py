"""Figures of what simulated worlds give back: recorded seeds as dots, this run's as diamonds.

Every function that takes tables takes the recorded one first and, where it adds something, the
one just computed; both tidy (`pvae_lib.results`), the setting's name in the column method.
"""

from collections.abc import Collection, Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pvae_lib.figures.style import BLACK, BLUE, GREY, ORANGE, SKY_BLUE, VERMILLION

METRIC_LABELS = {
    "r2_iota": "R²(zι)",
    "leak": "leak: R² from ẑι to zν",
    "var_iota": "mean variance of ẑι",
    "mcc": "MCC(zν)",
}


def blocks_figure(
    recorded: pd.DataFrame,
    run: pd.DataFrame,
    rows: Mapping[str, str],
    *,
    lines: Mapping[str, Mapping[str, float]],
    paper: Mapping[str, float],
) -> Figure:
    """R²(zι) beside leak, a row a setting.

    Parameters
    ----------
    rows
        Name of the setting → its label, from top to bottom.
    lines
        Metric → label → where to draw a dashed reference.
    paper
        Label → the paper's R²(zι), a black cross.
    """
    fig, axes = plt.subplots(1, 2, figsize=(8.6, 0.36 * len(rows) + 1.7), sharey=True)
    labels = list(rows.values())
    for ax, metric in zip(axes, ("r2_iota", "leak"), strict=True):
        _dots(ax, recorded, run, list(rows), metric)
        for label, value in lines.get(metric, {}).items():
            ax.axvline(value, color=GREY, ls="--", lw=1)
            ax.annotate(
                label, (value, 1.01), xycoords=("data", "axes fraction"), color=GREY,
                ha="center", va="bottom", fontsize=8,
            )  # fmt: skip
        ax.set(xlabel=METRIC_LABELS[metric], xlim=(-0.06, 1.04))
    for label, value in paper.items():
        axes[0].plot(value, labels.index(label), "x", color=BLACK, ms=8, mew=2)
    if paper:
        axes[0].plot([], [], "x", color=BLACK, ms=8, mew=2, label="paper")
    axes[0].set_yticks(range(len(labels)), labels)
    axes[0].invert_yaxis()
    _legend(fig, axes[0])
    return fig


def sweep_figure(
    recorded: pd.DataFrame, curves: Mapping[str, Mapping[float, str]], chance: float
) -> Figure:
    """R²(zι), variance of ẑι and leak against α, a curve a pairing.

    curves: pairing → α → name of the setting. chance: R²(zι) of a random subspace. α is drawn
    logarithmically above its smallest positive value and linearly below it, down to 0.
    """
    alphas = sorted({alpha for names in curves.values() for alpha in names})
    metrics = ("r2_iota", "var_iota", "leak")
    fig, axes = plt.subplots(1, 3, figsize=(9.6, 3.1))
    for ax, metric in zip(axes, metrics, strict=True):
        for (pairing, names), colour in zip(curves.items(), (BLUE, VERMILLION), strict=True):
            values = [_values(recorded, name, metric) for name in names.values()]
            for alpha, seeds in zip(names, values, strict=True):
                ax.plot(np.full(len(seeds), alpha), seeds, "o", color=colour, ms=3, alpha=0.5)
            ax.plot(list(names), [np.mean(v) for v in values], color=colour, label=pairing)
        ax.set_xscale("symlog", linthresh=min(a for a in alphas if a > 0), linscale=0.5)
        ax.set_xticks(alphas, [f"{a:g}".replace("0.", ".") for a in alphas], fontsize=8)
        ax.minorticks_off()
        ax.set(xlabel="α", title=METRIC_LABELS[metric])
    axes[0].axhline(chance, color=GREY, ls="--", lw=1)
    axes[0].annotate("7/11", (0, chance), color=GREY, va="bottom", fontsize=8)
    axes[1].set_yscale("log")
    axes[1].legend(fontsize=8, loc="lower left")
    return fig


def chance_figure(rotations: np.ndarray, marks: Mapping[str, float]) -> Figure:
    """Histogram of the MCC of a perfectly known block, turned at random; marks: label → MCC."""
    fig, ax = plt.subplots(figsize=(6.4, 3.2))
    ax.hist(rotations, bins=30, color=GREY, alpha=0.6)
    top = ax.get_ylim()[1]
    ax.axvline(np.quantile(rotations, 0.95), color=GREY, ls="--")
    ax.annotate(
        "95th percentile", (np.quantile(rotations, 0.95), top), color=GREY, rotation=90,
        ha="right", va="top", fontsize=8,
    )  # fmt: skip
    for k, (label, value) in enumerate(marks.items()):
        colour = (ORANGE, BLUE, VERMILLION)[k % 3]
        ax.axvline(value, color=colour, lw=2, label=f"{label} {value:.2f}")
    ax.set(xlabel="MCC of the true zν after a random rotation", ylabel="rotations")
    fig.legend(loc="outside lower center", ncols=len(marks))
    return fig


def likelihood_figure(points: Mapping[str, tuple[np.ndarray, np.ndarray]]) -> Figure:
    """Likelihood of versions of a block against their MCC, a panel a prior.

    points: label → (MCC, likelihood), both (n,).
    """
    fig, axes = plt.subplots(1, len(points), figsize=(4.1 * len(points), 3.3), sharey=True)
    for ax, (label, (mcc, likelihood)) in zip(np.atleast_1d(axes), points.items(), strict=True):
        ax.plot(mcc, likelihood - likelihood.max(), "o", color=BLUE, alpha=0.7)
        ax.set(xlabel="MCC(zν)", title=label, xlim=(0.4, 1.02))
    np.atleast_1d(axes)[0].set_ylabel("log-likelihood per cell,\nbelow the best (nats)")
    return fig


def polish_figure(
    recorded: pd.DataFrame, run: pd.DataFrame, rows: Mapping[str, str], chance: tuple[float, float]
) -> Figure:
    """MCC before and after the polish, a pair of columns a setting, over the band of chance.

    rows: name of the setting → label. chance: median and 95th percentile of random rotations.
    """
    fig, ax = plt.subplots(figsize=(2.0 * len(rows) + 1.6, 3.5))
    ax.axhspan(*chance, color=GREY, alpha=0.2, lw=0)
    ax.annotate(
        "random rotation of\nthe whole block:\nmedian to 95 %", (1.01, np.mean(chance)),
        color=GREY, fontsize=8, xycoords=("axes fraction", "data"), va="center",
    )  # fmt: skip
    ax.axhline(0.95, color=BLACK, ls=":", lw=1)
    for k, name in enumerate(rows):
        before, after = (_values(recorded, name, m) for m in ("mcc", "mcc_polished"))
        for a, b in zip(before, after, strict=True):
            ax.plot([k - 0.18, k + 0.18], [a, b], "o-", color=BLUE, ms=4, lw=1, alpha=0.7)
        for a, b in zip(*(_values(run, name, m) for m in ("mcc", "mcc_polished")), strict=True):
            ax.plot([k - 0.18, k + 0.18], [a, b], "D--", color=ORANGE, ms=6, lw=1)
    ax.plot([], [], "o-", color=BLUE, ms=4, label="recorded: before – after")
    if not run.empty:
        ax.plot([], [], "D--", color=ORANGE, label="this run")
    ax.set_xticks(range(len(rows)), list(rows.values()))
    ax.set(ylabel="MCC(zν)", ylim=(0.35, 1.03))
    ax.legend(loc="lower left", fontsize=8)
    return fig


def graphs_figure(recorded: pd.DataFrame, rows: Mapping[str, tuple[str, str, str]]) -> Figure:
    """SHD of estimated graphs beside the random and the empty one.

    rows: label → (world, setting or null, metric); the nulls' labels start with "null".
    """
    fig, ax = plt.subplots(figsize=(7.6, 0.42 * len(rows) + 1.2))
    for k, (label, (world, name, metric)) in enumerate(rows.items()):
        values = _values(recorded[recorded["screen"] == world], name, metric)
        colour = GREY if label.startswith("null") else BLUE
        offsets = np.linspace(-0.15, 0.15, max(len(values), 1))[: len(values)]
        ax.barh(k, values.mean(), color=colour, alpha=0.3)
        ax.plot(values, k + offsets, "o", color=colour, ms=4)
    ax.set_yticks(range(len(rows)), list(rows))
    ax.invert_yaxis()
    ax.set(xlabel="structural Hamming distance to the true graph (◀ lower is better)")
    ax.set_xlim(left=-0.15)  # whole dots at 0
    return fig


def violations_figure(
    panels: Mapping[str, Mapping[str, float]],
    ylabel: str,
    *,
    chance: Mapping[str, float] | None = None,
    as_stated: Collection[str] = (),
) -> Figure:
    """Bars in a panel an assumption: label of the bar → value.

    The axis reaches below 0 where a bar does, so that it is seen.

    Parameters
    ----------
    panels
        Title → label → value. The first bar satisfies the assumption, the others violate it.
    chance
        Title → what chance scores there, a dashed line.
    as_stated
        Labels of bars that satisfy the assumption as it is stated, though they are not the first.
    """
    lowest = min(value for bars in panels.values() for value in bars.values())
    fig, axes = plt.subplots(1, len(panels), figsize=(3.3 * len(panels), 3.4), sharey=True)
    words = {BLUE: "assumption holds", SKY_BLUE: "holds as stated", VERMILLION: "violated"}
    used = {}
    for ax, (title, bars) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        others = [SKY_BLUE if label in as_stated else VERMILLION for label in list(bars)[1:]]
        colours = [BLUE, *others]
        drawn = ax.bar(range(len(bars)), list(bars.values()), color=colours, width=0.6)
        used |= dict(zip(colours, drawn, strict=True))
        ax.set_xticks(range(len(bars)), list(bars))
        ax.set_title(title)
        ax.axhline(0, color=BLACK, lw=0.8)
        if title in (chance or {}):
            line = ax.axhline(chance[title], color=BLACK, ls="--", lw=1.2)
            used[BLACK] = line
            words[BLACK] = "chance: random rotations"
        ax.set_ylim(min(0.0, lowest - 0.05), 1.05)
    np.atleast_1d(axes)[0].set_ylabel(ylabel)
    shown = [colour for colour in words if colour in used]
    fig.legend(
        [used[colour] for colour in shown], [words[colour] for colour in shown],
        loc="outside lower center", ncols=len(shown), fontsize=8,
    )  # fmt: skip
    return fig


def _values(table: pd.DataFrame, name: str, metric: str) -> np.ndarray:
    rows = table[(table["method"] == name) & (table["metric"] == metric)]
    return rows.sort_values("seed")["value"].to_numpy(float)


def _dots(
    ax: Axes,
    recorded: pd.DataFrame,
    run: pd.DataFrame,
    names: Sequence[str],
    metric: str,
) -> None:
    for k, name in enumerate(names):
        seeds, now = _values(recorded, name, metric), _values(run, name, metric)
        ax.barh(k, seeds.mean() if len(seeds) else 0, color=BLUE, alpha=0.18, height=0.6)
        ax.plot(seeds, np.full(len(seeds), k), "o", color=BLUE, ms=4, alpha=0.7)
        ax.plot(now, np.full(len(now), k), "D", color=ORANGE, ms=6)


def _legend(fig: Figure, ax: Axes) -> None:
    ax.plot([], [], "o", color=BLUE, ms=4, label="recorded, a dot a seed")
    ax.plot([], [], "D", color=ORANGE, ms=6, label="this run")
    handles, labels = ax.get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
