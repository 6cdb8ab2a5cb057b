"""Our columns beside cell-eval's on the same arrays: equal, or apart by a relation stated here.

- delta_pearson_control is their pearson_delta.
- discrimination is their discrimination_score (cosine), with another reference and another count:
  ours refers to the perturbed centroid, theirs to the control; at one reference
  1 − theirs = (1 − ours)(N − 1)/N, because they divide a rank of 0 … N − 1 by N.
- e_distance: their edistance is a Pearson, over conditions, of predicted and true distances to the
  control, and keeps each cell's pair with itself: means within a cloud are (n − 1)/n of ours.
- ceiling (real cells): their compute_ceiling cuts cells into disjoint halves too (no bootstrap
  in 0.8.2), but cuts the controls as well, and carries the mean to whole depth by 2r/(1 + r).
"""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from pvae_lib.evaluation import deltas, distances
from pvae_lib.evaluation.audit import audit
from pvae_lib.evaluation.case import Background, Case
from pvae_lib.evaluation.errors import pearson
from pvae_lib.methods.cells import ScaledControlCounts
from pvae_lib.methods.means import TrainingMeans

cell_eval = pytest.importorskip("cell_eval", reason="needs the extra 'cell-eval'")
array_metrics = pytest.importorskip("cell_eval.metrics._anndata")

NAME = "scaled"


@pytest.fixture(scope="module")
def method(screen, split):
    return ScaledControlCounts().fit(screen, split)


@pytest.fixture(scope="module")
def ours(method, screen, split):
    """condition → metric → value of the audited table."""
    table = audit({NAME: method}, screen, split, seed=0)
    return table[table["method"] == NAME].pivot(index="condition", columns="metric", values="value")


@pytest.fixture(scope="module")
def clouds(method, screen, split):
    """condition → (predicted cells, true cells) that the table was made of."""
    controls = screen[screen.is_control]
    background = Background.of(controls, TrainingMeans.of(screen, split).perturbed)
    cases = [
        Case.draw(screen, c, screen.cells_of(c), background, 0, 1000)
        for c in split.test_conditions(screen, "double")
    ]
    return {c.condition: (c.ask(NAME, method).cells, c.truth.cells) for c in cases}


@pytest.fixture(scope="module")
def controls(screen):
    return screen.dense(screen.is_control)


@pytest.fixture(scope="module")
def centroid(screen, split):
    return TrainingMeans.of(screen, split).perturbed


def as_anndata(cells_of, genes):
    """AnnData of label → cells, with the column that cell-eval is told of."""
    labels = np.repeat(list(cells_of), [len(cells) for cells in cells_of.values()])
    cells = np.concatenate(list(cells_of.values())).astype(np.float64)
    obs = pd.DataFrame({"target": labels}, index=np.arange(len(labels)).astype(str))
    return ad.AnnData(cells, obs=obs, var=pd.DataFrame(index=genes.astype(str)))


def pair_of(clouds, reference, genes):
    """cell-eval's pair of predicted and true cells, both with `reference` as their control."""
    predicted = {c: predicted for c, (predicted, _) in clouds.items()} | {"control": reference}
    true = {c: true for c, (_, true) in clouds.items()} | {"control": reference}
    return cell_eval.PerturbationAnndataPair(
        real=as_anndata(true, genes),
        pred=as_anndata(predicted, genes),
        pert_col="target",
        control_pert="control",
    )


def test_delta_pearson_is_theirs(ours, clouds, controls, screen):
    theirs = array_metrics.pearson_delta(pair_of(clouds, controls, screen.genes))
    assert len(theirs) == len(ours) == 4
    for condition, value in theirs.items():
        assert ours.loc[condition, "delta_pearson_control"] == pytest.approx(value, abs=1e-5)


