"""A trained model that comes with the project: kept with what made it, opened by its hash."""

from dataclasses import replace

import numpy as np
import pytest
import yaml

from pvae_lib import results, splits
from pvae_lib.evaluation.audit import audit
from pvae_lib.exceptions import InputError
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.runs import trained
from pvae_lib.sources import open_screen
from pvae_lib.sources.twin import TwinConfig, make_twin

QUICK = {"d_nu": 3, "d_iota": 4, "hidden": 16, "mechanism_hidden": 8, "epochs": 1}


@pytest.fixture(scope="module")
def fitted(twin_small):
    screen, _ = twin_small
    split = splits.doubles_with_both_singles(screen)
    return PerturbedVAEMethod(**QUICK).fit(screen, split), split


@pytest.fixture
def run(tmp_path, twin_small, fitted):
    """The folder of a finished run, as lesson 05 leaves it."""
    (screen, _), (method, split) = twin_small, fitted
    folder = tmp_path / "quick"
    method.save(folder / "PerturbedVAE-seed0.safetensors")
    results.write(audit({"PerturbedVAE": method}, screen, split), folder / "results.csv")
    about = {"parameters": {"screen": screen.name}, "status": "finished", "commit": "abc"}
    (folder / "parameters.yaml").write_text(yaml.safe_dump(about))
    return folder


@pytest.fixture
def kept(tmp_path, run):
    return trained.keep(run, tmp_path / "kept")


def test_a_kept_model_scores_what_its_table_says(tmp_path, twin_small, fitted, kept):
    screen, _ = twin_small
    method, table = trained.open_trained("quick", screen, tmp_path / "kept")
    again = audit({"PerturbedVAE": method}, screen, fitted[1])
    again = again.merge(table, on=["method", "condition", "metric", "seed"])
    assert len(again) == len(table)
    np.testing.assert_allclose(again["value_x"], again["value_y"], rtol=1e-4, atol=1e-5)
    about = results.recorded("quick", tmp_path / "kept")[1]
    assert about["commit"] == "abc" and "runs/quick" in about["command"]


def test_a_screen_that_differs_in_a_count_will_do_but_not_other_names(tmp_path, twin_small, kept):
    screen, _ = twin_small
    other, _ = make_twin(TwinConfig.small(), seed=1)
    assert other.fingerprint != screen.fingerprint
    trained.open_trained("quick", other, tmp_path / "kept")
    turned = screen.select_genes(screen.genes[::-1])
    with pytest.raises(InputError, match="names was"):
        trained.open_trained("quick", turned, tmp_path / "kept")
    with pytest.raises(InputError, match="was trained on 'twin'"):
        trained.open_trained("quick", replace(screen, name="mine"), tmp_path / "kept")


@pytest.mark.parametrize("spoil", [lambda p: p.unlink(), lambda p: p.write_bytes(b"<html>")])
def test_a_file_that_is_not_the_recorded_one_is_refused(tmp_path, twin_small, kept, spoil):
    spoil(kept)
    with pytest.raises(InputError, match="git checkout"):
        trained.open_trained("quick", twin_small[0], tmp_path / "kept")


def test_a_table_without_a_model_is_no_model(twin_small):
    with pytest.raises(InputError, match="without a model"):
        trained.open_trained("twin_full", twin_small[0])


def test_an_unfinished_run_and_one_of_several_seeds_are_not_kept(tmp_path, run, capsys):
    (run / "PerturbedVAE-seed1.safetensors").write_bytes(b"")
    assert trained.main([str(run)]) == 2
    assert "one seed" in capsys.readouterr().err
    (run / "PerturbedVAE-seed1.safetensors").unlink()
    (run / "results.csv").unlink()
    with pytest.raises(InputError, match="No results"):
        trained.keep(run, tmp_path / "kept")
    assert not (tmp_path / "kept").exists(), "a model without its table was kept"
    (run / "parameters.yaml").write_text("status: started\n")
    with pytest.raises(InputError, match="no finished run"):
        trained.keep(run, tmp_path / "kept")


def test_what_comes_with_the_project_is_named_by_a_screen_and_made_by_its_parameter_file():
    models = sorted(results.RECORDED.glob("*.safetensors"))
    assert models
    for model in models:
        table, about = results.recorded(model.stem)
        file = results.RECORDED.parent / "params" / f"{model.stem}.yaml"
        asked = yaml.safe_load(file.read_text())
        assert {k: about["parameters"][k] for k in asked} == asked
        assert model.stat().st_size < 5_000_000
        method, _ = trained.open_trained(model.stem, open_screen(asked["screen"]))
        assert method.count_parameters() > 1_000_000 and "PerturbedVAE" in set(table["method"])
