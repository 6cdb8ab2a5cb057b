"""Sweeps: done is done, a failure stops nothing else, kill -9 loses nothing."""

import contextlib
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import psutil
import pytest
import yaml

from pvae_lib import results
from pvae_lib.runs import keep, sweep
from pvae_lib.runs.grid import read_grid

pytest.importorskip("snakemake", reason="needs the extra 'sweep'")

GRID = {"axes": {"alpha": [0.5, 1]}, "seeds": [0, 1]}


def executions() -> Counter:
    file = Path("executions.txt")
    return Counter(file.read_text().splitlines() if file.exists() else [])


@pytest.fixture(scope="module")
def swept(tmp_path_factory, sweep_writer, command):
    """Four points of which one is broken; then it is mended; then nothing is left to do."""
    folder = sweep_writer(tmp_path_factory.mktemp("swept"), **GRID)
    calls = []
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(sweep, "keep", lambda *args: keep.keep(*args, into=folder / "kept"))
        Path("broken-1-1").touch()
        for after in (lambda: Path("broken-1-1").unlink(), lambda: None, lambda: None):
            words = ["--cores", 2, "--out", "runs", "--record", "tiny", "--note", "Tiny."]
            call = command("grid.yaml", *words)
            call.executions = executions()
            call.failed = [p for p in Path("runs").glob("*/tiny.ipynb") if not done(p.parent)]
            call.notebooks = [path.read_text() for path in call.failed]
            call.table = pd.read_csv("runs/sweep.csv")
            calls.append(call)
            after()
        grid = read_grid("grid.yaml")
    return SimpleNamespace(folder=folder, runs=folder / "runs", calls=calls, grid=grid)


def done(run: Path) -> bool:
    return (run / "done").exists()


def test_a_failing_point_does_not_stop_the_others(swept):
    first = swept.calls[0]
    assert first.status != 0 and "3 of 4 runs are done" in first.out
    assert sorted(first.executions) == ["0.5 0", "0.5 1", "1 0", "1 1"]
    assert first.table["run"].nunique() == 3


def test_its_reason_is_printed_and_its_notebook_kept_up_to_the_failing_cell(swept):
    first = swept.calls[0]
    (line,) = [line for line in first.err.splitlines() if "(alpha=1, seed 1)" in line]
    assert "Cell 5 of tiny.ipynb failed: AssertionError: this point is broken. The" in line
    (failed,) = (swept.folder / path for path in first.failed)
    assert str(failed.parent) in line
    assert "this point is broken" in first.notebooks[0]
    cells = failed.read_text()  # now of the mended run
    assert "AssertionError" in first.notebooks[0] and "AssertionError" not in cells


def test_nothing_is_recorded_before_every_run_is_done(swept):
    assert "Error: Not recorded as tiny: 1 of 4 runs (above) are not done" in swept.calls[0].err


def test_done_is_done(swept):
    first, second, third = swept.calls
    assert (second.status, third.status) == (0, 0)
    assert second.executions - first.executions == Counter({"1 1": 1})
    assert third.executions == second.executions
    assert "4 of 4 runs are done" in third.out


def test_a_run_leaves_a_page_and_nothing_hidden(swept):
    for point in swept.grid.points:
        names = {path.name for path in (swept.runs / point.name).iterdir()}
        assert names == {
            *("done", "log.txt", "parameters.yaml"),
            *("results.csv", "tiny.html", "tiny.ipynb", "training.csv"),
        }


def test_the_table_of_runs_is_tidy_and_says_how_each_was_made(swept):
    table = swept.calls[-1].table
    assert list(table) == [
        *("run", "label", "alpha", "seed", "screen", "method", "condition", "metric", "value"),
        *("device", "machine", "minutes", "commit", "versions"),
    ]
    assert len(table) == 4 * (2 * 2 + 1)  # runs × (methods × metrics, and what training ended at)
    assert set(table["device"]) == {"cpu"} and table["versions"].str.contains("torch ").all()
    tiny = table[(table["method"] == "Tiny") & (table["metric"] == "nrmse")]
    expected = 2 + tiny["alpha"] / 3 + tiny["seed"]
    assert (tiny["condition"] == "all").all() and (tiny["value"] - expected).abs().max() < 1e-9
    training = table[table["metric"] == "kl_iota"]
    assert (training["condition"] == "training").all()
    assert (training["value"] == training["alpha"]).all()


def test_minutes_are_those_of_all_starts(swept):
    (failed,) = swept.calls[0].failed
    record = yaml.safe_load(swept.folder.joinpath(failed).with_name("parameters.yaml").read_text())
    (earlier,) = record["earlier"]
    rows = swept.calls[-1].table.set_index("run").loc[failed.parent.name]
    assert set(rows["minutes"]) == {round(record["minutes"] + earlier["minutes"], 2)}


