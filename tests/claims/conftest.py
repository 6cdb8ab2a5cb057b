"""Recorded tables, cut to a few conditions; small ones where a claim's table is not recorded."""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pandas as pd
import pytest

from pvae_lib import claims
from pvae_lib.evaluation.metrics import ALL

FEW = 20  # conditions kept of a large table


def beside(name: str):
    """A module of this folder that is no test."""
    path = Path(__file__).resolve().parent / f"{name}.py"
    spec = spec_from_file_location(f"claims_{name}", path)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def few_conditions(table: pd.DataFrame) -> pd.DataFrame:
    """A recorded table with its first conditions, so that a bootstrap takes no time."""
    kept = [c for c in table["condition"].unique() if c != ALL][:FEW]
    return table[table["condition"].isin([*kept, ALL])].reset_index(drop=True)


CHANGES, SMALL = beside("changes"), beside("small_tables")
NOT_FIXED = ("ablations", "causal_graph")  # recorded late, and made anew: small ones in their place


@pytest.fixture(scope="session")
def changes():
    return CHANGES


@pytest.fixture(scope="session")
def every_table():
    """A table for every record that a claim names."""
    recorded = {name: few_conditions(t) for name, t in claims.tables().items()}
    names = {name for claim in claims.CLAIMS for name in claim.tables}
    kept = {name: table for name, table in recorded.items() if not name.startswith(NOT_FIXED)}
    return {name: kept[name] if name in kept else SMALL.stand_in(name) for name in names}
