"""Figures of training and of what came of it: curves, duels by condition, deltas, bars."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from pvae_lib.evaluation.metrics import ALL, METRICS
from pvae_lib.exceptions import InputError, nearest
from pvae_lib.figures.style import GREY, OKABE_ITO, ORANGE, VERMILLION

TERMS = {
    "recon": "reconstruction",
    "alignment": "alignment",
    "kl_nu": "KLν (nats)",
    "kl_iota": "KLι (nats)",
}
POINTS = 120  # of a curve: single steps are too noisy to read


def training_figure(
    histories: Mapping[str, pd.DataFrame], annealing: tuple[float, float] | None = (0.1, 0.6)
) -> Figure:
    """The terms of the objective over steps, a panel a term, a line a run, on log scales.

    Parameters
    ----------
    histories
        Label → one row a step with the columns step, recon, alignment, kl_nu and kl_iota, as
        `pvae_lib.learning.train` returns it.
    annealing
        The parts of the run between which the KL weights rise from 0 to full; None where they are
        constant.

    Raises
    ------
    InputError
        A history without one of the columns.
    """
    fig, axes = plt.subplots(1, len(TERMS), figsize=(2.75 * len(TERMS), 2.9))
    for (label, history), colour in zip(histories.items(), _colours(len(histories)), strict=True):
        missing = [c for c in ("step", *TERMS) if c not in history]
        if missing:
            raise InputError(
                f"The history {label!r} lacks {', '.join(missing)}; give the one that fit keeps."
            )
        bins = np.minimum(np.arange(len(history)) * POINTS // len(history), POINTS - 1)
        curve = history.groupby(bins)[["step", *TERMS]].mean()
        for ax, term in zip(axes, TERMS, strict=True):
            ax.plot(curve["step"], curve[term], color=colour, lw=1.5, label=label)
    steps = max(len(history) for history in histories.values())
    for ax, title in zip(axes, TERMS.values(), strict=True):
        if annealing is not None:
            ax.axvspan(annealing[0] * steps, annealing[1] * steps, color=GREY, alpha=0.15, lw=0)
        ax.set(yscale="log", xlabel="step", title=title)
        ax.xaxis.set_major_locator(plt.MaxNLocator(4))
        low, high = ax.get_ylim()
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high / low < 50 else (1,)))
        ax.yaxis.set_major_formatter("{x:g}")
        ax.yaxis.set_minor_formatter(NullFormatter())
    if len(histories) > 1:
        handles, labels = axes[0].get_legend_handles_labels()
        fig.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 6))
    return fig


def duel_figure(table: pd.DataFrame, method: str, reference: str, metrics: list[str]) -> Figure:
    """One method against another, a dot a condition (mean over seeds), a panel a metric.

    Parameters
    ----------
    table
        Tidy table of one screen.
    method, reference
        Rows of the table: vertical and horizontal axis.
    metrics
        Names from `pvae_lib.evaluation.metrics.METRICS`.

    Raises
    ------
    InputError
        A method or metric that the table lacks.
    """
    raw = table[table["condition"] != ALL]
    for name, column in [(method, "method"), (reference, "method")] + [
        (metric, "metric") for metric in metrics
    ]:
        if name not in set(raw[column]):
            raise InputError(f"No {column} {name!r}; {nearest(name, sorted(set(raw[column])))}")
    means = raw.pivot_table(index="condition", columns=["metric", "method"], values="value")
    fig, axes = plt.subplots(1, len(metrics), figsize=(3.5 * len(metrics), 3.4), squeeze=False)
    for ax, metric in zip(axes.flat, metrics, strict=True):
        x, y = means[metric, reference], means[metric, method]
        low, high = min(x.min(), y.min()), max(x.max(), y.max())
        pad = 0.06 * (high - low or 1.0)
        ends = (low - pad, high + pad)
        ax.plot(ends, ends, color=GREY, lw=1, ls="--")
        ax.scatter(x, y, s=30, color=VERMILLION, alpha=0.75, lw=0)
        higher = METRICS[metric].better == "higher"
        ax.text(
            0.04 if higher else 0.96,
            0.96 if higher else 0.04,
            f"{method} better",
            transform=ax.transAxes,
            ha="left" if higher else "right",
            va="top" if higher else "bottom",
            color="0.35",
            fontsize=8.5,
        )
        ax.set(xlim=ends, ylim=ends, aspect="equal", title=METRICS[metric].label)
        ax.set(xlabel=reference, ylabel=method)
    return fig


def deltas_figure(
    panels: Mapping[str, tuple[np.ndarray, np.ndarray]],
    genes: np.ndarray,
    axes_names: Mapping[str, tuple[str, str]],
    named: int = 6,
) -> Figure:
    """Change of every gene's mean by one account against another, a panel a comparison.

    Parameters
    ----------
    panels
        Title → (horizontal, vertical), each (n_genes,), differences of log1p means from control.
    genes
        (n_genes,) names; those of the largest changes are written out.
    axes_names
        Title → names of the horizontal and the vertical axis.
    named
        How many genes to name in each panel; fewer where names would overlap.
    """
    fig, axes = plt.subplots(1, len(panels), figsize=(4.2 * len(panels), 3.8), squeeze=False)
    for ax, (title, (x, y)) in zip(axes.flat, panels.items(), strict=True):
        ends = np.array([min(x.min(), y.min()), max(x.max(), y.max())])
        ends += np.array([-0.08, 0.08]) * (ends[1] - ends[0])
        ax.plot(ends, ends, color=GREY, lw=1, ls="--")
        ax.scatter(x, y, s=12, color=OKABE_ITO[0], alpha=0.5, lw=0)
        size = np.ptp(ends)
        written: list[int] = []
        for gene in np.argsort(-np.maximum(np.abs(x), np.abs(y)))[:named]:
            if any(
                abs(x[gene] - x[g]) < 0.4 * size and abs(y[gene] - y[g]) < 0.05 * size
                for g in written
            ):
                continue  # names on top of each other help nobody
            written.append(gene)
            left = x[gene] > ends.mean()  # write towards the middle, so that no name is cut
            ax.annotate(
                str(genes[gene]),
                (x[gene], y[gene]),
                xytext=(-4 if left else 4, 2),
                textcoords="offset points",
                ha="right" if left else "left",
                fontsize=8,
            )
        ax.set(xlim=ends, ylim=ends, aspect="equal", title=title)
        ax.set(xlabel=axes_names[title][0], ylabel=axes_names[title][1])
    return fig


def bars_figure(values: pd.DataFrame, ylabel: str, line: tuple[str, float] | None = None) -> Figure:
    """Grouped bars: a group a row, a colour a column.

    Parameters
    ----------
    values
        Rows groups, columns kinds; NaN leaves a gap.
    line
        Label and height of a horizontal line, such as chance.
    """
    fig, ax = plt.subplots(figsize=(max(5.0, 1.2 * values.size + 1), 3.2))
    width = 0.8 / values.shape[1]
    places = np.arange(len(values))
    for i, (kind, colour) in enumerate(zip(values.columns, _colours(values.shape[1]), strict=True)):
        at = places + (i - (values.shape[1] - 1) / 2) * width
        bars = ax.bar(at, values[kind], width * 0.92, color=colour, label=str(kind))
        ax.bar_label(bars, fmt="%.2f", fontsize=8.5, padding=1)
    if line is not None:
        ax.axhline(line[1], color="black", ls="--", lw=1, label=line[0])
    ax.set_xticks(places, [str(name) for name in values.index])
    ax.set_ylabel(ylabel)
    ax.margins(y=0.12)
    fig.legend(loc="outside right upper")
    return fig


def _colours(n: int) -> list[str]:
    """n colours, told apart as long as there are no more than the palette has."""
    first = [VERMILLION, OKABE_ITO[0], OKABE_ITO[2], ORANGE]
    palette = first + [c for c in OKABE_ITO if c not in first]
    return [palette[i % len(palette)] for i in range(n)]
