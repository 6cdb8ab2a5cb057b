import numpy as np
import pytest
import torch

from pvae_lib.model.mmd import mmd, mmd_within_conditions

U = torch.tensor([[1.0, 0, 0], [0, 1, 0], [1, 1, 0], [1, 0, 0], [1, 1, 0], [1, 1, 0], [0, 0, 0]])


def kernel(a: np.ndarray, b: np.ndarray) -> float:
    return sum(np.exp(-np.sum((a - b) ** 2) / (31.25 * 2**i)) for i in range(10))


def test_it_is_the_mean_over_pairs_of_different_cells_of_one_condition():
    rng = np.random.default_rng(0)
    x_hat, x = rng.normal(2, 1, (7, 12)), rng.normal(3, 2, (7, 12))
    found = mmd_within_conditions(*(torch.tensor(a) for a in (x_hat, x)), U)
    pairs = [(0, 3), (2, 4), (2, 5), (4, 5)]  # the second and the last cell are alone
    expected = [
        kernel(x_hat[i], x_hat[j]) + kernel(x[i], x[j])
        - kernel(x_hat[i], x[j]) - kernel(x_hat[j], x[i])
        for i, j in pairs
    ]  # fmt: skip
    assert float(found) == pytest.approx(np.mean(expected), rel=1e-9)


def test_without_a_pair_it_is_nothing_and_pushes_nothing():
    x_hat = torch.randn(3, 5, requires_grad=True)
    found = mmd_within_conditions(x_hat, torch.randn(3, 5), torch.eye(3))
    found.backward()
    assert float(found.detach()) == 0 and torch.equal(x_hat.grad, torch.zeros(3, 5))


@pytest.fixture(scope="module")
def batches() -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """400 mixed batches: 12 conditions, each with its mean; x and x_hat of one distribution."""
    g = torch.Generator().manual_seed(0)
    means = 3 * torch.randn(12, 20, generator=g)
    found = []
    for _ in range(400):
        condition = torch.randint(12, (24,), generator=g)
        x_hat, x = means[condition] + 1.5 * torch.randn(2, 24, 20, generator=g)
        found.append((x_hat, x, torch.eye(12)[condition]))
    return found


def mean(values) -> tuple[float, float]:
    """Mean and its standard error."""
    values = np.array([float(v) for v in values])
    return values.mean(), values.std() / np.sqrt(len(values))


def test_clouds_of_one_distribution_read_zero_on_average(batches):
    found, error = mean(mmd_within_conditions(*batch) for batch in batches)
    assert abs(found) < 4 * error < 0.1


def test_cells_that_are_too_close_together_read_more(batches):
    def narrowed(x_hat, x, u):
        centre = torch.linalg.lstsq(u, x_hat).solution  # the batch's mean of each condition
        return u @ centre + 0.3 * (x_hat - u @ centre), x, u

    found, error = mean(mmd_within_conditions(*narrowed(*batch)) for batch in batches)
    assert found > 10 * error


def test_swapped_conditions_are_seen_only_within_conditions(batches):
    swapped = [(x_hat.roll(1, 0), x, u) for x_hat, x, u in batches]
    found, error = mean(mmd_within_conditions(*batch) for batch in swapped)
    assert found > 10 * error
    pooled = [mean(mmd(x_hat, x) for x_hat, x, _ in each)[0] for each in (batches, swapped)]
    assert pooled[0] == pytest.approx(pooled[1], rel=1e-4)
