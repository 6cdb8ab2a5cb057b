"""The leaderboard on a screen of single genes: every row runs, and what references mean."""

import numpy as np
import pytest

from pvae_lib import results, splits
from pvae_lib.evaluation.metrics import FLOOR, REFERENCES
from pvae_lib.exceptions import InputError
from pvae_lib.leaderboard.registry import ROWS, chosen
from pvae_lib.leaderboard.run import run_leaderboard
from pvae_lib.methods.means import Additive, MeanOfSingles
from pvae_lib.screen import Screen

SINGLES = list("ABCDEF")


@pytest.fixture(scope="module")
def screen():
    """Six singles that each raise two of twelve genes."""
    labels = np.repeat(["control", *SINGLES], [60] + [40] * len(SINGLES))
    rates = np.full((len(labels), 12), 4.0)
    for i, single in enumerate(SINGLES):
        rates[labels == single, 2 * i : 2 * i + 2] *= 4
    counts = np.random.default_rng(0).poisson(rates) + 1
    return Screen.from_counts(counts, labels, [f"g{i}" for i in range(12)], name="singles")


@pytest.fixture(scope="module")
def split(screen):
    return splits.make("iid-singles", screen)


@pytest.fixture(scope="module")
def table(screen, split, tmp_path_factory):
    """Every row that this environment can run, one pass over the cells."""
    folder = tmp_path_factory.mktemp("parts")
    rows = {n: r for n, r in chosen(group="single").items() if r.package is None}
    found, costs = run_leaderboard(
        rows, screen, split, [0], folder, epochs=1, group="single", processes=1
    )
    assert set(costs["method"]) == set(rows)
    return found


def test_every_row_without_a_package_stands_in_the_table(table):
    assert set(table["method"]) == {*REFERENCES} | {
        n
        for first, row in ROWS.items()
        if row.package is None and not row.sees_doubles
        for n in (first, *row.also)
    }
    scored = table[table["condition"].isin(SINGLES)]
    assert set(scored["condition"]) == set(SINGLES)
    assert np.isfinite(scored[scored["metric"] == "nrmse"]["value"]).all()


def test_rows_that_learn_from_doubles_are_no_rows_of_singles():
    seeing = [name for name, row in ROWS.items() if row.sees_doubles]
    assert seeing and not set(seeing) & set(chosen(group="single"))
    assert set(seeing) <= set(chosen())
    for name in seeing:
        with pytest.raises(InputError, match=f"'{name}' learns from doubles.*leave it out"):
            chosen([name], group="single")


def test_additive_is_the_mean_of_the_singles_own_training_cells(screen, split):
    for method in (Additive().fit(screen, split), MeanOfSingles().fit(screen, split)):
        for single in SINGLES:
            own = split.train[screen.condition[split.train] == single]
            assert len(own) == 32  # the 8 scored cells are not among them
            np.testing.assert_allclose(method.predict_mean(single), screen.mean(own), rtol=1e-6)


def test_the_table_says_so_and_the_floor_has_fewer_cells(table):
    overall = results.overall(table).loc["singles"]
    for metric in ("nrmse", "delta_pearson_control", "e_distance"):
        column = overall[metric]
        assert column["mean of the singles"] == pytest.approx(column["additive"], abs=1e-6)
    assert overall.loc["additive", "nrmse"] < overall.loc[FLOOR, "nrmse"]  # 32 cells against 4
    assert overall.loc["additive", "nrmse"] < overall.loc["perturbed mean", "nrmse"] - 0.01
    # One-hot ridge halves a change, which is one single's here: no longer the mean of the singles.
    assert overall.loc["ridge", "bias2_over_V"] > overall.loc["additive", "bias2_over_V"] + 0.05
