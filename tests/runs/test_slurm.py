"""The Slurm profile through the plugin's own submission, with commands that stand in for Slurm's.

No cluster was at hand. `sbatch` here writes down its arguments and runs the job beside us; `srun`
runs what it is given; `sacct` reports how the jobs ended, `sinfo` one partition.
"""

import json
import os
import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("snakemake_executor_plugin_slurm", reason="needs the extra 'sweep'")

PROFILE = Path(__file__).resolve().parents[2] / "workflow" / "profiles" / "slurm"

SBATCH = """\
import json, os, subprocess, sys
from pathlib import Path
jobs, number, words = Path(__file__).parent / "jobs", os.getpid(), sys.argv[1:]
jobs.mkdir(exist_ok=True)
(jobs / f"{number}.json").write_text(json.dumps(words))
(wrapped,) = [word.removeprefix("--wrap=") for word in words if word.startswith("--wrap=")]
log = Path(words[words.index("--output") + 1].replace("%j", str(number)))
with open(log, "w") as stream:
    subprocess.Popen(
        ["sh", "-c", f"({wrapped}); echo $? > {jobs}/{number}.part; mv {jobs}/{number}.part"
         f" {jobs}/{number}.status"],
        stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True,
        cwd=words[words.index("-D") + 1], env=os.environ | {"SLURM_JOB_ID": str(number)},
    )
print(number)"""
SACCT = """\
import sys
from pathlib import Path
if "--name" not in sys.argv:  # asked for an account
    print("none")
    sys.exit()
for job in (Path(__file__).parent / "jobs").glob("*.json"):
    status = job.with_suffix(".status")
    ended = status.read_text().strip() if status.exists() else None
    print(f"{job.stem}|" + {None: "RUNNING", "0": "COMPLETED"}.get(ended, "FAILED"))"""
SRUN = """\
import os, sys
words = sys.argv[1:]
while words[0].startswith("-"):
    words.pop(0)
os.execvp(words[0], words)"""
SILENT = "pass"


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    """A folder of stand-ins at the head of PATH; `jobs/` in it holds what was submitted."""
    folder = tmp_path / "slurm"
    folder.mkdir()
    commands = {"sbatch": SBATCH, "sacct": SACCT, "srun": SRUN, "sinfo": "print('PARTITION all*')"}
    for name, code in (commands | dict.fromkeys(("squeue", "scancel", "scontrol"), SILENT)).items():
        (folder / name).write_text(f"#!{sys.executable}\n{code}\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    return folder


def test_one_job_a_run_with_the_profiles_time_memory_and_core(
    slurm, tmp_path, sweep_writer, monkeypatch, command
):
    monkeypatch.chdir(sweep_writer(tmp_path, axes={"alpha": [0.5, 1]}))
    Path("broken-1-0").touch()
    words = ["--profile", PROFILE, "--slurm-init-seconds-before-status-checks", 1]
    call = command("grid.yaml", "--out", "runs", *words, "--latency-wait", 5)
    jobs = [json.loads(path.read_text()) for path in (slurm / "jobs").glob("*.json")]
    assert len(jobs) == 2
    for job in jobs:
        assert job[job.index("-t") + 1] == "120"  # minutes
        assert job[job.index("--mem") + 1] == "8000"  # MB
        assert job[job.index("-p") + 1] == "all"
        assert "--cpus-per-task=1" in job and "--ntasks=1" in job
    comments = {job[job.index("--comment") + 1].rpartition("_")[2] for job in jobs}
    runs = {path.parent.name for path in Path("runs").glob("*/parameters.yaml")}
    assert comments == runs and len(runs) == 2

    # One of the two was broken: the other is done, and the reason comes back from the job.
    assert call.status != 0 and "1 of 2 runs are done" in call.out
    assert "this point is broken" in call.err
    assert Path("runs/sweep.csv").exists()


def test_a_dry_run_needs_no_cluster(tmp_path, sweep_writer, monkeypatch, command, capfd):
    monkeypatch.chdir(sweep_writer(tmp_path, axes={"alpha": [0.5, 1]}))
    assert command("grid.yaml", "--out", "runs", "--profile", PROFILE, "--dry-run").status == 0
    printed = "".join(capfd.readouterr())
    assert re.search(r"\brun +2\n", printed) and str(PROFILE) in printed
    assert not Path("executions.txt").exists()
