"""Training, shared by every learned method and by the simulations: arrays in, trained module out.

batches (with pairing and randomness) → loop (with device, capture, interrupt, checkpoint) → seeds.
"""

from pvae_lib.learning.batches import PairedBatches, resident
from pvae_lib.learning.loop import TrainingSettings, train
from pvae_lib.learning.seeds import fit_seeds

__all__ = ["PairedBatches", "TrainingSettings", "fit_seeds", "resident", "train"]