def test_discrimination_is_theirs_with_ranks_counted_from_one_less(
    ours, clouds, controls, centroid, screen
):
    n = len(clouds)
    predicted, true = (
        np.stack([cells.mean(axis=0, dtype=float) for cells in side])
        for side in zip(*clouds.values(), strict=True)
    )
    at_control = deltas.discrimination(predicted, true, controls.mean(axis=0, dtype=float))
    for reference, mine in ((centroid[None], ours["discrimination"]), (controls, at_control)):
        theirs = array_metrics.discrimination_score(
            pair_of(clouds, reference, screen.genes), metric="cosine"
        )
        assert list(theirs) == list(clouds)
        expected = 1 - (1 - np.asarray(mine)) * (n - 1) / n
        np.testing.assert_allclose(list(theirs.values()), expected, atol=1e-6)


def test_discrimination_agrees_where_conditions_are_confused(controls, centroid, clouds, screen):
    """All predictions exchanged in a ring, so that ranks other than the best are compared."""
    names = list(clouds)
    ring = {c: (clouds[names[i - 1]][0], clouds[c][1]) for i, c in enumerate(names)}
    means = [
        np.stack([c[side].mean(axis=0, dtype=float) for c in ring.values()]) for side in (0, 1)
    ]
    ours = deltas.discrimination(*means, centroid)
    theirs = array_metrics.discrimination_score(
        pair_of(ring, centroid[None], screen.genes), metric="cosine"
    )
    assert ours.min() < 0.5
    n = len(names)
    np.testing.assert_allclose(1 - np.array(list(theirs.values())), (1 - ours) * (n - 1) / n)


def test_their_e_distance_keeps_each_cells_pair_with_itself(clouds, controls, screen):
    def their_distance(cells):
        kept = [distances.within(x).distance * (len(x) - 1) / len(x) for x in (cells, far)]
        return 2 * distances.between(cells, far).distance - sum(kept)

    far = controls.astype(np.float64)
    sides = [
        np.array([their_distance(pair[side].astype(np.float64)) for pair in clouds.values()])
        for side in (0, 1)
    ]
    theirs = array_metrics.edistance(pair_of(clouds, controls, screen.genes))
    assert pearson(*sides) == pytest.approx(theirs, abs=1e-6)


def test_their_ceiling_is_two_disjoint_halves_each_with_its_own_controls(screen, split, tmp_path):
    doubles = split.test_conditions(screen, "double")
    cells = {c: screen.dense(screen.cells_of(c)) for c in [*doubles, "control"]}
    evaluator = cell_eval.MetricsEvaluator(
        None, as_anndata(cells, screen.genes), control_pert="control", outdir=str(tmp_path)
    )
    raw, carried = evaluator.compute_ceiling(
        profile="anndata", skip_metrics=["clustering_agreement"], write_csv=False, seed=0
    )
    halves = evaluator._disjoint_halves(0)
    means = [
        {c: np.asarray(h.X[(h.obs["target"] == c).to_numpy()]).mean(axis=0) for c in cells}
        for h in halves
    ]
    theirs = dict(zip(raw["perturbation"], raw["pearson_delta"], strict=True))
    shared = screen.mean("control")
    with_shared = []
    for c in doubles:
        assert len(screen.cells_of(c)) // 2 == (halves[0].obs["target"] == c).sum()
        own = [half[c] - half["control"] for half in means]
        assert theirs[c] == pytest.approx(pearson(*own), abs=1e-6)
        with_shared.append(deltas.delta_pearson(means[0][c], means[1][c], shared))
    r = np.mean(list(theirs.values()))
    assert carried["pearson_delta"][0] == pytest.approx(2 * r / (1 + r), abs=1e-9)
    # Ours leaves the controls whole, and their noise on both sides; it is not carried on.
    table = audit({}, screen, split, seed=0)
    ceiling = table[(table["method"] == "ceiling (real cells)")]
    ceiling = ceiling[ceiling["metric"] == "delta_pearson_control"]["value"].mean()
    assert ceiling == pytest.approx(np.mean(with_shared), abs=0.05)
    assert r < np.mean(with_shared)
