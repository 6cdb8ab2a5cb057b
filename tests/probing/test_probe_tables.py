import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from pvae_lib import results
from pvae_lib.exceptions import InputError
from pvae_lib.probing.tables import COLUMNS, interval, label, summarise

TABLE = pd.DataFrame(
    [
        ("twin", name, trained, kind, "condition", metric, seed, fold, which, 0.1 * (seed + fold))
        for name, trained, kind in [("VAE", True, "means"), ("VAE", False, "samples")]
        for metric, which in [("balanced_accuracy", "all"), ("recall", "KLF1")]
        for seed in (0, 1)
        for fold in (0, 1, 2)
    ],
    columns=list(COLUMNS),
)


def test_labels_say_what_differs_from_trained_means():
    assert label("VAE") == "VAE"
    assert label("VAE", False, "samples") == "VAE, untrained, samples"


def test_an_interval_is_wider_than_that_of_independent_scores():
    values = [0.1, 0.2, 0.3, 0.2, 0.1, 0.3]
    mean, low, high = interval(values, folds=3)
    naive = student.ppf(0.975, 5) * np.std(values, ddof=1) / np.sqrt(6)
    assert mean == pytest.approx(0.2) and mean - low == pytest.approx(high - mean)
    assert (high - mean) / naive == pytest.approx(np.sqrt(1 + 6 / 2))


def test_the_summary_is_a_table_of_results(tmp_path):
    summary = summarise(TABLE)
    results.write(summary, tmp_path / "probes.csv")
    wide = results.overall(results.read(tmp_path / "probes.csv")).loc["twin"]
    assert list(wide.index) == ["VAE", "VAE, untrained, samples"]
    assert wide.loc["VAE", "condition: balanced_accuracy"] == pytest.approx(0.15)
    row = wide.loc["VAE"]
    assert row["condition: balanced_accuracy_low"] < 0.15 < row["condition: balanced_accuracy_high"]
    recalls = summary[summary["condition"] == "KLF1"]
    assert set(recalls["metric"]) >= {"condition: recall", "condition: recall_low"}
    by_seed = summary[summary["seed"].eq(1) & summary["condition"].eq("all")]
    assert by_seed["value"].tolist() == pytest.approx([0.2, 0.2])


def test_another_table_is_refused():
    with pytest.raises(InputError, match="lacks the columns fold"):
        summarise(TABLE.drop(columns="fold"))
    with pytest.raises(InputError, match="is empty"):
        summarise(TABLE.iloc[:0])
