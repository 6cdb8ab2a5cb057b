"""Bootstrap intervals over conditions and the summary rows of a tidy table."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import bootstrap

from pvae_lib.evaluation.intervals import (
    bootstrap_means,
    differences,
    summarise,
    verdicts,
)
from pvae_lib.exceptions import InputError


def test_interval_agrees_with_scipys_percentile_bootstrap():
    values = np.random.default_rng(0).gamma(2.0, size=40)
    expected = bootstrap(
        (values,), np.mean, n_resamples=9000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    mean, low, high = bootstrap_means(values[:, None], n_resamples=9000)
    assert mean[0] == pytest.approx(values.mean())
    width = expected.high - expected.low
    assert low[0] == pytest.approx(expected.low, abs=0.05 * width)
    assert high[0] == pytest.approx(expected.high, abs=0.05 * width)


def test_interval_covers_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(2)
    _, low, high = bootstrap_means(rng.normal(1.0, 1.0, size=(40, 400)), n_resamples=1000)
    covered = np.mean((low < 1.0) & (high > 1.0))
    assert 0.89 < covered < 0.98


def test_nan_is_left_out_and_one_value_has_no_interval():
    values = np.array([[1.0, np.nan, np.nan], [3.0, 2.0, np.nan], [5.0, np.nan, np.nan]])
    mean, low, high = bootstrap_means(values)
    np.testing.assert_allclose(mean, [3.0, 2.0, np.nan])
    assert 1 <= low[0] < 3 < high[0] <= 5
    assert np.isnan(low[1:]).all() and np.isnan(high[1:]).all()


def test_same_seed_same_interval():
    values = np.random.default_rng(3).normal(size=(6, 2))
    first, again, other = (bootstrap_means(values, n_resamples=50, seed=s) for s in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


def tidy(values):
    """One screen, one method, one metric: {(condition, seed): value}."""
    return pd.DataFrame(
        [("s", "m", c, "nrmse", seed, v) for (c, seed), v in values.items()],
        columns=["screen", "method", "condition", "metric", "seed", "value"],
    )


def test_summary_has_a_row_a_seed_and_one_over_all_seeds():
    table = tidy({("A", 0): 1.0, ("B", 0): 3.0, ("A", 1): 2.0, ("B", 1): 6.0})
    summary = summarise(table)
    every = summary[(summary["condition"] == "all") & (summary["metric"] == "nrmse")]
    assert every[every["seed"] == 0]["value"].item() == 2.0
    assert every[every["seed"] == 1]["value"].item() == 4.0
    assert every[every["seed"].isna()]["value"].item() == 3.0
    low = summary[(summary["metric"] == "nrmse_low") & summary["seed"].isna()]["value"].item()
    high = summary[(summary["metric"] == "nrmse_high") & summary["seed"].isna()]["value"].item()
    assert (low, high) == (1.5, 4.5)  # two conditions, each the mean of its seeds
    pd.testing.assert_frame_equal(summarise(summary), summary)  # not counted twice


def test_summary_of_one_seed_has_no_row_over_seeds():
    summary = summarise(tidy({("A", 3): 1.0, ("B", 3): 3.0}))
    assert summary["seed"].notna().all()
    assert set(summary["metric"]) == {"nrmse", "nrmse_low", "nrmse_high"}


@pytest.fixture
def two_methods():
    """B is 0.4, 0.5, 0.6 above A in three seeds, while conditions and seeds differ by far more."""
    rows = [
        ("s", method, condition, "m", seed, 10.0 * number - seed + above)
        for method in "AB"
        for number, condition in enumerate(["x", "y", "z", "w"])
        for seed in range(3)
        for above in [0.4 + 0.1 * seed if method == "B" else 0.0]
    ]
    return pd.DataFrame(rows, columns=["screen", "method", "condition", "metric", "seed", "value"])


def test_differences_are_paired_by_condition(two_methods):
    found = differences(two_methods, bar="A", metric="m")
    assert list(found.index) == ["B"]
    assert found.loc["B", ["difference", "low", "high"]].to_numpy() == pytest.approx(0.5)
    assert found.loc["B", "conditions"] == 4


def test_the_spread_over_seeds_is_that_of_the_difference(two_methods):
    found = differences(two_methods, bar="A", metric="m")
    assert found.loc["B", "seed_sd"] == pytest.approx(0.1)  # either row's own is about 1
    assert found.loc["B", "seeds"] == 3
    one = differences(two_methods[two_methods["seed"] == 0], bar="A", metric="m").loc["B"]
    assert np.isnan(one["seed_sd"]) and one["seeds"] == 1


def test_a_seed_without_the_bar_is_no_pair(two_methods):
    gone = (two_methods["method"] == "A") & (two_methods["seed"] == 1)
    found = differences(two_methods[~gone], bar="A", metric="m").loc["B"]
    assert found["seeds"] == 2
    assert found["seed_sd"] == pytest.approx(0.2 / np.sqrt(2))


def test_differences_leave_out_what_one_of_the_two_does_not_define(two_methods):
    gone = (two_methods["method"] == "B") & (two_methods["condition"] == "x")
    two_methods.loc[gone, "value"] = np.nan
    assert differences(two_methods, bar="A", metric="m").loc["B", "conditions"] == 3


@pytest.mark.parametrize(("bar", "metric"), [("C", "m"), ("A", "n")])
def test_differences_name_what_is_not_in_the_table(two_methods, bar, metric):
    with pytest.raises(InputError, match="No (method|metric) '[Cn]' in the table; known: "):
        differences(two_methods, bar, metric)


def test_differences_are_taken_on_one_screen(two_methods):
    both = pd.concat([two_methods, two_methods.assign(screen="t")])
    with pytest.raises(InputError, match="one screen"):
        differences(both, "A", "m")


def test_a_verdict_needs_an_interval_without_zero():
    found = pd.DataFrame(
        {
            "difference": [0.2, -0.2, 0.1, 0.1, 2e-8, np.nan],
            "low": [0.1, -0.3, -0.1, np.nan, 1e-8, np.nan],
            "high": [0.3, -0.1, 0.3, np.nan, 3e-8, np.nan],
            "seed_sd": np.nan,
            "seeds": 1,
        }
    )
    higher, lower = verdicts(found, "higher"), verdicts(found, "lower")
    assert list(higher) == ["better", "worse", *["not apart"] * 3, "–"]
    assert list(lower) == ["worse", "better", *["not apart"] * 3, "–"]


def test_a_verdict_needs_two_standard_errors_over_seeds():
    """Four seeds halve the standard deviation, so the line is at a difference of one of them."""
    found = pd.DataFrame(
        {"difference": [0.2, 0.2, -0.2, -0.2], "seed_sd": [0.19, 0.21] * 2, "seeds": 4}
    )
    found = found.assign(low=found["difference"] - 0.1, high=found["difference"] + 0.1)
    assert list(verdicts(found, "higher")) == ["better", "not apart", "worse", "not apart"]
    assert list(verdicts(found, "lower")) == ["worse", "not apart", "better", "not apart"]
    alone = found.assign(seed_sd=np.nan, seeds=1)
    assert list(verdicts(alone, "higher")) == ["better", "better", "worse", "worse"]
