"""A screen in which targets shift latents: the world that SAMS-VAE and sVAE+ assume."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.sparse as sp

from pvae_lib.screen import Screen


@pytest.fixture(scope="session")
def screen_of_shifts() -> Callable:
    """(shifts, doubles) → (screen, latents (n_cells, 3)); shifts: target → {latent: by how much}.

    400 controls, 200 cells a single, 150 a double. Latents are N(0, 1) plus the shifts of every
    target, counts negative binomial around a softmax that is linear in them.
    """

    def make(
        shifts: dict[str, dict[int, float]], doubles: list[str], genes: int = 60
    ) -> tuple[Screen, np.ndarray]:
        rng = np.random.default_rng(0)
        names = np.array(["control", *shifts, *doubles], dtype=object)
        condition = np.repeat(names, [400] + [200] * len(shifts) + [150] * len(doubles))
        z = rng.standard_normal((len(condition), 3))
        for i, label in enumerate(condition):
            for target in label.split("+"):
                for latent, by in shifts.get(target, {}).items():
                    z[i, latent] += by
        share = np.exp(0.35 * z @ rng.standard_normal((3, genes)) + rng.normal(0, 0.5, genes))
        share /= share.sum(1, keepdims=True)
        mu = rng.lognormal(np.log(600), 0.3, (len(condition), 1)) * share
        counts = rng.poisson(rng.gamma(5, mu / 5)).astype(np.float32)
        order = rng.permutation(len(condition))
        screen = Screen.from_counts(
            sp.csr_matrix(counts[order]), condition[order], [f"G{i}" for i in range(genes)]
        )
        return screen, z[order]

    return make


@pytest.fixture(scope="session")
def screen_of_causal_factors() -> Callable:
    """(mixing L (3, n_genes), G (3, 3)) → screen: the world that Discrepancy-VAE and SENA assume.

    Z ~ N(0, I); A, B and C each shift one of its three; U = Z (I − G)⁻¹; x = 6 + U L + noise.
    Counts are so many, and every cell's total the same, that log1p of normalised counts is x.
    """
    shift = {"A": 1.6, "B": -2.0, "C": 1.8}
    cells = {"control": 400, "A": 256, "B": 256, "C": 256, "A+B": 100, "A+C": 100, "B+C": 100}

    def make(mixing: np.ndarray, graph: np.ndarray) -> Screen:
        rng = np.random.default_rng(0)
        condition = np.repeat(np.array([*cells], dtype=object), [*cells.values()])
        z = rng.standard_normal((len(condition), 3))
        for factor, (target, by) in enumerate(shift.items()):
            z[[target in label.split("+") for label in condition], factor] += by
        x = 6 + z @ np.linalg.inv(np.eye(3) - graph) @ mixing
        x += 0.2 * rng.standard_normal(x.shape)
        counts = np.rint(np.expm1(x.clip(0, 12))).astype(np.float32)
        genes = [f"G{i}" for i in range(x.shape[1])]
        total = np.full(len(condition), counts.sum(1).max())
        return Screen.from_counts(sp.csr_matrix(counts), condition, genes, total_counts=total)

    return make


@pytest.fixture(scope="session")
def error_of_means() -> Callable:
    """(method, screen, conditions) → ‖predicted − true mean‖ / ‖control − true mean‖, averaged."""

    def error(method, screen: Screen, conditions: list[str]) -> float:
        controls, control = screen[screen.is_control], screen.mean("control")
        found = []
        for condition in conditions:
            truth = screen.mean(condition)
            predicted = method.predict(controls, condition, 400, seed=0).mean(0)
            found.append(np.linalg.norm(predicted - truth) / np.linalg.norm(control - truth))
        return float(np.mean(found))

    return error