def test_the_gathered_table_has_the_references_once(swept):
    table = results.read(swept.runs / "results.csv")
    raw = table[table["condition"] != "all"]
    counts = raw.groupby("method").size().to_dict()
    assert counts == {"control mean": 4, "Tiny": 4, "Tiny, alpha=1": 4}  # conditions × seeds
    assert set(raw["metric"]) == {"nrmse"}
    wide = results.overall(table)["nrmse"]
    assert wide["twin", "Tiny, alpha=1"] == pytest.approx(2 + 1 / 3 + 0.5)


def test_the_record_has_every_condition_and_what_made_it(swept):
    table, about = results.recorded("tiny", swept.folder / "kept")
    raw = results.read(swept.runs / "results.csv").query("condition != 'all'")
    pd.testing.assert_frame_equal(table, raw.reset_index(drop=True), rtol=1e-5)
    assert "2.06667" in (swept.folder / "kept" / "tiny.csv").read_text()
    assert about["command"] == 'make sweep GRID=grid.yaml RECORD=tiny NOTE="…"'
    assert about["note"] == "Tiny." and about["grid"]["seeds"] == [0, 1]
    assert about["settings"] == {"base": {}, "alpha=1": {"alpha": 1.0}}
    runs = [(run["run"], run["label"], run["seed"]) for run in about["runs"]]
    assert sorted(runs) == sorted((p.name, p.label, p.seed) for p in swept.grid.points)
    assert {*about["runs"][0]} == {"run", "label", "seed", "minutes", "commit", "device"}


def test_the_record_of_runs_has_means_and_what_training_ended_at(swept):
    table, _ = results.recorded("tiny_runs", swept.folder / "kept")
    found = table.set_index(["method", "condition", "metric", "seed"])["value"].to_dict()
    expected = {("control mean", "all", "mmd", seed): 0.1 + seed for seed in (0, 1)}
    for method, alpha in (("Tiny", 0.5), ("Tiny, alpha=1", 1)):
        for seed in (0, 1):
            expected |= {
                (method, "all", "nrmse", seed): 2 + alpha / 3 + seed,
                (method, "all", "mmd", seed): 0.2 + alpha,
                (method, "training", "kl_iota", seed): alpha,
            }
    assert found == pytest.approx(expected, rel=1e-5)


def wait_until(true, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 900
    while not true():
        assert process.poll() is None and time.monotonic() < deadline, "it ended too soon"
        time.sleep(0.05)


def kill(process: subprocess.Popen) -> None:
    """kill -9 of a process and all that it started, kernels in sessions of their own included."""
    tree = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for each in tree:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    process.wait()
    psutil.wait_procs(tree, timeout=60)


def test_killed_it_resumes_and_no_run_is_shared(
    swept, tmp_path, sweep_writer, monkeypatch, command
):
    """The whole tree dies by kill -9; later a runner outlives its sweep; nothing is lost."""
    monkeypatch.chdir(sweep_writer(tmp_path, **GRID))
    Path("slow-1-0").touch()
    words = ["grid.yaml", "--cores", "2", "--out", "runs"]
    process = subprocess.Popen([sys.executable, "-m", "pvae_lib.runs.sweep", *words])
    runs = [Path("runs") / point.name for point in swept.grid.points]
    wait_until(lambda: any(map(done, runs)) and "1 0" in executions(), process)

    second = command(*words)
    assert second.status == 2 and "Another sweep is at work in" in second.err

    kill(process)
    finished = [run for run in runs if done(run)]
    assert 1 <= len(finished) < 4
    for run in finished:
        assert len(results.read(run / "results.csv")) == 12
    once = executions()

    (slow,) = [p.name for p in swept.grid.points if (p.parameters["alpha"], p.seed) == (1, 0)]
    orphan = ["tiny.ipynb", "-f", f"runs/points/{slow}.yaml", "--out", f"runs/{slow}"]
    process = subprocess.Popen([sys.executable, "-m", "pvae_lib.runs", *orphan])
    wait_until(lambda: executions()["1 0"] == once["1 0"] + 1, process)
    resumed = command(*words)
    assert resumed.status != 0 and "3 of 4 runs are done" in resumed.out
    assert f"Another run is at work in {tmp_path / 'runs' / slow}" in resumed.err
    assert process.poll() is None
    kill(process)

    Path("slow-1-0").unlink()
    assert command(*words).status == 0
    for run in finished:
        point = yaml.safe_load((run / "parameters.yaml").read_text())["parameters"]
        assert executions()[f"{point['alpha']:g} {point['seed']}"] == 1, "a finished run repeated"
    assert Path("runs/results.csv").read_bytes() == (swept.runs / "results.csv").read_bytes()
    ours, theirs = (pd.read_csv(path / "sweep.csv") for path in (Path("runs"), swept.runs))
    when = ["minutes", "commit"]
    pd.testing.assert_frame_equal(ours.drop(columns=when), theirs.drop(columns=when))
    # Two starts of the slow run were killed before anybody could time them.
    untimed = ours.set_index("run")["minutes"].isna()
    assert untimed[slow].all() and not untimed[[run.name for run in finished]].any()
