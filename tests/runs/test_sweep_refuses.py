"""A sweep that cannot start says why in one line, and leaves nothing."""

import importlib.util
import subprocess

import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.runs import keep, sweep
from pvae_lib.runs.grid import read_grid

pytest.importorskip("snakemake", reason="needs the extra 'sweep'")

GRID = {"axes": {"alpha": [0.5, 1]}, "seeds": [0, 1]}


@pytest.fixture
def here(tmp_path, sweep_writer, monkeypatch):
    monkeypatch.chdir(sweep_writer(tmp_path, **GRID))
    return tmp_path


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--cores", 0], "cores=0 is not usable: give a whole number"),
        (["--record", "a/b"], "letters, digits and _ alone, not 'a/b'"),
    ],
)
def test_a_wrong_option_is_refused(here, command, words, says):
    call = command("grid.yaml", *words)
    assert call.status == 2 and says in call.err
    assert not (here / "runs").exists()


def test_cores_must_be_a_number(here, capsys):
    with pytest.raises(SystemExit, match="2"):
        sweep.main(["grid.yaml", "--cores", "two"])
    assert "--cores: invalid int value: 'two'" in capsys.readouterr().err


def test_a_misspelt_axis_fails_before_anything_is_written(here, sweep_writer, command):
    sweep_writer(here, axes={"alhpa": [0.5, 1]})
    call = command("grid.yaml")
    assert call.status == 2 and "did you mean 'alpha'" in call.err
    assert not (here / "runs").exists()


def test_without_snakemake_it_says_how_to_install_it(here, monkeypatch, command):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    call = command("grid.yaml")
    assert call.status == 2 and "pip install" in call.err and "'.[sweep]'" in call.err
    assert not (here / "runs").exists()


def test_a_folder_that_cannot_be_written_is_named(here, command):
    (here / "runs").write_text("a file, not a folder")
    call = command("grid.yaml")
    assert call.status == 2 and f"Cannot write {here / 'runs' / 'grid'}" in call.err


def test_a_full_disk_is_named(here, command):
    disk = here / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4k", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        call = command("grid.yaml", "--out", disk / "runs")
    finally:
        subprocess.run(["umount", str(disk)], check=True)
    assert call.status == 2 and f"Error: Cannot write {disk / 'runs'}" in call.err


def test_a_dry_run_starts_nothing(here, command):
    call = command("grid.yaml", "--out", "runs", "-np")
    assert call.status == 0 and "runs are done" not in call.out and not call.err
    assert not (here / "executions.txt").exists()
    assert not (here / "runs" / "sweep.csv").exists()


@pytest.mark.parametrize(
    ("words", "dry"),
    [
        (["--dry-run"], True),
        (["--dryrun"], True),
        (["-n"], True),
        (["-np"], True),
        (["-pn"], True),
        (["-kpn", "--quiet"], True),
        (["-p", "--nolock"], False),
        (["-Tn"], False),  # -T takes a value
        (["--config", "n=1"], False),
    ],
)
def test_a_dry_run_is_known_in_every_spelling(words, dry, here, monkeypatch, command):
    monkeypatch.setattr(sweep, "sweep", lambda *_: 0)
    assert ("0 of 4 runs are done" in command("grid.yaml", "--out", "runs", *words).out) != dry


def test_a_record_needs_a_table(here):
    with pytest.raises(InputError, match="no run of tiny.ipynb left a results.csv"):
        keep.keep(read_grid("grid.yaml"), here / "runs", "tiny", into=here)
    assert not (here / "tiny.yaml").exists()
