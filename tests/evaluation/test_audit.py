"""The harness: what it scores, with what it pairs, what it refuses."""

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist
from scipy.stats import ttest_ind

from pvae_lib import splits
from pvae_lib.evaluation.audit import audit
from pvae_lib.evaluation.case import Background, Case
from pvae_lib.evaluation.metrics import CEILING, COLUMNS, FLOOR, METRICS, REFERENCES
from pvae_lib.exceptions import InputError
from pvae_lib.methods.base import Method
from pvae_lib.methods.means import Additive, MeanOfSingles
from pvae_lib.screen import Screen


class Answers(Method):
    """A method that answers whatever the test wants."""

    def __init__(self, answer=None):
        self.answer = answer

    def fit(self, screen, split):
        self._remember(screen, split)
        return self

    def predict(self, controls, condition, n, seed):
        return self.answer(controls, condition, n, seed)


@pytest.fixture(scope="module")
def table(screen, split):
    return audit({"ours": MeanOfSingles().fit(screen, split)}, screen, split, seed=0)


def value(table, method, metric, condition=None):
    """One value, or the mean over conditions."""
    rows = table[(table["method"] == method) & (table["metric"] == metric)]
    if condition is not None:
        rows = rows[rows["condition"] == condition]
    return rows["value"].mean()


def halves(screen, split, condition, seed=0, max_cells=1000):
    controls = screen[np.flatnonzero(screen.is_control)]
    centroid = np.mean([screen.mean(s) for s in screen.singles], axis=0)
    background = Background.of(controls, centroid)
    return Case.draw(screen, condition, screen.cells_of(condition), background, seed, max_cells)


def test_table_is_tidy_complete_and_in_order(table, split, screen):
    assert list(table.columns) == list(COLUMNS)
    assert list(table["method"].unique()) == [*REFERENCES, "ours"]
    assert list(table["condition"].unique()) == ["A+B", "A+C", "B+D", "C+D"]
    assert list(table["metric"].unique()) == list(METRICS)
    assert len(table) == (len(REFERENCES) + 1) * 4 * len(METRICS)
    assert not table.duplicated(["method", "condition", "metric"]).any()
    assert set(table["screen"]) == {"small"} and set(table["seed"]) == {0}


def test_nothing_is_undefined_but_what_has_no_direction_or_no_spread(table):
    undefined = table[table["value"].isna()]
    points = ["control mean", "perturbed mean", "additive", FLOOR, "ours"]
    no_spread = {(name, f"coverage_{level}") for name in points for level in (50, 90)}
    assert set(zip(undefined["method"], undefined["metric"], strict=True)) == no_spread | {
        ("control mean", "delta_pearson_control"),
        ("control mean", "delta_pearson_control_de20"),
        ("perturbed mean", "delta_pearson_centroid"),
        ("perturbed mean", "delta_pearson_centroid_de20"),
        ("perturbed mean", "discrimination"),
    }


def test_values_agree_with_a_computation_from_the_halves(table, screen, split):
    case = halves(screen, split, "A+C")
    truth, other = (c.cells.astype(float) for c in (case.truth, case.reference))
    assert len(truth) == len(other) == 20  # 41 cells: one is left out
    control = screen.mean("control")
    additive = screen.mean("A") + screen.mean("C") - control

    def nrmse(prediction):
        return np.sqrt(((prediction - truth) ** 2).mean() / (truth**2).mean())

    for name, prediction in {
        "control mean": control,
        "additive": additive,
        "ours": (screen.mean("A") + screen.mean("C")) / 2,
        FLOOR: other.mean(axis=0),
        CEILING: other,
    }.items():
        assert value(table, name, "nrmse", "A+C") == pytest.approx(nrmse(prediction), rel=1e-5)
    expected = np.corrcoef(additive - control, truth.mean(axis=0) - control)[0, 1]
    found = value(table, "additive", "delta_pearson_control", "A+C")
    assert found == pytest.approx(expected, rel=1e-5)
    own = [cdist(c, c).sum() / (20 * 19) for c in (truth, other)]
    expected = 2 * cdist(truth, other).mean() - sum(own)
    assert value(table, CEILING, "e_distance", "A+C") == pytest.approx(expected, abs=1e-4)
    point = 2 * np.linalg.norm(truth - additive, axis=1).mean() - own[0]
    assert value(table, "additive", "e_distance", "A+C") == pytest.approx(point, rel=1e-4)


def test_halves_are_disjoint_random_and_depend_on_seed_and_condition_alone(screen, split):
    def rows(case):
        own = [screen.dense(np.array([i])).tobytes() for i in screen.cells_of(case.condition)]
        return [[own.index(r.tobytes()) for r in c.cells] for c in (case.truth, case.reference)]

    scored, reference = rows(halves(screen, split, "A+B"))
    assert not set(scored) & set(reference) and len(set(scored + reference)) == 40
    assert rows(halves(screen, split, "A+B")) == [scored, reference]
    assert rows(halves(screen, split, "A+B", seed=1)) != [scored, reference]
    fewer = splits.Split(
        split.name, split.train, {"double": screen.cells_of("C+D")}, screen.fingerprint
    )
    alone = audit({}, screen, fewer, seed=0)
    whole = audit({}, screen, split, seed=0)
    for metric in ("nrmse", "e_distance", "mmd_biased32_null"):
        assert value(alone, "control cells", metric, "C+D") == value(
            whole, "control cells", metric, "C+D"
        )


