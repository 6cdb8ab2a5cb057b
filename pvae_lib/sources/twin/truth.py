"""What a real screen never tells, and the twin does."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class TwinTruth:
    """The truth behind a twin's counts. Rows of cells and genes stand in the screen's order."""

    conditions: np.ndarray
    """(n_conditions,) perturbed conditions, sorted: the rows of `effects`."""
    effects: np.ndarray
    """(n_conditions, n_genes) float32, natural log of the rate's fold change in a cell at rest
    (all programs at their median) with full dose."""
    realised: np.ndarray
    """(n_conditions, n_genes) float32, natural log of mean rate of the condition's cells over mean
    rate of the controls, library size divided out: `effects` after escape, spread of doses and
    cell state, without count noise."""
    interaction: dict[str, str]
    """Class of each double: additive, synergy, buffering, epistasis or neomorphic."""
    interaction_scale: dict[str, tuple[float, float]]
    """How much of each single's drive is left in the double, genes in sorted order."""
    programs: np.ndarray
    """(n_genes, n_programs) float32, background loadings: activating minus repressing affinity."""
    program_scores: np.ndarray
    """(n_cells, n_programs) float32, log activity of each program before perturbation."""
    cycle_phase: np.ndarray
    """(n_cells,) radians, 0 to 2π."""
    cycle_peak: np.ndarray
    """(n_genes,) phase at which a gene peaks, NaN for genes that do not cycle."""
    cycle_amplitude: np.ndarray
    """(n_genes,) log-fold swing over the cycle."""
    library: np.ndarray
    """(n_cells,) expected UMI over all genes."""
    dose: np.ndarray
    """(n_cells, 2) float32, activity of each guide, 0 in cells that escaped."""
    dispersion: np.ndarray
    """(n_genes,) of the negative binomial, given a cell's background."""
    abundance: np.ndarray
    """(n_genes,) expected UMI in a median-sized unperturbed cell at rest."""
