"""The additive delta times one number, and where the number comes from."""

import numpy as np
import pytest

from pvae_lib import splits
from pvae_lib.exceptions import InputError
from pvae_lib.methods.means import Additive, TrainingMeans
from pvae_lib.methods.scaled import (
    ScaledAdditive,
    gene_disjoint,
    scale_from_doubles,
    scale_from_singles,
)
from pvae_lib.screen import CONTROL


def measured(n_singles=12, n_genes=400, noise=0.3, of_control=0.1, scale=0.5, seed=0):
    """Means measured with noise, doubles truly `scale` × additive; and the true deltas."""
    rng = np.random.default_rng(seed)
    names = [f"g{i:02d}" for i in range(n_singles)]
    true = dict(zip(names, rng.normal(0, 0.4, (n_singles, n_genes)), strict=True))
    control = 2 + rng.normal(0, of_control, n_genes)
    singles = {g: 2 + d + rng.normal(0, noise, n_genes) for g, d in true.items()}
    doubles = {
        f"{a}+{b}": 2 + scale * (true[a] + true[b]) + rng.normal(0, noise, n_genes)
        for a, b in zip(names[::2], names[1::2], strict=True)
    }
    errors = {g: n_genes * noise**2 for g in names} | {CONTROL: n_genes * of_control**2}
    return TrainingMeans(control, singles, doubles, errors), true


def test_scale_of_singles_is_the_best_multiplier_for_the_true_sums():
    means, true = measured()
    names = list(true)
    noisy, clean = [], []
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            noisy.append(means.additive_delta(f"{a}+{b}"))
            clean.append(true[a] + true[b])
    noisy, clean = np.stack(noisy), np.stack(clean)
    best = np.sum(noisy * clean) / np.sum(noisy**2)
    assert 0.4 < best < 0.8
    assert scale_from_singles(means) == pytest.approx(best, abs=0.02)


def test_scale_of_singles_sees_no_double_and_no_noise_means_no_shrinkage():
    means, _ = measured()
    alone = TrainingMeans(means.control, means.singles, {}, means.noise)
    assert scale_from_singles(alone) == scale_from_singles(means)
    exact = TrainingMeans(means.control, means.singles, {}, dict.fromkeys(means.noise, 0.0))
    assert scale_from_singles(exact) == 1.0
    drowned = TrainingMeans(means.control, means.singles, {}, dict.fromkeys(means.noise, 1e9))
    assert scale_from_singles(drowned) == 0.0


def test_scale_of_doubles_leaves_out_every_double_that_shares_a_gene():
    means, _ = measured(noise=0.0, of_control=0.0)
    assert scale_from_doubles(means, "g00+g05") == pytest.approx(0.5)
    assert set(gene_disjoint(means.doubles, "g00+g05")) == {"g02+g03", *sorted(means.doubles)[3:]}
    # Doubles of its genes, however wrong, do not move the scale; another double does.
    for double, moves in (("g00+g01", False), ("g04+g05", False), ("g02+g03", True)):
        other = means.doubles | {double: means.doubles[double] + 5}
        changed = TrainingMeans(means.control, means.singles, other)
        same = scale_from_doubles(changed, "g00+g05") == pytest.approx(0.5)
        assert same != moves


@pytest.mark.parametrize("scale_from", ["singles", "doubles"])
def test_prediction_is_the_scaled_additive_mean(scale_from):
    means, _ = measured()
    method = ScaledAdditive(scale_from).fit_means(means)
    additive = Additive().fit_means(means).predict_mean("g00+g03") - means.control
    scale = method.scale("g00+g03")
    assert 0 < scale < 1
    np.testing.assert_allclose(method.predict_mean("g00+g03"), means.control + scale * additive)


def test_noise_of_a_screen_is_that_of_its_means(twin_small):
    screen, _ = twin_small
    split = splits.doubles_with_both_singles(screen)
    noise = TrainingMeans.of(screen, split).noise
    cells = split.train[screen.condition[split.train] == screen.singles[0]]
    expected = screen.dense(cells).var(axis=0, ddof=1, dtype=np.float64).sum() / len(cells)
    assert noise[screen.singles[0]] == pytest.approx(expected, rel=1e-4)
    method = ScaledAdditive().fit(screen, split)
    assert 0 < method.scale_ < 1
    controls = screen[screen.is_control]
    cells = method.predict(controls, split.test_conditions(screen, "double")[0], 3, 0)
    assert cells.shape == (3, screen.n_genes) and (cells == cells[0]).all()


def test_on_a_screen_that_trains_on_doubles(twin_small):
    screen, _ = twin_small
    split = splits.held_out_doubles(screen, seed=0)
    means = TrainingMeans.of(screen, split)
    trained = [c for c in split.train_conditions(screen) if "+" in c]
    assert sorted(means.doubles) == trained and not set(trained) & set(
        split.test_conditions(screen, "double")
    )
    np.testing.assert_allclose(means.doubles[trained[0]], screen.mean(trained[0]))
    double = next(d for d in split.test_conditions(screen, "double") if _has_singles(d, means))
    usable = [d for d in gene_disjoint(means.doubles, double) if _has_singles(d, means)]
    additive = np.concatenate([means.additive_delta(d) for d in usable])
    true = np.concatenate([means.doubles[d] - means.control for d in usable])
    expected = np.linalg.lstsq(additive[:, None], true)[0][0]
    assert ScaledAdditive("doubles").fit(screen, split).scale(double) == pytest.approx(expected)


def _has_singles(double, means):
    return all(gene in means.singles for gene in double.split("+"))


def test_refusals(twin_small):
    screen, _ = twin_small
    with pytest.raises(InputError, match="none trains"):
        ScaledAdditive("doubles").fit(screen, splits.paper(screen))
    with pytest.raises(InputError, match="scale_from='both'"):
        ScaledAdditive("both").fit(screen, splits.paper(screen))
    means, _ = measured()
    with pytest.raises(InputError, match="sampling noise"):
        ScaledAdditive().fit_means(TrainingMeans(means.control, means.singles))
    few = {"g00+g01": means.doubles["g00+g01"]}
    method = ScaledAdditive("doubles").fit_means(
        TrainingMeans(means.control, means.singles, few, means.noise)
    )
    with pytest.raises(InputError, match=r"No scale for 'g00\+g05'"):
        method.predict_mean("g00+g05")
