"""What runs left becomes two tables, and what is missing gets its reason. No run is made here."""

import numpy as np
import pandas as pd
import pytest
import yaml

from pvae_lib import results
from pvae_lib.exceptions import InputError
from pvae_lib.runs import gathered, record, sweep
from pvae_lib.runs.grid import read_grid

FACTS = {
    "device": "cpu",
    "machine": "a machine",
    "commit": "abc",
    "versions": {"python": "3.11"},
    "minutes": 0.5,
    "earlier": [],
}


@pytest.fixture
def grid(tmp_path, sweep_writer, monkeypatch):
    """Two settings of one seed each: the base and alpha=1."""
    monkeypatch.chdir(sweep_writer(tmp_path, axes={"alpha": [0.5, 1]}, seeds=[3]))
    return read_grid("grid.yaml")


@pytest.fixture
def finish(tmp_path):
    """Leave what a finished run leaves, with other facts or another reference where given."""

    def leave(point, reference: float = 1.0, seeds=(3,), **facts):
        run = tmp_path / "runs" / point.name
        run.mkdir(parents=True)
        (run / "parameters.yaml").write_text(yaml.safe_dump(FACTS | facts))
        rows = [
            ("twin", method, condition, metric, seed, value)
            for seed in seeds
            for method, value in (("additive", reference), ("Ours", point.parameters["alpha"]))
            for condition in ("A+B", "all")
            for metric in ("nrmse", "mmd", "nrmse_low")
        ]
        if len(seeds) > 1:
            rows += [("twin", "Ours", "all", "nrmse", None, 7.0)]
        results.write(pd.DataFrame(rows, columns=results.COLUMNS), run / "results.csv")
        (run / "done").touch()
        return run

    return leave


def table(tmp_path) -> pd.DataFrame:
    return pd.read_csv(tmp_path / "runs" / "sweep.csv")


def test_only_means_stand_in_the_table_of_runs(grid, finish, tmp_path):
    for point in grid.points:
        finish(point)
    assert gathered.write(grid, tmp_path / "runs") == {}
    found = table(tmp_path)
    assert set(found["condition"]) == {"all"} and set(found["metric"]) == {"nrmse", "mmd"}
    ours = found[found["method"] == "Ours"].set_index(["label", "metric"])["value"]
    assert ours["base", "nrmse"] == 0.5 and ours["alpha=1", "mmd"] == 1.0
    assert set(found["seed"]) == {3} and set(found["versions"]) == {"python 3.11"}


def test_a_run_of_several_seeds_gives_its_mean_over_them(grid, finish, tmp_path):
    finish(grid.points[0], seeds=(3, 4))
    gathered.write(grid, tmp_path / "runs")
    assert table(tmp_path)[["method", "metric", "value"]].values.tolist() == [["Ours", "nrmse", 7]]


@pytest.mark.parametrize(
    ("facts", "minutes"),
    [
        ({}, 0.5),
        ({"minutes": 0.0}, 0.0),
        ({"earlier": [{"minutes": 2.0}, {"minutes": 1.25}]}, 3.75),
        # A start killed by kill -9 was never timed: the sum is unknown, and so is said to be.
        ({"earlier": [{"minutes": 2.0}, {"minutes": None}]}, np.nan),
    ],
)
def test_minutes_are_those_of_all_starts_or_unknown(grid, finish, tmp_path, facts, minutes):
    finish(grid.points[0], **facts)
    gathered.write(grid, tmp_path / "runs")
    np.testing.assert_array_equal(table(tmp_path)["minutes"].unique(), [minutes])


def test_runs_that_disagree_about_a_reference_are_refused(grid, finish, tmp_path):
    finish(grid.points[0])
    finish(grid.points[1], reference=1.01)
    with pytest.raises(InputError, match="Two runs disagree about 'additive'.*seed 3: nrmse"):
        gathered.write(grid, tmp_path / "runs")


def test_what_is_missing_has_its_reason(grid, finish, tmp_path):
    first, second = (f"{p.name} ({p.label}, seed 3)" for p in grid.points)
    folder = tmp_path / "runs"
    assert gathered.write(grid, folder) == dict.fromkeys((first, second), "not started.")

    log = folder / grid.points[0].name / "log.txt"
    log.parent.mkdir(parents=True)
    log.write_text("Running tiny.ipynb\n")
    assert gathered.write(grid, folder)[first] == "it was stopped before its end."

    log.write_text("Running tiny.ipynb\nError: no controls; name one.\nThe notebook up to …\n")
    reason = gathered.write(grid, folder)[first]
    assert reason.startswith("Error: no controls; name one.") and str(log.parent) in reason


def test_runs_by_other_code_than_todays_are_named(grid, finish, tmp_path, monkeypatch, command):
    """Done is done, so a table may hold numbers that today's code would not give."""
    monkeypatch.setattr(sweep, "sweep", lambda *_: 0)
    monkeypatch.setattr(record, "commit", lambda: "today")
    first, second = grid.points
    finish(first, commit="today")
    finish(second, commit="abc")
    call = command("grid.yaml", "--out", "runs")
    assert call.status == 0 and "2 of 2 runs are done" in call.out
    assert "1 of them by the code of commit abc, today's is today: to make" in call.err
    monkeypatch.setattr(record, "commit", lambda: "abc")
    (tmp_path / "runs" / first.name / "done").unlink()
    assert "by the code of commit" not in command("grid.yaml", "--out", "runs").err


def test_tables_of_an_earlier_grid_do_not_stay(grid, finish, tmp_path):
    run = finish(grid.points[0])
    gathered.write(grid, tmp_path / "runs")
    (run / "done").unlink()
    assert len(gathered.write(grid, tmp_path / "runs")) == 2
    assert not (tmp_path / "runs" / "sweep.csv").exists()
    assert not (tmp_path / "runs" / "results.csv").exists()
