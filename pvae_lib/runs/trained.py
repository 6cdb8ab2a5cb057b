"""A trained PerturbedVAE that comes with the project, so that lessons open without training.

`python -m pvae_lib.runs.trained runs/some-name` keeps what a finished run of lesson 05 with one
seed left, in notebooks/results/: some_name.safetensors, the table that it scored, what made both.
"""

import argparse
import shutil
import sys
from pathlib import Path

import pandas as pd
import pooch

from pvae_lib import results
from pvae_lib.evaluation.metrics import ALL
from pvae_lib.exceptions import InputError
from pvae_lib.files import write_atomically
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.runs import record
from pvae_lib.runs.keep import check_name, short
from pvae_lib.runs.parameters import load_yaml
from pvae_lib.screen import Screen


def keep(run: Path, into: Path = results.RECORDED, note: str = "") -> Path:
    """Keep the model and the table of a finished run; returns the model's file.

    Raises
    ------
    InputError
        The run is not finished or has several seeds, or the files cannot be written.
    """
    run = Path(run)
    name = run.name.replace("-", "_")
    check_name(name)
    models = sorted(run.glob("PerturbedVAE-seed*.safetensors"))
    facts = run / record.FILE
    about = load_yaml(facts.read_text(encoding="utf-8")) if facts.exists() else {}
    if about.get("status") != "finished" or len(models) != 1:
        raise InputError(
            f"{run} is no finished run of lesson 05 with one seed: run it with SEEDS=0 first."
        )
    table = results.read(run / "results.csv")  # first: without it nothing is replaced
    model = into / f"{name}.safetensors"
    with write_atomically(model) as partial:
        shutil.copyfile(models[0], partial)
    command = f"make run PARAMS=notebooks/params/{name}.yaml"
    about = {
        "note": note,
        "command": f"{command} && .venv/bin/python -m pvae_lib.runs.trained runs/{run.name}",
        **about,
        "sha256": pooch.file_hash(str(model)),
    }
    results.record(name, short(table[table["condition"] != ALL]), about, into)
    return model


def open_trained(
    name: str, screen: Screen, folder: Path = results.RECORDED
) -> tuple[PerturbedVAEMethod, pd.DataFrame]:
    """A trained model that comes with the project, and the table that it scored when it was made.

    Genes and targets must be those trained on. The cells need not be, to the last count: another
    machine may generate a screen that differs in a digit.

    Raises
    ------
    InputError
        No such record, the screen is another, or the file is missing or not the one recorded.
    """
    table, about = results.recorded(name, folder)
    if "sha256" not in about:
        raise InputError(f"{name!r} is a recorded table without a model; choose another name.")
    wanted = about["parameters"]["screen"]
    if screen.name != wanted:
        raise InputError(
            f"{name!r} was trained on {wanted!r}, not on {screen.name!r}: open_screen({wanted!r})."
        )
    path = Path(folder) / f"{name}.safetensors"
    if not path.is_file() or pooch.file_hash(str(path)) != about["sha256"]:
        raise InputError(
            f"{path} is missing or not the file recorded beside it (SHA-256): restore it with "
            f"`git checkout`, or make it again: {about['command']}"
        )
    return PerturbedVAEMethod.load(path, screen, same_cells=False), table


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(prog="python -m pvae_lib.runs.trained", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--note", default="")
    options = parser.parse_args(arguments)
    try:
        print(keep(options.run, note=options.note))
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
