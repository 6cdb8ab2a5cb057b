"""A step recorded as a CUDA graph is the eager step. Needs a GPU; skipped without one."""

import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

from pvae_lib.learning import PairedBatches, TrainingSettings, train
from pvae_lib.learning.loop import Run
from pvae_lib.learning.randomness import seeded_initialisation
from pvae_lib.model import Objective, ObjectiveConfig, PerturbedVAE, PerturbedVAEConfig

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")

SETTINGS = TrainingSettings(epochs=2, learning_rate=1e-3)
STEPS = 20  # 2 epochs of 160 // 16 steps
IDENTITY = {"run": "capture"}


def started() -> tuple[PerturbedVAE, PairedBatches]:
    rng = np.random.default_rng(0)
    x = rng.random((200, 40), dtype=np.float32)
    u = np.eye(5, dtype=np.float32)[rng.integers(0, 5, 200)]
    with seeded_initialisation(0):
        model = PerturbedVAE(PerturbedVAEConfig(40, 5, d_nu=3, d_iota=4, hidden=16))
    noise = {"noise_nu": 3, "noise_iota": 4}
    cells, controls = np.arange(160), np.arange(160, 200)
    batches = PairedBatches(
        x, u, cells, controls, batch_size=16, seed=0, noise=noise, device="cuda"
    )
    return model.to(batches.device), batches


def new_run(**weights: float) -> Run:
    model, batches = started()
    return Run(model, Objective(ObjectiveConfig(**weights)), batches, SETTINGS, IDENTITY)


def recorded(run: Run) -> Run:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # capture falls back to the eager step with a warning
        run.prepare()
    assert run._update != run._eager_update
    return run


def state(run: Run) -> list[torch.Tensor]:
    moments = [t for moment in run.adam.state.values() for t in moment.values()]
    return [t.detach().clone() for t in (*run.module.state_dict().values(), *moments)]


def advance(run: Run, steps: int) -> Run:
    for _ in range(steps):
        run.advance()
    torch.cuda.synchronize()
    return run


def assert_same(found: Run, expected: Run) -> None:
    torch.testing.assert_close(found.log, expected.log, rtol=1e-4, atol=1e-6)
    for a, b in zip(state(found), state(expected), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("w_mmd", [0.0, 1.0])
def test_recorded_steps_are_the_eager_steps(w_mmd):
    eager = advance(new_run(w_mmd=w_mmd), STEPS)
    replayed = advance(recorded(new_run(w_mmd=w_mmd)), STEPS)
    assert_same(replayed, eager)
    before = state(new_run())
    assert any(not torch.equal(a, b) for a, b in zip(before, state(replayed), strict=True))


@pytest.mark.parametrize("done", [0, 5])
def test_recording_puts_the_state_back(done):
    run = advance(new_run(), done)
    before, log = state(run), run.log.clone()
    recorded(run)
    assert run.step == done and torch.equal(run.log, log)
    for a, b in zip(state(run), before, strict=True):
        assert torch.equal(a, b)


def test_a_resumed_run_ends_like_one_left_alone(tmp_path: Path):
    path = tmp_path / "run.safetensors"
    advance(recorded(new_run()), 7).save(path)
    resumed = new_run()
    resumed.restore(path)
    assert resumed.step == 7
    whole = advance(recorded(new_run()), STEPS)
    assert_same(advance(recorded(resumed), STEPS - 7), whole)

    model, batches = started()
    history = train(
        model,
        Objective(ObjectiveConfig()),
        batches,
        SETTINGS,
        checkpoint=path,
        identity=IDENTITY,
    )
    assert len(history) == STEPS and np.isfinite(history["loss"]).all()
    weight = model.f_enc[0].weight
    torch.testing.assert_close(weight, whole.module.f_enc[0].weight, rtol=1e-4, atol=1e-6)
