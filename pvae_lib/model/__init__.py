"""PerturbedVAE as equations: config → scm → network → objective. Arrays x and u only; no screen."""

from pvae_lib.model.config import ObjectiveConfig, PerturbedVAEConfig
from pvae_lib.model.network import PerturbedVAE
from pvae_lib.model.objective import Objective
from pvae_lib.model.scm import SCM, Mechanisms

__all__ = [
    "SCM",
    "Mechanisms",
    "Objective",
    "ObjectiveConfig",
    "PerturbedVAE",
    "PerturbedVAEConfig",
]
