"""Two processes never share a run's folder, and a training killed in a run resumes in it."""

import errno
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.runs.execute import run_notebook
from pvae_lib.runs.lock import alone

PARAMETERS = """\
epochs: int = 40
seed: int = 0
device: str = "cpu"
out: str = ""  # the run's folder"""

TRAINS = """\
import time
from pathlib import Path
import numpy as np
import torch
from pvae_lib.learning import PairedBatches, TrainingSettings, train
torch.set_num_threads(1)
torch.manual_seed(seed)
x = np.random.default_rng(seed).normal(size=(64, 6)).astype(np.float32)
u = np.eye(4, dtype=np.float32)[np.arange(64) % 4]
source = PairedBatches(x, u, np.arange(64), np.arange(8), batch_size=16, seed=seed, noise={})
steps = []
def objective(module, batch):
    steps.append(1)
    if Path("slow").exists():
        time.sleep(0.02)
    return {"loss": ((module(batch["u"]) - batch["x"]) ** 2).mean()}
settings = TrainingSettings(epochs=epochs, learning_rate=0.05, checkpoint_every=10)
file = Path(out, "training.safetensors")
history = train(torch.nn.Linear(4, 6), objective, source, settings, checkpoint=file)
Path(out, "history.csv").write_text(history.to_csv(index=False))
Path(out, "steps.txt").write_text(str(len(steps)))"""


def start(*words: str) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, text=True)


def test_a_folder_in_use_is_refused_and_free_again_after_kill_9(make_notebook, tmp_path):
    notebook = make_notebook("open(out + '/made', 'w').close()", parameters=PARAMETERS)
    folder = tmp_path / "run"
    code = (
        "import sys, time; from pathlib import Path; from pvae_lib.runs.lock import alone\n"
        "with alone(Path(sys.argv[1]), 'Another run'): print('held', flush=True); time.sleep(999)"
    )
    holder = start("-c", code, str(folder))
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(InputError, match=f"Another run is at work in {folder}: wait until it ends"):
        run_notebook(notebook, {}, folder, quiet=True)
    assert [path.name for path in folder.iterdir()] == [".lock"]
    holder.kill()
    holder.wait()
    run_notebook(notebook, {}, folder, quiet=True)
    names = sorted(path.name for path in folder.iterdir())
    assert names == ["made", "parameters.yaml", "tiny.html", "tiny.ipynb"]


def test_a_run_that_failed_gives_way_while_the_folder_is_held(make_notebook, tmp_path):
    """The lock's own file is nothing that a failed run made."""
    from pvae_lib.runs import record

    notebook, folder = make_notebook(parameters=PARAMETERS), tmp_path / "run"
    record.write(folder, {"notebook": notebook.name, "parameters": {}, "status": "failed"})
    with alone(folder, "Another run"):
        record.refuse_other_run(folder, notebook, {"epochs": 3})


def test_the_mark_goes_and_an_unwritable_folder_is_named(tmp_path):
    with alone(tmp_path / "run", "Another run"):
        assert os.listdir(tmp_path / "run") == [".lock"]
    assert os.listdir(tmp_path / "run") == []
    (tmp_path / "file").touch()
    with (
        pytest.raises(InputError, match="Cannot write .*file"),
        alone(tmp_path / "file", "Another run"),
    ):
        pass


def test_a_file_system_without_locks_is_refused(tmp_path, monkeypatch):
    fcntl = pytest.importorskip("fcntl", reason="a file system without flock is simulated")

    def missing(*_):
        raise OSError(errno.ENOSYS, "no locks here")

    monkeypatch.setattr(fcntl, "flock", missing)
    for _ in range(2):
        with (
            pytest.warns(UserWarning, match="flock not supported"),
            pytest.raises(InputError, match="has no locks"),
            alone(tmp_path / "run", "Another run"),
        ):
            pass
    assert os.listdir(tmp_path / "run") == []


def test_a_training_killed_in_a_run_resumes_to_the_same_numbers(
    make_notebook, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    notebook = make_notebook(TRAINS, parameters=PARAMETERS)
    run_notebook(notebook, {}, "whole", quiet=True)
    whole = int(Path("whole/steps.txt").read_text())
    assert whole >= 160

    Path("slow").touch()
    process = start("-m", "pvae_lib.runs", "tiny.ipynb", "--out", "killed")
    deadline = time.monotonic() + 300
    while not Path("killed/training.safetensors").exists():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    tree = psutil.Process(process.pid).children(recursive=True)
    for each in (process, *tree):
        each.kill()
    process.wait()
    psutil.wait_procs(tree, timeout=60)
    assert not Path("killed/history.csv").exists()

    Path("slow").unlink()
    run_notebook(notebook, {}, "killed", quiet=True)
    resumed = int(Path("killed/steps.txt").read_text())
    assert resumed <= whole - 10  # the steps before the last checkpoint were not made again
    assert Path("killed/history.csv").read_bytes() == Path("whole/history.csv").read_bytes()
