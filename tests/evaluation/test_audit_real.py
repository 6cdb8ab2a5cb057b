"""The audit on real Norman cells gives the numbers measured on them independently."""

import pandas as pd
import pytest

from pvae_lib import splits
from pvae_lib.evaluation.audit import audit
from pvae_lib.methods.cells import ScaledControlCounts
from pvae_lib.methods.means import MeanOfSingles
from pvae_lib.screen import Screen

# Means over 20 random halves, and how far one audit of three halves may lie from them.
MEASURED = {
    "nrmse": (
        0.02,
        {
            "control mean": 0.485,
            "perturbed mean": 0.481,
            "mean of the two singles": 0.446,
            "additive": 0.436,
            "floor (oracle mean)": 0.436,
            "ceiling (real cells)": 0.614,
            "control cells": 0.651,
            "control cells + additive": 0.614,
            "scaled control counts": 0.635,
        },
    ),
    "mmd_biased32": (
        0.05,
        {
            "control mean": 0.358,
            "additive": 0.124,
            "floor (oracle mean)": 0.126,
            "ceiling (real cells)": 0.053,
            "control cells": 0.251,
            "control cells + additive": 0.062,
        },
    ),
    "mmd": (
        0.05,
        {
            "control mean": 0.333,
            "additive": 0.097,
            "floor (oracle mean)": 0.099,
            "ceiling (real cells)": 0.0,
            "control cells": 0.203,
            "control cells + additive": 0.008,
            "scaled control counts": 0.005,
        },
    ),
    "e_distance": (
        0.12,
        {
            "control mean": 2.40,
            "mean of the two singles": 1.83,
            "additive": 1.67,
            "floor (oracle mean)": 1.68,
            "ceiling (real cells)": -0.001,
            "control cells": 0.550,
            "control cells + additive": 0.024,
            "scaled control counts": 0.018,
        },
    ),
    "delta_pearson_control": (
        0.08,
        {
            "mean of the two singles": 0.848,
            "additive": 0.848,
            "floor (oracle mean)": 0.864,
            "ceiling (real cells)": 0.864,
            "control cells + additive": 0.825,
        },
    ),
    "delta_pearson_centroid": (
        0.08,
        {
            "additive": 0.852,
            "floor (oracle mean)": 0.873,
            "control cells + additive": 0.830,
        },
    ),
    "var_over_V": (
        0.15,
        {
            "additive": 0.0,
            "floor (oracle mean)": 0.0,
            "ceiling (real cells)": 1.04,
            "control cells": 1.03,
            "control cells + additive": 1.03,
        },
    ),
}


@pytest.fixture(scope="module")
def means(real_data):
    screen = Screen.from_anndata(
        real_data / "norman2019_cells_3375x500.h5ad", total_counts_column="total_counts_all_genes"
    )
    split = splits.doubles_with_both_singles(screen)
    assert len(split.test_conditions(screen, "double")) == 5
    methods = {
        "mean of the two singles": MeanOfSingles().fit(screen, split),
        "scaled control counts": ScaledControlCounts().fit(screen, split),
    }
    table = pd.concat([audit(methods, screen, split, seed=seed) for seed in range(3)])
    return table.groupby(["metric", "method"])["value"].mean()


@pytest.mark.parametrize("metric", MEASURED)
def test_reference_rows_have_their_measured_values(means, metric):
    tolerance, expected = MEASURED[metric]
    found = means[metric][list(expected)]
    assert found.to_dict() == pytest.approx(expected, abs=tolerance)


def test_order_of_the_rows_is_that_of_the_measurement(means):
    nrmse, distance = means["nrmse"], means["e_distance"]
    assert nrmse["additive"] < nrmse["control mean"] < nrmse["ceiling (real cells)"]
    assert distance["ceiling (real cells)"] < distance["control cells + additive"]
    assert distance["control cells"] < distance["additive"] < distance["control mean"]
    assert means["discrimination"]["additive"] > 0.9
