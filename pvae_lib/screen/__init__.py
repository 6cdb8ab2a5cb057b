"""A Perturb-seq screen: cells, genes and what was perturbed in each cell."""

from pvae_lib.screen.labels import CONTROL, SEPARATOR, canonical_label
from pvae_lib.screen.screen import Screen

__all__ = ["CONTROL", "SEPARATOR", "Screen", "canonical_label"]
