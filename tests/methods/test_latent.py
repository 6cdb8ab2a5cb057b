"""Effects added in a latent space: what PCA, being linear, must give."""

import numpy as np
import pytest

from pvae_lib import splits
from pvae_lib.exceptions import InputError
from pvae_lib.methods.cells import ShiftedControlCells
from pvae_lib.methods.latent import PCAAdditive, PCAAdditiveMean
from pvae_lib.methods.means import Additive, TrainingMeans
from pvae_lib.screen import Screen


@pytest.fixture
def screen():
    rng = np.random.default_rng(0)
    labels = ["control"] * 12 + ["A"] * 9 + ["B"] * 9 + ["C"] * 9 + ["A+B"] * 6
    rates = rng.uniform(1, 6, 8) * np.exp(rng.normal(0, 0.5, (5, 8))).repeat([12, 9, 9, 9, 6], 0)
    return Screen.from_counts(rng.poisson(rates) + 1, labels, list("abcdefgh"))


@pytest.fixture
def split(screen):
    return splits.doubles_with_both_singles(screen)


def test_few_components_project_the_shifted_cells(screen, split):
    controls = screen[screen.is_control]
    method = PCAAdditive(n_components=3).fit(screen, split)
    found = method.predict(controls, "A+B", 20, 5)
    shifted = ShiftedControlCells().fit(screen, split).predict(controls, "A+B", 20, 5)
    train = screen.dense(split.train).astype(float)
    centre = train.mean(axis=0)
    loadings = np.linalg.svd(train - centre, full_matrices=False)[2][:3]
    expected = centre + (shifted - centre) @ loadings.T @ loadings
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert found.dtype == np.float32 and method.count_parameters() == 3 * 8
    assert found.var(axis=0).sum() < shifted.var(axis=0).sum()


def test_all_components_of_means_give_the_additive():
    rng = np.random.default_rng(1)
    means = TrainingMeans(rng.normal(size=40), {g: rng.normal(size=40) for g in "ABCDE"})
    additive = Additive().fit_means(means).predict_mean("A+D")
    whole = PCAAdditiveMean().fit_means(means)
    np.testing.assert_allclose(whole.predict_mean("A+D"), additive, atol=1e-8)
    part = PCAAdditiveMean(n_components=2).fit_means(means).predict_mean("A+D")
    assert not np.allclose(part, additive, atol=0.1)
    rows = np.stack([np.zeros(40), *(m - means.control for m in means.singles.values())])
    loadings = np.linalg.svd(rows - rows.mean(axis=0))[2][:2]
    delta = (rows.mean(axis=0), additive - means.control)
    expected = delta[0] + (delta[1] - delta[0]) @ loadings.T @ loadings
    np.testing.assert_allclose(part - means.control, expected, atol=1e-8)


def test_refusals(screen, split):
    controls = screen[screen.is_control]
    no_b = np.array([i for i in split.train if screen.condition[i] != "B"])
    paired = np.concatenate([no_b, screen.cells_of("A+B")])
    part = splits.Split("part", paired, split.test, screen.fingerprint)
    with pytest.raises(InputError, match="no training cell has B perturbed alone"):
        PCAAdditive().fit(screen, part).predict(controls, "A+B", 2, 0)
    with pytest.raises(InputError, match="n_components=0"):
        PCAAdditive(n_components=0).fit(screen, split)
    with pytest.raises(InputError, match="at least three"):
        PCAAdditiveMean().fit_means(TrainingMeans(np.zeros(4), {"A": np.ones(4)}))
