"""The pseudobulk track: on generated means whose answer is known, and on the real ones."""

import numpy as np
import pandas as pd
import pytest

from pvae_lib import results
from pvae_lib.exceptions import InputError
from pvae_lib.leaderboard import pseudobulk as track
from pvae_lib.methods.scaled import ScaledAdditive
from pvae_lib.sources import pseudobulk

QUICK = [name for name in track.ROWS if name not in ("KNN", "RandomForest")]

SEE_DOUBLES = {name for name, row in track.ROWS.items() if row.sees_doubles}


def generated(scale=0.6, noise=0.2, n_genes=300, seed=0):
    """Ten singles and all their pairs, each `scale` × additive; noise of 100 cells a condition."""
    rng = np.random.default_rng(seed)
    names = [f"g{i}" for i in range(10)]
    true = {g: rng.normal(0, s, n_genes) for g, s in zip(names, np.linspace(0, 1, 10), strict=True)}
    rows = dict(true)
    for i, a in enumerate(names):
        rows |= {f"{a}+{b}": scale * (true[a] + true[b]) for b in names[i + 1 :]}
    rows["g0+h"] = rows["g0"]  # its other single is missing: not scored
    lfc = np.stack(list(rows.values())) + rng.normal(0, noise, (len(rows), n_genes))
    n_cells = dict.fromkeys(rows, 100) | {"control": 10_000}
    return pseudobulk.Pseudobulk(
        "generated", lfc, tuple(rows), np.array([f"x{i}" for i in range(n_genes)]), n_cells
    )


@pytest.fixture(scope="module")
def bulk():
    return generated()


@pytest.fixture(scope="module")
def table(bulk):
    return track.score(bulk, seeds=(0, 1))


def values(table, method, metric):
    own = table[(table["method"] == method) & (table["metric"] == metric)]
    return own.groupby("condition", sort=False)["value"].mean()


def test_table_is_tidy_and_complete(bulk, table):
    assert list(table.columns) == ["screen", "method", "condition", "metric", "seed", "value"]
    assert set(table["method"]) == set(track.ROWS) and len(SEE_DOUBLES) == 2
    assert set(table["metric"]) == set(track.SCORED)
    assert set(table["condition"]) == set(bulk.doubles) - {"g0+h"}
    assert not table.duplicated(["method", "condition", "metric", "seed"]).any()
    seeds = table.groupby("method")["seed"].nunique()
    twice = {"KNN", "RandomForest", *SEE_DOUBLES}
    assert set(seeds[seeds == 2].index) == twice and seeds.drop(list(twice)).eq(1).all()
    wide = results.overall(table)
    assert set(wide.index.get_level_values("method")) == set(track.ROWS)


def test_scores_are_those_worked_out_by_hand(bulk, table):
    a, b, truth = (bulk.change(c) for c in ("g3", "g8", "g3+g8"))
    centroid = np.mean([bulk.change(s) for s in bulk.singles], axis=0)
    expected = {
        ("additive", "rmse"): np.sqrt(np.mean((a + b - truth) ** 2)),
        ("additive", "delta_pearson_control"): np.corrcoef(a + b, truth)[0, 1],
        ("additive", "delta_pearson_centroid"): np.corrcoef(a + b - centroid, truth - centroid)[
            0, 1
        ],
        ("perturbed mean", "delta_pearson_control"): np.corrcoef(centroid, truth)[0, 1],
        ("mean of the singles", "rmse"): np.sqrt(np.mean(((a + b) / 2 - truth) ** 2)),
        ("control mean", "rmse"): np.sqrt(np.mean(truth**2)),
    }
    for (method, metric), value in expected.items():
        assert values(table, method, metric)["g3+g8"] == pytest.approx(value, rel=1e-5)
    assert values(table, "control mean", "delta_pearson_control").isna().all()
    assert values(table, "perturbed mean", "delta_pearson_centroid").isna().all()


def test_scale_from_gene_disjoint_doubles_finds_the_true_scale_less_the_noise(table):
    rmse = {m: values(table, m, "rmse").mean() for m in track.ROWS}
    disjoint = rmse["additive, scaled on gene-disjoint doubles"]
    assert disjoint < rmse["additive, scaled"] < rmse["additive"]
    assert rmse["ridge"] == pytest.approx(rmse["mean of the singles"], abs=1e-5)


def test_noise_is_bounded_by_the_weakest_single(bulk):
    noise = track.training_means(bulk).noise
    assert noise["g5"] == pytest.approx(300 * 0.2**2, rel=0.2)  # g0 has no effect at all
    assert noise["control"] == pytest.approx(noise["g5"] / 100)
    some = {c: n for c, n in bulk.n_cells.items() if c != "g5"} | {"g4": 50}
    noise = track.training_means(_with_cells(bulk, some)).noise
    assert noise["g4"] == pytest.approx(2 * noise["g5"])  # g5 counts as the median number
    assert track.training_means(_with_cells(bulk, {})).noise is None


def _with_cells(bulk, n_cells):
    return pseudobulk.Pseudobulk(bulk.name, bulk.lfc, bulk.conditions, bulk.genes, n_cells)


def test_no_double_is_predicted_by_a_fit_that_saw_it(bulk):
    rows = {name: track.ROWS[name] for name in SEE_DOUBLES}
    before = track.score(bulk, rows, seeds=(0,))
    lfc = bulk.lfc.copy()
    lfc[bulk.conditions.index("g3+g8")] *= -1  # its prediction must stay, so its score flips
    changed = pseudobulk.Pseudobulk(bulk.name, lfc, bulk.conditions, bulk.genes, bulk.n_cells)
    after = track.score(changed, rows, seeds=(0,))
    for name in rows:
        old, new = (values(t, name, "delta_pearson_control")["g3+g8"] for t in (before, after))
        assert abs(old) > 0.5 and new == pytest.approx(-old, abs=1e-5)


