"""The ledger's figure: a mark and a word for every verdict, and no unknown verdict."""

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from pvae_lib.claims.base import VERDICTS
from pvae_lib.exceptions import InputError
from pvae_lib.figures.claims import LOOKS, ledger_figure

ROWS = pd.DataFrame(
    [("a", "real", True, "holds"), ("a", "twin", False, "does not hold"),
     ("b", "real", True, "cannot be told here")],
    columns=["id", "data", "decides", "verdict"],
)  # fmt: skip
WHOLE = pd.DataFrame(
    {"short": ["first", "second"], "verdict": ["holds", "cannot be told here"]}, index=["a", "b"]
)
THEMES = {"One": ["a"], "Two": ["b"]}


def test_every_verdict_has_a_look_told_apart_without_colour():
    assert set(LOOKS) == set(VERDICTS)
    assert len({(mark, filled) for _, mark, filled, _ in LOOKS.values()}) == 3


def test_marks_words_and_headings():
    ax = ledger_figure(ROWS, WHOLE, THEMES).axes[0]
    words = [text.get_text() for text in ax.texts]
    assert words == ["One", "holds", "holds", "not", "Two", "open", "open"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["first", "second"]
    assert [label.get_text() for label in ax.get_xticklabels()] == ["verdict", "real", "twin"]
    plt.close("all")


def test_an_unknown_verdict_or_none_is_refused():
    with pytest.raises(InputError, match="perhaps"):
        ledger_figure(ROWS.assign(verdict="perhaps"), WHOLE, THEMES)
    with pytest.raises(InputError):
        ledger_figure(ROWS[:0], WHOLE, THEMES)
