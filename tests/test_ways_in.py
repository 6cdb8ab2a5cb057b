"""The ways in that are not `make` on this machine: dev container, Binder, Windows."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.specifiers import SpecifierSet

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SUPPORTED = SpecifierSet(PROJECT["requires-python"])


def test_the_dev_container_sets_up_by_make():
    # Plain JSON, without the comments that editors allow, so that any tool reads it.
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text("utf-8"))
    python = re.fullmatch(
        r"mcr\.microsoft\.com/devcontainers/python:(\d+\.\d+)", container["image"]
    ).group(1)
    assert python in SUPPORTED
    assert container["postCreateCommand"] == "make setup"
    vscode = container["customizations"]["vscode"]
    assert {"ms-python.python", "ms-toolsai.jupyter"} <= set(vscode["extensions"])
    interpreter = vscode["settings"]["python.defaultInterpreterPath"]
    assert interpreter == "${containerWorkspaceFolder}/.venv/bin/python", "that of make setup"


def test_binder_takes_a_python_and_leaves_the_packages_to_post_build():
    environment = yaml.safe_load((ROOT / ".binder" / "environment.yml").read_text("utf-8"))
    ours = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))
    assert environment["channels"] == ours["channels"]
    # Binder reads nothing outside of its folder, and installs this before it has our files.
    assert environment["dependencies"] == [ours["dependencies"][0], "pip"]
    assert not (ROOT / "binder").exists(), "Binder would read binder/ and not .binder/"
    assert os.access(ROOT / ".binder" / "postBuild", os.X_OK)


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_post_build_gives_the_server_our_packages_as_its_kernel(tmp_path):
    repository, prefix = tmp_path / "repository", tmp_path / "server"
    for folder in (".binder", ".ci"):
        shutil.copytree(ROOT / folder, repository / folder)
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, repository)
    # A set-up that is done already, with an interpreter that is ours: nothing is downloaded.
    os.symlink(Path(sys.executable).parents[1], repository / "ours")
    python = repository / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nexec "$(dirname "$0")/../../ours/bin/python" "$@"\n')
    python.chmod(0o755)
    (repository / ".venv" / "ready-cpu").touch()
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    subprocess.run(
        [repository / ".binder" / "postBuild"],
        cwd=repository,
        env=kept | {"NB_PYTHON_PREFIX": str(prefix)},
        check=True,
        timeout=120,
    )
    # The lessons ask for the kernel python3, which must be this one and not the server's own.
    kernel = json.loads((prefix / "share/jupyter/kernels/python3/kernel.json").read_text("utf-8"))
    question = [kernel["argv"][0], "-c", "import pvae_lib"]
    assert subprocess.run(question, cwd=tmp_path, timeout=120).returncode == 0


def section(title: str) -> str:
    """The README's section of that title."""
    return re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", README, flags=re.S | re.M).group(1)


def test_the_way_without_make_installs_what_make_does():
    (commands,) = re.findall(r"```powershell\n(.*?)```", section("Ways in"), flags=re.S)
    (install,) = [line for line in commands.splitlines() if "pip install" in line]
    assert "--constraint constraints.txt" in install
    extras = set(re.search(r'--editable "\.\[([\w,]+)\]"', install).group(1).split(","))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    ours = set(re.search(r"--editable '\.\[([\w,]+)\]'", makefile).group(1).split(","))
    assert extras == ours - {"sweep"}, "Snakemake and Slurm are not for Windows"
    (run,) = [line for line in commands.splitlines() if "pvae_lib.runs" in line]
    assert (ROOT / re.search(r"(notebooks/\S+\.ipynb)", run).group(1)).exists()


def test_every_way_in_says_whether_it_was_tried():
    ways = re.findall(r"^- \*\*(.+?)\*\*(.*?)(?=^- \*\*|\Z)", section("Ways in"), re.S | re.M)
    assert {name.split(" ")[0] for name, _ in ways} >= {"JupyterLab", "Dev", "Binder", "Windows"}
    for name, text in ways:
        assert re.search(r"\*(Tried|Not tried)\b", text), name


LEFT = {
    # Its bytes name the cached twins, so a change here would make them anew everywhere.
    "pvae_lib/sources/twin/names.py",
    # Writes ASCII, and Snakemake is not for Windows.
    "pvae_lib/runs/sweep.py",
}


def text_without_encoding(path: Path) -> list[int]:
    """Lines that read or write text in whatever encoding the machine prefers."""
    lines = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = getattr(getattr(node, "func", None), "attr", None) or getattr(
            getattr(node, "func", None), "id", None
        )
        if name not in ("read_text", "write_text", "open"):
            continue
        inside = [x for argument in node.args for x in ast.walk(argument)]
        words = [x.value for x in inside if isinstance(x, ast.Constant)]
        binary = any(isinstance(w, str) and re.fullmatch(r"[rwax+]*b[+]*", w) for w in words)
        named = "utf-8" in words or any(k.arg == "encoding" for k in node.keywords)
        owner = getattr(getattr(node.func, "value", None), "id", "")
        if not (binary or named or owner in ("os", "webbrowser")):
            lines.append(node.lineno)
    return lines


def test_text_is_read_and_written_as_utf_8(tmp_path):
    # On Windows Python would take the machine's code page, which has no ι and no ±.
    found = {
        str(path.relative_to(ROOT)): lines
        for path in sorted((ROOT / "pvae_lib").rglob("*.py"))
        if (lines := text_without_encoding(path))
    }
    assert set(found) <= LEFT, found
    bad = tmp_path / "bad.py"
    bad.write_text("p.write_text(x)\nopen(p, 'rb')\nopen(p)\n", encoding="utf-8")
    assert text_without_encoding(bad) == [1, 3]
