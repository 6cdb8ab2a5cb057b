import numpy as np
import pytest
import scipy.sparse as sp
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.learning.count_batches import CountBatches

COUNTS = np.random.default_rng(0).poisson(1.0, (30, 6)).astype(np.float32)
TOTAL = COUNTS.sum(1) + 20


def make(seed: int = 0, batch_size: int = 8) -> CountBatches:
    u = np.eye(30, dtype=np.float32)  # names the cell
    noise = {"of_cells": (None, 3), "shared": (4, 2)}
    cells = np.arange(5, 30)
    return CountBatches(
        sp.csr_matrix(COUNTS), TOTAL, 25.0, u, cells, batch_size=batch_size, seed=seed, noise=noise
    )


def test_a_batch_holds_counts_totals_expression_labels_and_noise():
    batches = make()
    batch = batches.gather(batches.draw(1))
    cells = batch["u"].argmax(1).numpy()
    np.testing.assert_array_equal(batch["counts"], COUNTS[cells])
    np.testing.assert_array_equal(batch["total"][:, 0], TOTAL[cells])
    expected = np.log1p(COUNTS[cells] * 25 / TOTAL[cells, None])
    np.testing.assert_allclose(batch["x"], expected, rtol=1e-5)
    assert batch["of_cells"].shape == (8, 3) and batch["shared"].shape == (4, 2)
    assert not torch.equal(batch["of_cells"][:4, :2], batch["shared"])


def test_every_cell_comes_at_most_once_an_epoch_and_only_training_cells():
    batches = make()
    assert batches.steps_per_epoch == 3
    epochs = [torch.cat([batches.draw(3 * e + i)["index"] for i in range(3)]) for e in (0, 1)]
    for cells in epochs:
        assert len(set(cells.tolist())) == 24 and cells.min() >= 5
    assert not torch.equal(*epochs)


def test_a_step_is_the_same_whatever_was_drawn_before_it():
    straight, resumed = make(), make()
    for step in range(7):
        wanted = straight.draw(step)
    found = resumed.draw(6)
    assert all(torch.equal(wanted[name], found[name]) for name in wanted)
    assert not torch.equal(make(seed=1).draw(6)["shared"], found["shared"])


def test_a_batch_larger_than_the_data_is_refused():
    with pytest.raises(InputError, match="batch_size=26"):
        make(batch_size=26)
