"""Small worlds, short fits: the claims with wide margins, and the table's mechanics."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from pvae_lib import results
from pvae_lib.exceptions import InputError
from pvae_lib.identifiability import experiments as names
from pvae_lib.identifiability import nulls, tables
from pvae_lib.identifiability.fits import Setting, fit
from pvae_lib.identifiability.scores import blocks, null_scores
from pvae_lib.identifiability.simulation import WorldConfig, make_world

SETTINGS = {
    setting.name: setting for group in names.experiments(25, 130).values() for setting in group
}
TINY = Setting(
    "tiny", world=WorldConfig(n_train=240, n_test=120, n_genes=40, mixing_widths=(16, 24)),
    epochs=1, hidden=8, batch_size=60,
)  # fmt: skip


@cache
def scores(name, seed=0):
    return tables.run_one(SETTINGS[name], seed).set_index("metric")["value"]


def test_counterfactual_pairs_separate_the_blocks_and_random_pairs_do_not():
    aligned, random = scores(names.ALIGNED), scores(names.RANDOM)
    assert aligned["r2_iota"] > 0.8 and abs(aligned["leak"]) < 0.2
    assert random["r2_iota"] < 0.7 and random["leak"] > 0.2
    assert random["var_iota"] < 0.5 * aligned["var_iota"]
    assert aligned["environment_accuracy"] < 0.2 < random["environment_accuracy"]


def test_without_alignment_the_blocks_stay_entangled():
    unaligned = scores(names.UNALIGNED)
    assert unaligned["r2_iota"] <= 0.85 and unaligned["leak"] > 0.3


def test_matched_distributions_separate_the_blocks_and_the_same_fit_without_matching_does_not():
    matched, unmatched = scores(names.WITHOUT_PAIRS), scores(names.WITHOUT_MATCHING)
    assert matched["r2_iota"] > 0.8 and matched["leak"] < 0.35
    assert unmatched["r2_iota"] < 0.85 and unmatched["leak"] > 0.4
    same = replace(SETTINGS[names.WITHOUT_MATCHING], name=names.WITHOUT_PAIRS, mmd_weight=1.0)
    assert same == SETTINGS[names.WITHOUT_PAIRS], "they differ in nothing else"


def test_known_cuts_two_a_row_give_components_and_graph():
    name = "edges, two cuts a row, polished"
    found, support = scores(name), make_world(SETTINGS[name].world, 0).support
    assert found["mcc_polished"] > 0.9
    assert found["shd_polished"] <= nulls.random_graphs(support, 500, 0).mean() - 0.7
    assert found["graph_auc_polished"] > 0.9


def test_components_come_back_in_generator_b_after_the_polish_only_if_variances_change():
    assert scores("B, polished")["mcc_polished"] > 0.9
    assert scores("B without variance change, polished")["mcc_polished"] < 0.92


@pytest.mark.parametrize(
    "change",
    [
        {"prior": "cut"},
        {"prior": "diagonal", "polish": "diagonal"},
        {"polish": "causal"},
        {"mmd_weight": 1.0, "pairing": "random", "alpha": 0.0},
        {"pairing": "optimal_transport"},
        {"release_epochs": 1},
    ],
)
def test_every_kind_of_setting_runs_and_scores_finite_numbers(change):
    table = tables.run_one(replace(TINY, **change), 0)
    assert list(table.columns) == list(results.COLUMNS)
    assert np.isfinite(table["value"]).all()
    polished = table["metric"].str.endswith("_polished").any()
    assert polished == ("polish" in change)


def test_the_same_seed_gives_the_same_fit_and_another_seed_another():
    world = make_world(TINY.world, 0)
    first, again, other = (fit(world, TINY, seed).z_nu for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).max() > 1e-3


def test_a_stopped_run_goes_on_where_it_was(tmp_path, monkeypatch):
    settings = [TINY, replace(TINY, name="other", alpha=0.0)]
    whole = tables.run(settings, [0, 1], with_nulls=[TINY])
    tables.run(settings[:1], [0, 1], folder=tmp_path)
    made = []
    monkeypatch.setattr(tables, "fit", lambda *arguments: made.append(arguments) or fit(*arguments))
    resumed = tables.run(settings, [0, 1], with_nulls=[TINY], folder=tmp_path)
    assert len(made) == 2
    pd.testing.assert_frame_equal(
        whole.astype({"seed": int}), resumed.astype({"seed": int}), rtol=1e-6
    )
    assert set(whole.loc[whole["method"] == "random DAG", "metric"]) == {"shd"}


def test_nulls_know_the_block_the_environment_or_the_truth_and_nothing_else():
    world = make_world(SETTINGS[names.ALIGNED].world, 0)
    found = null_scores(world, SETTINGS[names.ALIGNED], 0)
    assert found["random rotation of the true zν"]["mcc"] == pytest.approx(0.77, abs=0.05)
    assert found["environment means"]["r2_iota"] < 0.1
    pcs = found["all PCs, both blocks"]
    assert min(pcs["r2_nu"], pcs["r2_iota"], pcs["leak"]) > 0.85
    assert found["supervised ridge"]["mcc"] > 0.95
    assert found["true blocks"]["mcc"] == pytest.approx(1)
    assert abs(found["true blocks"]["leak"]) < 0.1


def test_blocks_scores_a_turned_truth_as_found_but_not_its_components():
    world = make_world(TINY.world, 0)
    rng = np.random.default_rng(0)
    found = blocks(world, world.z_nu @ rng.standard_normal((4, 4)), world.z_iota[:, ::-1])
    assert found["r2_nu"] == pytest.approx(1) and found["r2_iota"] == pytest.approx(1)
    assert found["mcc"] < 0.99


@pytest.mark.parametrize("option", ["prior", "pairing", "polish"])
def test_unknown_choices_are_refused(option):
    with pytest.raises(InputError, match=option):
        replace(TINY, **{option: "no such thing"})
