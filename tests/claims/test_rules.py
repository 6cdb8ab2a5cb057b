"""Parts of rules: sides of a threshold, paired leads, and what counts as missing."""

import numpy as np
import pandas as pd
import pytest

from pvae_lib.claims import FAILS, HOLDS, OPEN, programs, rules
from pvae_lib.claims.ablations import prevents_collapse
from pvae_lib.claims.base import NotAtHand
from pvae_lib.claims.predictions import hardest
from pvae_lib.evaluation.intervals import differences, verdicts
from pvae_lib.evaluation.metrics import ALL, COLUMNS


def table(rows):
    made = pd.DataFrame([("s", *row) for row in rows], columns=list(COLUMNS))
    return made.astype({"seed": "Int64", "value": float})


def board(values, metric="nrmse", n=8, seeds=(0, 1, 2), noise=0.001):
    """Method → value in every condition."""
    rng = np.random.default_rng(0)
    return table(
        [
            (method, f"A+B{i}", metric, seed, value + rng.normal(0, noise))
            for method, value in values.items()
            for i in range(n)
            for seed in seeds
        ]
    )


@pytest.mark.parametrize(
    ("values", "threshold", "side"),
    [
        ([1.0, 1.1, 0.9], 0.5, "above"),
        ([1.0, 1.1, 0.9], 1.5, "below"),
        ([1.0, 1.1, 0.9], 0.95, "not apart"),
        ([1.0], 0.5, "not apart"),  # one seed has no spread
        ([0.5, 0.5], 0.5, "not apart"),
    ],
)
def test_beside(values, threshold, side):
    assert rules.beside(np.array(values), threshold) == side


def test_one_bootstrap_for_all_rivals_gives_what_lesson_07_gives():
    made = board({"ours": 0.45, "a": 0.46, "b": 0.44, "c": 0.45}, noise=0.005)
    found = rules.paired(made, "ours", ["a", "b", "c"], "nrmse")
    for rival in ("a", "b", "c"):
        apart = differences(made, rival, "nrmse")
        row = apart.loc["ours"]
        for end in ("difference", "low", "high"):
            assert np.isclose(found.numbers[f"{rival}: {end}"], row[end], atol=1e-12)
        assert f", {verdicts(apart, 'lower')['ours']}" in found.why


def test_ahead_asks_for_all_rivals():
    made = board({"ours": 0.40, "a": 0.46, "b": 0.44})
    assert rules.ahead("ours", ("a", "b"), "nrmse")(made).verdict == HOLDS
    lacking = rules.ahead("ours", ("a", "b", "c"), "nrmse")(made)
    assert lacking.verdict == OPEN and "not in the table: c" in lacking.why
    assert rules.ahead("ours", ("a",), "nrmse", elsewhere=("d",))(made).verdict == OPEN
    assert rules.ahead("a", ("ours", "c"), "nrmse")(made).verdict == FAILS
    with pytest.raises(NotAtHand, match="c"):
        rules.ahead("ours", ("c",), "nrmse")(made)


def test_seeds_and_rows_without_a_seed():
    made = table([("a", ALL, "m", 0, 1.0), ("a", ALL, "m", 1, 2.0), ("a", ALL, "m", None, 1.5)])
    assert rules.seeds(made, "a", "m").tolist() == [1.0, 2.0]
    assert rules.seeds(made[made["seed"].isna()], "a", "m").tolist() == [1.5]
    with pytest.raises(NotAtHand, match="'b'"):
        rules.seeds(made, "b", "m")


def collapse_runs(**collapsed):
    """Row name → whether its runs are collapsed."""
    rows = []
    for name, flat in collapsed.items():
        for seed in range(3):
            rows.append((name, "training", "kl_iota", seed, 0.01 if flat else 30.0))
            rows.append((name, "training", "variance_ratio", seed, 0.02 if flat else 0.8))
    return table(rows)


@pytest.mark.parametrize(
    ("mean", "summed", "expected"),
    [  # (aligned, unaligned) collapsed
        ((True, True), (False, False), FAILS),
        ((True, True), (True, True), FAILS),
        ((False, True), (False, False), HOLDS),
        ((True, True), (False, True), HOLDS),
        ((False, False), (False, False), OPEN),
    ],
)
def test_collapse_is_judged_for_every_way_to_reduce_the_error(mean, summed, expected):
    ours, end = "PerturbedVAE", ", alpha=0"
    added = f"{ours}, reconstruction=sum"
    made = collapse_runs(
        **{ours: mean[0], ours + end: mean[1], added: summed[0], added + end: summed[1]}
    )
    assert prevents_collapse(made).verdict == expected


def learned(weights):
    """Weights of the named edges by seed, all in the direction stated; NaN: an end has no label."""
    rows = []
    for edge in programs.NAMED:
        rows += [("cells", edge, f"{end}_trained", None, 1.0) for end in ("source", "end")]
        sign = -1 if "⊣" in edge else 1
        rows += [
            ("PerturbedVAE", edge, "learned_weight", seed, sign * weight)
            for seed, weight in enumerate(weights)
        ]
    return table(rows)


def test_a_seed_that_names_no_such_programs_does_not_draw_their_edge():
    assert programs.named_learned(learned([0.6, 0.7, 0.8])).verdict == HOLDS
    lacking = programs.named_learned(learned([0.6, 0.7, np.nan]))
    assert lacking.verdict == OPEN
    assert "TP73 → CDKN1A 0.65 ± 0.07 (not both ends name a program in 1 of 3" in lacking.why
    assert programs.named_learned(learned([0.1, 0.2, np.nan])).verdict == FAILS
    with pytest.raises(NotAtHand, match="learned_weight"):
        programs.named_learned(learned([np.nan] * 3))


def test_hard_doubles_are_chosen_on_another_seed_than_they_are_scored_on():
    n = 24
    rng = np.random.default_rng(0)
    draws = {seed: rng.normal(0.5, 0.1, n) for seed in (0, 1, 2)}  # noise: no double is hard
    ahead = {"additive": 0.0, "PerturbedVAE": 0.01}
    rows = [
        (method, f"A+B{i}", "delta_pearson_control", seed, value + by)
        for seed, drawn in draws.items()
        for i, value in enumerate(drawn)
        for method, by in ahead.items()
    ]
    made = table(rows)
    found = hardest(made)
    assert found.verdict == HOLDS and np.isclose(found.numbers["additive: difference"], 0.01)
    low = made["seed"].eq(0) & made["method"].eq("additive")
    # Had the first seed been scored too, moving its additive rows would show.
    moved = made.assign(value=made["value"].where(~low, made["value"] - 0.3))
    assert np.isclose(hardest(moved).numbers["additive: difference"], 0.01)
    with pytest.raises(NotAtHand, match="two seeds"):
        hardest(made[made["seed"] == 0])
    with pytest.raises(NotAtHand, match="at least 5"):
        hardest(made[made["condition"].isin([f"A+B{i}" for i in range(8)])])
