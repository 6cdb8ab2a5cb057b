"""Figures of a screen: counts, depth, conditions, background against signal, doubles."""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from pvae_lib.exceptions import InputError
from pvae_lib.figures.style import BLACK, BLUE, GREY, ORANGE, SEQUENTIAL, VERMILLION

KIND_COLOURS = {"control": GREY, "single": BLUE, "double": ORANGE}


def counts_picture(counts: np.ndarray, totals: np.ndarray) -> Figure:
    """A corner of the count matrix, and how many counts the cells have.

    Parameters
    ----------
    counts
        (cells, genes) raw counts, a corner small enough to be looked at.
    totals
        (n_cells,) raw counts of every cell over all genes.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), width_ratios=(1.25, 1))
    seen = np.ma.masked_equal(counts, 0)
    image = left.imshow(
        seen, norm=LogNorm(1, max(float(counts.max()), 2.0)), aspect="auto", interpolation="none"
    )
    left.set(xlabel="gene", ylabel="cell", title="Raw counts (white: none)")
    fig.colorbar(image, ax=left, label="counts (log scale)")
    # A few cells of extreme size would squeeze the rest.
    shown = np.clip(totals, *np.quantile(totals, [0.001, 0.999]))
    right.hist(shown, bins=np.geomspace(shown.min(), shown.max(), 40), color=BLUE)
    right.axvline(np.median(totals), color=BLACK, ls="--", label=f"median {np.median(totals):,.0f}")
    _depth_axis(right, shown)
    right.set(ylabel="cells", title="Library size", ylim=(0, 1.25 * right.get_ylim()[1]))
    right.legend(loc="upper left")
    return fig


def depth_picture(totals: np.ndarray, sums: Mapping[str, np.ndarray]) -> Figure:
    """Each cell's sum over the kept genes against its library size, a panel an expression unit.

    Parameters
    ----------
    totals
        (n_cells,) raw counts of every cell over all genes.
    sums
        Title of the panel → (n_cells,).
    """
    fig, axes = plt.subplots(1, len(sums), figsize=(4.2 * len(sums), 3.3), squeeze=False)
    for ax, (title, values) in zip(axes.flat, sums.items(), strict=True):
        ax.scatter(totals, values, s=5, color=BLUE, alpha=0.25, lw=0)
        _depth_axis(ax, totals)
        middle = np.median(values)
        # The same number of decades in all panels: flat looks flat.
        ax.set(yscale="log", title=title, ylim=(middle / 12, middle * 12))
    axes[0, 0].set_ylabel("sum over the kept genes (log scale)")
    return fig


def _depth_axis(ax: Axes, totals: np.ndarray) -> None:
    ax.set_xscale("log")
    low, high = np.quantile(totals, [0.0005, 0.9995])
    ax.set_xlim(low * 0.8, high * 1.25)
    ticks = [t for t in (1e3, 2.5e3, 5e3, 1e4, 2e4, 4e4) if low * 0.8 <= t <= high * 1.25]
    ax.set_xticks(ticks, [f"{t:,.0f}" for t in ticks])
    ax.minorticks_off()
    ax.set_xlabel("library size (counts in a cell, log scale)")


def conditions_picture(sizes: pd.Series, kinds: pd.Series) -> Figure:
    """Cells per condition, largest first; control, singles and doubles by colour.

    Parameters
    ----------
    sizes
        Condition → number of cells.
    kinds
        Condition → "control", "single" or "double".
    """
    sizes = sizes.sort_values(ascending=False, kind="stable")
    colours = [KIND_COLOURS[kinds[c]] for c in sizes.index]
    fig, ax = plt.subplots(figsize=(9, 3))
    ax.bar(np.arange(len(sizes)), sizes, color=colours, width=0.85)
    ax.set(yscale="log", xlabel="conditions, largest first", ylabel="cells (log scale)")
    for kind, colour in KIND_COLOURS.items():
        number = int((kinds == kind).sum())
        ax.bar(0, 0, color=colour, label=f"{kind} ({number})")
    ax.legend(title="kind (conditions)")
    ax.margins(x=0.01)
    return fig


def activation_picture(control: pd.Series, perturbed: pd.Series) -> Figure:
    """Mean counts of each target gene in control cells and in its own perturbed cells.

    Parameters
    ----------
    control, perturbed
        Target gene → mean of median-normalised counts.
    """
    order = perturbed.sort_values().index
    fig, ax = plt.subplots(figsize=(9, 3.4))
    x = np.arange(len(order))
    ax.vlines(x, control[order], perturbed[order], color="0.8", lw=2, zorder=1)
    ax.scatter(x, control[order], color=GREY, s=28, label="in control cells", zorder=2)
    ax.scatter(
        x, perturbed[order], color=VERMILLION, marker="D", s=28, label="where targeted", zorder=2
    )
    ax.set_yscale("log")
    ax.set_xticks(x, order, rotation=90, fontsize=8)
    ax.set_ylabel("mean normalised count\n(log scale)")
    ax.legend(loc="upper left")
    ax.margins(x=0.01)
    return fig


def signal_picture(table: pd.DataFrame, marks: Mapping[str, float]) -> Figure:
    """‖δ‖² / V of every condition, singles and doubles in rows of their own.

    Parameters
    ----------
    table
        Columns `kind` and `share` (‖δ‖² / V, noise taken off); values ≤ 0 are drawn at the left
        edge.
    marks
        Label → value, drawn as vertical lines.
    """
    edge = 1e-3
    fig, ax = plt.subplots(figsize=(8, 2.7))
    kinds = [k for k in ("single", "double") if (table["kind"] == k).any()]
    for y, kind in enumerate(kinds):
        shares = np.sort(np.maximum(table.loc[table["kind"] == kind, "share"].to_numpy(), edge))
        # Spread dots by rank, not by chance: the same data give the same picture.
        offset = (np.arange(len(shares)) * 0.618 % 1 - 0.5) * 0.5
        ax.scatter(shares, y + offset, s=26, color=KIND_COLOURS[kind], alpha=0.8, lw=0)
        ax.plot([np.median(shares)] * 2, [y - 0.38, y + 0.38], color=BLACK, lw=2.5)
    for (label, value), dash in zip(marks.items(), ("--", ":", "-."), strict=False):
        ax.axvline(value, color=GREY, ls=dash, lw=1.5, label=label)
    ax.set_yticks(range(len(kinds)), [f"{kind}s" for kind in kinds])
    ax.set(xscale="log", xlim=(edge * 0.8, 2), ylim=(-0.6, len(kinds) - 0.4))
    ticks = [0.001, 0.01, 0.02, 0.1, 1]
    ax.set_xticks(ticks, ["≤ 0.1 %", "1 %", "2 %", "10 %", "100 %"])
    ax.minorticks_off()
    ax.set_xlabel("‖δ‖² / V: effect against spread within the condition (log scale)")
    fig.legend(loc="outside upper right", ncols=len(marks))
    return fig


def components_picture(
    coordinates: np.ndarray, names: Sequence[str], colourings: Mapping[str, np.ndarray]
) -> Figure:
    """The same two components in every panel, coloured by a different thing.

    Parameters
    ----------
    coordinates
        (n_cells, 2).
    names
        Of the two components.
    colourings
        Title → values (n_cells,). NaN values are drawn first, in pale grey; the most extreme
        hundredth on either side shares a colour.

    Raises
    ------
    InputError
        `coordinates` has not two columns.
    """
    if coordinates.ndim != 2 or coordinates.shape[1] != 2:
        raise InputError(f"coordinates are {coordinates.shape}; give two columns.")
    fig, axes = plt.subplots(1, len(colourings), figsize=(4 * len(colourings), 3.5), squeeze=False)
    for ax, (title, values) in zip(axes.flat, colourings.items(), strict=True):
        known = np.isfinite(values)
        low, high = np.quantile(values[known], [0.01, 0.99])
        ax.scatter(*coordinates[~known].T, s=4, color="0.88", lw=0)
        drawn = ax.scatter(
            *coordinates[known].T, c=values[known], s=5, vmin=low, vmax=high, cmap=SEQUENTIAL, lw=0
        )
        fig.colorbar(drawn, ax=ax, shrink=0.85)
        ax.set(title=title, xlabel=names[0], xticks=[], yticks=[])
    axes[0, 0].set_ylabel(names[1])
    return fig


def doubles_picture(
    pairs: Mapping[str, tuple[np.ndarray, np.ndarray]], xlabel: str, ylabel: str
) -> Figure:
    """A double's effect against the sum of its singles' effects, a gene a dot, a panel a double.

    Parameters
    ----------
    pairs
        Title → (sum of the singles' effects, effect of the double), both (genes,).
    xlabel, ylabel
        Of all panels.
    """
    fig, axes = plt.subplots(1, len(pairs), figsize=(2.5 * len(pairs), 3.1), squeeze=False)
    for ax, (title, (total, double)) in zip(axes.flat, pairs.items(), strict=True):
        # The target genes themselves lie far out; they are left out of view.
        reach = 1.1 * np.quantile(np.abs(np.concatenate([total, double])), 0.99)
        ax.plot([-reach, reach], [-reach, reach], color=GREY, lw=1, ls="--", zorder=1)
        ax.scatter(total, double, s=7, color=BLUE, alpha=0.5, lw=0, zorder=2)
        ax.set(title=title, xlim=(-reach, reach), ylim=(-reach, reach), aspect="equal")
        ax.title.set_fontsize(9)
    axes[0, 0].set_ylabel(ylabel)
    fig.supxlabel(xlabel, fontsize=10)
    return fig


def variance_picture(means: np.ndarray, variances: np.ndarray, between: np.ndarray) -> Figure:
    """Per gene: the variance between cells, and the part of it that the conditions explain.

    Parameters
    ----------
    means, variances
        (genes,) over all cells, log1p of median-normalised counts.
    between
        (genes,) share of the variance between condition means, 0 to 1.
    """
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 3.3))
    dots = left.scatter(means, variances, c=np.maximum(between, 0), s=9, cmap=SEQUENTIAL, lw=0)
    fig.colorbar(dots, ax=left, label="share explained by condition")
    left.set(xlabel="mean expression of the gene", ylabel="variance over cells")
    left.set_title("Genes differ in mean and in variance")
    right.hist(100 * between, bins=40, color=BLUE)
    right.axvline(100 * np.median(between), color=BLACK, ls="--", label="median gene")
    right.set(xlabel="variance explained by condition, %", ylabel="genes", yscale="log")
    right.set_title("Genes see the perturbation unequally")
    right.legend()
    return fig


def colours_of(labels: Sequence[str], chosen: str) -> np.ndarray:
    """1 where a label is `chosen`, 0 where it is "control", NaN elsewhere; for a panel of PCA."""
    labels = np.asarray(labels, dtype=object)
    return np.where(labels == chosen, 1.0, np.where(labels == "control", 0.0, np.nan))
