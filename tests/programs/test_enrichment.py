import numpy as np
import pytest

from pvae_lib.programs.enrichment import (
    enrichment,
    measured_effects,
    on_readout,
    on_target,
    p_value,
)
from pvae_lib.programs.labels import Labels

D = 12


def test_effects_are_measured_in_standard_deviations_of_cells(small_screen, small_split):
    effects = measured_effects(small_screen, small_split, ["A", "B", "C"])
    assert effects.shape == (3, 12)
    assert (effects.argmax(1) == [0, 1, 2]).all()
    a = small_screen.dense(small_screen.cells_of("A"))[:, 0]
    control = small_screen.dense(np.flatnonzero(small_screen.is_control))[:, 0]
    pooled = np.sqrt((a.var(ddof=1) + control.var(ddof=1)) / 2)  # 60 cells in both
    assert effects[0, 0] == pytest.approx((a.mean() - control.mean()) / pooled, rel=1e-4)
    assert np.abs(effects[0, 3:]).max() < 0.7


def test_edges_that_follow_the_evidence_are_enriched():
    rng = np.random.default_rng(0)
    evidence = np.where(np.tri(D, k=-1) > 0, rng.random((D, D)), np.nan)
    found = enrichment(np.nan_to_num(evidence) ** 3, evidence, permutations=199)
    assert p_value(found.value, found.anywhere) == pytest.approx(1 / 200)
    assert p_value(found.value, found.same_sources) < 0.02
    assert found.n_pairs == D * (D - 1) / 2


def test_signed_evidence_wants_the_sign_of_the_edge():
    rng = np.random.default_rng(1)
    evidence = np.where(np.tri(D, k=-1) > 0, rng.standard_normal((D, D)), np.nan)
    weights = np.nan_to_num(evidence)
    right = enrichment(weights, evidence, signed=True, permutations=199)
    wrong = enrichment(-weights, evidence, signed=True, permutations=199)
    assert right.value == pytest.approx(-wrong.value) and right.value > 1
    assert p_value(right.value, right.anywhere) == pytest.approx(1 / 200)
    assert p_value(wrong.value, wrong.anywhere) == 1


def test_a_strong_source_alone_is_no_enrichment_among_its_own_ends():
    rng = np.random.default_rng(2)
    evidence = np.where(np.tri(D, k=-1) > 0, rng.random((D, D)), np.nan)
    evidence[:, 0] += 5  # program 0's perturbation moves everything, and 0 has most edges
    weights = np.tril(rng.random((D, D)), -1)
    weights[:, 0] += 5
    found = enrichment(weights, evidence, top=8, permutations=199)
    assert p_value(found.value, found.anywhere) == pytest.approx(1 / 200)
    assert p_value(found.value, found.same_sources) > 0.05


def test_edges_without_meaning_give_p_values_without_a_lean():
    rng = np.random.default_rng(3)
    p = []
    for k in range(80):
        evidence = np.where(np.tri(D, k=-1) > 0, rng.random((D, D)), np.nan)
        found = enrichment(np.tril(rng.random((D, D)), -1), evidence, permutations=49, seed=k)
        p.append([p_value(found.value, null) for null in (found.anywhere, found.same_sources)])
    p = np.array(p)
    # 80 uniform p-values: 8 under 0.1 expected, 16 or more one time in 200; the mean has sd 0.032.
    assert ((p <= 0.1).sum(0) < 16).all()
    assert (np.abs(p.mean(0) - 0.5) < 0.11).all()


def labels_of(targets, signs, genes):
    return Labels(np.array(targets, dtype=object), np.array(signs), np.array(genes))


def test_readout_evidence_takes_the_source_from_j_and_the_genes_from_i():
    effects = np.array([[2.0, -1.0, 0.0], [0.0, 0.5, 3.0]])
    names = labels_of(["A", "B", "A"], [1, -1, 1], [[0, 1], [1, 2], [0, 2]])
    readout = np.array([[1.0, 1, 0], [0, 1, -1], [1, 0, -1]])
    plain = on_readout(effects, ["A", "B"], names, readout, signed=False)
    signed = on_readout(effects, ["A", "B"], names, readout, signed=True)
    assert plain[1, 0] == pytest.approx((1 + 0) / 2)  # A on genes 1, 2
    assert plain[2, 1] == pytest.approx((0 + 3) / 2)  # B on genes 0, 2
    # Program 1 is turned (its perturbation lowers it): its slopes on genes 1, 2 read −, +.
    assert signed[1, 0] == pytest.approx(((-1) * (-1) + 0) / 2)
    assert signed[2, 1] == pytest.approx((0 * 1 + 3 * (-1)) / 2)
    assert np.isnan(plain[2, 0])  # A → A
    assert np.isnan(plain[0, 1])  # against the order


def test_target_evidence_needs_the_gene_to_be_measured():
    singles = list("ABCDEF")
    effects = np.arange(36.0).reshape(6, 6) - 20
    names = labels_of(singles, [1] * 6, [[0]] * 6)
    found = on_target(effects, singles, names, np.array(["A", "B", "C", "D", "E", "other"]))
    assert found[1, 0] == 19 and found[3, 2] == abs(effects[2, 3])
    assert np.isnan(found[5]).all()  # F is not measured
    too_few = on_target(effects, singles, names, np.array(["A", "B", "C", "D", "x", "y"]))
    assert np.isnan(too_few).all()
    nothing = enrichment(np.tril(np.ones((6, 6)), -1), too_few, permutations=9)
    assert np.isnan(nothing.value) and np.isnan(p_value(nothing.value, nothing.anywhere))
