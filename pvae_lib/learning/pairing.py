"""Which control cell stands beside each perturbed cell of a batch.

The paper draws it at random for every perturbed cell (Algorithm 1). The others are switches of
ours: "nearest" and "optimal_transport" choose among a batch of random controls by Euclidean
distance of expression; "given" takes pairs from outside, which only a simulation can know to
share their background (counterfactual pairs).
"""

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from pvae_lib.exceptions import InputError

PAIRINGS = ("random", "nearest", "optimal_transport", "given")


def check_pairing(pairing: str) -> None:
    """Raise InputError for an unknown pairing."""
    if pairing not in PAIRINGS:
        raise InputError(f"pairing={pairing!r} is unknown: choose one of {', '.join(PAIRINGS)}.")


def match(pairing: str, x: Tensor, candidates: Tensor) -> np.ndarray:
    """For each cell of x (B, n_genes) the position of its control among candidates (M, n_genes).

    "nearest" may use a candidate many times; "optimal_transport" uses each at most once and
    minimises the sum of squared distances (M ≥ B).
    """
    distance = torch.cdist(x, candidates)  # (B, M)
    if pairing == "nearest":
        return distance.argmin(1).cpu().numpy()
    rows, columns = linear_sum_assignment(distance.square().cpu().numpy())
    return columns[np.argsort(rows)]


def check_partners(given: np.ndarray, cells: np.ndarray, controls: np.ndarray) -> None:
    """Refuse given partners (n,) of the training `cells` that are not among the `controls`.

    A held-out or a perturbed cell as partner would be learned from. Not asked of a simulation,
    whose counterfactual controls are no cells of its screen.

    Raises
    ------
    InputError
        The number of such cells and the first of them.
    """
    stray = cells[~np.isin(given[cells], controls)]
    if len(stray):
        raise InputError(
            f"given pairs {len(stray)} training cells with cells that are no training controls "
            f"(cell {stray[0]} with {given[stray[0]]}): choose partners among the training "
            "controls."
        )
