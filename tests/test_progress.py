"""Bars, and where there are none."""

import os
import sys

import pytest

from pvae_lib import progress


@pytest.mark.parametrize("before", [None, "1", "0"])
def test_no_bar_inside_and_what_was_wanted_before_outside(monkeypatch, before):
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)  # as outside a notebook
    if before is None:
        monkeypatch.delenv("PVAE_PROGRESS", raising=False)
    else:
        monkeypatch.setenv("PVAE_PROGRESS", before)
    with progress.without_bars():
        assert progress.bar(range(2)).disable
    assert os.environ.get("PVAE_PROGRESS") == before
    assert progress.bar(range(2)).disable == (before == "0")


def test_bars_come_back_after_an_error(monkeypatch):
    monkeypatch.setenv("PVAE_PROGRESS", "1")
    with pytest.raises(ValueError), progress.without_bars():
        raise ValueError
    assert os.environ["PVAE_PROGRESS"] == "1"
