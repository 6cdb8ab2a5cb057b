"""Every picture: from tidy tables or arrays to a matplotlib Figure; `show` displays it."""

from pvae_lib.figures.show import show
from pvae_lib.figures.style import use_style

__all__ = ["show", "use_style"]
