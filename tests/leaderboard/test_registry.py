"""The leaderboard's rows: each can be made, and what cannot run says why."""

import numpy as np
import pytest
from sklearn.base import clone

from pvae_lib.evaluation.metrics import REFERENCES
from pvae_lib.exceptions import InputError
from pvae_lib.leaderboard import registry
from pvae_lib.leaderboard.registry import ROWS, Row, catalogue, chosen
from pvae_lib.methods.means import MeanOfSingles


@pytest.mark.parametrize("name", ROWS)
def test_every_row_makes_an_unfitted_method_with_its_settings(name):
    row = ROWS[name]
    method = row.make(seed=3, epochs=10)
    parameters = method.get_params()
    for setting, value in row.settings.items():
        assert parameters[setting] is value or np.all(parameters[setting] == value)
    for settings in row.also.values():
        clone(method).set_params(**settings)
    assert parameters.get("seed", 3) == 3
    assert parameters.get("epochs", 10) == max(1, round(row.share * 10))
    assert clone(method).get_params().keys() == parameters.keys()


def test_every_row_says_what_it_is_and_none_is_named_like_a_reference():
    assert not set(ROWS) & set(REFERENCES)
    table = catalogue()
    assert list(table.index) == [n for name, row in ROWS.items() for n in (name, *row.also)]
    assert (table["idea"].str.len() > 10).all() and (table["source"].str.len() > 3).all()


def test_all_that_can_run_are_chosen_by_default_and_some_by_name():
    assert list(chosen()) == [name for name, row in ROWS.items() if row.available]
    assert list(chosen(["PerturbedVAE"])) == ["PerturbedVAE"]


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["PerturbdVAE"], "No method 'PerturbdVAE'.*did you mean 'PerturbedVAE'"),
        (["PerturbedVAE", "PerturbedVAE"], "given twice"),
    ],
)
def test_a_wrong_choice_is_refused(names, message):
    with pytest.raises(InputError, match=message):
        chosen(names)


def test_a_missing_package_is_named_with_the_command(monkeypatch):
    row = Row(MeanOfSingles, "an idea of ours", "a source", package=("no_such_package", "peers"))
    monkeypatch.setitem(registry.ROWS, "absent", row)
    assert "absent" not in chosen() and not catalogue().at["absent", "installed"]
    with pytest.raises(InputError, match=r"'absent' needs.*no_such_package.*\.\[peers\]"):
        chosen(["absent"])
