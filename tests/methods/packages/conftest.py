"""A screen small enough to train a package on in seconds, with effects too large to miss."""

import pickle

import numpy as np
import pytest
from joblib.externals.loky.backend.reduction import dumps

from pvae_lib import splits
from pvae_lib.screen import Screen

LABELS = ["control"] * 60 + ["A"] * 40 + ["B"] * 40 + ["C"] * 40 + ["A+B"] * 30
N_GENES = 30
MOVED = {"A": slice(0, 8), "B": slice(8, 16), "C": slice(16, 24)}


@pytest.fixture(scope="session")
def peers_screen():
    """Genes g0-g7 rise fourfold under A, g8-g15 fall to a quarter under B, C moves others."""
    rng = np.random.default_rng(0)
    rates = np.tile(rng.uniform(4, 12, N_GENES), (len(LABELS), 1))
    rates *= rng.gamma(20, 1 / 20, (len(LABELS), 1))  # depth of a cell
    for i, label in enumerate(LABELS):
        for gene, fold in (("A", 4.0), ("B", 0.25), ("C", 3.0)):
            if gene in label.split("+"):
                rates[i, MOVED[gene]] *= fold
    counts = rng.poisson(rates)
    names = ["A", "B", "C", *(f"g{i}" for i in range(3, N_GENES))]
    # Totals over more genes than are kept, so that what is kept may grow.
    return Screen.from_counts(
        counts, LABELS, names, total_counts=counts[:, 24:].sum(axis=1) * 20 + counts.sum(axis=1)
    )


@pytest.fixture(scope="session")
def peers_split(peers_screen):
    return splits.doubles_with_both_singles(peers_screen)


@pytest.fixture(scope="session")
def peers_controls(peers_screen):
    return peers_screen[peers_screen.is_control]


@pytest.fixture
def handed_back():
    """A fitted method as `fit_seeds` receives it: through the pickler of loky, joblib's processes.

    What is read back was written a moment before by the test itself, so nothing foreign can run.
    """
    return lambda method: pickle.loads(dumps(method))


@pytest.fixture
def no_network(monkeypatch):
    """Any connection is an error."""
    import socket

    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked for")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def changes(screen, cells):
    """(n_genes,) mean of predicted or true cells minus the mean of the controls."""
    return np.asarray(cells).mean(axis=0) - screen.mean("control")


@pytest.fixture
def correlation(peers_screen, peers_split, peers_controls):
    """ΔPearson of a fitted method's prediction of the unseen double."""

    def of(method, condition="A+B"):
        cells = method.predict(peers_controls, condition, 60, 0)
        true = changes(peers_screen, peers_screen.dense(peers_screen.cells_of(condition)))
        return np.corrcoef(changes(peers_screen, cells), true)[0, 1]

    return of
