"""The leaderboard's runs: one table, each part once, and no part for another question."""

from dataclasses import replace

import numpy as np
import pytest

from pvae_lib import splits
from pvae_lib.evaluation.audit import audit
from pvae_lib.evaluation.metrics import ALL, REFERENCES
from pvae_lib.exceptions import InputError
from pvae_lib.leaderboard.registry import Row, chosen
from pvae_lib.leaderboard.run import TRAINING, run_leaderboard
from pvae_lib.methods.means import Additive, MeanOfSingles
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.methods.regressors import RidgeMean
from pvae_lib.screen import Screen

NAMES = ["mean of the singles", "PerturbedVAE"]
SMALL = {"d_nu": 2, "d_iota": 3, "hidden": 8, "mechanism_hidden": 8}


class Refuses(Additive):
    """A method that cannot be fitted."""

    def fit(self, screen, split):
        raise InputError("no graph was given")


@pytest.fixture(scope="module")
def screen():
    labels = ["control"] * 40 + ["A"] * 40 + ["B"] * 40 + ["A+B"] * 40
    counts = np.random.default_rng(0).poisson(3.0, size=(len(labels), 8)) + 1
    return Screen.from_counts(counts, labels, list("abcdefgh"), name="small")


@pytest.fixture(scope="module")
def split(screen):
    return splits.doubles_with_both_singles(screen)


@pytest.fixture
def rows():
    vae = Row(PerturbedVAEMethod, "the model", "the paper", SMALL | {"batch_size": 16})
    return chosen(NAMES[:1]) | {"PerturbedVAE": vae}


def run(rows, screen, split, folder, seeds=(0, 1), epochs=2, processes=1):
    return run_leaderboard(rows, screen, split, seeds, folder, epochs=epochs, processes=processes)


def test_rows_and_references_stand_in_one_table_with_costs(rows, screen, split, tmp_path):
    table, costs = run(rows, screen, split, tmp_path)
    assert set(table["method"]) == {*REFERENCES, *NAMES}
    assert set(table["seed"].dropna()) == {0, 1} and (table["condition"] == ALL).any()
    direct = audit({"s": MeanOfSingles().fit(screen, split)}, screen, split, seed=1)
    expected = direct[(direct["method"] == "s") & (direct["metric"] == "nrmse")]["value"].iloc[0]
    mine = table[(table["method"] == NAMES[0]) & (table["metric"] == "nrmse")]
    assert mine[mine["seed"] == 1]["value"].to_numpy() == pytest.approx(expected)
    assert set(costs["condition"]) == {TRAINING} and len(costs) == 2 * 2 * 3
    parameters = costs[costs["metric"] == "parameters"].groupby("method")["value"].first()
    assert parameters[NAMES[0]] == 0 and parameters["PerturbedVAE"] > 100


def test_a_finished_part_is_not_run_again_and_a_lost_one_is(rows, screen, split, tmp_path):
    table, _ = run(rows, screen, split, tmp_path)
    written = {p: p.stat().st_mtime_ns for p in sorted(tmp_path.iterdir())}
    assert not [p for p in written if p.suffix == ".safetensors"]
    lost = next(p for p in written if "seed1" in p.name and "costs" not in p.name)
    lost.unlink()
    again, _ = run(rows, screen, split, tmp_path)
    changed = {p for p in tmp_path.iterdir() if written[p] != p.stat().st_mtime_ns}
    assert changed == {lost, lost.with_suffix(".costs.csv")}
    assert again.equals(table)


def test_minutes_of_a_fit_that_was_resumed_are_not_told(rows, screen, split, tmp_path):
    run(rows, screen, split, tmp_path, seeds=[0])
    done = next(p for p in tmp_path.glob("perturbedvae*") if "costs" not in p.name)
    done.unlink()
    method = rows["PerturbedVAE"].make(0, epochs=2)
    method.set_params(checkpoint=str(done.with_suffix(".safetensors"))).fit(screen, split)
    _, costs = run(rows, screen, split, tmp_path, seeds=[0])
    costs = costs[costs["method"] == "PerturbedVAE"].set_index("metric")["value"]
    assert costs[["minutes", "cpu_minutes"]].isna().all() and costs["parameters"] > 100