def test_medians_and_their_two_intervals():
    rng = np.random.default_rng(0)
    names = [f"g{i:02d}" for i in range(20)]
    effect = dict(zip(names, rng.normal(size=20), strict=True))
    pairs = [(a, b) for i, a in enumerate(names) for b in names[i + 1 :]]
    rows = [
        ("s", "m", f"{a}+{b}", "rmse", seed, effect[a] + effect[b] + shift)
        for a, b in pairs
        for seed, shift in ((0, -0.1), (1, 0.1))
    ]
    table = pd.DataFrame(rows, columns=["screen", "method", "condition", "metric", "seed", "value"])
    found = track.medians(table, n_resamples=1000).loc[("m", "rmse")]
    true = [effect[a] + effect[b] for a, b in pairs]
    assert found["median"] == pytest.approx(np.median(true)) and found["n"] == 190
    assert found["low"] < found["median"] < found["high"]
    # Doubles share genes: resampling genes widens the interval, as drawing whole screens does.
    wide, narrow = found["genes_high"] - found["genes_low"], found["high"] - found["low"]
    assert wide > 1.8 * narrow
    drawn = []
    for _ in range(1000):
        genes = rng.choice(names, size=20)
        drawn.append(
            np.median(
                [
                    effect[a] + effect[b]
                    for i, a in enumerate(genes)
                    for b in genes[i + 1 :]
                    if a != b
                ]
            )
        )
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert wide == pytest.approx(high - low, rel=0.15)
    again = track.medians(table, n_resamples=1000).loc[("m", "rmse")]
    pd.testing.assert_series_equal(found, again)


def test_paired_medians_take_the_difference_within_each_double(table):
    found = track.medians(table, "additive", n_resamples=50)
    one, other = (values(table, m, "rmse") for m in ("KNN", "additive"))
    assert found.loc[("KNN", "rmse"), "median"] == pytest.approx((one - other).median())
    assert (found.loc[("ridge", "rmse")] == found.loc[("mean of the singles", "rmse")]).all()
    assert "additive" not in found.index.get_level_values("method")
    with pytest.raises(InputError, match="No method 'adititve'.*'additive'"):
        track.medians(table, "adititve")


def test_nothing_to_score_is_refused(bulk):
    with pytest.raises(InputError, match="Nothing to score"):
        track.score(bulk, seeds=())
    alone = pseudobulk.Pseudobulk("alone", bulk.lfc[:10], bulk.conditions[:10], bulk.genes, {})
    with pytest.raises(InputError, match="0 complete doubles"):
        track.score(alone)


def test_real_medians(real_data):
    """The published figures that stand, and what they are figures of."""
    bulk = pseudobulk.load(real_data)
    table = track.score(bulk, {n: track.ROWS[n] for n in QUICK}, seeds=(0,))
    found = track.medians(table, n_resamples=20)["median"].unstack("metric")
    control, centroid = found["delta_pearson_control"], found["delta_pearson_centroid"]
    assert control["additive"] == pytest.approx(0.694, abs=0.005)
    assert centroid["additive"] == pytest.approx(0.631, abs=0.005)
    # .426 is the mean over *all* singles; the mean of a double's two has the additive's direction.
    assert control["perturbed mean"] == pytest.approx(0.426, abs=0.005)
    assert control["mean of the singles"] == pytest.approx(control["additive"], abs=1e-6)
    assert control["ridge that sees 80 % of the doubles"] == pytest.approx(0.734, abs=0.01)
    rmse = found["rmse"]
    assert rmse["additive"] == pytest.approx(0.396, abs=0.005)
    assert rmse["additive, scaled on gene-disjoint doubles"] == pytest.approx(0.349, abs=0.005)
    assert rmse["additive, scaled"] == pytest.approx(0.352, abs=0.005)
    scale = ScaledAdditive().fit_means(track.training_means(bulk)).scale_
    assert scale == pytest.approx(0.734, abs=0.005)
    singles, doubles = bulk.changes(bulk.singles), bulk.complete_doubles
    errors = [
        np.sqrt(np.mean((0.64 * sum(singles[g] for g in d.split("+")) - bulk.change(d)) ** 2))
        for d in doubles
    ]
    assert np.median(errors) == pytest.approx(0.349, abs=0.005)


def test_command_records_table_and_parameters(real_data, tmp_path, monkeypatch, capsys):
    track.main(["--out", str(tmp_path), "--seeds", "3", "--methods", "additive", "ridge"])
    table, parameters = results.recorded(track.NAME, tmp_path)
    assert set(table["method"]) == {"additive", "ridge", "authors' fit"}
    assert parameters["parameters"]["seeds"] == [3] and "PVAE_DATA" in parameters["command"]
    assert parameters["parameters"]["methods"]["ridge"] == {"alpha": 1.0, "with_doubles": False}
    assert "0.694" in capsys.readouterr().out
    with pytest.raises(SystemExit, match="No method 'rigde'.*'ridge'"):
        track.main(["--out", str(tmp_path), "--methods", "rigde"])
    monkeypatch.delenv("PVAE_DATA")
    with pytest.raises(SystemExit, match="set PVAE_DATA"):
        track.main(["--out", str(tmp_path)])
