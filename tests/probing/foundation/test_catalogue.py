"""What the catalogue says of a model is what the code does, and its embedding can be probed."""

import inspect
import tomllib
from pathlib import Path

import numpy as np
import pytest

from pvae_lib.extras import has_extra
from pvae_lib.probing import foundation, probe
from pvae_lib.probing.foundation import FOUNDATION_MODELS, foundation_table, read_scfoundation
from pvae_lib.probing.foundation.scfoundation import WIDTHS
from pvae_lib.probing.foundation.uce import WIDTH
from pvae_lib.probing.stored import from_obsm
from pvae_lib.screen import Screen

ROOT = Path(__file__).resolve().parents[3]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]


@pytest.mark.parametrize("name", FOUNDATION_MODELS)
def test_a_row_names_a_function_its_key_and_its_extra(name):
    model = FOUNDATION_MODELS[name]
    function = getattr(foundation, model.call)
    assert inspect.signature(function).parameters["key"].default == model.key
    assert function.__name__.startswith("embed_" if model.runs_here else "read_")
    assert bool(model.extra) == bool(model.package) == model.runs_here
    assert not model.extra or model.extra in EXTRAS
    # The licence stands where a reader of the function or its module looks.
    said = inspect.getdoc(function) + (inspect.getdoc(inspect.getmodule(function)) or "")
    assert model.licence.split(",")[0].split()[0].lower() in said.lower()


def test_widths_are_those_that_are_checked():
    assert FOUNDATION_MODELS["UCE"].width == str(WIDTH)
    assert all(str(width) in FOUNDATION_MODELS["scFoundation"].width for width in WIDTHS.values())


def test_the_table_says_what_is_installed():
    table = foundation_table()
    assert list(table.index) == ["Geneformer", "UCE", "scFoundation", "STATE"]
    assert table.loc["UCE", "installed"] and table.loc["scFoundation", "installed"]
    assert table.loc["Geneformer", "installed"] == has_extra("transformers")
    assert (table["supply"] != "").all()


def test_a_file_becomes_a_probes_accuracy(adata, tmp_path):
    """Screen → AnnData → .obsm → representation → probe, with a cell's own row at the end."""
    labels = np.array(["control", "KLF1"])[np.arange(adata.n_obs) % 2]
    screen = Screen.from_counts(adata.X, labels, adata.var_names, adata.obs_names)
    values = np.random.default_rng(0).normal(size=(adata.n_obs, 768)).astype(np.float32)
    values[:, 1] = 30 * (labels == "KLF1")
    np.save(tmp_path / "cells.npy", values[::-1])
    embedded = screen.to_anndata()
    read_scfoundation(embedded, tmp_path / "cells.npy", adata.obs_names[::-1], pool_type="max")
    representation = from_obsm(embedded, "X_scfoundation")
    part = screen[np.array([9, 2, 5])]
    np.testing.assert_array_equal(representation.embed(part), values[[9, 2, 5]])
    table = probe(representation.embed(screen)[:, [1]], labels, seeds=(0,), folds=3)
    assert (table.query("metric == 'balanced_accuracy'")["value"] == 1).all()
