"""Embeddings of foundation models, written to `.obsm["X_…"]` to be probed like any other.

None of the published weights can be had on the project's machines: the paths below are tested on
tiny checkpoints of random numbers in the true format, and whose embeddings are probed is what a
reader supplies; `foundation_table()` says what that is. In two lines::

    adata = screen.to_anndata()
    read_uce(adata, "out/screen_uce_adata.h5ad")
"""

from pvae_lib.probing.foundation.catalogue import (
    FOUNDATION_MODELS,
    FoundationModel,
    foundation_table,
)
from pvae_lib.probing.foundation.geneformer import embed_geneformer
from pvae_lib.probing.foundation.scfoundation import read_scfoundation
from pvae_lib.probing.foundation.state import embed_state
from pvae_lib.probing.foundation.uce import read_uce

__all__ = [
    "FOUNDATION_MODELS",
    "FoundationModel",
    "embed_geneformer",
    "embed_state",
    "foundation_table",
    "read_scfoundation",
    "read_uce",
]
