import numpy as np
import pytest
import torch

from pvae_lib import splits
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.screen import Screen

TARGETS = ("A", "B", "C")


@pytest.fixture(scope="session")
def small_screen() -> Screen:
    """Three singles, one double and controls; A raises gene g0 threefold, B gene g1, C gene g2."""
    rng = np.random.default_rng(0)
    labels = ["control", *TARGETS, "A+B"]
    condition = np.repeat(labels, 60)
    rate = np.full((len(condition), 12), 5.0)
    for k, target in enumerate(TARGETS):
        rate[[target in label.split("+") for label in condition], k] = 15.0
    # Totals over all genes of the source, so that a risen gene does not press the others down.
    return Screen.from_counts(
        rng.poisson(rate).astype(np.float32),
        condition,
        [f"g{k}" for k in range(12)],
        name="small",
        total_counts=np.full(len(condition), 1000.0),
    )


@pytest.fixture(scope="session")
def small_split(small_screen):
    return splits.doubles_with_both_singles(small_screen)


@pytest.fixture(scope="session")
def known() -> np.ndarray:
    """Program 0 → 1 strongly up, 1 → 2 down, 0 → 2 not at all; in the network's units."""
    return np.array([[0, 0, 0], [0.8, 0, 0], [0, -0.6, 0]], np.float32)


@pytest.fixture(scope="session")
def plant():
    """Set a linear SCM of three programs: Λνν as given, Λνι = 0, μν = u, βν near softplus(0)."""

    def set_(scm, Lambda: np.ndarray) -> None:
        with torch.no_grad():
            scm.of_u.weight.zero_()
            scm.of_u.bias.zero_()
            scm.of_u.bias[:9] = torch.from_numpy(Lambda.astype(np.float32)).flatten()
            scm.of_u.weight[15:18] = torch.eye(3)

    return set_


@pytest.fixture
def planted(small_screen, small_split, plant, known) -> PerturbedVAEMethod:
    """A network whose Λνν is `known` whatever u, and in which target k shifts program k by 1."""
    method = PerturbedVAEMethod(
        d_nu=3, d_iota=2, hidden=8, mechanism="linear", epochs=1, batch_size=32, learning_rate=1e-3
    ).fit(small_screen, small_split)
    plant(method.network_.scm, known)
    return method
