"""Geneformer's cell embedding, run here from the published weights.

Geneformer (Theodoris et al., Nature 2023; V2: bioRxiv 2024.08.16.608180) is a BERT that reads a
cell as the order of its genes, each measured against its median over a large corpus, and is trained
to fill in masked genes. Weights, Apache 2.0: the folders of huggingface.co/ctheodoris/Geneformer.

| folder               | width | length | layers |
|----------------------|-------|--------|--------|
| `Geneformer-V1-10M`  | 256   | 2,048  | 6      |
| `Geneformer-V2-104M` | 768   | 4,096  | 12     |
| `Geneformer-V2-316M` | 1,152 | 4,096  | 18     |

The dictionaries are published beside them as pickles, which can run code when read; nothing here
reads one. Once, a reader turns them into JSON by an unpickler that knows plain tables and NumPy's
numbers, and refuses all else::

    import io, json, pickle, sys
    class Plain(pickle.Unpickler):
        allowed = {"scalar", "dtype"}
        def find_class(self, module, name):
            if module.split(".")[0] != "numpy" or name not in self.allowed:
                raise pickle.UnpicklingError(f"refused: {module}.{name}")
            return super().find_class(module, name)
    table = Plain(open(sys.argv[1], "rb")).load()
    table = {k: v if isinstance(v, str | int) else float(v) for k, v in table.items()}
    open(sys.argv[2], "w").write(json.dumps(table))

`token_dictionary_gc104M.pkl` becomes `token_dictionary.json`, `gene_median_dictionary_gc104M.pkl`
becomes `gene_medians.json`, and `gene_name_id_dict_gc104M.pkl`, wanted where genes go by symbols,
becomes `gene_ids.json`; for V1, the files of the 30-million-cell corpus.
"""

import os
from pathlib import Path

import anndata as ad
import numpy as np
import torch
from safetensors import SafetensorError

from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.extras import load_extra
from pvae_lib.learning.device import resolve_device
from pvae_lib.probing.foundation import aligned
from pvae_lib.probing.foundation.counts import check_expressed, gene_names, raw_counts
from pvae_lib.probing.foundation.geneformer_tokens import PAD, Vocabulary
from pvae_lib.progress import bar


def embed_geneformer(
    adata: ad.AnnData,
    checkpoint: str | os.PathLike,
    dictionaries: str | os.PathLike,
    *,
    subfolder: str = "",
    download: bool = False,
    gene_column: str | None = None,
    batch_size: int = 16,
    device: str = "cpu",
    key: str = "X_geneformer",
) -> None:
    """Write Geneformer's cell embeddings to `adata.obsm[key]`, (n_cells, width) float32.

    As Geneformer's own extractor has it: the mean over a cell's gene tokens, without the two ends
    and the padding, of the second-to-last layer.

    Parameters
    ----------
    adata
        The cells; raw counts in layers["counts"] or X, of all genes that were measured. The
        embedding is written to it.
    checkpoint
        A folder with `config.json` and `model.safetensors`, such as a copy of
        `Geneformer-V2-104M`; with `download`, the name of a repository on the hub.
    dictionaries
        The folder with `token_dictionary.json`, `gene_medians.json` and, where genes do not go by
        Ensembl ids, `gene_ids.json`; see the head of this module.
    subfolder
        The model's folder within `checkpoint`, where that holds several.
    download
        Whether the hub may be asked. Without it nothing reaches the network.
    gene_column
        The column of var with Ensembl ids; by default the index, as ids or through `gene_ids.json`.
    batch_size
        Cells at once. A batch is padded to its longest cell.
    device
        "cpu", "cuda", "mps" or "auto". One thread of a CPU takes some 20 s over one cell of 2,000
        genes with V2-104M: a whole screen wants a GPU, on which nobody has run this path yet.

    Raises
    ------
    InputError
        The package `transformers` is missing; a checkpoint or dictionary that is missing, damaged
        or of another series; no gene known by name; cells that express no known gene; no raw
        counts; and any of the refusals of `aligned.store`.
    """
    check_whole(batch_size=batch_size)
    where = resolve_device(device)
    vocabulary = Vocabulary.read(Path(dictionaries))
    names = gene_names(adata, gene_column)
    scaled, tokens = vocabulary.scaled(raw_counts(adata), names)
    check_expressed(scaled, adata.obs_names.to_numpy(), "Geneformer")
    bert = load_bert(checkpoint, subfolder, download).to(where)
    if bert.config.vocab_size != len(vocabulary.tokens):
        raise InputError(
            f"The model has {bert.config.vocab_size} tokens, the dictionary "
            f"{len(vocabulary.tokens)}: one is of the V1 series, the other of V2."
        )
    sequences = vocabulary.encode(scaled, tokens, bert.config.max_position_embeddings)
    values = _mean_of_genes(bert, sequences, vocabulary, batch_size)
    aligned.store(
        adata,
        key,
        values,
        adata.obs_names,
        source=str(Path(checkpoint) / subfolder),
        about={"model": "Geneformer", "genes_known": len(tokens), "genes_given": len(names)},
    )


