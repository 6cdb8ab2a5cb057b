"""The fits that graphs are read off: one a setting and seed, kept on disk and not trained twice."""

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path

from pvae_lib.exceptions import InputError, nearest
from pvae_lib.learning.seeds import one_thread
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.screen import Screen
from pvae_lib.splits import Split

# A name as it stands in tables → what differs from the paper's hyper-parameters. With the error
# averaged over genes (the default, inferred) zν hardly hears the cell; summed over genes it does.
SETTINGS: dict[str, Mapping[str, object]] = {
    "PerturbedVAE": {},
    "PerturbedVAE, summed error": {"reconstruction": "sum"},
}


def fitted(
    screen: Screen,
    split: Split,
    setting: str,
    seed: int,
    folder: str | os.PathLike,
    *,
    epochs: int,
    learning_rate: float,
) -> PerturbedVAEMethod:
    """A PerturbedVAE trained with a setting of `SETTINGS`, read from `folder` where it is there.

    The file's name holds the screen, the split and what is set here; a fit of something else is
    never taken for it. One that was cut off goes on from its checkpoint.

    Raises
    ------
    InputError
        Unknown setting; a fit is there whose other parameters had other defaults; or what
        `PerturbedVAEMethod` refuses.
    """
    if setting not in SETTINGS:
        raise InputError(f"No setting {setting!r}; {nearest(setting, SETTINGS)}")
    chosen = dict(SETTINGS[setting], epochs=epochs, learning_rate=learning_rate, seed=seed)
    method = PerturbedVAEMethod(**chosen)
    identity = [chosen, screen.fingerprint, split.name, split.train.tolist()]
    digest = hashlib.blake2b(json.dumps(identity).encode(), digest_size=5).hexdigest()
    path = Path(folder) / f"{screen.name}-seed{seed}-{digest}.safetensors"
    if path.exists():
        kept = PerturbedVAEMethod.load(path, screen)
        if kept.get_params() != method.get_params():
            raise InputError(f"{path} was fitted with other defaults than today's: remove it.")
        return kept
    checkpoint = path.with_suffix(".checkpoint")
    method.set_params(checkpoint=str(checkpoint))
    with one_thread():
        method.fit(screen, split)
    method.set_params(checkpoint=None).save(path)
    checkpoint.unlink(missing_ok=True)
    return method
