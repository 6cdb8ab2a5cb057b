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
