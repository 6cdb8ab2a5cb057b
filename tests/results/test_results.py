"""Results: written and read back, gathered from runs, recorded, made readable."""

import numpy as np
import pandas as pd
import pytest

from pvae_lib import results
from pvae_lib.evaluation.intervals import summarise
from pvae_lib.evaluation.metrics import COLUMNS
from pvae_lib.exceptions import InputError


def tidy(seed=0, method="PerturbedVAE", shift=0.0):
    """Two methods on three conditions; ΔPearson against control undefined as in a real audit."""
    rows = []
    for place, name in enumerate([method, "additive", "control mean"]):
        for i, condition in enumerate(["A+B", "A+C", "B+C"]):
            own = shift if name == method else 0.0
            rows.append(
                ("twin", name, condition, "nrmse", seed, 0.4 + 0.1 * place + 0.01 * i + own)
            )
            delta = np.nan if name == "control mean" else 0.9 - 0.1 * i
            rows.append(("twin", name, condition, "delta_pearson_control", seed, delta))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def test_what_is_written_is_read_back_to_the_last_bit(tmp_path):
    table = summarise(pd.concat([tidy(0), tidy(1, shift=1 / 3)]))
    path = results.write(table, tmp_path / "deep" / "results.csv")
    pd.testing.assert_frame_equal(results.read(path), table, check_exact=True)
    assert path.read_text().splitlines()[0] == "screen,method,condition,metric,seed,value"
    assert [p.name for p in path.parent.iterdir()] == ["results.csv"]


def test_names_that_look_like_something_else_stay_names(tmp_path):
    table = tidy().assign(screen="1", condition="control")
    back = results.read(results.write(table, tmp_path / "r.csv"))
    assert set(back["screen"]) == {"1"} and set(back["condition"]) == {"control"}
    gene = tidy().replace({"condition": {"A+B": "NA", "A+C": "nan"}})
    back = results.read(results.write(gene, tmp_path / "g.csv"))
    assert list(back["condition"].unique()) == ["NA", "nan", "B+C"]


def test_reading_what_is_no_table_is_refused(tmp_path):
    with pytest.raises(InputError, match="No results at .*missing.csv"):
        results.read(tmp_path / "missing.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="empty.csv is no table"):
        results.read(tmp_path / "empty.csv")
    (tmp_path / "binary.csv").write_bytes(bytes(range(128, 256)))
    with pytest.raises(InputError, match="binary.csv is no table"):
        results.read(tmp_path / "binary.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="lacks the columns screen, method"):
        results.read(tmp_path / "other.csv")
    (tmp_path / "text.csv").write_text(
        "screen,method,condition,metric,seed,value\ns,m,c,nrmse,0,x\n"
    )
    with pytest.raises(InputError, match="values numbers"):
        results.read(tmp_path / "text.csv")
    with pytest.raises(InputError, match="lacks the columns value"):
        results.write(tidy().drop(columns="value"), tmp_path / "no.csv")
    assert not (tmp_path / "no.csv").exists()


def test_gathered_runs_are_one_table_over_all_seeds(tmp_path):
    paths = [
        results.write(summarise(tidy(seed, shift=0.1 * seed)), tmp_path / f"{seed}.csv")
        for seed in (0, 1)
    ]
    paths.append(results.write(tidy(0, method="peer", shift=0.2), tmp_path / "peer.csv"))
    table = results.gather(paths)
    raw = table[table["condition"] != "all"]
    assert not raw.duplicated(["method", "condition", "metric", "seed"]).any()
    assert len(raw) == 2 * 18 + 6  # the peer brings its own rows; its references were there
    wide = results.overall(table).loc["twin"]
    assert wide.at["PerturbedVAE", "nrmse"] == pytest.approx(0.41 + 0.05)
    assert wide.at["peer", "nrmse"] == pytest.approx(0.61)
    assert wide.at["PerturbedVAE", "nrmse_low"] < 0.46 < wide.at["PerturbedVAE", "nrmse_high"]


def test_runs_that_disagree_are_refused(tmp_path):
    paths = [results.write(tidy(0, shift=s), tmp_path / f"{s}.csv") for s in (0.0, 0.1)]
    with pytest.raises(
        InputError, match="disagree about 'PerturbedVAE' on 'twin'.*nrmse is 0.4 and"
    ):
        results.gather(paths)
    with pytest.raises(InputError, match="no paths"):
        results.gather([])


def test_readable_table_orders_rows_and_shows_what_is_undefined():
    text = results.readable(tidy(), ["nrmse", "delta_pearson_control"])
    lines = text.splitlines()
    assert lines[0] == "| method | nRMSE ↓ | ΔPearson vs control ↑ |"
    assert [line.split("|")[1].strip() for line in lines[2:5]] == [
        "control mean",
        "additive",
        "PerturbedVAE",
    ]
    assert lines[2].startswith("| control mean | 0.610 [0.600, 0.620] | – |")
    assert "0.410 [0.400, 0.420] | 0.800 [0.700, 0.900]" in lines[4]
    assert "mean over 3 conditions and 1 seed [" in lines[-1]
    assert "*" not in text


def test_readable_table_stars_what_is_defined_for_some_conditions_only():
    table = tidy()
    hit = (table["method"] == "additive") & (table["condition"] == "A+B")
    table.loc[hit & (table["metric"] == "nrmse"), "value"] = np.nan
    text = results.readable(table, ["nrmse"])
    assert [line.count("*") for line in text.splitlines()[2:5]] == [0, 1, 0]
    assert "some conditions not defined" in text


def test_readable_table_of_one_seed_in_several_and_of_several_screens():
    table = pd.concat([tidy(0), tidy(1, shift=0.1), tidy(0).assign(screen="other")])
    text = results.readable(table, ["nrmse"])
    first, second = text.split("twin: mean over 3 conditions and 2 seeds")
    assert "| PerturbedVAE | 0.460" in first
    assert "| PerturbedVAE | 0.410" in second and "other: mean" in second
    with pytest.raises(InputError, match="No metric 'nrsme'; did you mean 'nrmse'"):
        results.readable(table, ["nrsme"])


def test_a_record_is_a_table_beside_its_parameters(tmp_path):
    table = summarise(tidy())
    parameters = {"screen": "twin-full", "seeds": [0, 1], "epochs": 100, "lr": 1e-3}
    csv, yaml = results.record("full", table, parameters, tmp_path)
    assert (csv.name, yaml.name) == ("full.csv", "full.yaml")
    back, given = results.recorded("full", tmp_path)
    pd.testing.assert_frame_equal(back, table, check_exact=True)
    assert given == parameters
    with pytest.raises(InputError, match="No recorded results 'fulll'.*did you mean 'full'"):
        results.recorded("fulll", tmp_path)
    with pytest.raises(InputError, match="none is recorded yet"):
        results.recorded("full", tmp_path / "empty")


def test_a_record_that_cannot_be_whole_is_not_begun(tmp_path):
    with pytest.raises(InputError, match="Use plain values"):
        results.record("bad", tidy(), {"model": object()}, tmp_path)
    with pytest.raises(InputError, match="lacks the columns"):
        results.record("bad", tidy().drop(columns="seed"), {}, tmp_path)
    assert list(tmp_path.iterdir()) == []
