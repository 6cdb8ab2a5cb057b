"""Runs of a notebook into a folder: what they leave, refuse and survive."""

import os
import signal
import subprocess
import sys
import time

import nbformat
import pytest
import yaml

from pvae_lib.exceptions import InputError
from pvae_lib.runs.__main__ import main
from pvae_lib.runs.execute import NotebookFailed, parameters_of, run_notebook

WRITES = """\
from pathlib import Path
from pvae_lib.progress import bar
for _ in bar(range(3), desc="fitting"):
    pass
Path(out, "results.csv").write_text("a\\n1\\n")
Path(out, "table.md").write_text("| a |\\n|---|\\n| 1 |\\n")
print("epochs", epochs)"""

DRAWS = """\
from matplotlib import pyplot as plt
from pvae_lib.figures import show
show(plt.figure(figsize=(1, 1)), alt='An empty square, "nothing" but white.')"""


@pytest.fixture(scope="module")
def finished(tmp_path_factory, notebook_writer):
    """One finished run through the command line, with its terminal."""
    folder = tmp_path_factory.mktemp("finished")
    notebook_writer(folder / "tiny.ipynb", WRITES, DRAWS)
    words = ["tiny.ipynb", "-p", "epochs", "3", "-p", "seeds", "0 1", "--out", "runs/one"]
    done = subprocess.run(
        [sys.executable, "-m", "pvae_lib.runs", *words],
        cwd=folder,
        env=os.environ | {"PVAE_PROGRESS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return folder / "runs" / "one", done


def test_the_folder_of_a_run(finished):
    folder, _ = finished
    names = ["parameters.yaml", "results.csv", "table.md", "tiny.html", "tiny.ipynb"]
    assert sorted(path.name for path in folder.iterdir()) == names


def test_the_terminal_shows_the_bar_and_the_table(finished):
    _, done = finished
    assert "fitting" in done.stderr and "it/s" in done.stderr
    assert "| a |\n|---|\n| 1 |" in done.stdout


def test_the_record(finished):
    record = yaml.safe_load((finished[0] / "parameters.yaml").read_text())
    assert record["status"] == "finished" and record["minutes"] > 0
    assert record["notebook"] == "tiny.ipynb" and record["device"] == "cpu"
    assert record["parameters"] == {
        "screen": "twin",
        "seeds": [0, 1],
        "epochs": 3,
        "alpha": 0.5,
        "limit": None,
    }
    assert "torch" in record["versions"]


def test_bars_do_not_stay_in_the_notebook(finished):
    cells = nbformat.read(finished[0] / "tiny.ipynb", as_version=4).cells
    streams = [o for c in cells for o in c.get("outputs", []) if o.output_type == "stream"]
    assert [(o.name, o.text) for o in streams] == [("stdout", "epochs 3\n")]


def test_the_page_stands_alone_with_words_for_figures(finished):
    from bs4 import BeautifulSoup

    page = BeautifulSoup((finished[0] / "tiny.html").read_text(), "html.parser")
    images = page.select("img")
    assert [image["alt"] for image in images] == ['An empty square, "nothing" but white.']
    assert images[0]["src"].startswith("data:image/png;base64,")
    assert not page.select("script[src], link[href]")


def test_the_record_is_a_parameter_file_and_the_same_run_may_come_again(finished, capsys):
    folder, _ = finished
    notebook = str(folder.parents[1] / "tiny.ipynb")
    again = [notebook, "-f", str(folder / "parameters.yaml"), "--out", str(folder)]
    assert main(again) == 0
    record = yaml.safe_load((folder / "parameters.yaml").read_text())
    assert [start["status"] for start in record["earlier"]] == ["finished"]
    assert record["earlier"][0]["started"] <= record["started"] and "commit" in record["earlier"][0]
    assert main([*again, "-p", "epochs", "9"]) == 2
    assert "other parameters (epochs: 3 then, 9 now)" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"epoch": 1}, "did you mean 'epochs'"),
        ({"epochs": "1"}, "must be int"),
        ({"epochs": True}, "must be int"),
        ({"seeds": [0, 1.5]}, r"must be list\[int\]"),
    ],
)
def test_bad_parameters_start_nothing(make_notebook, tmp_path, given, message):
    with pytest.raises(InputError, match=message):
        run_notebook(make_notebook("1 / 0"), given, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_missing_and_broken_notebooks(make_notebook, tmp_path):
    with pytest.raises(InputError, match="Cannot read the notebook .*none.ipynb: No such file"):
        parameters_of(tmp_path / "none.ipynb")
    (tmp_path / "broken.ipynb").write_text("{")
    with pytest.raises(InputError, match="broken.ipynb is not a Jupyter notebook"):
        parameters_of(tmp_path / "broken.ipynb")
    with pytest.raises(InputError, match="no cell tagged `parameters`"):
        parameters_of(make_notebook("x = 1", parameters=None))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("epochs: [1", "is not YAML"),
        ("- 1\n- 2\n", "must hold lines"),
        ("", "must hold lines"),
        ("epoch: 1", "did you mean 'epochs'"),
    ],
)
def test_bad_parameter_files_are_one_line(make_notebook, tmp_path, capsys, text, message):
    file = tmp_path / "p.yaml"
    file.write_text(text)
    assert main([str(make_notebook()), "-f", str(file), "--out", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_an_unwritable_folder_is_named(make_notebook, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    run = tmp_path / "file" / "run"
    assert main([str(make_notebook()), "--out", str(run)]) == 2
    assert f"Cannot write {run}" in capsys.readouterr().err


def test_a_full_disk_is_named(make_notebook, tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        with pytest.raises(InputError, match=f"{disk}.*(No space left|Disk quota)"):
            run_notebook(make_notebook("print('x' * 200_000)"), {}, disk / "run", quiet=True)
        left = [path.name for path in (disk / "run").iterdir()]
        assert not [name for name in left if ".partial" in name]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_failing_cell_keeps_the_notebook_up_to_there(make_notebook, tmp_path):
    notebook = make_notebook("print('before')", "1 / 0", "print('after')")
    with pytest.raises(NotebookFailed, match="Cell 5 of tiny.ipynb failed: ZeroDivisionError"):
        run_notebook(notebook, {}, tmp_path / "run", quiet=True)
    kept = (tmp_path / "run" / "tiny.ipynb").read_text()
    assert "before\\n" in kept and "after\\n" not in kept
    assert "status: failed" in (tmp_path / "run" / "parameters.yaml").read_text()


def test_a_claim_that_fails_comes_after_the_table(make_notebook, tmp_path, capsys):
    notebook = make_notebook(WRITES, "assert False, 'the claim'")
    assert main([str(notebook), "--out", str(tmp_path / "run")]) == 1
    printed = capsys.readouterr()
    assert "| a |" in printed.out
    assert "AssertionError: the claim" in printed.err and "\x1b" not in printed.err


def test_an_input_error_of_the_notebook_is_one_line(make_notebook, tmp_path, capsys):
    cell = "from pvae_lib.exceptions import InputError\nraise InputError('no controls; name one')"
    assert main([str(make_notebook(cell)), "--out", str(tmp_path / "run")]) == 2
    assert capsys.readouterr().err.endswith("Error: no controls; name one\n")


def test_ctrl_c_keeps_what_is_done(make_notebook, tmp_path):
    cells = (
        "open(out + '/pid', 'w').write(str(__import__('os').getpid()))",
        "__import__('time').sleep(99)",
    )
    notebook, run = make_notebook(*cells), tmp_path / "run"
    words = ["-m", "pvae_lib.runs", str(notebook), "--out", str(run)]
    process = subprocess.Popen(
        [sys.executable, *words],
        stderr=subprocess.PIPE,
        text=True,
        # Started in the background, as `nohup make test &` does, a shell hands SIGINT on ignored.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 180
    while not (run / "pid").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=300)
    assert process.returncode == 130
    assert "Interrupted" in error and "the same command resumes" in error
    assert "Traceback" not in error
    assert "status: interrupted" in (run / "parameters.yaml").read_text()
    kernel = int((run / "pid").read_text())
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            os.kill(kernel, 0)
        except ProcessLookupError:
            return
        time.sleep(0.1)
    pytest.fail("the kernel outlived the interrupted run")


def test_a_run_that_failed_and_left_nothing_gives_way(make_notebook, tmp_path, capsys):
    notebook, out = str(make_notebook("assert epochs < 5")), str(tmp_path / "run")
    assert main([notebook, "-p", "epochs", "9", "--out", out]) == 1
    assert main([notebook, "-p", "epochs", "3", "--out", out]) == 0
    assert main([notebook, "-p", "epochs", "4", "--out", out]) == 2
