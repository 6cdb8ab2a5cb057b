"""A trained PerturbedVAE in one file: parameters, weights, and what it was trained on."""

import hashlib
import json
import os
from collections.abc import Iterable

import numpy as np
from torch import Tensor

from pvae_lib.exceptions import InputError
from pvae_lib.learning import checkpoint
from pvae_lib.model import PerturbedVAE
from pvae_lib.screen import Screen
from pvae_lib.splits import Split

KIND = "PerturbedVAE"
# Given pairs serve training only; a checkpoint's path means nothing on another machine.
LEFT_OUT = {"given": None, "checkpoint": None}
# These do not change what is learned, so a checkpoint made with others may be resumed.
NOT_IDENTITY = {"device", "checkpoint", "checkpoint_seconds", "prediction", "decoder_noise"}


def plain(parameters: dict) -> dict:
    """Parameters as JSON keeps them: NumPy's scalars as Python's, without what is `LEFT_OUT`."""
    kept = {**parameters, **LEFT_OUT}
    return {k: v.item() if isinstance(v, np.generic) else v for k, v in kept.items()}


def origin(screen: Screen, split: Split) -> dict[str, str]:
    """What a method was trained on."""
    return {
        "screen": screen.fingerprint,
        "split": split.name,
        "training cells": _digest(split.train),
    }


def names(genes: Iterable[str], targets: Iterable[str]) -> str:
    """Digest of genes and targets, in order: what a network's outputs and inputs mean."""
    text = json.dumps([[*map(str, genes)], [*targets]])
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def identity(parameters: dict, origin: dict[str, str]) -> dict:
    """What makes a training run this run and no other: its parameters and what it trains on."""
    found = {k: v for k, v in plain(parameters).items() if k not in NOT_IDENTITY}
    if not found["w_mmd"]:
        del found["w_mmd"]  # checkpoints from before there was this switch stay valid
    given = parameters["given"]
    found["given"] = None if given is None else _digest(np.asarray(given, np.int64))
    return found | origin


def _digest(array: np.ndarray) -> str:
    return hashlib.blake2b(array.tobytes(), digest_size=8).hexdigest()


def write(path: str | os.PathLike, tensors: dict[str, Tensor], record: dict) -> None:
    """Write weights and a record of parameters and origin, whole or not at all.

    Raises
    ------
    InputError
        The folder cannot be written or the disk is full.
    """
    checkpoint.write(path, tensors, {"kind": KIND, **record})


def read(
    path: str | os.PathLike, screen: Screen, known: set[str], same_cells: bool = True
) -> tuple[dict[str, Tensor], dict]:
    """Weights and record of what `write` wrote; `known` are the parameters of this version.

    Without `same_cells`, genes and targets alone must be those trained on.

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
        raise _another_version(path, f"its {', '.join(strange)}")
    if same_cells:
        stored, wanted = {"screen": record["origin"].get("screen")}, {"screen": screen.fingerprint}
    else:
        stored = {"names": record.get("names")}
        wanted = {"names": names(screen.genes, screen.targets)}
    checkpoint.check_same(path, stored, wanted)
    return tensors, record


def filled(
    network: PerturbedVAE, tensors: dict[str, Tensor], path: str | os.PathLike
) -> PerturbedVAE:
    """The network with the weights that `read` gave, ready to predict.

    Raises
    ------
    InputError
        The weights are of another network: another version of this project wrote `path`.
    """
    try:
        network.load_state_dict(tensors)
    except RuntimeError as error:
        raise _another_version(path, "its network") from error
    return network.eval()


def _another_version(path: str | os.PathLike, what: str) -> InputError:
    return InputError(
        f"{path} was saved by another version of this project ({what} does not fit this one): "
        "load it with that version, or train again."
    )
