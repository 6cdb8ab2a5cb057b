import itertools

import numpy as np
import pytest
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.learning.pairing import check_pairing, check_partners, match


@pytest.fixture
def points() -> tuple[torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    x, candidates = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    return torch.from_numpy(x).float(), torch.from_numpy(candidates).float()


def test_nearest_is_the_brute_force_nearest(points):
    x, candidates = (p.numpy() for p in points)
    expected = [np.argmin(((c - candidates) ** 2).sum(1)) for c in x]
    np.testing.assert_array_equal(match("nearest", *points), expected)


def test_optimal_transport_is_the_cheapest_of_all_permutations(points):
    x, candidates = (p.numpy() for p in points)
    cost = ((x[:, None] - candidates[None]) ** 2).sum(-1)
    cheapest = min(
        itertools.permutations(range(5)), key=lambda p: sum(cost[i, j] for i, j in enumerate(p))
    )
    np.testing.assert_array_equal(match("optimal_transport", *points), cheapest)


def test_unknown_pairing_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="random, nearest, optimal_transport, given"):
        check_pairing("telepathy")


def test_partners_outside_the_training_controls_are_refused():
    given, controls = np.array([3, 4, 3, 0, 0]), np.array([3, 4])
    check_partners(given, np.array([0, 1, 2]), controls)  # the controls' own entries play no part
    with pytest.raises(InputError, match=r"1 training cells .*cell 2 with 1"):
        check_partners(np.array([3, 4, 1, 0, 0]), np.array([0, 1, 2]), controls)