def test_another_setting_or_split_is_another_part(rows, screen, split, tmp_path):
    run(rows, screen, split, tmp_path, seeds=[0])
    before = set(tmp_path.iterdir())
    run(rows, screen, split, tmp_path, seeds=[0], epochs=3)
    new = {p.name.rpartition("-")[0] for p in set(tmp_path.iterdir()) - before}
    assert new == {"perturbedvae-seed0"}  # epochs mean nothing to the mean of the singles
    before = set(tmp_path.iterdir())
    run(rows, screen, splits.paper(screen), tmp_path, seeds=[0])
    assert len(set(tmp_path.iterdir()) - before) == 4
    fewer = replace(split, test={"double": split.cells("double")[:20]})
    before = set(tmp_path.iterdir())
    run(rows, screen, fewer, tmp_path, seeds=[0])
    assert len(set(tmp_path.iterdir()) - before) == 4  # other cells are scored


def test_what_learns_from_doubles_is_cross_fitted_on_the_same_cells(tmp_path):
    labels = np.repeat(["control", *"ABCDEF", "A+B", "A+C", "B+D", "C+D", "D+E", "E+F"], 20)
    counts = np.random.default_rng(1).poisson(3.0, size=(len(labels), 8)) + 1
    screen = Screen.from_counts(counts, labels, list("abcdefgh"), name="small")
    split = splits.doubles_with_both_singles(screen)
    rows = chosen(["ridge", "ridge that sees 80 % of the doubles"])
    table, costs = run(rows, screen, split, tmp_path, seeds=[3])
    raw = table[table["condition"] != ALL].set_index(["method", "metric", "condition"])["value"]
    seen, unseen = raw["ridge that sees 80 % of the doubles"], raw["ridge"]
    assert set(seen["nrmse"].index) == set(unseen["nrmse"].index) == set(screen.doubles)
    assert np.allclose(seen["V"], unseen["V"].loc[seen["V"].index])  # the same true cells
    assert seen["discrimination"].isna().all() and not unseen["discrimination"].isna().any()
    fold = next(
        f
        for f in splits.cross_fitted(screen, split, seed=3)
        if "A+B" in f.test_conditions(screen, "double")
    )
    method = RidgeMean(with_doubles=True).fit(screen, fold)
    direct = audit({"m": method}, screen, fold, seed=3).set_index(["method", "metric", "condition"])
    assert seen["nrmse", "A+B"] == pytest.approx(direct.loc[("m", "nrmse", "A+B"), "value"])


def test_one_fit_is_scored_under_further_names(rows, screen, split, tmp_path):
    also = {"PerturbedVAE, means": {"prediction": "means"}}
    rows = {"PerturbedVAE": replace(rows["PerturbedVAE"], also=also)}
    table, costs = run(rows, screen, split, tmp_path, seeds=[0])
    spread = table[(table["metric"] == "var_over_V") & (table["condition"] == "A+B")]
    spread = spread.set_index("method")["value"]
    assert 0 < spread["PerturbedVAE, means"] < spread["PerturbedVAE"]
    assert set(costs["method"]) == {"PerturbedVAE"}


def test_several_processes_give_the_same_numbers(rows, screen, split, tmp_path):
    one, _ = run(rows, screen, split, tmp_path / "one")
    two, _ = run(rows, screen, split, tmp_path / "two", processes=2)
    assert np.allclose(one["value"], two["value"], equal_nan=True, rtol=1e-5, atol=1e-7)


def test_a_method_that_refuses_is_named_and_finished_parts_are_kept(rows, screen, split, tmp_path):
    rows = rows | {"broken": Row(Refuses, "never works", "nowhere at all")}
    with pytest.raises(InputError, match="broken, seed 0: no graph was given.*leave 'broken' out"):
        run(rows, screen, split, tmp_path)
    assert len([p for p in tmp_path.iterdir() if "costs" not in p.name]) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [0, 0]}, "Seed 0 is given twice"),
        ({"seeds": [-1]}, "seed=-1"),
        ({"epochs": 0}, "epochs=0"),
        ({"rows": {}}, "at least one method"),
    ],
)
def test_what_cannot_be_run_is_refused(rows, screen, split, tmp_path, change, message):
    call = {"rows": rows, "seeds": [0], "epochs": 1} | change
    with pytest.raises(InputError, match=message):
        run_leaderboard(call["rows"], screen, split, call["seeds"], tmp_path, epochs=call["epochs"])
