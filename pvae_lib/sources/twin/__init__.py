"""The twin: a generated Perturb-seq screen with its truth, calibrated on Norman's real one.

It contains no real data, only constants measured on it. The mechanism is nobody's model: programs
read by promoters with saturation and competition, a cell cycle on a circle, guides that fail in
some cells, competition between the two effects of a double, counts from a negative binomial.

    screen, truth = make_twin(TwinConfig.small(), seed=0)
"""

import numpy as np

from pvae_lib.screen import Screen
from pvae_lib.sources.twin.cells import make_cells
from pvae_lib.sources.twin.config import TwinConfig
from pvae_lib.sources.twin.counts import draw_counts
from pvae_lib.sources.twin.doubles import CLASSES, make_interactions
from pvae_lib.sources.twin.effects import make_effects
from pvae_lib.sources.twin.genes import make_genes
from pvae_lib.sources.twin.names import choose_labels
from pvae_lib.sources.twin.rates import Rates
from pvae_lib.sources.twin.truth import TwinTruth

__all__ = ["CLASSES", "TwinConfig", "TwinTruth", "make_twin"]


def make_twin(config: TwinConfig | None = None, seed: int = 0) -> tuple[Screen, TwinTruth]:
    """Generate a screen and its truth; the same configuration and seed give the same numbers.

    Parameters
    ----------
    config
        Sizes and strengths; by default `TwinConfig.small()`.
    seed
        Of every random draw.

    Returns
    -------
    screen
        Raw counts with Norman's labels. `total_counts` are over all genes of the genome, of which
        the twin holds those with about 22 % of the UMI, so that normalisation uses them.
    truth
        Background, effects and interactions behind the counts.
    """
    config = config or TwinConfig.small()
    streams = np.random.SeedSequence(seed).spawn(5)
    rng = [np.random.default_rng(stream) for stream in streams[:4]]
    singles, doubles = choose_labels(config.n_singles, config.n_doubles)
    targets = sorted({gene for label in singles + doubles for gene in label.split("+")})
    genes = make_genes(config, targets, rng[0])
    cells = make_cells(config, singles, doubles, rng[1])
    effects = make_effects(config, genes, targets, doubles, rng[2])
    interactions = make_interactions(config, effects, doubles, rng[3])
    rates = Rates(genes, effects, interactions)
    counts, total_counts, mean_rates = draw_counts(config, rates, cells, streams[4])
    screen = Screen.from_counts(
        counts,
        cells.condition,
        genes.names,
        [f"cell{i:06d}" for i in range(len(cells.condition))],
        name=config.name,
        total_counts=total_counts,
    )

    conditions = np.array(sorted(singles + doubles), dtype=object)
    control = mean_rates.pop("control")
    at_rest = np.array(["control", *conditions], dtype=object)
    full_dose = np.ones((len(at_rest), 2), dtype=np.float32)
    full_dose[0] = 0
    full_dose[1:, 1] = ["+" in label for label in conditions]
    rest = rates(at_rest, full_dose, np.zeros((len(at_rest), config.n_programs), np.float32))
    truth = TwinTruth(
        conditions=conditions,
        effects=np.log(rest[1:] / rest[:1]),
        realised=np.log(np.array([mean_rates[c] for c in conditions]) / control).astype(np.float32),
        interaction=dict(zip(doubles, map(str, interactions.kind), strict=True)),
        interaction_scale=dict(zip(doubles, map(tuple, interactions.scale.tolist()), strict=True)),
        programs=(genes.activation - genes.repression).T,
        program_scores=cells.state,
        cycle_phase=cells.phase,
        cycle_peak=genes.peak,
        cycle_amplitude=genes.cycle_amplitude,
        library=cells.library,
        dose=cells.dose,
        dispersion=genes.dispersion,
        abundance=genes.abundance,
    )
    return screen, truth
