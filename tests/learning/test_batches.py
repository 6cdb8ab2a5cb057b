import subprocess
import sys

import numpy as np
import pytest
import scipy.sparse as sp
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.learning import PairedBatches

N, GENES = 50, 12
CONTROLS = np.arange(40, 50)
CELLS = np.arange(0, 37)


@pytest.fixture
def x() -> np.ndarray:
    rng = np.random.default_rng(0)
    return (rng.random((N, GENES)) * (rng.random((N, GENES)) < 0.15)).astype(np.float32)


@pytest.fixture
def u() -> np.ndarray:
    return np.eye(N, 6, dtype=np.float32)


def batches(x, u, **changes) -> PairedBatches:
    settings = {"batch_size": 8, "seed": 0, "noise": {"noise_a": 2, "noise_b": 3}, **changes}
    return PairedBatches(x, u, CELLS, CONTROLS, **settings)


def batch(source: PairedBatches, step: int) -> dict:
    return source.gather(source.draw(step))


def test_an_epoch_visits_cells_at_most_once_and_epochs_differ(x, u):
    source = batches(x, u)
    assert source.steps_per_epoch == 4
    orders = []
    for epoch in range(2):
        index = torch.stack([source.draw(epoch * 4 + i)["index"] for i in range(4)])
        cells, controls = index[:, :8].flatten().numpy(), index[:, 8:].flatten().numpy()
        assert len(set(cells)) == 32 and set(cells) <= set(CELLS)
        assert set(controls) <= set(CONTROLS)
        orders.append((cells, controls))
    assert not np.array_equal(orders[0][0], orders[1][0])
    assert not np.array_equal(orders[0][1], orders[1][1])


def test_a_step_is_a_function_of_its_number(x, u):
    forward, backward = batches(x, u), batches(x, u)
    steps = range(9)
    ahead = {s: forward.draw(s) for s in steps}
    for s in reversed(steps):
        for name, drawn in backward.draw(s).items():
            assert torch.equal(drawn, ahead[s][name])


@pytest.mark.parametrize("pairing", ["random", "nearest", "optimal_transport"])
def test_dense_and_sparse_data_give_the_same_batch(x, u, pairing):
    dense = batch(batches(x, u, pairing=pairing), 3)
    sparse = batch(batches(sp.csr_matrix(x), u, pairing=pairing), 3)
    rows, transposed = sparse.pop("cells")
    cells = dense.pop("cells")
    torch.testing.assert_close(rows.to_dense(), cells)
    torch.testing.assert_close(transposed.to_dense(), cells.T)
    for name in dense:
        torch.testing.assert_close(dense[name], sparse[name])
    assert dense["noise_a"].shape == (8, 2) and dense["noise_b"].shape == (8, 3)


def test_sparse_data_with_many_non_zeros_is_multiplied_dense(u):
    full = np.ones((N, GENES), np.float32)
    assert torch.equal(batch(batches(sp.csr_matrix(full), u), 0)["cells"], torch.ones(16, GENES))


def test_rows_belong_to_the_drawn_cells(x, u):
    source = batches(x, u)
    draws = source.draw(5)
    index = draws["index"].numpy()
    found = source.gather(draws)
    np.testing.assert_array_equal(found["x"], x[index[:8]])
    np.testing.assert_array_equal(found["cells"], x[index])
    np.testing.assert_array_equal(found["u"], u[index[:8]])


def test_matched_controls_are_nearer_than_random_ones(x, u):
    def distance(pairing):
        source = batches(x, u, pairing=pairing)
        index = np.stack([source.draw(s)["index"].numpy() for s in range(20)])
        gaps = x[index[:, :8]] - x[index[:, 8:]]
        return (gaps**2).sum(-1).mean()

    assert distance("nearest") < distance("optimal_transport") < distance("random")


def test_given_pairs_are_kept(x, u):
    given = np.resize(CONTROLS, N)
    index = batches(x, u, pairing="given", given=given).draw(7)["index"].numpy()
    np.testing.assert_array_equal(index[8:], given[index[:8]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"batch_size": 38}, "batch_size=38 does not fit 37"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"pairing": "telepathy"}, "telepathy"),
        ({"pairing": "given"}, "go together"),
        ({"given": np.zeros(N, int)}, "go together"),
        ({"pairing": "given", "given": np.full(N, N)}, "one control index"),
        ({"pairing": "given", "given": np.zeros(3, int)}, "3 entries"),
        ({"pairing": "given", "given": np.zeros(N)}, "a whole number"),
        ({"pairing": "given", "given": ["0"] * N}, "a whole number"),
        ({"batch_size": 8.0}, "batch_size=8.0"),
        ({"batch_size": "8"}, "batch_size='8'"),
    ],
)
def test_unusable_settings_are_refused(x, u, changes, message):
    with pytest.raises(InputError, match=message):
        batches(x, u, **changes)


def test_no_controls_is_refused(x, u):
    with pytest.raises(InputError, match="no control cells"):
        PairedBatches(x, u, CELLS, [], batch_size=8, seed=0, noise={})


def test_torch_is_not_heard_on_sparse_tensors(x, u):
    # torch says it once a process, at the first tensor: only another process has not heard it.
    code = (
        "import numpy as np, scipy.sparse as sp, torch\n"
        "from pvae_lib.learning.batches import SparseRows\n"
        "rows = SparseRows(sp.eye(20, format='csr', dtype=np.float32))\n"
        "rows.sparse_products = True\n"
        "rows.first_half_and_all(torch.arange(4))\n"
    )
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