def test_each_prediction_is_paired_with_the_control_it_was_made_from(screen, split):
    seen = {}

    def predict(controls, condition, n, seed):
        seen[condition] = n, seed
        return controls.dense(Method.draw_controls(controls, n, seed))

    table = audit({"same": Answers(predict).fit(screen, split)}, screen, split, seed=0)
    assert {c: n for c, (n, _) in seen.items()} == {"A+B": 20, "A+C": 20, "B+D": 15, "C+D": 12}
    assert len({seed for _, seed in seen.values()}) == 4
    for metric in METRICS:  # the same control cells for every method of a seed
        np.testing.assert_equal(value(table, "same", metric), value(table, "control cells", metric))


def test_de_genes_are_chosen_on_the_half_that_is_not_scored(screen, split, table):
    case = halves(screen, split, "A+B")
    controls = screen.dense(screen.cells_of("control")).astype(float)

    def largest(cells):
        with np.errstate(invalid="ignore", divide="ignore"):
            t = np.abs(ttest_ind(cells.astype(float), controls, equal_var=False).statistic)
        return set(np.argsort(-np.nan_to_num(t))[:20])

    assert set(case.de) == largest(case.reference.cells) != largest(case.truth.cells)
    de, truth = case.de, case.truth.cells
    additive = Additive().fit(screen, split).predict(screen[screen.is_control], "A+B", 1, 0)
    expected = np.sqrt(((additive - truth)[:, de] ** 2).mean() / (truth[:, de] ** 2).mean())
    assert value(table, "additive", "nrmse_de20", "A+B") == pytest.approx(expected, rel=1e-5)


def test_background_has_the_moments_of_the_controls(screen, split):
    background = halves(screen, split, "A+B").background
    controls = screen.dense(screen.cells_of("control")).astype(float)
    np.testing.assert_allclose(background.control_mean, controls.mean(axis=0), rtol=1e-6)
    expected = controls.var(axis=0, ddof=1)
    np.testing.assert_allclose(background.control_variance, expected, rtol=1e-5, atol=1e-9)


def test_a_control_drawn_twice_does_not_narrow_the_predicted_cloud(screen, split):
    few = np.setdiff1d(split.train, np.flatnonzero(screen.is_control)[6:])
    part = splits.Split("six controls", few, split.test, screen.fingerprint)
    table = audit({}, screen, part, seed=0)
    truth = halves(screen, split, "A+B").truth.cells.astype(float)
    seen = []

    def predict(controls, condition, n, seed):
        seen.append(Method.draw_controls(controls, n, seed))
        return controls.dense(seen[-1])

    audit({"m": Answers(predict).fit(screen, part)}, screen, part, seed=0)
    rows, cells = seen[0], screen.dense(np.flatnonzero(screen.is_control)[:6][seen[0]])
    assert len(set(rows)) < len(rows)
    apart = rows[:, None] != rows
    expected = (
        2 * cdist(truth, cells).mean()
        - cdist(truth, truth).sum() / (20 * 19)
        - cdist(cells, cells)[apart].mean()
    )
    found = value(table, "control cells", "e_distance", "A+B")
    assert found == pytest.approx(expected, rel=1e-3)


def test_only_training_controls_are_handed_over(screen, split):
    controls = np.flatnonzero(screen.is_control)
    part = splits.Split(
        "part", np.setdiff1d(split.train, controls[30:]), split.test, screen.fingerprint
    )

    def predict(given, condition, n, seed):
        assert list(given.cells) == list(screen.cells[controls[:30]])
        return given.dense(Method.draw_controls(given, n, seed))

    audit({"m": Answers(predict).fit(screen, part)}, screen, part, seed=0)


def test_references_stand_where_they_should(table):
    assert value(table, FLOOR, "nrmse") < value(table, CEILING, "nrmse")
    assert value(table, CEILING, "e_distance") < value(table, FLOOR, "e_distance")
    assert value(table, CEILING, "mmd") < value(table, FLOOR, "mmd")
    for metric in ("delta_pearson_control", "delta_pearson_centroid", "discrimination"):
        assert value(table, FLOOR, metric) == pytest.approx(value(table, CEILING, metric), abs=1e-6)
    assert value(table, "control mean", "discrimination") == pytest.approx(0.5)
    assert value(table, "control mean", "var_over_V") == 0
    assert value(table, CEILING, "var_over_V") == pytest.approx(1, abs=0.15)
    null = value(table, CEILING, "mmd_biased32_null")
    assert value(table, CEILING, "mmd_biased32") == pytest.approx(null)


