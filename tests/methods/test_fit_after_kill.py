"""A PerturbedVAEMethod whose process was killed: fitted again, it ends where it would have."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.learning import checkpoint

SCRIPT = Path(__file__).with_name("fit_in_a_process.py")
STEPS = 60 * (100 // 16)


def start(path: Path, checkpoint_seconds: float) -> subprocess.Popen:
    environment = {**os.environ, "PVAE_PROGRESS": "0", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(SCRIPT), str(path), str(checkpoint_seconds)]
    return subprocess.Popen(command, env=environment)


def step_of(path: Path) -> int:
    with contextlib.suppress(InputError):
        return checkpoint.read(path)[1]["step"]
    return 0


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_and_fitted_again_it_has_bitwise_the_same_weights(tmp_path):
    whole, killed = tmp_path / "whole" / "run.safetensors", tmp_path / "killed" / "run.safetensors"
    alone = start(whole, 1000.0)
    process = start(killed, 0.0)  # a checkpoint a step: the kill may strike amid a write
    deadline = time.monotonic() + 120
    while step_of(killed) < 40:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.003)
    process.send_signal(signal.SIGKILL)
    assert process.wait(timeout=60) == -signal.SIGKILL
    assert 40 <= step_of(killed) < STEPS
    assert start(killed, 1000.0).wait(timeout=120) == 0
    assert alone.wait(timeout=120) == 0

    expected, record = checkpoint.read(whole.with_name("final.safetensors"))
    found, again = checkpoint.read(killed.with_name("final.safetensors"))
    assert again.pop("parameters") | {"checkpoint_seconds": 1000.0} == record.pop("parameters")
    assert again == record
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
