"""Run by test_fit_after_kill.py: fits and saves a small PerturbedVAEMethod with a checkpoint."""

import sys
from pathlib import Path

import numpy as np
import torch

from pvae_lib import splits
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.screen import Screen


def main(path: Path, checkpoint_seconds: float) -> None:
    torch.set_num_threads(1)
    labels = np.repeat(["control", "A", "B", "A+B"], [60, 50, 50, 20])
    counts = np.random.default_rng(0).poisson(3.0, (len(labels), 12)) + 1
    screen = Screen.from_counts(counts, labels, [f"G{i}" for i in range(12)])
    method = PerturbedVAEMethod(
        d_nu=2,
        d_iota=3,
        hidden=8,
        mechanism_hidden=8,
        batch_size=16,
        epochs=60,
        checkpoint=path,
        checkpoint_seconds=checkpoint_seconds,
    )
    method.fit(screen, splits.doubles_with_both_singles(screen))
    method.save(path.with_name("final.safetensors"))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
