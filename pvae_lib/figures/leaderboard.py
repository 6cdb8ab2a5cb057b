"""Figures of the leaderboard: distances from a bar, and ranks on several tracks."""

from typing import Literal

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from pvae_lib.evaluation.intervals import verdicts
from pvae_lib.exceptions import InputError
from pvae_lib.figures.style import BLUE, GREY, OKABE_ITO, VERMILLION


def differences_figure(
    differences: pd.DataFrame, bar: str, label: str, better: Literal["lower", "higher"]
) -> Figure:
    """Each method's distance from a bar, with its interval, ordered from best to worst.

    Filled marks lie apart from the bar (`pvae_lib.evaluation.intervals.verdicts`): round ones are
    better, square ones worse. Open marks cannot be told from it: the interval holds 0, or the
    seeds differ too much.

    Parameters
    ----------
    differences
        What `pvae_lib.evaluation.intervals.differences` returns; rows without a value are left
        out.
    bar
        The method compared with.
    label
        Of the metric.
    better
        Which way is better.

    Raises
    ------
    InputError
        No row has a value.
    """
    rows = differences.dropna(subset=["difference"])
    if rows.empty:
        raise InputError(f"No method has a value to compare with {bar!r}.")
    rows = rows.sort_values("difference", ascending=better == "lower")
    looks = {"better": (BLUE, "o"), "worse": (VERMILLION, "s"), "not apart": (GREY, "o")}
    said = verdicts(rows, better)
    figure, ax = plt.subplots(figsize=(6.8, 0.3 * len(rows) + 1.3))
    for y, (method, row) in enumerate(rows.iterrows()):
        colour, mark = looks[said[method]]
        ax.plot([row["low"], row["high"]], [y, y], color=colour, lw=2.2)
        face = "white" if said[method] == "not apart" else colour
        ax.plot(row["difference"], y, mark, color=colour, mfc=face, ms=6.5)
    ax.axvline(0, color="black", lw=1)
    ax.set_yticks(range(len(rows)), rows.index)
    ax.set_ylim(len(rows) - 0.5, -0.5)
    ax.set_xlabel(f"{label}: difference from {bar} (95 % interval)")
    lower = better == "lower"
    ax.set_title(
        "◀ better than the bar" if lower else "better than the bar ▶",
        loc="left" if lower else "right",
    )
    ax.grid(axis="x", color="0.9", lw=0.8)
    ax.set_axisbelow(True)
    ax.spines["left"].set_visible(False)
    ax.tick_params(axis="y", length=0)
    return figure


def ranks_figure(ranks: pd.DataFrame) -> Figure:
    """Ranks on several tracks as lines: a steep line is a method that one track flatters.

    Methods with the same ranks on every track are one line with all their names.

    Parameters
    ----------
    ranks
        Rows methods, columns tracks, 1 best, NaN where a track lacks the method.

    Raises
    ------
    InputError
        Fewer than two tracks.
    """
    if ranks.shape[1] < 2:
        raise InputError("Ranks are compared on two tracks or more.")
    last = ranks.shape[1] - 1
    figure, ax = plt.subplots(figsize=(2.6 * ranks.shape[1] + 2.4, 0.3 * len(ranks) + 1.2))
    same = ranks.fillna(-1).apply(tuple, axis=1)
    for number, (_, tied) in enumerate(ranks.groupby(same, sort=False)):
        row, names = tied.iloc[0], "\n".join(tied.index)
        colour = OKABE_ITO[number % (len(OKABE_ITO) - 1)]
        dash = ("-", "--", ":")[number // (len(OKABE_ITO) - 1) % 3]
        ax.plot(range(last + 1), row.to_numpy(), dash, marker="o", color=colour, lw=1.6, ms=5)
        first = int(row.notna().to_numpy().argmax())
        ax.annotate(
            names, (first, row.iloc[first]), (-8, 0), textcoords="offset points",
            ha="right", va="center", color=colour, fontsize=8.5,
        )  # fmt: skip
    ax.set_xticks(range(last + 1), ranks.columns)
    ax.set_xlim(-0.9, last + 0.3)
    ax.set_ylim(ranks.max(axis=None) + 0.6, 0.4)
    ax.set_ylabel("rank (1 is best)")
    ax.spines[["bottom"]].set_visible(False)
    return figure
