"""parameters.yaml: what a run was asked for, on what, and how it ended."""

import datetime
import importlib.metadata
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from pvae_lib.exceptions import InputError
from pvae_lib.files import write_atomically
from pvae_lib.runs import lock
from pvae_lib.runs.parameters import load_yaml

FILE = "parameters.yaml"
# The packages whose versions can change a result.
PACKAGES = ("torch", "numpy", "scipy", "scikit-learn", "scanpy", "anndata", "pandas")


def facts(notebook: Path, parameters: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The record of a run that is about to start.

    A run that goes on from checkpoints was partly made by the code of its earlier starts: they are
    listed under "earlier", each with its commit.
    """
    return {
        "notebook": notebook.name,
        "parameters": dict(parameters),
        "status": "started",
        "started": datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        "commit": commit(),
        "device": device(parameters),
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPU cores",
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in PACKAGES},
        "earlier": earlier_starts(folder),
    }


def earlier_starts(folder: Path) -> list[dict[str, Any]]:
    """What the record in a run's folder says of its starts so far; [] for a new folder."""
    file = folder / FILE
    if not file.exists():
        return []
    before = load_yaml(file.read_text(encoding="utf-8"))
    last = {key: before.get(key) for key in ("started", "commit", "status", "minutes")}
    return [*before.get("earlier", []), last]


def write(folder: Path, record: Mapping[str, Any]) -> None:
    """Write the record into the run's folder; InputError where that cannot be."""
    with write_atomically(folder / FILE) as path:
        text = yaml.safe_dump(dict(record), sort_keys=False, allow_unicode=True)
        path.write_text(text, encoding="utf-8")


def refuse_other_run(folder: Path, notebook: Path, parameters: Mapping[str, Any]) -> None:
    """InputError when the folder holds a run of another notebook or with other parameters.

    The same parameters may come back: that is how an interrupted run is resumed. So may others
    after a run that failed and left nothing to resume.
    """
    file = folder / FILE
    if not file.exists():
        return
    earlier = read_parameters(file)
    try:
        past = load_yaml(file.read_text(encoding="utf-8"))
        before, status = past.get("notebook"), past.get("status")
    except AttributeError:
        before = status = None
    made = {file.name, notebook.name, notebook.with_suffix(".html").name, lock.FILE}
    if status == "failed" and {path.name for path in folder.iterdir()} <= made:
        return  # it failed before it made anything: a mended call may take its place
    if before != notebook.name:
        raise InputError(
            f"{folder} holds a run of {before}; choose another folder (--out, or make run NAME=…)."
        )
    changed = [
        f"{name}: {earlier.get(name)!r} then, {parameters.get(name)!r} now"
        for name in sorted(earlier.keys() | parameters.keys())
        if earlier.get(name) != parameters.get(name)
    ]
    if changed:
        raise InputError(
            f"{folder} holds a run with other parameters ({'; '.join(changed)}). Choose another "
            "folder (--out, or make run NAME=…), or delete this one."
        )


def read_parameters(file: str | os.PathLike) -> dict[str, Any]:
    """The parameters in a YAML file: a mapping of names to values, or the record of a run.

    Raises
    ------
    InputError
        The file is missing, is not YAML, or is no mapping.
    """
    file = Path(file)
    try:
        content = load_yaml(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"Cannot read the parameters {file}: {error.strerror}.") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{file} is not YAML: {reason}") from error
    if isinstance(content, dict) and isinstance(content.get("parameters"), dict):
        content = content["parameters"]
    if not isinstance(content, dict):
        raise InputError(f"{file} must hold lines `name: value`, one a parameter.")
    return {str(name): value for name, value in content.items()}


def device(parameters: Mapping[str, Any]) -> str:
    """Where a run trains: its `device` parameter, with "auto" resolved as training resolves it."""
    asked = str(parameters.get("device") or "auto")
    # Importing torch takes two seconds and 250 MB, which a build without CUDA does not ask for.
    built_for_cpu = importlib.metadata.version("torch").endswith("+cpu")
    if asked == "cpu" or (asked == "auto" and built_for_cpu):
        return "cpu"

    import torch

    from pvae_lib.learning.device import resolve_device

    kind = resolve_device(asked).type
    return f"{kind} ({torch.cuda.get_device_name()})" if kind == "cuda" else kind


def commit() -> str | None:
    """The git commit of the code, with `+changes` when files differ from it; None without git."""
    root = Path(__file__).resolve().parents[2]

    def git(*words: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *words], capture_output=True, text=True, check=True
        ).stdout.strip()

    try:
        if Path(git("rev-parse", "--show-toplevel")).resolve() != root:
            return None
        return git("rev-parse", "HEAD") + ("+changes" if git("status", "--porcelain") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
