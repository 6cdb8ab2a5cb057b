"""Geneformer on a tiny checkpoint of random numbers in the published format."""

import inspect
import json
import os
import pickle
import subprocess
import sys
import textwrap

import numpy as np
import pytest
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.probing.foundation import embed_geneformer, geneformer
from pvae_lib.probing.foundation.geneformer_tokens import Vocabulary

LENGTH = 16  # fewer than the genes of a cell, so that sequences are cut


def ensembl(i: int) -> str:
    return f"ENSG{i:011d}"


def write_dictionaries(folder, *, ends=True, n_genes=25):
    """Token dictionary, medians and names, as published but in JSON. G25 … G29 are unknown."""
    special = ["<pad>", "<mask>", *(["<cls>", "<eos>"] if ends else [])]
    tokens = {name: i for i, name in enumerate(special)}
    tokens |= {ensembl(i): len(special) + i for i in range(n_genes)}
    medians = {ensembl(i): 0.5 + (7 * i) % 5 for i in range(n_genes)}
    folder.mkdir(exist_ok=True)
    (folder / "token_dictionary.json").write_text(json.dumps(tokens))
    (folder / "gene_medians.json").write_text(json.dumps(medians))
    gene_ids = {f"G{i}": ensembl(i) for i in range(n_genes + 5)}
    (folder / "gene_ids.json").write_text(json.dumps(gene_ids))
    return folder


@pytest.fixture
def dictionaries(tmp_path):
    return write_dictionaries(tmp_path / "dictionaries")


# --- the encoding, without the package ------------------------------------------------------------


def by_the_formula(adata, vocabulary, cell, length):
    """Count / total × 10,000 / median, sorted: a cell's tokens as the paper's methods have it."""
    counts = adata.X[cell].toarray().ravel().astype(float)
    value = {
        vocabulary.tokens[gene]: count / counts.sum() * 10_000 / vocabulary.medians[gene]
        for gene, count in zip(adata.var["ensembl_id"], counts, strict=True)
        if count > 0 and gene in vocabulary.tokens
    }
    ranked = sorted(value, key=lambda token: (-round(value[token], 9), token))
    if "<cls>" not in vocabulary.tokens:
        return ranked[:length]
    return [vocabulary.tokens["<cls>"], *ranked[: length - 2], vocabulary.tokens["<eos>"]]


@pytest.mark.parametrize("ends", [True, False])
@pytest.mark.parametrize("length", [LENGTH, 4096])
def test_the_rank_value_encoding_is_the_formulas(adata, tmp_path, ends, length):
    vocabulary = Vocabulary.read(write_dictionaries(tmp_path, ends=ends))
    names = adata.var["ensembl_id"].to_numpy(dtype=str)
    encoded = vocabulary.encode(*vocabulary.scaled(adata.X, names), length)
    assert len(encoded) == adata.n_obs
    for cell, sequence in enumerate(encoded):
        assert list(sequence) == by_the_formula(adata, vocabulary, cell, length)


def test_names_of_one_gene_are_added_up(adata, dictionaries):
    vocabulary = Vocabulary.read(dictionaries)
    names = np.array([ensembl(1), "G1", ensembl(1) + ".7", "G2", "nothing"])
    scaled, tokens = vocabulary.scaled(adata.X[:, :5], names)
    counts = adata.X[:, :5].toarray()
    wanted = [counts[:, :3].sum(1), counts[:, 3]]
    medians = [vocabulary.medians[ensembl(1)], vocabulary.medians[ensembl(2)]]
    np.testing.assert_allclose(scaled.toarray(), np.transpose(wanted) / medians, rtol=1e-12)
    assert list(tokens) == [vocabulary.tokens[ensembl(1)], vocabulary.tokens[ensembl(2)]]


@pytest.mark.parametrize(
    ("file", "text", "message"),
    [
        ("token_dictionary.json", None, r"No file .*token_dictionary.json: it is made once"),
        ("gene_medians.json", "{", "gene_medians.json is no JSON table of float"),
        ("gene_medians.json", "[1, 2]", "not a table of names"),
        ("gene_medians.json", '{"ENSG00000000000": 1.0}', "24 genes .* no positive median"),
        ("token_dictionary.json", '{"<mask>": 1}', "lacks a special token"),
        ("token_dictionary.json", '{"<pad>": 0, "<cls>": 1}', "lacks a special token"),
        ("token_dictionary.json", '{"<pad>": "none"}', "no JSON table of int"),
    ],
)
def test_unusable_dictionaries_are_refused(dictionaries, file, text, message):
    (dictionaries / file).unlink()
    if text is not None:
        (dictionaries / file).write_text(text)
    with pytest.raises(InputError, match=message):
        Vocabulary.read(dictionaries)


