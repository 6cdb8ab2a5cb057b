"""STATE's embedding model on a tiny checkpoint of random numbers that arc-state itself writes."""

import os
import pickle
import warnings

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pvae_lib.exceptions import InputError
from pvae_lib.probing.foundation import embed_state
from pvae_lib.probing.foundation.state import load_inference

pytest.importorskip("state", reason="needs the extra 'state'")

KNOWN = 25  # G25 … G29 have no protein here
WIDTH = 12 + 10


@pytest.fixture(scope="module")
def small():
    """A model of STATE's kind, and its configuration: the package's own, with small numbers."""
    from importlib.resources import files

    from omegaconf import OmegaConf
    from state.emb.nn.model import StateEmbeddingModel

    config = OmegaConf.create((files("state.configs") / "state-defaults.yaml").read_text())
    OmegaConf.update(config, "model", {"emsize": 16, "d_hid": 16, "nhead": 2, "nlayers": 2})
    OmegaConf.update(config, "model", {"output_dim": WIDTH - 10, "batch_size": 4})
    # 16 places for 25 genes: which unexpressed genes fill a sentence is drawn.
    OmegaConf.update(config, "dataset", {"pad_length": 16, "P": 4, "N": 4, "S": 4})
    config.embeddings[config.embeddings.current].update({"size": 8, "num": KNOWN})
    config.dataset[config.dataset.current].num_datasets = 3
    torch.manual_seed(0)
    proteins = {f"G{i}": torch.randn(8) for i in range(KNOWN)}
    model = StateEmbeddingModel(
        token_dim=8,
        d_model=16,
        nhead=2,
        d_hid=16,
        nlayers=2,
        output_dim=WIDTH - 10,
        dropout=0.1,
        emb_size=8,
        cfg=config,
        collater=_batches(config),
    )
    model.protein_embeds = proteins
    model.pe_embedding = torch.nn.Embedding.from_pretrained(torch.vstack(list(proteins.values())))
    return model, config, proteins


def _batches(config):
    """The helper that training leaves in a checkpoint."""
    from state.emb.data.loader import VCIDatasetSentenceCollator

    return VCIDatasetSentenceCollator(
        config,
        valid_gene_mask={"a": np.ones(5, bool), "b": torch.ones(5)},
        ds_emb_mapping_inference={"a": np.arange(5)},
        is_train=False,
    )


@pytest.fixture
def held(small):
    """What Lightning saves in training: weights, configuration, proteins and hyper-parameters."""
    import lightning

    trainer = lightning.Trainer(
        logger=False, accelerator="cpu", enable_checkpointing=False, enable_progress_bar=False
    )
    trainer.strategy.connect(small[0])
    saved = []
    trainer.strategy.save_checkpoint = lambda checkpoint, *_, **__: saved.append(checkpoint)
    trainer.save_checkpoint("nowhere.ckpt")
    return saved[0]


@pytest.fixture
def ckpt(held, tmp_path):
    torch.save(held, tmp_path / "se_tiny.ckpt")
    return tmp_path / "se_tiny.ckpt"


@pytest.fixture
def folder(small, tmp_path):
    """What lies on the hub: model.safetensors, config.yaml and protein_embeddings.pt."""
    from omegaconf import OmegaConf

    model, config, proteins = small
    # As safetensors wants it: no two names for one array.
    shared = "gene_embedding_layer."
    weights = {k: v.clone() for k, v in model.state_dict().items() if not k.startswith(shared)}
    save_file(weights, tmp_path / "model.safetensors")
    OmegaConf.save(config, tmp_path / "config.yaml")
    torch.save(proteins, tmp_path / "protein_embeddings.pt")
    return tmp_path


def by_the_package(adata, ckpt, tmp_path, seed):
    """arc-state's own command on the same checkpoint, which the test trusts: it wrote it."""
    from state.emb.inference import Inference

    from pvae_lib.learning.randomness import seeded_initialisation

    inference = Inference()
    inference.load_model(ckpt)
    adata.write_h5ad(tmp_path / "cells.h5ad")
    with seeded_initialisation(seed):
        return inference.encode_adata(str(tmp_path / "cells.h5ad"))


def test_the_embedding_is_the_packages(adata, ckpt, tmp_path):
    # The package takes counts for counts only where they are large; ours must not matter.
    adata.X[:, [0]] = np.arange(40, 40 + adata.n_obs, dtype=np.float32)[:, None]
    counts = adata.X.copy()
    embed_state(adata, ckpt, batch_size=4, seed=3)
    found = adata.obsm["X_state"]
    assert found.shape == (adata.n_obs, WIDTH) and found.dtype == np.float32
    assert found.std(axis=0).min() > 1e-3
    assert (adata.X != counts).nnz == 0
    assert adata.uns["X_state"]["genes_known"] == KNOWN
    wanted = by_the_package(adata[:, :KNOWN].copy(), ckpt, tmp_path, seed=3)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_folder_and_checkpoint_give_the_same_numbers(adata, ckpt, folder, no_network):
    embed_state(adata, ckpt, key="X_ckpt")
    embed_state(adata, folder, key="X_folder")
    np.testing.assert_array_equal(adata.obsm["X_ckpt"], adata.obsm["X_folder"])
    random, filters = torch.random.get_rng_state(), list(warnings.filters)
    embed_state(adata, folder, seed=1, key="X_other_seed")
    assert torch.equal(random, torch.random.get_rng_state()) and filters == warnings.filters
    assert (adata.obsm["X_other_seed"] != adata.obsm["X_folder"]).any()


