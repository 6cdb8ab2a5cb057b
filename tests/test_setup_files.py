"""One set of versions: pyproject.toml, constraints.txt and environment.yml agree."""

import ast
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]


def pins() -> dict[str, str]:
    """Package to version, from constraints.txt."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    return dict(line.split("==") for line in lines if line and not line.startswith("#"))


def test_every_constraint_is_one_exact_version():
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        assert line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.]+", line), line
    names = [canonicalize_name(name) for name in pins()]
    assert len(names) == len(set(names))


def test_torch_is_pinned_as_measured():
    assert pins()["torch"] == "2.13.0"


@pytest.mark.parametrize("line", PROJECT["dependencies"] + sum(EXTRAS.values(), []))
def test_the_pin_of_a_dependency_lies_in_its_range(line):
    wanted = Requirement(line)
    pinned = {canonicalize_name(name): version for name, version in pins().items()}
    assert wanted.specifier, f"{line} has no range"
    assert pinned[canonicalize_name(wanted.name)] in wanted.specifier


# Where a package is imported by another name than it is installed by.
IMPORTED_AS = {
    "beautifulsoup4": "bs4",
    "pyyaml": "yaml",
    "scikit-learn": "sklearn",
    "ipython": "IPython",
    "scvi-tools": "scvi",
    "arc-state": "state",
    "cell-gears": "gears",
}


def imports_of(requirements: list[str]) -> set[str]:
    """The names that packages are imported by."""
    names = {Requirement(line).name for line in requirements}
    return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}


def load_extra_arguments(tree: ast.Module) -> list[tuple[str, str]]:
    """(module, extra) of every `load_extra("module", "extra")`."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = [call for call in calls if getattr(call.func, "id", None) == "load_extra"]
    return [tuple(argument.value for argument in call.args) for call in called]


def test_every_package_loaded_from_an_extra_is_named_in_it():
    loaded: dict[tuple[str, str], str] = {}
    for path in (ROOT / "pvae_lib").rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        loaded |= {(m.split(".")[0], extra): path.name for m, extra in load_extra_arguments(tree)}
    assert ("scvi", "scvi") in loaded
    missing = {
        (module, extra): name
        for (module, extra), name in loaded.items()
        if module not in imports_of(EXTRAS.get(extra, []))
    }
    assert not missing, f"not in the extra of pyproject.toml: {missing}"


def test_every_package_imported_is_a_dependency():
    known = imports_of(PROJECT["dependencies"] + EXTRAS["scvi"])
    imported: dict[str, str] = {}
    for path in (ROOT / "pvae_lib").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0]: path.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                imported[node.module.split(".")[0]] = path.name
    missing = imported.keys() - known - sys.stdlib_module_names - {"pvae_lib"}
    assert not missing, f"not in pyproject.toml: {missing}"


def test_environment_yml_installs_the_same_set():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, installer, with_pip = environment["dependencies"]
    assert installer == "pip" and environment["name"] == "pvae"
    assert python.split("=")[1] in SpecifierSet(PROJECT["requires-python"])
    # The versions come from the constraints and the packages from pyproject.toml, as in the
    # Makefile; any other requirement here would be a second source.
    options = dict(line.removeprefix("--").split(" ") for line in with_pip["pip"])
    assert options == {
        "extra-index-url": "https://download.pytorch.org/whl/cpu",
        "constraint": "constraints.txt",
        "editable": ".[dev,sweep,course]",
    }
    makefile = (ROOT / "Makefile").read_text()
    assert "--constraint constraints.txt --editable '.[dev,sweep,course]'" in makefile


def make(*words: str, cwd: Path = ROOT, **environment: str) -> subprocess.CompletedProcess:
    """make, with none of the variables of a make that runs these tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "PVAE"))}
    return subprocess.run(
        ["make", *words],
        cwd=cwd,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def bare(tmp_path):
    """The set-up's files alone, without an environment."""
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci")
    return tmp_path


def interpreter(folder: Path, script: str) -> str:
    """A stand-in for python3."""
    path = folder / "stand-in"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def test_an_old_python_is_named_with_the_mend(bare):
    old = interpreter(bare, 'case "$1" in --version) echo "Python 3.9.18" ;; *) exit 1 ;; esac')
    done = make("setup", f"PYTHON={old}", cwd=bare)
    assert done.returncode != 0
    assert "Python 3.11 or newer is needed" in done.stdout and "is Python 3.9.18" in done.stdout
    assert "make setup PYTHON=" in done.stdout


def test_a_python_without_venv_is_told_what_to_install(bare):
    without = interpreter(bare, 'case "$*" in *venv*) exit 1 ;; esac')
    done = make("setup", f"PYTHON={without}", cwd=bare)
    assert done.returncode != 0
    assert "sudo apt install python3-venv" in done.stdout
    assert not (bare / ".venv").exists()


def test_an_unknown_build_of_torch_is_refused(bare):
    done = make("setup", "TORCH=gpu", cwd=bare)
    assert done.returncode != 0
    assert "TORCH=gpu is not one of auto, cpu, cuda" in done.stdout


def test_setup_is_skipped_when_nothing_changed_and_keeps_its_torch(bare):
    (bare / ".venv").mkdir()
    (bare / ".venv" / "ready-cpu").touch()
    assert "Nothing to be done" in make("setup", cwd=bare).stdout
    os.utime(bare / "constraints.txt", (2e9, 2e9))
    again = make("--dry-run", "setup", cwd=bare).stdout
    assert "install_torch .venv/bin/python cpu" in again


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "pvae_lib.runs notebooks/05_norman2019.ipynb"),
        (["SCREEN=norman-subset"], '-p screen "norman-subset"'),
        (["SEEDS=0 1 2", "EPOCHS=9"], '-p seeds "0 1 2" -p epochs "9"'),
        (["PARAMS=notebooks/params/a.yaml"], '-f "notebooks/params/a.yaml"'),
        (["NAME=mine"], '--out "runs/mine"'),
    ],
)
def test_variables_of_make_run_become_parameters(words, expected):
    done = make("--dry-run", "run", *words, NAME="a-computer")
    assert expected in " ".join(done.stdout.replace("\\\n", " ").split())
    assert "a-computer" not in done.stdout


def test_a_relative_data_folder_is_meant_from_the_root():
    done = make("--dry-run", "--print-data-base", "lint", "PVAE_DATA=../shared/data")
    assert f"PVAE_DATA := {ROOT}/../shared/data" in done.stdout


def test_every_target_is_in_the_help():
    text = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", text, re.MULTILINE).group(1).split()
    shown = make("help").stdout
    assert all(f"make {target} " in shown for target in phony)
