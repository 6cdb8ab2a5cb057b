"""The ledger's tables agree with the claims, and are safe to show."""

from dataclasses import replace

import pandas as pd
import pytest

from pvae_lib import claims, results
from pvae_lib.claims import FAILS, HOLDS, OPEN, Claim, Trial, Verdict
from pvae_lib.claims.base import agreed
from pvae_lib.evaluation.metrics import COLUMNS

T = pd.DataFrame({"value": [1.0]})


def sure(verdict):
    return lambda table: Verdict(verdict, {"value": table["value"].iloc[0]}, "one <b> is one & so")


def claim(**trials):
    made = tuple(
        Trial(data, ("t",), sure(verdict), decides) for data, (verdict, decides) in trials.items()
    )
    return Claim("c", "short", "A claim.", "Table 1", "05_norman2019", "", "holds if", made)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([HOLDS], HOLDS),
        ([HOLDS, OPEN], HOLDS),
        ([HOLDS, FAILS], OPEN),
        ([FAILS, FAILS], FAILS),
        ([OPEN], OPEN),
        ([], OPEN),
    ],
)
def test_agreed(said, expected):
    assert agreed(said) == expected


def test_a_row_a_claim_and_data_and_one_verdict_for_all():
    made = claim(Papalexi=(HOLDS, True), twin=(FAILS, False), Replogle=(OPEN, True))
    rows = claims.ledger([made], {"t": T})
    assert rows["data"].tolist() == ["Papalexi", "twin", "Replogle"]
    assert rows["verdict"].tolist() == [HOLDS, FAILS, OPEN]
    assert rows["numbers"].iloc[0] == {"value": 1.0}
    whole = claims.overall(rows)
    assert whole.loc["c", "verdict"] == made.judge({"t": T}).verdict == HOLDS
    assert "decides nothing" in made.judge({"t": T}).why
    assert "holds** (1 of 1): short" in claims.in_words(whole)


def test_the_page_has_headers_and_escapes():
    made = claim(Papalexi=(HOLDS, True), twin=(FAILS, False))
    page = claims.page(claims.ledger([made], {"t": T}))
    assert page.count('scope="col"') == 4 and page.count('scope="rowgroup" rowspan="2"') == 1
    assert "one &lt;b&gt; is one &amp; so" in page and "twin (decides nothing)" in page


def test_the_recorded_ledger_is_that_of_every_claim():
    chosen = [c for c in claims.CLAIMS if set(c.tables) <= {"identifiability_full", "paper_tables"}]
    assert len(chosen) >= 4
    rows = claims.ledger(chosen)
    given = claims.tables(chosen)
    whole = claims.overall(rows)
    for one in chosen:
        assert whole.loc[one.id, "verdict"] == one.judge(given).verdict
    assert len(rows) == sum(len(one.trials) for one in chosen)


def test_tables_not_recorded_are_left_out(tmp_path):
    made = claim(Papalexi=(HOLDS, True))
    assert claims.tables([made], tmp_path) == {}
    assert claims.ledger([made], {})["verdict"].tolist() == [OPEN]
    row = pd.DataFrame([("s", "m", "c", "nrmse", 0, 1.0)], columns=list(COLUMNS))
    results.record("t", row, {"command": "none"}, tmp_path)
    assert list(claims.tables([made], tmp_path)) == ["t"]
    assert list(claims.tables([replace(made, id="d")], tmp_path)) == ["t"]


def test_the_papers_numbers_are_those_of_its_tables():
    paper, how = results.recorded("paper_tables")
    at = paper.set_index(["screen", "method", "condition", "metric"])["value"]
    assert at.index.is_unique and "No run of ours" in how["note"]
    norman = at["norman2019, as the paper reports"]
    assert norman["PerturbedVAE", "doubles", "nrmse"] == 0.4474
    assert norman["additive", "profiles", "delta_pearson_control"] == 0.9076
    assert at["simulation, as the paper reports"]["with alignment", "test", "r2_iota"] == 0.97
