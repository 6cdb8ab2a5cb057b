"""How accessible the perturbation is in a representation of cells, measured with linear probes.

base, representations (the registry: expression, PCA, encodings, networks, PerturbedVAE's blocks,
any .obsm) → probes (features and a target → one tidy table) → survey (many representations, many
targets, the sweep of background on the twin) → tables (means and intervals, to record and to
draw). backgrounds says what a probe of background asks for; foundation brings foundation models.

    table = probe(adata.obsm["X_mine"], screen.condition, seeds=(0,))
    print(summarise(table))
"""

from pvae_lib.probing.probes import probe
from pvae_lib.probing.tables import summarise

__all__ = ["probe", "summarise"]