def test_constants_and_cells_of_one_mean_differ_only_in_spread(screen, split, table):
    # The shifted control cells of *all* controls have the additive mean; of a few, nearly.
    cells = value(table, "control cells + additive", "delta_pearson_control")
    assert cells == pytest.approx(value(table, "additive", "delta_pearson_control"), abs=0.15)
    gain = value(table, "additive", "e_distance")
    assert value(table, "control cells + additive", "e_distance") < gain / 3


def test_a_wrong_method_scores_worse(screen, split, table):
    """Predictions shuffled over conditions lose every metric that looks at the condition."""
    other = {"A+B": "C+D", "C+D": "A+B", "A+C": "B+D", "B+D": "A+C"}
    additive = Additive().fit(screen, split)
    swapped = Answers(lambda k, c, n, s: additive.predict(k, other[c], n, s)).fit(screen, split)
    wrong = audit({"swapped": swapped}, screen, split, seed=0)
    assert value(wrong, "swapped", "discrimination") < 0.3
    assert value(table, "additive", "discrimination") > 0.9
    for metric in ("nrmse", "nrmse_de20", "mmd", "e_distance", "bias2_over_V"):
        assert value(wrong, "swapped", metric) > value(table, "additive", metric)
    for metric in ("delta_pearson_control", "delta_pearson_centroid_de20", "r2", "r2_inherited"):
        assert value(wrong, "swapped", metric) < value(table, "additive", metric)


def test_same_seed_same_table_other_seed_another(screen, split, table):
    again = audit({"ours": MeanOfSingles().fit(screen, split)}, screen, split, seed=0)
    pd.testing.assert_frame_equal(again, table)
    other = audit({}, screen, split, seed=1)
    assert value(other, FLOOR, "nrmse") != value(table, FLOOR, "nrmse")


def test_distances_take_at_most_max_cells(screen, split, table):
    case = halves(screen, split, "A+B", max_cells=8)
    assert len(case.truth.far) == len(case.reference.far) == len(set(case.rows)) == 8
    few = audit({}, screen, split, seed=0, max_cells=8)
    assert value(few, CEILING, "nrmse") == value(table, CEILING, "nrmse")
    assert value(few, CEILING, "e_distance") != value(table, CEILING, "e_distance")


def test_an_additive_without_its_single_is_undefined_the_rest_is_not(screen, split):
    lacking = splits.Split(
        "no A", np.setdiff1d(split.train, screen.cells_of("A")), split.test, screen.fingerprint
    )
    table = audit({}, screen, lacking, seed=0)
    for method in ("additive", "control cells + additive"):
        assert np.isnan(value(table, method, "nrmse", "A+B"))
        assert np.isnan(value(table, method, "discrimination", "A+B"))
        assert np.isfinite(value(table, method, "nrmse", "C+D"))
    assert np.isfinite(value(table, "control cells", "nrmse", "A+B"))
    with pytest.raises(InputError, match=r"'ours', condition 'A\+B'.*A perturbed"):
        audit({"ours": Additive().fit(screen, lacking)}, screen, lacking, seed=0)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (lambda k, c, n, s: np.zeros((n, 3)), r"'m', condition 'A\+B'.*shape \(20, 3\)"),
        (lambda k, c, n, s: np.zeros((n + 1, 80)), r"shape \(21, 80\)"),
        (lambda k, c, n, s: np.full((n, 80), np.nan), "1600 NaN or infinite"),
        (lambda k, c, n, s: np.full((n, 80), np.inf), "1600 NaN or infinite"),
    ],
)
def test_an_answer_that_is_no_set_of_cells_is_refused(screen, split, answer, message):
    with pytest.raises(InputError, match=message):
        audit({"m": Answers(answer).fit(screen, split)}, screen, split, seed=0)


def test_other_refusals(screen, split):
    other = Screen.from_counts(
        screen.counts[:, :70], screen.condition, screen.genes[:70], name="fewer genes"
    )
    with pytest.raises(InputError, match="made for another screen"):
        audit({}, other, split, seed=0)
    with pytest.raises(InputError, match="No test group 'triple'"):
        audit({}, screen, split, group="triple", seed=0)
    nothing = splits.Split("none", split.train, {"double": split.train[:0]}, screen.fingerprint)
    with pytest.raises(InputError, match="nothing to score"):
        audit({}, screen, nothing, seed=0)
    few = splits.Split(
        "few", split.train, {"double": screen.cells_of("A+B")[:3]}, screen.fingerprint
    )
    with pytest.raises(InputError, match=r"Too few test cells.*A\+B"):
        audit({}, screen, few, seed=0)
    with pytest.raises(InputError, match="named like the reference 'additive'"):
        audit({"additive": Additive().fit(screen, split)}, screen, split, seed=0)
    with pytest.raises(ValueError, match="not fitted"):
        audit({"m": Additive()}, screen, split, seed=0)
    singles = np.isin(screen.condition.astype(str), screen.singles)
    doubles = np.setdiff1d(np.arange(screen.n_cells), np.flatnonzero(singles))
    unsingle = splits.Split("no singles", doubles, split.test, screen.fingerprint)
    with pytest.raises(InputError, match="trains on no single"):
        audit({}, screen, unsingle, seed=0)