def test_shallow_counts_are_counts_too(adata, ckpt, tmp_path):
    adata.X.data = np.minimum(adata.X.data, 9)
    embed_state(adata, ckpt, batch_size=4)
    # One large count, of a gene that the model does not know, tells the package what it is given.
    deep = adata.copy()
    counts = deep.X.toarray()
    counts[:, -1] = 40
    deep.X = counts
    wanted = by_the_package(deep, ckpt, tmp_path, seed=0)
    np.testing.assert_allclose(adata.obsm["X_state"], wanted, rtol=1e-4, atol=1e-5)


def test_counts_come_from_their_layer_and_must_be_raw(adata, folder):
    embed_state(adata, folder)
    adata.layers["counts"] = adata.X.copy()
    adata.X = adata.X.log1p()
    embed_state(adata, folder, key="X_layer")
    np.testing.assert_array_equal(adata.obsm["X_layer"], adata.obsm["X_state"])
    del adata.layers["counts"]
    with pytest.raises(InputError, match="not whole numbers"):
        embed_state(adata, folder)


def test_symbols_may_stand_in_a_column(adata, folder):
    embed_state(adata, folder)
    adata.var["symbol"] = adata.var_names
    adata.var_names = adata.var["ensembl_id"].to_numpy()
    embed_state(adata, folder, gene_column="symbol", key="X_by_column")
    np.testing.assert_array_equal(adata.obsm["X_by_column"], adata.obsm["X_state"])
    with pytest.raises(InputError, match=r"knows 0 of the 30 genes .*it goes by gene symbols"):
        embed_state(adata, folder)


def test_a_cell_without_known_genes_is_named(adata, folder):
    counts = adata.X.toarray()
    counts[3, :KNOWN] = 0
    adata.X = counts
    with pytest.raises(InputError, match=r"1 cells express no gene that STATE .*\(cell3\)"):
        embed_state(adata, folder)


class Harmful:
    def __reduce__(self):
        return os.mkdir, ("harm",)


def test_a_checkpoint_with_code_in_it_is_refused(adata, held, ckpt, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(held | {"callbacks": {"more": Harmful()}}, ckpt)
    with pytest.raises(InputError, match=r"run code \(posix.mkdir\); give the folder"):
        embed_state(adata, ckpt)
    assert not (tmp_path / "harm").exists()


def test_protein_embeddings_with_code_in_them_are_refused(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for write in (torch.save, lambda table, path: path.write_bytes(pickle.dumps(table))):
        write({"G0": Harmful()}, folder / "protein_embeddings.pt")
        with pytest.raises(InputError, match="protein_embeddings.pt is no table of tensors"):
            load_inference(folder)
    assert not (tmp_path / "harm").exists()
    torch.save([torch.ones(8)], folder / "protein_embeddings.pt")
    with pytest.raises(InputError, match="no table of gene symbols to tensors"):
        load_inference(folder)


@pytest.mark.parametrize("file", ["model.safetensors", "config.yaml", "protein_embeddings.pt"])
def test_a_missing_or_truncated_file_is_refused(folder, file):
    whole = (folder / file).read_bytes()
    (folder / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="fetch it again"):
        load_inference(folder)
    (folder / file).unlink()
    with pytest.raises(InputError, match=f"No file .*{file}"):
        load_inference(folder)


def test_a_truncated_missing_or_partial_checkpoint_is_refused(held, ckpt, tmp_path):
    del held["state_dict"]["cls_token"]
    torch.save(held, tmp_path / "partial.ckpt")
    with pytest.raises(InputError, match=r"lacks 1 of the model's weights \(cls_token, …\)"):
        load_inference(tmp_path / "partial.ckpt")
    whole = ckpt.read_bytes()
    ckpt.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(InputError, match="cannot be loaded as a checkpoint of STATE"):
        load_inference(ckpt)
    with pytest.raises(InputError, match="No file"):
        load_inference(tmp_path / "nowhere.ckpt")


def test_proteins_may_lie_beside_a_checkpoint(adata, held, ckpt, folder):
    embed_state(adata, ckpt)
    del held["protein_embeds_dict"]
    torch.save(held, ckpt)
    embed_state(adata, ckpt, key="X_beside")
    np.testing.assert_array_equal(adata.obsm["X_beside"], adata.obsm["X_state"])
    (folder / "protein_embeddings.pt").unlink()
    with pytest.raises(InputError, match="No file .*protein_embeddings.pt"):
        embed_state(adata, ckpt)


def test_files_of_two_models_are_refused(folder, small):
    proteins = small[2]
    torch.save({k: v[:4] for k, v in proteins.items()}, folder / "protein_embeddings.pt")
    with pytest.raises(InputError, match="25 protein embeddings of 4 numbers, .* 25 of 8"):
        load_inference(folder)
    torch.save(dict(list(proteins.items())[:9]), folder / "protein_embeddings.pt")
    with pytest.raises(InputError, match="9 protein embeddings of 8 numbers"):
        load_inference(folder)
    weights = load_file(folder / "model.safetensors")
    del weights["encoder.0.weight"]
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(InputError, match=r"lacks 1 of the model's weights \(encoder.0.weight"):
        load_inference(folder)
    weights["encoder.0.weight"] = torch.ones(3, 3)
    save_file(weights, folder / "model.safetensors")
    with pytest.raises(InputError, match="size mismatch"):
        load_inference(folder)
