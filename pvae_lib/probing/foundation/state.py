"""STATE's cell embedding (SE), run here by the package arc-state from the published weights.

STATE's embedding model (Adduri et al., bioRxiv 2025.06.26.661135) reads the 2,047 most expressed
genes of a cell as their proteins' ESM-2 embeddings, with a soft bin of each count, and is trained
to tell which other genes the cell expresses. The package is under CC BY-NC-SA 4.0; the weights and
what they produce are under the Arc Research Institute State Model Non-Commercial License: **no
commercial use**, of the embeddings neither. Weights: huggingface.co/arcinstitute/SE-600M.

The package's own loader unpickles whatever a checkpoint holds, which can run code. Here a
checkpoint is read with `weights_only=True`, where a short list of containers is let through and
all else is refused; `model.safetensors`, which holds numbers only, needs no such list.
"""

import contextlib
import importlib
import io
import os
import tempfile
import warnings
from pathlib import Path

import anndata as ad
import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file

from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.extras import load_extra
from pvae_lib.learning.randomness import seeded_initialisation
from pvae_lib.probing.foundation import aligned
from pvae_lib.probing.foundation.counts import check_expressed, gene_names, raw_counts

PROTEINS = "protein_embeddings.pt"


def embed_state(
    adata: ad.AnnData,
    checkpoint: str | os.PathLike,
    *,
    gene_column: str | None = None,
    batch_size: int = 64,
    seed: int = 0,
    key: str = "X_state",
) -> None:
    """Write STATE's cell embeddings to `adata.obsm[key]`, (n_cells, width) float32.

    The width is that of the model's output and ten more columns for the data set, as the package
    writes it: 2,058 for SE-600M. It runs on the first GPU where torch finds one, in bfloat16, else
    on the CPU in float32; nobody has run this project's path on a GPU yet, and on a CPU SE-600M is
    too slow for a whole screen. Nothing reaches the network.

    Parameters
    ----------
    adata
        The cells; raw counts in layers["counts"] or X, of all genes that were measured. The
        embedding is written to it.
    checkpoint
        A folder with `model.safetensors`, `config.yaml` and `protein_embeddings.pt`, such as a copy
        of SE-600M; or a Lightning checkpoint, `….ckpt`, which holds all three (the proteins may lie
        beside it instead).
    gene_column
        The column of var with gene symbols; by default the index.
    batch_size
        Cells at once.
    seed
        Of the draws among equally expressed genes (most often those not expressed), where not all
        genes fit or some places are left. They depend on `batch_size` too.

    Raises
    ------
    InputError
        The package `arc-state` is missing; a checkpoint that is missing, damaged, incomplete or
        holds objects that are not read; hardly a gene known by name; cells that express no known
        gene; no raw counts; and any of the refusals of `aligned.store`.
    """
    check_whole(batch_size=batch_size)
    check_whole(at_least=0, seed=seed)
    counts = raw_counts(adata)
    names = gene_names(adata, gene_column)
    inference, config = load_inference(checkpoint)
    known = pd.Index(names).isin(inference.protein_embeds.keys())
    # The package looks up the place of its first token, which it then overwrites, among them.
    needed = config.dataset.cls_token_idx + 1
    if known.sum() < needed:
        raise InputError(
            f"STATE knows {int(known.sum())} of the {len(names)} genes by name ({names[0]!r}, …): "
            "it goes by gene symbols; name a column of var that holds them by gene_column=…"
        )
    check_expressed(counts[:, known], adata.obs_names.to_numpy(), "STATE")
    # The package takes a cell whose largest value is small for log1p of counts already, and works
    # on log1p otherwise: given log1p, it need not guess.
    given = ad.AnnData(counts.log1p(), obs=pd.DataFrame(index=adata.obs_names.astype(str)))
    given.var_names = names
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cells.h5ad"
        given.write_h5ad(path)
        with (
            seeded_initialisation(seed),
            contextlib.redirect_stdout(io.StringIO()),
            warnings.catch_warnings(action="ignore", category=UserWarning),
        ):
            values = inference.encode_adata(str(path), batch_size=batch_size)
    aligned.store(
        adata,
        key,
        values,
        adata.obs_names,
        source=str(checkpoint),
        about={"model": "STATE", "genes_known": int(known.sum()), "genes_given": len(names)},
    )


def load_inference(checkpoint: str | os.PathLike) -> tuple:
    """arc-state's `Inference`, ready to encode, and its configuration; nothing is unpickled.

    Raises
    ------
    InputError
        See `embed_state`.
    """
    path = Path(checkpoint)
    # The package silences all warnings when it is imported; and a model draws the weights that
    # the file then replaces. Neither outlasts this.
    with warnings.catch_warnings(), seeded_initialisation(0):
        package = load_extra("state.emb.inference", "state")
        model, config, proteins = (
            _from_lightning(path) if path.suffix == ".ckpt" else _from_folder(path)
        )
    embeddings = torch.vstack(list(proteins.values()))
    profile = config.embeddings[config.embeddings.current]
    if embeddings.shape[1] != profile.size or len(proteins) < profile.num:
        raise InputError(
            f"{path}: {len(proteins)} protein embeddings of {embeddings.shape[1]} numbers, but the "
            f"configuration speaks of {profile.num} of {profile.size}; take both from one place."
        )
    model.pe_embedding = torch.nn.Embedding.from_pretrained(embeddings)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    precision = load_extra("state.emb.utils", "state").get_precision_config(device_type=device)
    inference = package.Inference(cfg=config, protein_embeds=proteins)
    inference.model = model.to(device=device, dtype=precision).eval()
    return inference, config


