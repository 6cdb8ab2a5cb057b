import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.learning import checkpoint

SCRIPT = Path(__file__).with_name("train_in_a_process.py")
STEPS = 60


def start(path: Path, pause: float, every: int) -> subprocess.Popen:
    environment = {**os.environ, "PVAE_PROGRESS": "0", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), str(path), str(pause), str(every)]
    return subprocess.Popen(command, env=environment)


def step_of(path: Path) -> int:
    with contextlib.suppress(InputError):
        return checkpoint.read(path)[1]["step"]
    return 0


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_three_times_it_ends_with_bitwise_the_same_weights(tmp_path):
    whole, killed = tmp_path / "whole" / "run.safetensors", tmp_path / "killed" / "run.safetensors"
    assert start(whole, 0.0, 1000).wait(timeout=120) == 0

    reached = 0
    for target in np.sort(np.random.default_rng(7).integers(3, 45, size=3)):
        process = start(killed, 0.01, 1)  # a checkpoint a step: kills also strike amid a write
        deadline = time.monotonic() + 120
        while step_of(killed) < max(target, reached + 1):
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.003)
        process.send_signal(signal.SIGKILL)
        assert process.wait(timeout=60) == -signal.SIGKILL
        reached = step_of(killed)
        assert 0 < reached < STEPS
    assert start(killed, 0.0, 1000).wait(timeout=120) == 0

    expected, _ = checkpoint.read(whole.with_name("final.safetensors"))
    found, _ = checkpoint.read(killed.with_name("final.safetensors"))
    assert len(found["loss"]) == STEPS
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
