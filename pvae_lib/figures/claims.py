"""The claims ledger as a picture: a row a claim, a column a set of data."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from pvae_lib.exceptions import InputError
from pvae_lib.figures.style import BLUE, GREY, VERMILLION

# Verdict → colour, mark, filled, word. Shape and word say what the colour says.
LOOKS = {
    "holds": (BLUE, "o", True, "holds"),
    "does not hold": (VERMILLION, "X", True, "not"),
    "cannot be told here": (GREY, "s", False, "open"),
}
WHOLE = "verdict"


def ledger_figure(
    rows: pd.DataFrame, whole: pd.DataFrame, themes: Mapping[str, Sequence[str]]
) -> Figure:
    """Verdicts as marks and words: filled round holds, cross does not, open square cannot be told.

    Parameters
    ----------
    rows
        Columns id, data, decides, verdict; one row a claim and set of data.
    whole
        Indexed by id: columns short and verdict, the verdict over all data that decide.
    themes
        Heading → ids of its claims, in the order of rows.

    Raises
    ------
    InputError
        A verdict without a mark, or no row.
    """
    unknown = (set(rows["verdict"]) | set(whole["verdict"])) - set(LOOKS)
    if rows.empty or unknown:
        raise InputError(f"No verdicts to draw, or unknown ones: {sorted(unknown)}.")
    data = [WHOLE, *_ordered(rows)]
    height = sum(len(ids) + 1 for ids in themes.values())
    figure, ax = plt.subplots(figsize=(1.02 * len(data) + 3.3, 0.29 * height + 1.2))
    labels, y = {}, -1
    for theme, ids in themes.items():
        y += 1
        ax.text(-0.5, y, theme, fontweight="bold", va="center", fontsize=9.5)
        for id in ids:
            y += 1
            labels[y] = whole.loc[id, "short"]
            ax.axhline(y + 0.5, color="0.92", lw=0.6, zorder=0)
            _mark(ax, 0, y, whole.loc[id, "verdict"], strong=True)
            for row in rows[rows["id"] == id].itertuples():
                _mark(ax, data.index(row.data), y, row.verdict, strong=row.decides)
    ax.axvspan(-0.5, 0.5, color="0.95", zorder=-1)
    ax.set_yticks(list(labels), list(labels.values()), fontsize=9)
    ax.set_ylim(y + 0.6, -0.7)
    ax.set_xlim(-0.5, len(data) - 0.5)
    shown = [name.replace(", ", ",\n").replace(" ", "\n", 1 if "," not in name else 0)
             for name in data]  # fmt: skip
    ax.set_xticks(range(len(data)), shown, fontsize=9)
    ax.xaxis.tick_top()
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)
    words = "   ".join(f"{word} = {verdict}" for verdict, (*_, word) in LOOKS.items())
    ax.set_xlabel(f"{words}   (small and pale: these data decide nothing)", fontsize=9)
    return figure


def _ordered(rows: pd.DataFrame) -> list[str]:
    """Data that decide something first, in order of appearance, then those that decide nothing."""
    deciding = rows.groupby("data", sort=False)["decides"].any()
    return [*deciding.index[deciding], *deciding.index[~deciding]]


def _mark(ax: plt.Axes, x: float, y: float, verdict: str, strong: bool) -> None:
    colour, mark, filled, word = LOOKS[verdict]
    size, alpha = (6.5, 1.0) if strong else (4.5, 0.75)
    ax.plot(x - 0.2, y, mark, color=colour, mfc=colour if filled else "white", ms=size, alpha=alpha)
    ax.text(x - 0.06, y, word, va="center", fontsize=8.5 if strong else 7.5, color="0.15")
