"""The house's own rules: floors, room sizes, no pickle."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = sorted((ROOT / "pvae_lib").rglob("*.py"))
LONGEST = 320


def lint_imports(root: Path) -> subprocess.CompletedProcess:
    """import-linter on the package in this folder, with the contracts of its pyproject.toml."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    # The package beside the contracts, not the installed one.
    environment = os.environ | {"PYTHONPATH": str(root), "NO_COLOR": "1"}
    return subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, timeout=300
    )


def test_nothing_below_imports_from_above():
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("screen/labels.py", "import pvae_lib.results", "Nothing below imports from above"),
        ("model/scm.py", "from pvae_lib.screen import Screen", "they know no screen"),
        ("evaluation/errors.py", "import pvae_lib.methods.base", "functions of arrays"),
        ("figures/style.py", "import pvae_lib.methods.base", "never a model"),
        ("attic.py", "", "Nothing below imports from above"),
    ],
)
def test_a_wrong_import_or_a_room_without_a_floor_is_found(tmp_path, module, line, contract):
    shutil.copytree(ROOT / "pvae_lib", tmp_path / "pvae_lib")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with open(tmp_path / "pvae_lib" / module, "a") as file:
        file.write(f"\n{line}\n")
    done = lint_imports(tmp_path)
    assert done.returncode != 0
    assert re.search(rf"{contract}.*BROKEN|attic", done.stdout), done.stdout + done.stderr


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_is_not_too_large(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST


def test_nothing_is_pickled():
    forbidden = re.compile(
        r"^\s*(import|from) (pickle|dill)|allow_pickle=True|(joblib|torch)\.(save|dump)\("
        # torch's restricted reader, for what others publish only so: tensors and plain tables.
        r"|joblib\.load\(|torch\.load\((?!.*weights_only=True)|weights_only=False"
    )
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in MODULES
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if forbidden.search(line)
    ]
    assert not found
