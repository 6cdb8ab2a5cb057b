"""Helpers behind the notebooks: data, model, learning, evaluation and runs of PerturbedVAE.

Source: "What Makes a Representation Good for Single-Cell Perturbation Prediction?", ICML 2026,
arXiv 2605.19343, implemented independently from its published description.
"""

__version__ = "0.1.0"