class Harmful:
    def __reduce__(self):
        return os.system, ("echo harm",)


@pytest.mark.parametrize(
    ("table", "kept"),
    [
        ({"<pad>": 0, "ENSG1": 7}, {"<pad>": 0, "ENSG1": 7}),
        ({"ENSG1": np.float64(2.5), "ENSG2": 1.5}, {"ENSG1": 2.5, "ENSG2": 1.5}),
        ({"A": "ENSG1"}, {"A": "ENSG1"}),
        ({"ENSG1": Harmful()}, None),
    ],
)
def test_the_documented_conversion_makes_json_and_runs_no_code(tmp_path, table, kept):
    code = textwrap.dedent(inspect.getdoc(geneformer).split("::\n\n")[1].split("\n\n`")[0])
    (tmp_path / "table.pkl").write_bytes(pickle.dumps(table))
    done = subprocess.run(
        [sys.executable, "-c", code, "table.pkl", "table.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "harm" not in done.stdout
    if kept is None:
        assert "refused: posix.system" in done.stderr and not (tmp_path / "table.json").exists()
    else:
        assert json.loads((tmp_path / "table.json").read_text()) == kept, done.stderr


# --- the model, with the package ------------------------------------------------------------------


@pytest.fixture
def transformers():
    return pytest.importorskip("transformers", reason="needs the extra 'geneformer'")


@pytest.fixture
def checkpoint(transformers, tmp_path):
    """Geneformer's architecture in small: config.json and model.safetensors."""

    def write(vocab_size=29, **changes):
        torch.manual_seed(0)
        shape = {
            "hidden_size": 8,
            "num_hidden_layers": 3,
            "num_attention_heads": 2,
            "intermediate_size": 16,
            "max_position_embeddings": LENGTH,
            "hidden_act": "relu",
            "pad_token_id": 0,
            # Large weights: a wrong mask or order shows.
            "initializer_range": 1.0,
        }
        config = transformers.BertConfig(vocab_size=vocab_size, **shape | changes)
        folder = tmp_path / "Geneformer-V2-tiny"
        transformers.BertForMaskedLM(config).save_pretrained(folder)
        return folder

    return write


@pytest.mark.parametrize("ends", [True, False])
def test_the_embedding_is_the_mean_of_the_second_to_last_layer(
    adata, transformers, checkpoint, tmp_path, no_network, ends
):
    dictionaries = write_dictionaries(tmp_path / "dictionaries", ends=ends)
    folder = checkpoint(vocab_size=29 if ends else 27)
    counts, random = adata.X.copy(), torch.random.get_rng_state()
    embed_geneformer(adata, folder, dictionaries, batch_size=5)
    assert torch.equal(random, torch.random.get_rng_state())
    found = adata.obsm["X_geneformer"]
    assert found.shape == (adata.n_obs, 8) and found.dtype == np.float32
    assert (adata.X != counts).nnz == 0
    assert adata.uns["X_geneformer"]["genes_known"] == 25

    # One cell at a time needs no padding; the encoder's third layer is not run at all.
    bert = transformers.BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
    bert.encoder.layer = bert.encoder.layer[:2]
    vocabulary = Vocabulary.read(dictionaries)
    for cell in range(adata.n_obs):
        tokens = torch.tensor([by_the_formula(adata, vocabulary, cell, LENGTH)])
        with torch.no_grad():
            last = bert(input_ids=tokens).last_hidden_state[0].numpy()
        wanted = (last[1:-1] if ends else last).mean(0)
        np.testing.assert_allclose(found[cell], wanted, rtol=1e-4, atol=1e-5)


def test_ids_in_a_column_give_what_symbols_give(adata, checkpoint, dictionaries):
    folder = checkpoint()
    embed_geneformer(adata, folder, dictionaries)
    (dictionaries / "gene_ids.json").unlink()
    embed_geneformer(adata, folder, dictionaries, gene_column="ensembl_id", key="X_by_id")
    np.testing.assert_array_equal(adata.obsm["X_by_id"], adata.obsm["X_geneformer"])
    with pytest.raises(InputError, match=r"knows none of the 30 genes by name \('G0', …\)"):
        embed_geneformer(adata, folder, dictionaries)
    with pytest.raises(InputError, match="No column 'symbol' in var"):
        embed_geneformer(adata, folder, dictionaries, gene_column="symbol")


def test_counts_come_from_their_layer_and_must_be_raw(adata, checkpoint, dictionaries):
    folder = checkpoint()
    embed_geneformer(adata, folder, dictionaries)
    adata.layers["counts"] = adata.X.copy()
    adata.X = adata.X.log1p()
    embed_geneformer(adata, folder, dictionaries, key="X_layer")
    np.testing.assert_array_equal(adata.obsm["X_layer"], adata.obsm["X_geneformer"])
    del adata.layers["counts"]
    with pytest.raises(InputError, match="not whole numbers"):
        embed_geneformer(adata, folder, dictionaries)


def test_a_cell_without_known_genes_is_named(adata, checkpoint, dictionaries):
    counts = adata.X.toarray()
    counts[3, :25] = 0
    adata.X = counts
    with pytest.raises(InputError, match=r"1 cells express no gene that Geneformer .*\(cell3\)"):
        embed_geneformer(adata, checkpoint(), dictionaries)


def test_a_dictionary_of_the_other_series_is_refused(adata, checkpoint, tmp_path):
    dictionaries = write_dictionaries(tmp_path / "dictionaries", ends=False)
    with pytest.raises(InputError, match="29 tokens, the dictionary 27: one is of the V1"):
        embed_geneformer(adata, checkpoint(), dictionaries)


def test_a_repository_is_not_asked_for_unless_allowed(adata, dictionaries, no_network):
    pytest.importorskip("transformers", reason="needs the extra 'geneformer'")
    with pytest.raises(InputError, match="or set download=True"):
        embed_geneformer(adata, "ctheodoris/Geneformer", dictionaries)


def test_a_model_in_a_subfolder_is_found(adata, checkpoint, dictionaries):
    folder = checkpoint()
    embed_geneformer(adata, folder.parent, dictionaries, subfolder=folder.name)
    assert adata.uns["X_geneformer"]["source"] == str(folder)


def test_damaged_or_incomplete_weights_are_refused(adata, checkpoint, dictionaries):
    from safetensors.torch import load_file, save_file

    folder = checkpoint()
    weights = folder / "model.safetensors"
    whole = load_file(weights)
    part = {k: v for k, v in whole.items() if not k.startswith("bert.encoder.layer.1.")}
    save_file(part, weights, metadata={"format": "pt"})
    with pytest.raises(InputError, match="lacks 16 of the model's weights"):
        embed_geneformer(adata, folder, dictionaries)
    save_file(whole, weights, metadata={"format": "pt"})
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="cannot be loaded as Geneformer"):
        embed_geneformer(adata, folder, dictionaries)
    (folder / "config.json").write_text("{")
    with pytest.raises(InputError, match="cannot be loaded as Geneformer"):
        embed_geneformer(adata, folder, dictionaries)


def test_a_repository_is_found_through_the_hubs_cache_when_allowed(
    adata, checkpoint, dictionaries, tmp_path, monkeypatch, no_network
):
    """The hub's client itself, on a cache as it leaves behind; only the network is missing."""
    folder = checkpoint()
    embed_geneformer(adata, folder, dictionaries)
    cache = tmp_path / "cache" / "models--ctheodoris--Geneformer"
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text("0" * 40)
    snapshot = cache / "snapshots" / ("0" * 40)
    snapshot.mkdir(parents=True)
    folder.rename(snapshot / folder.name)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(cache.parent))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    name = {"subfolder": folder.name, "key": "X_hub"}
    with pytest.raises(InputError, match="No file ctheodoris/Geneformer/Geneformer-V2-tiny"):
        embed_geneformer(adata, "ctheodoris/Geneformer", dictionaries, **name)
    embed_geneformer(adata, "ctheodoris/Geneformer", dictionaries, download=True, **name)
    np.testing.assert_array_equal(adata.obsm["X_hub"], adata.obsm["X_geneformer"])
    with pytest.raises(InputError, match="cannot be loaded as Geneformer"):
        embed_geneformer(adata, "ctheodoris/Other", dictionaries, download=True)
