"""Ranks on several tracks."""

import numpy as np
import pandas as pd
import pytest

from pvae_lib.evaluation.metrics import CEILING, FLOOR
from pvae_lib.exceptions import InputError
from pvae_lib.leaderboard.ranks import ranks


def track(screen: str, metric: str = "nrmse", **values: float) -> pd.DataFrame:
    rows = [
        (
            screen,
            method.replace("_", " "),
            condition,
            metric,
            0,
            value + 0.01 * condition.count("+"),
        )
        for method, value in values.items()
        for condition in ("A+B", "C")
    ]
    return pd.DataFrame(rows, columns=["screen", "method", "condition", "metric", "seed", "value"])


def test_lower_is_better_for_errors_and_higher_for_correlations():
    errors = track("one", a=0.4, b=0.5, c=0.3)
    correlations = track("one", "delta_pearson_control", a=0.4, b=0.5, c=0.3)
    assert ranks({"t": errors}, "nrmse")["t"].to_dict() == {"c": 1, "a": 2, "b": 3}
    found = ranks({"t": correlations}, "delta_pearson_control")["t"].to_dict()
    assert found == {"b": 1, "a": 2, "c": 3}


def test_a_method_that_a_track_lacks_has_no_rank_there_and_rows_go_by_the_mean():
    found = ranks({"x": track("x", a=1, b=2, c=3), "y": track("y", c=1, a=2)}, "nrmse")
    assert list(found.index) == ["a", "b", "c"] or list(found.index) == ["a", "c", "b"]
    assert np.isnan(found.at["b", "y"]) and found.at["c", "y"] == 1


def test_references_of_truth_take_no_rank():
    table = track("x", a=1, b=2)
    for name in (FLOOR, CEILING):
        table = pd.concat([table, track("x", a=0).assign(method=name)])
    assert set(ranks({"x": table}, "nrmse").index) == {"a", "b"}


def test_what_learns_from_doubles_takes_no_rank():
    table = track("x", a=1, b=2)
    rival = track("x", a=0).assign(method="ridge that sees 80 % of the doubles")
    found = ranks({"x": pd.concat([table, rival])}, "nrmse")["x"]
    assert found.to_dict() == {"a": 1, "b": 2}
    assert ranks({"x": table}, "nrmse", leave_out=["a"])["x"].to_dict() == {"b": 1}


@pytest.mark.parametrize(
    ("metric", "message"),
    [("nrms", "No metric 'nrms'; did you mean 'nrmse'"), ("var_over_V", "Neither direction")],
)
def test_a_metric_that_gives_no_ranks_is_refused(metric, message):
    with pytest.raises(InputError, match=message):
        ranks({"x": track("x", a=1)}, metric)


def test_a_track_is_one_screen():
    both = pd.concat([track("x", a=1), track("y", a=1)])
    with pytest.raises(InputError, match="'t' holds several screens"):
        ranks({"t": both}, "nrmse")
