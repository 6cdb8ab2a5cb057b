"""Additive and non-additive doubles, by thresholds on the authors' fits."""

import pandas as pd
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.leaderboard import interactions
from pvae_lib.sources import pseudobulk

FITS = pd.DataFrame(
    {
        "coef_first": [1.0, 0.7, 0.3, 1.5, 1.0],
        "coef_second": [1.0, 1.3, 1.0, 1.0, 1.0],
        "fit": [0.9, 0.75, 0.9, 0.9, 0.5],
    },
    index=["A+B", "A+C", "A+D", "B+C", "B+D"],
)


def additive(**thresholds):
    classes = interactions.classify(FITS, **thresholds)
    return list(classes.index[classes == "additive"])


def test_both_coefficients_and_the_fit_must_pass():
    assert additive() == ["A+B", "A+C"]
    assert additive(min_fit=0.8) == ["A+B"]
    assert additive(min_fit=0.0) == ["A+B", "A+C", "B+D"]
    assert additive(tolerance=0.2) == ["A+B"]
    assert additive(tolerance=0.5) == ["A+B", "A+C", "B+C"]
    with pytest.raises(InputError, match="tolerance=-0.1"):
        interactions.classify(FITS, tolerance=-0.1)


def test_file_is_read_under_the_labels_of_the_pseudobulk(tmp_path):
    columns = "name,ts_coef_first,ts_coef_second,ts_linear_dcor\n"
    (tmp_path / interactions.FILE).write_text(
        columns + "AHR_FEV,1.3,0.9,0.8\nFOXL2_FOXL2NB,0.5,0.6,0.7\nCBARP_TGFBR2,0.1,0.2,0.3\n"
    )
    fits = interactions.load_fits(tmp_path)
    assert list(fits.index) == ["AHR+FEV", "C3orf72+FOXL2", "C19orf26+TGFBR2"]
    assert fits.loc["AHR+FEV"].tolist() == [1.3, 0.9, 0.8]
    # C3orf72 comes before FOXL2: the coefficients follow their genes.
    assert fits.loc["C3orf72+FOXL2"].tolist() == [0.6, 0.5, 0.7]
    back = interactions.from_table(interactions.as_table(fits))
    pd.testing.assert_frame_equal(back.loc[fits.index], fits)
    (tmp_path / interactions.FILE).write_text("name,ts_coef_first\nA_B,1\n")
    with pytest.raises(InputError, match="ts_coef_second"):
        interactions.load_fits(tmp_path)
    with pytest.raises(InputError, match=f"No {interactions.FILE}"):
        interactions.load_fits(tmp_path / "elsewhere")


def test_medians_of_the_two_classes_over_thresholds():
    scores = {"A+B": 1.0, "A+C": 3.0, "A+D": 10.0, "B+C": 20.0, "B+D": 30.0, "C+D": 99.0}
    rows = [
        ("s", "m", double, "rmse", seed, value + shift)
        for double, value in scores.items()
        for seed, shift in ((0, -0.5), (1, 0.5))
    ]
    table = pd.DataFrame(rows, columns=["screen", "method", "condition", "metric", "seed", "value"])
    found = interactions.over_thresholds(table, FITS, "rmse", ["m"], (0.2, 0.4), (0.0, 0.7))
    assert len(found) == 8
    assert found.loc[(0.4, 0.7, "additive")].tolist() == [2, 2.0]
    assert found.loc[(0.4, 0.7, "non-additive")].tolist() == [3, 20.0]  # C+D has no fit
    assert found.loc[(0.2, 0.7, "additive")].tolist() == [1, 1.0]


def test_real_fits(real_data):
    fits = interactions.load_fits(real_data)
    bulk = pseudobulk.load(real_data)
    assert len(fits) == 125 and fits.notna().all().all()
    assert [d for d in fits.index if d not in bulk.conditions] == ["IGDCC3+TGFBR2"]
    assert len(set(fits.index) & set(bulk.complete_doubles)) == 120
    n = (interactions.classify(fits) == interactions.ADDITIVE).sum()
    assert n == 48