def load_bert(checkpoint: str | os.PathLike, subfolder: str, download: bool) -> torch.nn.Module:
    """Geneformer's encoder (transformers' BertModel) in evaluation mode, from safetensors only.

    Raises
    ------
    InputError
        The package `transformers` is missing; no such folder or file; damaged or incomplete
        weights.
    """
    transformers = load_extra("transformers", "geneformer")
    options = {"subfolder": subfolder} if download else {}
    if not download:
        checkpoint = Path(checkpoint) / subfolder
        for file in ("config.json", "model.safetensors"):
            if not (checkpoint / file).is_file():
                raise InputError(
                    f"No file {checkpoint / file}: give the folder of one of Geneformer's models, "
                    "or set download=True to fetch a repository by its name from the hub."
                )
    try:
        model, report = transformers.BertForMaskedLM.from_pretrained(
            checkpoint,
            local_files_only=not download,
            use_safetensors=True,
            output_loading_info=True,
            **options,
        )
    except (OSError, ValueError, RuntimeError, TypeError, SafetensorError) as error:
        raise InputError(
            f"{checkpoint} cannot be loaded as Geneformer: {error}; fetch it again."
        ) from error
    # transformers fills what a file lacks with random numbers.
    missing = [name for name in report["missing_keys"] if name.startswith("bert.")]
    if missing:
        raise InputError(
            f"{checkpoint} lacks {len(missing)} of the model's weights ({sorted(missing)[0]}, …); "
            "fetch it again."
        )
    return model.bert.eval()


def _mean_of_genes(
    bert: torch.nn.Module, sequences: list[np.ndarray], vocabulary: Vocabulary, batch_size: int
) -> np.ndarray:
    """(n_cells, width) means over gene tokens of the second-to-last layer."""
    found = np.empty((len(sequences), bert.config.hidden_size), np.float32)
    ends = int(vocabulary.has_ends)
    # Longest first: batches pad little, and one that does not fit fails at once.
    order = np.argsort([-len(s) for s in sequences], kind="stable")
    for start in bar(range(0, len(order), batch_size), desc="Geneformer", unit="batch"):
        cells = order[start : start + batch_size]
        lengths = torch.tensor([len(sequences[i]) for i in cells])
        ids = torch.full((len(cells), int(lengths.max())), vocabulary.tokens[PAD])  # (B, L)
        for row, i in enumerate(cells):
            ids[row, : len(sequences[i])] = torch.from_numpy(sequences[i])
        place = torch.arange(ids.shape[1])
        attended = place < lengths[:, None]  # (B, L)
        genes = (place >= ends) & (place < lengths[:, None] - ends)  # (B, L)
        with torch.inference_mode():
            layers = bert(
                input_ids=ids.to(bert.device),
                attention_mask=attended.long().to(bert.device),
                output_hidden_states=True,
            ).hidden_states
        genes = genes.to(bert.device)
        total = (layers[-2] * genes[:, :, None]).sum(1)  # (B, width)
        found[cells] = (total / genes.sum(1, keepdim=True)).float().cpu().numpy()
    return found
