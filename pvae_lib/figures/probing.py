"""Figures of probes. Each takes the summary (`pvae_lib.probing.summarise`), as run or recorded.

A method is called "name", "name, untrained", "name, samples": a filled dot is a trained (or fixed)
representation's means, a hollow one the untrained counterpart, a diamond its samples.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from pvae_lib.exceptions import InputError
from pvae_lib.figures.style import BLACK, BLUE, GREY, OKABE_ITO, VERMILLION
from pvae_lib.results import overall

ACCURACY, RECALL = "condition: balanced_accuracy", "condition: recall"
NULL, CHANCE = "condition: null", "condition: chance"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
# Suffix of a method → marker, filled, colour, label.
KINDS = {
    "": ("o", True, BLUE, "means"),
    ", untrained": ("o", False, BLUE, "means, untrained"),
    ", samples": ("D", True, VERMILLION, "samples"),
    ", untrained, samples": ("D", False, VERMILLION, "samples, untrained"),
}


def accuracies_figure(summary: pd.DataFrame, names: Sequence[str] | None = None) -> Figure:
    """Balanced accuracy of u, a row a representation, with its interval over folds and seeds.

    Parameters
    ----------
    names
        Representations from top to bottom; by default all, the most accurate first.

    Raises
    ------
    InputError
        Several screens, or none of the names.
    """
    wide = _one_screen(summary)
    found = wide[wide[ACCURACY].notna()]
    bases = {method: _split(method)[0] for method in found.index}
    best = found.groupby(bases)[ACCURACY].max().sort_values(ascending=False)
    rows = [n for n in (names if names is not None else best.index) if n in best.index]
    if not rows:
        raise InputError(f"None of the names was probed for the condition: {', '.join(names)}.")
    fig, ax = plt.subplots(figsize=(7.4, 0.36 * len(rows) + 1.5))
    _chance(ax, found)
    for method, base in bases.items():
        if base not in rows:
            continue
        suffix = _split(method)[1]
        shift = 0.14 * (list(KINDS).index(suffix) - 0.5 * (len(KINDS) - 1))
        lonely = sum(other == base for other in bases.values()) == 1
        _point(ax, found.loc[method], rows.index(base) + shift * (not lonely), suffix)
    for suffix, (marker, filled, colour, words) in KINDS.items():
        if any(_split(m)[1] == suffix for m in bases if bases[m] in rows):
            face = colour if filled else "white"
            ax.plot([], [], marker, color=colour, mfc=face, ls="", label=words)
    ax.set_yticks(range(len(rows)), rows)
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel="balanced accuracy of u (better ▶)")
    ax.set_xlim(left=0)
    fig.legend(loc="outside lower center", ncols=5, fontsize=8)
    return fig


def classes_figure(summary: pd.DataFrame, methods: Sequence[str]) -> Figure:
    """Share of each class's cells that are called by its name; classes sorted by the first method.

    Raises
    ------
    InputError
        Several screens, or a method that was not probed class by class.
    """
    _one_screen(summary)
    pooled = summary[summary["seed"].isna() & summary["metric"].eq(RECALL)]
    recalls = pooled.pivot(index="condition", columns="method", values="value")
    missing = [m for m in methods if m not in recalls]
    if missing:
        raise InputError(f"No recalls of {', '.join(missing)}; probed: {', '.join(recalls)}.")
    recalls = recalls.sort_values(methods[0], ascending=False)
    fig, ax = plt.subplots(figsize=(min(0.24 * len(recalls) + 2.2, 13), 3.8))
    x = np.arange(len(recalls))
    ax.vlines(x, recalls[list(methods)].min(axis=1), recalls[list(methods)].max(axis=1),
              color="0.85", lw=3, zorder=0)  # fmt: skip
    for k, method in enumerate(methods):
        colour, marker = OKABE_ITO[k % len(OKABE_ITO)], MARKERS[k % len(MARKERS)]
        mean = recalls[method].mean()
        ax.plot(x, recalls[method], marker, ls="", color=colour, ms=5, alpha=0.85,
                label=f"{method} ({mean:.2f})")  # fmt: skip
    ax.axhline(1 / len(recalls), color=GREY, ls="--", lw=1)
    ax.annotate("chance", (1, 1 / len(recalls)), xycoords=("axes fraction", "data"), color=GREY,
                va="center", fontsize=8)  # fmt: skip
    ax.set_xticks(x, recalls.index, rotation=90, fontsize=7 if len(recalls) > 30 else 8)
    ax.set(ylabel="share of its cells found", xlim=(-0.8, len(recalls) - 0.2))
    fig.legend(loc="outside upper center", ncols=4, fontsize=8, title="(mean over classes)",
               title_fontsize=8)  # fmt: skip
    return fig


def sweep_figure(
    summary: pd.DataFrame, screens: Mapping[float, str], methods: Sequence[str]
) -> Figure:
    """Accuracy against the strength of the background: as it is, and relative to its first value.

    screens: strength → name of the screen in the table, from weak to strong.
    """
    wide = overall(summary)
    fig, axes = plt.subplots(1, 2, figsize=(9.4, 3.7))
    strengths = list(screens)
    for k, method in enumerate(methods):
        rows = wide.loc[[(screen, method) for screen in screens.values()]]
        mean, low, high = (rows[ACCURACY + end].to_numpy() for end in ("", "_low", "_high"))
        style = {"color": OKABE_ITO[k % len(OKABE_ITO)], "marker": MARKERS[k % len(MARKERS)]}
        axes[0].plot(strengths, mean, ms=5, label=method, **style)
        axes[0].fill_between(strengths, low, high, color=style["color"], alpha=0.15, lw=0)
        chance = rows[CHANCE].to_numpy()
        axes[1].plot(strengths, (mean - chance) / (mean[0] - chance[0]), ms=5, **style)
    axes[0].axhline(wide[CHANCE].iloc[0], color=GREY, ls="--", lw=1)
    axes[0].set(ylabel="balanced accuracy of u", title="as measured", ylim=(0, None))
    axes[1].set(ylabel="above chance, relative to the first", title="what background takes")
    axes[1].set_ylim(0, None)
    for ax in axes:
        ax.set(xlabel="strength of the background (1: calibrated)", xticks=strengths)
    fig.legend(loc="outside lower center", ncols=3, fontsize=8)
    return fig


def two_probes_figure(
    summary: pd.DataFrame, methods: Mapping[str, str], backgrounds: Sequence[str]
) -> Figure:
    """Where each representation stands between u and background, a panel a background.

    Parameters
    ----------
    methods
        Method → its label.
    backgrounds
        Names of numeric targets; R² below 0 is drawn at 0.
    """
    wide = _one_screen(summary)
    fig, axes = plt.subplots(
        1, len(backgrounds), figsize=(3.6 * len(backgrounds), 3.9), sharey=True
    )
    for ax, background in zip(np.atleast_1d(axes), backgrounds, strict=True):
        metric = f"{background}: r2"
        _chance(ax, wide)
        for k, (method, words) in enumerate(methods.items()):
            row = wide.loc[method]
            style = {"color": OKABE_ITO[k % len(OKABE_ITO)], "marker": MARKERS[k % len(MARKERS)]}
            ax.errorbar(
                row[ACCURACY], max(row[metric], 0), xerr=_error(row, ACCURACY), ms=7, lw=1.2,
                label=words if ax is np.atleast_1d(axes)[0] else None, ls="", **style,
            )  # fmt: skip
        ax.axhline(0, color=GREY, lw=0.8)
        ax.set(title=background, xlabel="accuracy of u", xlim=(-0.03, 1.05), ylim=(-0.05, 1.05))
        ax.annotate("invariant", (0.06, 1.02), color=GREY, fontsize=8, va="top")
        ax.annotate("collapsed", (0.06, 0.01), color=GREY, fontsize=8, va="bottom")
        ax.annotate("entangled", (1.02, 1.02), color=GREY, fontsize=8, va="top", ha="right")
    np.atleast_1d(axes)[0].set_ylabel("R² of the background")
    fig.legend(loc="outside lower center", ncols=3, fontsize=8)
    return fig


def beside_figure(panels: Mapping[str, Mapping[str, Sequence[float]]], xlabel: str) -> Figure:
    """Numbers of different sources, a panel each with its own rows and scale.

    panels: title → label → (value,) or (value, low, high); the label "chance" is drawn as a line.
    """
    heights = [len(rows) for rows in panels.values()]
    fig, axes = plt.subplots(1, len(panels), figsize=(4.4 * len(panels), 0.36 * max(heights) + 1.3))
    for ax, (title, rows) in zip(np.atleast_1d(axes), panels.items(), strict=True):
        shown = {label: values for label, values in rows.items() if label != "chance"}
        for y, values in enumerate(shown.values()):
            ax.barh(y, values[0], color=BLUE, alpha=0.3, height=0.6)
            if len(values) == 3:
                ax.plot(values[1:], [y, y], color=BLUE, lw=2)
            ax.plot(values[0], y, "o", color=BLUE)
        if "chance" in rows:
            ax.axvline(rows["chance"][0], color=BLACK, ls="--", lw=1)
        ax.set_yticks(range(len(shown)), list(shown))
        ax.set(title=title, xlabel=xlabel, ylim=(len(shown) - 0.4, -0.6))
    return fig


def _split(method: str) -> tuple[str, str]:
    """("VAE", ", samples") of "VAE, samples"."""
    suffix = max((s for s in KINDS if method.endswith(s)), key=len)
    return method.removesuffix(suffix), suffix


def _one_screen(summary: pd.DataFrame) -> pd.DataFrame:
    screens = summary["screen"].unique()
    if len(screens) != 1:
        raise InputError(
            f"One figure shows one screen, but the table holds {len(screens)}: "
            f"{', '.join(map(str, screens))}. Choose one with table[table.screen == …]."
        )
    return overall(summary).droplevel("screen")


def _error(row: pd.Series, metric: str) -> np.ndarray:
    """(2, 1) lengths of an error bar, 0 where there is no interval."""
    low, high = row[metric + "_low"], row[metric + "_high"]
    return np.nan_to_num([[row[metric] - low], [high - row[metric]]])


def _point(ax: Axes, row: pd.Series, y: float, suffix: str) -> None:
    marker, filled, colour, _ = KINDS[suffix]
    face = colour if filled else "white"
    ax.errorbar(
        row[ACCURACY],
        y,
        xerr=_error(row, ACCURACY),
        fmt=marker,
        color=colour,
        mfc=face,
        ms=6,
        lw=1.6,
    )


def _chance(ax: Axes, wide: pd.DataFrame) -> None:
    """The line of chance, and the band of what training on permuted labels gave."""
    ax.axvline(wide[CHANCE].dropna().iloc[0], color=GREY, ls="--", lw=1)
    ax.axvspan(wide[NULL].min(), wide[NULL].max(), color=GREY, alpha=0.2, lw=0)
