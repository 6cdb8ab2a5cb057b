"""Colours and sizes of every figure: readable, and told apart by colour-blind readers."""

import matplotlib as mpl

# Okabe and Ito's palette, https://jfly.uni-koeln.de/color/
BLACK = "#000000"
ORANGE = "#E69F00"
SKY_BLUE = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#F0E442"
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#7F7F7F"  # for what is only a background: references, controls

# Yellow comes last: it is faint on white.
OKABE_ITO = (BLUE, ORANGE, GREEN, VERMILLION, SKY_BLUE, PURPLE, BLACK, YELLOW)
# Ordered values (heat maps, densities).
SEQUENTIAL = "cividis"


def use_style() -> None:
    """Set the house's figure style for this session."""
    mpl.rcParams.update(
        {
            "axes.grid": False,
            "axes.prop_cycle": mpl.cycler(color=OKABE_ITO),
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "figure.constrained_layout.use": True,
            "figure.figsize": (6.4, 3.8),
            "font.size": 10,
            "image.cmap": SEQUENTIAL,
            "legend.frameon": False,
            "savefig.facecolor": "white",
        }
    )
