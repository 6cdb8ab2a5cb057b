import numpy as np
import pytest
import scipy.sparse as sp
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.learning.condition_batches import ConditionBatches

N, GENES = 60, 5
CONTROLS, CELLS = np.arange(50, 60), np.arange(0, 47)  # cells 47-49 are held out
CONDITION = np.repeat([0, 1, 2, 3], [20, 20, 10, 10])  # of 20, 20 and 7 training cells


@pytest.fixture
def x() -> np.ndarray:
    return np.arange(N * GENES, dtype=np.float32).reshape(N, GENES)


@pytest.fixture
def u() -> np.ndarray:
    return np.vstack([np.eye(3, dtype=np.float32), np.zeros((1, 3), np.float32)])[CONDITION]


def batches(x, u, **changes) -> ConditionBatches:
    settings = {"batch_size": 8, "seed": 0, "noise": {"noise": 2}, **changes}
    return ConditionBatches(x, u, CELLS, CONTROLS, **settings)


def test_every_batch_is_one_condition_beside_controls(x, u):
    source = batches(x, u)
    for step in range(12):
        draws = source.draw(step)
        cells, controls = draws["index"].numpy().reshape(2, 8)
        batch = source.gather(draws)
        (label,) = set(CONDITION[cells])
        np.testing.assert_array_equal(batch["u"].numpy(), u[cells[:1]])
        np.testing.assert_array_equal(batch["x"].numpy(), x[cells])
        np.testing.assert_array_equal(batch["x_control"].numpy(), x[controls])
        assert label != 3 and set(cells) <= set(CELLS) and set(controls) <= set(CONTROLS)
        assert batch["noise"].shape == (8, 2)


def test_an_epoch_deals_each_cell_once_and_a_small_condition_fills_its_batch(x, u):
    source = batches(x, u)
    assert source.steps_per_epoch == 2 + 2 + 1
    seen = []
    for epoch in range(2):
        steps = range(epoch * 5, epoch * 5 + 5)
        cells = np.stack([source.draw(step)["index"][:8].numpy() for step in steps])
        times = np.bincount(cells.ravel(), minlength=N)
        assert times[:40].sum() == 32 and times[:40].max() == 1
        assert sorted(times[40:47]) == [1] * 6 + [2]  # seven cells fill eight places
        seen.append(cells)
    assert not np.array_equal(*seen)


def test_a_step_is_a_function_of_its_number_and_the_seed(x, u):
    ahead = [batches(x, u).draw(step) for step in range(11)]
    source = batches(sp.csr_matrix(x), u)
    for step in reversed(range(11)):
        for name, drawn in source.draw(step).items():
            assert torch.equal(drawn, ahead[step][name])
    assert not torch.equal(batches(x, u, seed=1).draw(0)["index"], ahead[0]["index"])


@pytest.mark.parametrize(
    ("cells", "controls", "size", "message"),
    [
        (CELLS[:0], CONTROLS, 8, "no perturbed cells"),
        (CELLS, CONTROLS[:0], 8, "no control cells"),
        (CELLS, CONTROLS, 0, "batch_size"),
    ],
)
def test_unusable_input_is_refused(x, u, cells, controls, size, message):
    with pytest.raises(InputError, match=message):
        ConditionBatches(x, u, cells, controls, batch_size=size, seed=0, noise={})
