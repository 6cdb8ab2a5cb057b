import os
import signal

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from pvae_lib.exceptions import InputError
from pvae_lib.learning import PairedBatches, TrainingSettings, train

N, GENES, TARGETS = 96, 6, 3


class Regression(nn.Module):
    """A module that is no PerturbedVAE: the loop knows nothing about it."""

    def __init__(self) -> None:
        super().__init__()
        self.of_u = nn.Linear(TARGETS, GENES)
        nn.init.zeros_(self.of_u.weight)
        nn.init.zeros_(self.of_u.bias)


def squared_error(module, batch):
    error = F.mse_loss(module.of_u(batch["u"]), batch["x"])
    return {"loss": error, "progress": batch["progress"]}


@pytest.fixture
def source() -> PairedBatches:
    rng = np.random.default_rng(0)
    u = np.eye(TARGETS, dtype=np.float32)[rng.integers(0, TARGETS, N)]
    x = (u @ rng.normal(size=(TARGETS, GENES)) + rng.normal(size=(N, GENES))).astype(np.float32)
    cells = np.arange(N)
    return PairedBatches(x, u, cells, cells[:8], batch_size=32, seed=1, noise={})


def test_training_reaches_the_least_squares_solution(source):
    module = Regression()
    train(module, squared_error, source, TrainingSettings(epochs=600, learning_rate=0.02))
    with torch.no_grad():
        found = module.of_u(torch.eye(TARGETS)).numpy()
    u, x = source.u.numpy(), source.rows.x.numpy()
    expected = np.stack([x[u[:, i] == 1].mean(0) for i in range(TARGETS)])
    np.testing.assert_allclose(found, expected, atol=0.02)


def test_the_loop_is_plain_adam_on_the_same_batches(source):
    module, plain = Regression(), Regression()
    history = train(module, squared_error, source, TrainingSettings(epochs=4, learning_rate=0.01))
    adam = torch.optim.Adam(plain.parameters(), lr=0.01)
    losses = []
    for step in range(12):
        batch = source.gather(source.draw(step))
        loss = F.mse_loss(plain.of_u(batch["u"]), batch["x"])
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    torch.testing.assert_close(module.of_u.weight, plain.of_u.weight)
    np.testing.assert_allclose(history["loss"], losses, rtol=1e-5)


def test_history_has_one_row_a_step_and_progress_runs_from_0_towards_1(source):
    history = train(Regression(), squared_error, source, TrainingSettings(epochs=2))
    assert list(history.columns) == ["step", "epoch", "loss", "progress"]
    assert history["step"].tolist() == list(range(6))
    assert history["epoch"].tolist() == [0, 0, 0, 1, 1, 1]
    np.testing.assert_allclose(history["progress"], np.arange(6) / 6, rtol=1e-6)


@pytest.mark.parametrize("keep", ["last", "best"])
def test_interrupted_by_ctrl_c_it_resumes_to_the_same_weights(source, tmp_path, keep):
    settings = TrainingSettings(epochs=10, learning_rate=0.05, keep=keep)
    whole, resumed = Regression(), Regression()
    expected = train(whole, squared_error, source, settings)
    calls = 0

    def interrupting(module, batch):
        nonlocal calls
        calls += 1
        if calls == 23:
            os.kill(os.getpid(), signal.SIGINT)
        return squared_error(module, batch)

    path = tmp_path / "run.safetensors"
    with pytest.raises(KeyboardInterrupt):
        train(resumed, interrupting, source, settings, checkpoint=path)
    assert path.exists() and calls < 30
    fresh = Regression()
    history = train(fresh, squared_error, source, settings, checkpoint=path)
    assert torch.equal(fresh.of_u.weight, whole.of_u.weight)
    assert torch.equal(fresh.of_u.bias, whole.of_u.bias)
    assert history.equals(expected)


def test_ctrl_c_without_a_checkpoint_stops_too_and_gives_the_handler_back(source):
    handler = signal.getsignal(signal.SIGINT)

    def interrupting(module, batch):
        os.kill(os.getpid(), signal.SIGINT)
        return squared_error(module, batch)

    with pytest.raises(KeyboardInterrupt):
        train(Regression(), interrupting, source, TrainingSettings(epochs=2))
    assert signal.getsignal(signal.SIGINT) is handler


def test_a_finished_run_is_not_trained_again(source, tmp_path):
    settings, path = TrainingSettings(epochs=3), tmp_path / "run.safetensors"
    first, second = Regression(), Regression()
    train(first, squared_error, source, settings, checkpoint=path)
    stamp = path.read_bytes()
    train(second, squared_error, source, settings, checkpoint=path)
    assert torch.equal(first.of_u.weight, second.of_u.weight)
    assert path.read_bytes() == stamp


def test_best_keeps_the_epoch_with_the_lowest_loss_of_the_last_two_fifths(source):
    seen = []

    def noted(module, batch):
        seen.append(module.of_u.bias.detach().clone())
        return squared_error(module, batch)

    module = Regression()
    settings = TrainingSettings(epochs=10, learning_rate=0.5, keep="best")
    history = train(module, noted, source, settings)
    by_epoch = history.groupby("epoch")["loss"].mean()
    best = by_epoch[by_epoch.index >= 6].idxmin()
    after = seen[1:] + [None]  # seen[0] is the look at the terms before training
    assert best < 9, "the learning rate is meant to make the last epoch not the best"
    assert torch.equal(module.of_u.bias, after[3 * (best + 1)])


def test_checkpoint_of_another_run_is_refused(source, tmp_path):
    path = tmp_path / "run.safetensors"
    settings = TrainingSettings(epochs=1)
    train(Regression(), squared_error, source, settings, checkpoint=path, identity={"alpha": 1})
    before = path.read_bytes()
    with pytest.raises(InputError, match="alpha was 1, is 2"):
        train(Regression(), squared_error, source, settings, checkpoint=path, identity={"alpha": 2})
    assert path.read_bytes() == before


def test_divergence_is_said_and_never_written(source, tmp_path):
    def exploding(module, batch):
        terms = squared_error(module, batch)
        return {"loss": terms["loss"] / 0.0}

    path = tmp_path / "run.safetensors"
    with pytest.raises(InputError, match="diverged"):
        train(Regression(), exploding, source, TrainingSettings(epochs=1), checkpoint=path)
    assert not path.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"epochs": 1.5},
        {"epochs": "3"},
        {"epochs": True},
        {"learning_rate": 0.0},
        {"learning_rate": -1.0},
        {"learning_rate": float("inf")},
        {"learning_rate": float("nan")},
        {"learning_rate": "1e-4"},
        {"keep": "first"},
        {"checkpoint_every": 0},
        {"checkpoint_seconds": "60"},
    ],
)
def test_settings_without_meaning_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        TrainingSettings(**wrong)
