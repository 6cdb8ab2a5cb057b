"""Figures of ablations: effects with their intervals, and what collapses with them."""

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from pvae_lib.evaluation.intervals import verdicts
from pvae_lib.evaluation.metrics import METRICS
from pvae_lib.exceptions import InputError
from pvae_lib.figures.style import BLACK, BLUE, GREY, OKABE_ITO, ORANGE, VERMILLION

MARKS = "ovsD^"


def effects_figure(
    effects: Mapping[str, pd.DataFrame],
    references: Mapping[str, Mapping[str, float]] | None = None,
    published: Mapping[str, Mapping[str, float]] | None = None,
) -> Figure:
    """What each change of a setting does to each metric: a panel a metric, a row a change.

    The thick line is the interval over doubles, the thin one two standard errors over seeds. Filled
    marks lie apart from no change (`pvae_lib.evaluation.intervals.verdicts`): round ones are
    better, square ones worse.

    Parameters
    ----------
    effects
        Metric → what `pvae_lib.evaluation.intervals.differences` returns, all with the same rows.
    references
        Metric → name → its distance from the base, drawn as a dotted line: it gives the effects
        their scale. The same names in all panels.
    published
        Metric → change → the difference that a paper prints, drawn as a diamond.

    Raises
    ------
    InputError
        No metric, or no rows.
    """
    if not effects or any(table.empty for table in effects.values()):
        raise InputError("There is no effect to draw: give at least one metric with one row.")
    rows = list(next(iter(effects.values())).index)
    figure, axes = plt.subplots(
        1, len(effects), figsize=(2.6 + 2.7 * len(effects), 0.27 * len(rows) + 1.5),
        sharey=True, squeeze=False,
    )  # fmt: skip
    for ax, (metric, table) in zip(axes[0], effects.items(), strict=True):
        _panel(ax, table, metric)
        _reference_lines(ax, (references or {}).get(metric, {}))
        for change, value in (published or {}).get(metric, {}).items():
            if change in rows:
                ax.plot(
                    value, rows.index(change), "D", color=ORANGE, mec=BLACK, ms=6, zorder=4,
                    label="the paper",
                )  # fmt: skip
    axes[0, 0].set_yticks(range(len(rows)), rows)
    axes[0, 0].set_ylim(len(rows) - 0.4, -0.6)
    named = {
        label: handle
        for ax in axes[0]
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)
    }
    if named:
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=len(named))
    return figure


def _panel(ax: plt.Axes, table: pd.DataFrame, metric: str) -> None:
    better = METRICS[metric].better
    said = verdicts(table, better)
    looks = {"better": (BLUE, "o"), "worse": (VERMILLION, "s")}
    for y, (change, row) in enumerate(table.iterrows()):
        colour, mark = looks.get(said[change], (GREY, "o"))
        ax.plot([row["low"], row["high"]], [y, y], color=colour, lw=3, solid_capstyle="butt")
        if np.isfinite(row["seed_sd"]):
            error = 2 * row["seed_sd"] / np.sqrt(row["seeds"])
            ends = [row["difference"] - error, row["difference"] + error]
            ax.plot(ends, [y, y], color=colour, lw=1)
        face = colour if said[change] in looks else "white"
        ax.plot(row["difference"], y, mark, color=colour, mfc=face, ms=5.5, zorder=3)
    ax.axvline(0, color=BLACK, lw=1)
    ax.set_xlabel(f"change in {METRICS[metric].label}")
    ax.set_title("◀ better" if better == "lower" else "better ▶",
                 loc="left" if better == "lower" else "right")  # fmt: skip
    ax.grid(axis="x", color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)


def _reference_lines(ax: plt.Axes, references: Mapping[str, float]) -> None:
    for number, (name, value) in enumerate(references.items()):
        ax.axvline(value, color=OKABE_ITO[2 + number], lw=1.4, ls=":", label=name)


def collapse_figure(
    points: pd.DataFrame, x: str, y: str, labels: tuple[str, str], floor: float = 1e-6
) -> Figure:
    """Settings in a plane of two measures of collapse, both on logarithmic axes; a mark a seed.

    Parameters
    ----------
    points
        One row a run: columns `x`, `y` and "setting". Values below `floor` are drawn there.
    labels
        Of the two axes.

    Raises
    ------
    InputError
        No rows.
    """
    if points.empty:
        raise InputError("There is no run to draw.")
    figure, ax = plt.subplots(figsize=(7.4, 4.2))
    for number, (setting, rows) in enumerate(points.groupby("setting", sort=False)):
        ax.plot(
            rows[x].clip(lower=floor), rows[y].clip(lower=floor), MARKS[number // 7 % len(MARKS)],
            color=OKABE_ITO[number % 7], ms=6, alpha=0.85, label=setting,
        )  # fmt: skip
    ax.set(xscale="log", yscale="log", xlabel=labels[0], ylabel=labels[1])
    ax.grid(color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    ax.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
    return figure
