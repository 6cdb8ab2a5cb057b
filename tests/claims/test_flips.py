"""Every verdict follows from its tables: changed, it flips; taken away, it is open."""

import builtins
import io
from pathlib import Path

import pandas as pd
import pytest

from pvae_lib import claims, results
from pvae_lib.claims import FAILS, HOLDS, OPEN

TRIALS = [(claim, trial) for claim in claims.CLAIMS for trial in claim.trials]
IDS = [f"{claim.id}, {trial.data}" for claim, trial in TRIALS]


@pytest.fixture
def no_reading(monkeypatch):
    """Whoever opens a file, or asks for a record, fails."""

    def refused(*_, **__):
        raise AssertionError("a judge read something but the tables handed in")

    for owner, name in (
        (builtins, "open"), (io, "open"), (Path, "open"), (Path, "read_text"),
        (pd, "read_csv"), (results, "read"), (results, "recorded"),
    ):  # fmt: skip
        monkeypatch.setattr(owner, name, refused)


@pytest.mark.parametrize(("claim", "trial"), TRIALS, ids=IDS)
def test_a_changed_table_flips_the_verdict(claim, trial, every_table, changes, no_reading):
    said = {}
    for good in (True, False):
        given = changes.changed(claim, trial, every_table, good)
        before = {name: given[name].copy() for name in trial.records}
        found = trial.judge({name: given[name] for name in trial.records})
        for name, table in before.items():
            pd.testing.assert_frame_equal(given[name], table)
        assert found.numbers, found.why
        said[good] = found.verdict, found.why
    assert (said[True][0], said[False][0]) == (HOLDS, FAILS), said


@pytest.mark.parametrize(("claim", "trial"), TRIALS, ids=IDS)
def test_without_its_tables_a_claim_cannot_be_told(claim, trial, every_table):
    for missing in trial.records:
        given = {name: table for name, table in every_table.items() if name != missing}
        found = trial.judge(given)
        assert found.verdict == OPEN and missing in found.why
        assert not found.numbers


@pytest.mark.parametrize(("claim", "trial"), TRIALS, ids=IDS)
def test_without_the_rows_it_needs_a_claim_cannot_be_told(claim, trial, every_table):
    bare = {
        name: every_table[name][every_table[name]["method"] == "control mean"]
        for name in trial.records
    }
    assert trial.judge(bare).verdict == OPEN


@pytest.mark.parametrize("claim", claims.CLAIMS, ids=lambda claim: claim.id)
def test_the_verdict_on_a_claim_follows_the_data_that_decide(claim, every_table, changes):
    deciding = [trial for trial in claim.trials if trial.decides]
    for good, expected in ((True, HOLDS), (False, FAILS)):
        given = dict(every_table)
        for trial in deciding:
            given |= {
                name: table
                for name, table in changes.changed(claim, trial, given, good).items()
                if name == trial.records[0]
            }
        assert claim.judge(given).verdict == expected
    for trial in deciding:  # what decides nothing, decides nothing
        given = {name: table for name, table in given.items() if name not in trial.records}
    assert claim.judge(given).verdict == OPEN
