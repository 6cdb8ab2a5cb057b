"""Showing a figure in a notebook, with words for those who cannot see it."""

import io
from html import escape

from matplotlib import pyplot as plt
from matplotlib.figure import Figure

from pvae_lib.exceptions import InputError

DPI = 100
SHORTEST_ALT = 20


def show(fig: Figure, alt: str) -> None:
    """Display the figure as a PNG with its alternative text, and close it.

    The text goes into the output's metadata, which the exported page reads. JupyterLab leaves those
    aside, so the text also follows the picture as a fold-out line, "Figure in words".

    Parameters
    ----------
    fig : the figure.
    alt : what the picture shows, in a sentence: axes, groups, and what is to be seen.

    Raises
    ------
    InputError
        The alternative text is missing or too short to say anything.
    """
    from IPython.display import HTML, display

    alt = " ".join(str(alt).split())
    if len(alt) < SHORTEST_ALT:
        raise InputError(
            f"show() needs a sentence that says what the figure shows (≥ {SHORTEST_ALT} "
            f"characters), got {alt!r}."
        )
    buffer = io.BytesIO()
    # No software version in the file: the same figure gives the same bytes after an upgrade.
    fig.savefig(buffer, format="png", dpi=DPI, bbox_inches="tight", metadata={"Software": None})
    plt.close(fig)
    display(
        {"image/png": buffer.getvalue(), "text/plain": f"<Figure: {alt}>"},
        metadata={"image/png": {"alt": alt}},
        raw=True,
    )
    display(HTML(f"<details><summary>Figure in words</summary>{escape(alt)}</details>"))
