"""A trained PerturbedVAE in one file: parameters, weights, and what it was trained on."""

import os

import numpy as np
from torch import Tensor

from pvae_lib.exceptions import InputError
from pvae_lib.learning import checkpoint
from pvae_lib.screen import Screen

KIND = "PerturbedVAE"
# Given pairs serve training only; a checkpoint's path means nothing on another machine.
LEFT_OUT = {"given": None, "checkpoint": None}


def plain(parameters: dict) -> dict:
    """Parameters as JSON keeps them: NumPy's scalars as Python's, without what is `LEFT_OUT`."""
    kept = {**parameters, **LEFT_OUT}
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in kept.items()}


def write(path: str | os.PathLike, tensors: dict[str, Tensor], record: dict) -> None:
    """Write weights and a record of parameters and origin, whole or not at all.

    Raises
    ------
    InputError
        The folder cannot be written or the disk is full.
    """
    checkpoint.write(path, tensors, {"kind": KIND, **record})


def read(
    path: str | os.PathLike, screen: Screen, known: set[str]
) -> tuple[dict[str, Tensor], dict]:
    """Weights and record of what `write` wrote; `known` are the parameters of this version.

    Raises
    ------
    InputError
        No such file, damaged, no saved PerturbedVAE, trained on another screen, or written by
        another version of this project.
    """
    tensors, record = checkpoint.read(path)
    if record.get("kind") != KIND:
        raise InputError(
            f"{path} holds no saved PerturbedVAE. (fit resumes a training checkpoint.)"
        )
    expected = {"parameters", "origin", "trained_targets", "variance_ratio"}
    strange = sorted(expected - record.keys()) or sorted(record["parameters"].keys() - known)
    if strange:
        raise another_version(path, f"its {', '.join(strange)}")
    origin = {"screen": record["origin"].get("screen")}
    checkpoint.check_same(path, origin, {"screen": screen.fingerprint})
    return tensors, record


def another_version(path: str | os.PathLike, what: str) -> InputError:
    """The refusal of a file whose `what` does not fit this version."""
    return InputError(
        f"{path} was saved by another version of this project ({what} does not fit this one): "
        "load it with that version, or train again."
    )
