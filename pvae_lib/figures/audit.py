"""The figure of an audit: a panel a metric, floor and ceiling as lines, an arrow for better."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pvae_lib.evaluation.metrics import ALL, CEILING, FLOOR, METRICS, REFERENCES
from pvae_lib.exceptions import InputError, nearest
from pvae_lib.figures.style import BLACK, GREY, SKY_BLUE, VERMILLION
from pvae_lib.results import ordered, overall

PANELS = (
    "nrmse",
    "var_over_V",
    "delta_pearson_centroid",
    "delta_pearson_centroid_de20",
    "mmd",
    "e_distance",
    "discrimination",
    "r2_inherited",
)
COLUMNS_OF_PANELS = 4
REFERENCE, METHOD = GREY, VERMILLION
# Told apart by dash and width too, so that both are seen where they coincide.
LINES = {CEILING: (SKY_BLUE, "-", 4.0), FLOOR: (BLACK, "--", 1.5)}
BETTER = {"lower": "◀ better", "higher": "better ▶", None: "best: as real cells"}


def audit_figure(table: pd.DataFrame, metrics: Sequence[str] = PANELS) -> Figure:
    """Draw a tidy table of one screen.

    Rows are methods: a large mark with its 95 % interval is the mean over conditions (and seeds),
    small pale marks are single conditions (mean over seeds). The floor (oracle mean) and the
    ceiling (real cells) are lines through their panels: which of them is better depends on the
    metric, and the arrow says which way better lies. Where a value is not defined
    the row says so.

    Parameters
    ----------
    table
        Tidy table of one screen, summarised or not.
    metrics
        Names from `pvae_lib.evaluation.metrics.METRICS`, a panel each.

    Raises
    ------
    InputError
        Unknown metric, or a table of several screens.
    """
    for metric in metrics:
        if metric not in METRICS:
            raise InputError(f"No metric {metric!r}; {nearest(metric, METRICS)}")
    screens = list(table["screen"].unique())
    if len(screens) != 1:
        raise InputError(
            f"One figure shows one screen, but the table holds {len(screens)}: "
            f"{', '.join(map(str, screens))}. Choose one with table[table.screen == …]."
        )
    wide = overall(table).loc[screens[0]]
    raw = table[table["condition"] != ALL]
    single = raw.groupby(["method", "metric", "condition"])["value"].mean()
    rows = [m for m in ordered(wide.index) if m not in LINES]

    columns = min(COLUMNS_OF_PANELS, len(metrics))
    lines = -(-len(metrics) // columns)
    figure, axes = plt.subplots(
        lines,
        columns,
        figsize=(2.6 * columns + 1.6, (0.3 * len(rows) + 1.3) * lines + 0.4),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for ax, metric in zip(axes.flat, metrics, strict=False):
        _panel(ax, metric, rows, wide, single)
    for ax in axes.flat[len(metrics) :]:
        ax.set_visible(False)
    axes[0, 0].set_yticks(range(len(rows)), rows)
    axes[0, 0].set_ylim(len(rows) - 0.5, -0.5)
    figure.get_layout_engine().set(h_pad=0.1)
    figure.legend(handles=_legend(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _panel(ax: Axes, metric: str, rows: list[str], wide: pd.DataFrame, single: pd.Series) -> None:
    for name, style in LINES.items():
        if name in wide.index and np.isfinite(wide.at[name, metric]):
            value, (colour, dash, width) = wide.at[name, metric], style
            ax.axvline(value, color=colour, linestyle=dash, lw=width)
    for y, method in enumerate(rows):
        colour, shape = (REFERENCE, "o") if method in REFERENCES else (METHOD, "D")
        mean, low, high = (wide.at[method, metric + end] for end in ("", "_low", "_high"))
        if not np.isfinite(mean):
            across = ax.get_yaxis_transform()
            ax.text(0.5, y, "not defined", transform=across, color="0.5", ha="center", va="center")
            continue
        conditions = single[method, metric].to_numpy()
        ax.plot(conditions, np.full(len(conditions), y), "|", color=colour, alpha=0.35, ms=7)
        ax.plot([low, high], [y, y], "-", color=colour, lw=2.2, solid_capstyle="butt")
        ax.plot(mean, y, shape, color=colour, ms=6.5, mec="white", mew=0.8)
    ax.set_title(METRICS[metric].label, fontsize=9.5, loc="center")
    ax.set_xlabel(BETTER[METRICS[metric].better])
    ax.grid(axis="x", color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right", "left"]].set_visible(False)
    ax.tick_params(axis="y", length=0)


def _legend() -> list[Line2D]:
    lines = [
        Line2D([], [], color=colour, linestyle=dash, lw=width, label=name)
        for name, (colour, dash, width) in LINES.items()
    ]
    mean = Line2D([], [], color=REFERENCE, marker="o", lw=2.2, label="mean, 95 % interval")
    one = Line2D([], [], color=REFERENCE, marker="|", ls="", alpha=0.5, label="one condition")
    return [*lines, mean, one]