def _from_folder(folder: Path) -> tuple:
    """Model, configuration and protein embeddings of a folder as on the hub."""
    omegaconf = load_extra("omegaconf", "state")
    network = load_extra("state.emb.nn.model", "state")
    for file in ("model.safetensors", "config.yaml", PROTEINS):
        if not (folder / file).is_file():
            raise InputError(f"No file {folder / file}; give a whole copy of the model's folder.")
    try:
        config = omegaconf.OmegaConf.load(folder / "config.yaml")
        size, shape = config.embeddings[config.embeddings.current].size, config.model
        model = network.StateEmbeddingModel(
            token_dim=size,
            d_model=shape.emsize,
            nhead=shape.nhead,
            d_hid=shape.d_hid,
            nlayers=shape.nlayers,
            output_dim=shape.output_dim,
            emb_size=size,
            cfg=config,
        )
        weights = load_file(folder / "model.safetensors")
        # Replaced by the folder's protein embeddings, as the package does.
        weights.pop("pe_embedding.weight", None)
        missing = model.load_state_dict(weights, strict=False).missing_keys
    except Exception as error:  # OmegaConf, YAML, torch and safetensors raise many kinds
        raise InputError(
            f"{folder} cannot be loaded as STATE's embedding model: {error}; fetch it again."
        ) from error
    _check_whole_model(missing, folder)
    return model, config, _proteins(folder / PROTEINS)


def _from_lightning(path: Path) -> tuple:
    """Model, configuration and protein embeddings of a Lightning checkpoint."""
    omegaconf = load_extra("omegaconf", "state")
    network = load_extra("state.emb.nn.model", "state")
    if not path.is_file():
        raise InputError(f"No file {path}; check the path.")
    try:
        with torch.serialization.safe_globals(_inert_classes()):
            refused = torch.serialization.get_unsafe_globals_in_checkpoint(path)
            if refused:
                raise InputError(
                    f"{path} holds objects that are not read, since reading them can run code "
                    f"({', '.join(sorted(refused)[:3])}); give the folder with model.safetensors."
                )
            saved = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
            config = omegaconf.OmegaConf.create(saved["cfg_yaml"])
            model = network.StateEmbeddingModel.load_from_checkpoint(
                path, map_location="cpu", strict=False, weights_only=True, cfg=config, dropout=0.0
            )
    except InputError:
        raise
    except Exception as error:  # torch, Lightning and OmegaConf raise many kinds
        raise InputError(
            f"{path} cannot be loaded as a checkpoint of STATE's embedding model: "
            f"{type(error).__name__}: {error}; fetch it again."
        ) from error
    _check_whole_model(model.state_dict().keys() - saved["state_dict"].keys(), path)
    beside = path.with_name(PROTEINS)
    return model, config, saved.get("protein_embeds_dict") or _proteins(beside)


def _check_whole_model(missing: set[str] | list[str], path: Path) -> None:
    # A second name of the encoder, which safetensors stores once.
    lacking = sorted(name for name in missing if not name.startswith("gene_embedding_layer."))
    if lacking:
        raise InputError(
            f"{path} lacks {len(lacking)} of the model's weights ({lacking[0]}, …): the "
            "configuration is of another model, or the file is not whole."
        )


def _proteins(path: Path) -> dict[str, torch.Tensor]:
    """Gene symbol to its protein's embedding; a table of tensors and nothing else."""
    if not path.is_file():
        raise InputError(f"No file {path}; it lies beside the model's weights on the hub.")
    try:
        proteins = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for a file that is no table
        raise InputError(f"{path} is no table of tensors ({error}); fetch it again.") from error
    if not isinstance(proteins, dict) or not all(torch.is_tensor(v) for v in proteins.values()):
        raise InputError(f"{path} is no table of gene symbols to tensors; fetch it again.")
    return proteins


class _LeftAside:
    """Stands where a checkpoint keeps the helper that made its batches, which nothing needs."""


def _inert_classes() -> list:
    """What a checkpoint of STATE may hold beside tensors: containers, whose making runs no code."""
    wanted = {
        "builtins": ("dict", "int", "list"),
        "collections": ("defaultdict",),
        "numpy": ("dtype", "ndarray"),
        "omegaconf.base": ("ContainerMetadata", "Metadata"),
        "omegaconf.dictconfig": ("DictConfig",),
        "omegaconf.listconfig": ("ListConfig",),
        "omegaconf.nodes": ("AnyNode",),
        "typing": ("Any",),
    }
    found = [
        getattr(importlib.import_module(module), name)
        for module, names in wanted.items()
        for name in names
    ]
    rebuild = np.empty(0).__reduce__()[0]
    found += [(rebuild, f"numpy.{core}.multiarray._reconstruct") for core in ("core", "_core")]
    found += [type(np.dtype(kind)) for kind in (bool, np.int32, np.int64, np.float32, np.float64)]
    batches = "data.loader.VCIDatasetSentenceCollator"
    return found + [(_LeftAside, f"{package}.{batches}") for package in ("state.emb", "vci")]
