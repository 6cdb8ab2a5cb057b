"""Names for programs: the perturbation that moves one most, the genes it is read out in, groups."""

from dataclasses import dataclass

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage
from sklearn.metrics import silhouette_score

# The paper shows 7 programs. How it found them is not stated.
N_PROGRAMS = 7
TOP_GENES = 10


@dataclass(frozen=True, eq=False)
class Labels:
    """Names of d programs and the direction in which their perturbation moves them."""

    target: np.ndarray
    """(d,) the training perturbation that moves each program most; one may name several."""
    sign: np.ndarray
    """(d,) +1 where it raises the program, −1 where it lowers it. A latent's own sign is free:
    `weights * sign[:, None] * sign` are weights between programs that their perturbation raises."""
    genes: np.ndarray
    """(d, k) indices of the genes whose decoded expression the program moves most."""


def label(
    effect: np.ndarray, sd: np.ndarray, readout: np.ndarray, conditions: tuple[str, ...]
) -> Labels:
    """Labels from effects (C, d) in units of sd (d,), and the decoder's slopes (d, G)."""
    moved = standardised_effects(effect, sd)  # (C, d)
    most = np.abs(moved).argmax(0)
    return Labels(
        target=np.array(conditions, dtype=object)[most],
        sign=np.where(moved[most, np.arange(len(sd))] < 0, -1, 1),
        genes=np.argsort(-np.abs(readout), axis=1, kind="stable")[:, :TOP_GENES],
    )


def standardised_effects(effect: np.ndarray, sd: np.ndarray) -> np.ndarray:
    """(C, d) effects in standard deviations of the program; 0 for one that does not vary."""
    return np.divide(effect, sd, out=np.zeros_like(effect), where=sd > 0)


def oriented(weights: np.ndarray, labels: Labels) -> np.ndarray:
    """(d, d) weights between programs turned so that each one's own perturbation raises it."""
    return weights * labels.sign[:, None] * labels.sign


def groups(effects: np.ndarray, n_groups: int = N_PROGRAMS) -> np.ndarray:
    """(C,) group of each perturbation: Ward's hierarchy of its effects (C, …), cut into n."""
    return fcluster(linkage(effects, method="ward"), n_groups, criterion="maxclust")


def best_number_of_groups(effects: np.ndarray, most: int = 10) -> tuple[int, dict[int, float]]:
    """The number of groups (from 2) with the best mean silhouette, and every number's."""
    found = {
        k: float(silhouette_score(effects, groups(effects, k)))
        for k in range(2, min(most, len(effects) - 1) + 1)
    }
    return max(found, key=found.get), found
