"""Which foundation models can be probed here, and what a reader must bring for each."""

from dataclasses import asdict, dataclass

import pandas as pd

from pvae_lib.extras import has_extra


@dataclass(frozen=True)
class FoundationModel:
    """What there is to know of one model before it is probed.

    Attributes
    ----------
    key
        Where its embedding is kept in `.obsm`.
    idea, paper
        What it reads and learns, and where that is described.
    call
        The function of this package that writes `.obsm[key]`.
    runs_here
        Whether that function runs the model itself, or reads what the model's own script wrote.
    extra, package
        The extra of pyproject.toml, and the package that it brings; empty where none is needed.
    supply
        What the reader brings: none of it may be shipped or is fetched here.
    licence
        Of the weights.
    width
        Columns of the embedding, by size of the model.
    """

    key: str
    idea: str
    paper: str
    call: str
    runs_here: bool
    extra: str
    package: str
    supply: str
    licence: str
    width: str


FOUNDATION_MODELS = {
    "Geneformer": FoundationModel(
        key="X_geneformer",
        idea="a cell as the order of its genes; masked genes are filled in",
        paper="Theodoris et al., Nature 2023",
        call="embed_geneformer",
        runs_here=True,
        extra="geneformer",
        package="transformers",
        supply="a model's folder of huggingface.co/ctheodoris/Geneformer, its dictionaries as JSON",
        licence="Apache 2.0",
        width="256 (V1-10M), 768 (V2-104M), 1152 (V2-316M)",
    ),
    "UCE": FoundationModel(
        key="X_uce",
        idea="genes sampled by expression, as their proteins' embeddings; presence is predicted",
        paper="Rosen et al., bioRxiv 2023.11.28.568918",
        call="read_uce",
        runs_here=False,
        extra="",
        package="",
        supply="the .h5ad that eval_single_anndata.py of github.com/snap-stanford/UCE writes",
        licence="MIT",
        width="1280",
    ),
    "scFoundation": FoundationModel(
        key="X_scfoundation",
        idea="continuous values of 19,264 genes; masked values are filled in",
        paper="Hao et al., Nature Methods 2024",
        call="read_scfoundation",
        runs_here=False,
        extra="",
        package="",
        supply="the .npy that get_embedding.py of github.com/biomap-research/scFoundation writes",
        licence="non-commercial research only",
        width="3072 (pool_type all), 768 (max)",
    ),
    "STATE": FoundationModel(
        key="X_state",
        idea="the most expressed genes as their proteins' embeddings; expression is predicted",
        paper="Adduri et al., bioRxiv 2025.06.26.661135",
        call="embed_state",
        runs_here=True,
        extra="state",
        package="state",
        supply="a copy of huggingface.co/arcinstitute/SE-600M",
        licence="non-commercial, the embeddings too",
        width="2058 (SE-600M)",
    ),
}


def foundation_table() -> pd.DataFrame:
    """One row a model: the fields of `FoundationModel`, and whether its package is installed."""
    rows = {
        name: asdict(model) | {"installed": not model.package or has_extra(model.package)}
        for name, model in FOUNDATION_MODELS.items()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("model")
