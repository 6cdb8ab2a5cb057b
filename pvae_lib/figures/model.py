"""Figures of the model's equations: propagation, the prior, the KL; from arrays alone."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from pvae_lib.exceptions import InputError
from pvae_lib.figures.style import BLACK, BLUE, GREY, ORANGE, SEQUENTIAL, VERMILLION


def matrices_figure(
    matrices: Mapping[str, np.ndarray], names: Sequence[str], joins: Sequence[str]
) -> Figure:
    """Small square matrices in a row, each entry written out, with signs such as "+" in between.

    Parameters
    ----------
    matrices
        Title → (d, d), row: the program that is driven, column: the driver.
    names
        The d programs.
    joins
        What stands between neighbouring matrices; one fewer than there are matrices.

    Raises
    ------
    InputError
        The number of signs does not fit.
    """
    if len(joins) != len(matrices) - 1:
        raise InputError(
            f"{len(matrices)} matrices need {len(matrices) - 1} signs between them, "
            f"not {len(joins)}."
        )
    values = np.stack(list(matrices.values()))
    low, high = values.min(), values.max()
    fig, axes = plt.subplots(1, len(matrices), figsize=(2.5 * len(matrices), 2.8), sharey=True)
    for ax, (title, matrix), sign in zip(axes, matrices.items(), ["", *joins], strict=True):
        ax.imshow(matrix, cmap=SEQUENTIAL, vmin=low, vmax=high)
        for (row, column), value in np.ndenumerate(matrix):
            dark = (value - low) < 0.55 * (high - low)
            text = f"{value:g}".replace("-", "−")
            ax.text(column, row, text, ha="center", va="center", color="w" if dark else "k")
        ax.set_title(title, loc="center")
        ax.set_xticks(range(len(names)), names)
        ax.set_yticks(range(len(names)), names)
        ax.tick_params(length=0)
        ax.text(-0.16, 0.5, sign, transform=ax.transAxes, ha="center", va="center", fontsize=16)
        ax.spines[:].set_visible(False)
    axes[0].set_ylabel("is driven")
    fig.supxlabel("drives", fontsize=10)
    return fig


def backgrounds_figure(
    samples: Mapping[str, np.ndarray], shared: np.ndarray, names: tuple[str, str]
) -> Figure:
    """Draws of zν under one perturbation, a colour a background, in two of the programs.

    A black arrow is the shared effect; from its tip a coloured arrow leads to the mean of each
    background's draws, which is its modulation.

    Parameters
    ----------
    samples
        Label of a background → (n, 2) draws.
    shared
        (2,) the shared effect in the same two programs.
    names
        Of the two programs.
    """
    fig, ax = plt.subplots(figsize=(6.2, 4.0))
    for (label, points), colour in zip(samples.items(), (BLUE, ORANGE, VERMILLION), strict=False):
        ax.scatter(*points.T, s=8, color=colour, alpha=0.3, lw=0)
        _arrow(ax, shared, points.mean(0), colour, f"modulation, {label}")
    _arrow(ax, np.zeros(2), shared, BLACK, "shared effect")
    ax.axhline(0, color=GREY, lw=0.6, zorder=0)
    ax.axvline(0, color=GREY, lw=0.6, zorder=0)
    ax.set(xlabel=names[0], ylabel=names[1])
    fig.legend(loc="outside right upper")
    return fig


def _arrow(ax: plt.Axes, start: np.ndarray, end: np.ndarray, colour: str, label: str) -> None:
    style = {"arrowstyle": "-|>", "color": colour, "lw": 2.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", xy=end, xytext=start, arrowprops=style)
    ax.plot([], [], color=colour, lw=2.2, label=label)


def convergence_figure(
    draws: Sequence[int], estimates: np.ndarray, truth: float, quantity: str
) -> Figure:
    """Monte Carlo estimates closing in on a known value.

    Parameters
    ----------
    draws
        (k,) numbers of draws.
    estimates
        (k, repeats) an estimate from as many draws.
    truth
        The closed form.
    quantity
        Its name, for the vertical axis.
    """
    fig, ax = plt.subplots(figsize=(5.6, 3.2))
    for column in np.asarray(estimates).T:
        ax.plot(draws, column, "o", color=BLUE, alpha=0.55, ms=5, mec="none")
    ax.plot([], [], "o", color=BLUE, label="Monte Carlo")
    ax.axhline(truth, color=VERMILLION, lw=2, label="closed form")
    ax.set(xscale="log", xlabel="draws", ylabel=quantity)
    ax.legend(loc="upper right")
    return fig
