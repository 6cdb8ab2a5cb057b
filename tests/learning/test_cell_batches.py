"""Batches of cells alone: every cell once an epoch, all draws a function of seed and step."""

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.learning.cell_batches import CellBatches

X = np.arange(120, dtype=np.float32).reshape(12, 10)
CELLS = np.arange(1, 12)


def batches(x=X, **options) -> CellBatches:
    return CellBatches(x, CELLS, **{"batch_size": 4, "seed": 0, **options})


@pytest.mark.parametrize("x", [X, sp.csr_matrix(X)], ids=["dense", "sparse"])
def test_rows_are_those_of_the_index(x):
    made = batches(x)
    batch = made.gather(made.draw(1))
    assert torch.equal(batch["x"], torch.from_numpy(X[batch["index"]]))
    assert set(batch) == {"x", "index"}


def test_an_epoch_shows_no_cell_twice_and_the_next_another_order():
    made = batches()
    assert made.steps_per_epoch == 2
    epochs = [torch.cat([made.draw(2 * e + s)["index"] for s in (0, 1)]) for e in range(8)]
    for epoch in epochs:
        assert len(set(epoch.tolist())) == 8 and set(epoch.tolist()) <= set(CELLS)
    assert not torch.equal(epochs[0], epochs[1])
    assert set(torch.cat(epochs).tolist()) == set(CELLS)  # those left out come in other epochs


def test_draws_depend_on_seed_and_step_alone():
    made, again = batches(noise=3, hide=0.5), batches(noise=3, hide=0.5)
    for step in (0, 1, 5):
        made.draw(step)
    drawn, other = made.draw(3), batches(noise=3, hide=0.5, seed=1).draw(3)
    for name, value in again.draw(3).items():
        assert torch.equal(value, drawn[name])
        assert not torch.equal(value, other[name])


def test_noise_is_standard_normal_and_the_hidden_share_as_asked():
    made = CellBatches(np.zeros((64, 200), np.float32), np.arange(64), batch_size=64, seed=0,
                       noise=200, hide=0.3)  # fmt: skip
    drawn = made.draw(0)
    assert set(drawn["hidden"].unique().tolist()) == {0, 1}
    assert float(drawn["hidden"].mean()) == pytest.approx(0.3, abs=0.02)  # five standard errors
    assert float(drawn["noise"].mean()) == pytest.approx(0, abs=0.05)
    assert float(drawn["noise"].std()) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("size", [0, 12, 2.5])
def test_a_batch_that_does_not_fit_is_refused(size):
    with pytest.raises(InputError, match="batch_size"):
        batches(batch_size=size)
