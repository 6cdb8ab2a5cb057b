"""Run by test_resume_after_kill.py: trains a small PerturbedVAE, slowly, with checkpoints."""

import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch

from pvae_lib.learning import PairedBatches, TrainingSettings, checkpoint, train
from pvae_lib.learning.randomness import seeded_initialisation
from pvae_lib.model import Objective, ObjectiveConfig, PerturbedVAE, PerturbedVAEConfig


def main(path: Path, pause: float, every: int) -> None:
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    x = sp.random(200, 40, density=0.15, format="csr", dtype=np.float32, random_state=rng)
    u = np.eye(5, dtype=np.float32)[rng.integers(0, 5, 200)]
    with seeded_initialisation(0):
        model = PerturbedVAE(PerturbedVAEConfig(40, 5, d_nu=3, d_iota=4, hidden=16))
    batches = PairedBatches(
        x,
        u,
        np.arange(160),
        np.arange(160, 200),
        batch_size=16,
        seed=0,
        noise={"noise_nu": 3, "noise_iota": 4},
    )
    objective = Objective(ObjectiveConfig())

    def paused(module, batch):
        time.sleep(pause)
        return objective(module, batch)

    settings = TrainingSettings(epochs=6, learning_rate=1e-3, checkpoint_every=every)
    history = train(model, paused, batches, settings, checkpoint=path, identity={"seed": 0})
    tensors = {**model.state_dict(), "loss": torch.from_numpy(history["loss"].to_numpy().copy())}
    checkpoint.write(path.with_name("final.safetensors"), tensors, {})


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
