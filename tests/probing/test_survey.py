"""Surveys fit, embed and probe; the sweep shows that strong background hides the perturbation."""

import numpy as np
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.probing.survey import Case, embeddings, narrowed, survey, sweep, sweep_name
from pvae_lib.probing.tables import summarise
from pvae_lib.results import overall
from pvae_lib.sources.twin import TwinConfig, make_twin

ACCURACY = "condition: balanced_accuracy"
SMALL = {"n_cells": 1_000, "n_genes": 120, "n_singles": 6, "n_doubles": 1, "n_controls": 120,
         "min_cells": 100, "min_cells_split": 100}  # fmt: skip


@pytest.fixture(scope="module")
def twin():
    return make_twin(TwinConfig.small(**SMALL), seed=0)


class Gaussian:
    """A representation with samples: the mean is the label, the sample all noise."""

    has_samples = True

    def embed(self, screen, kind, seed):
        rng = np.random.default_rng(seed)
        return screen.u if kind == "means" else rng.standard_normal(screen.u.shape)


def test_means_and_samples_are_both_probed(twin, monkeypatch):
    screen, _ = twin
    monkeypatch.setattr("pvae_lib.probing.survey.make", lambda *_, **__: Fitted())
    table = survey(screen, [Case("VAE")], seeds=[0], folds=3)
    wide = overall(summarise(table)).loc["twin"]
    assert wide.loc["VAE", ACCURACY] == 1.0
    assert abs(wide.loc["VAE, samples", ACCURACY] - 1 / 8) < 0.06


class Fitted(Gaussian):
    def fit(self, screen, cells):
        return self


def test_a_representation_without_samples_has_means_only(twin):
    table = survey(twin[0], [Case("PCA-10")], seeds=[0], folds=3)
    assert set(table["kind"]) == {"means"}
    assert table.query("metric == 'balanced_accuracy'")["value"].mean() > 2 / 8


def test_it_learns_from_some_cells_and_probes_others(twin, monkeypatch):
    screen, _ = twin
    seen = {}

    class Spy(Fitted):
        has_samples = False

        def fit(self, screen, cells):
            seen["learn"] = cells
            return self

        def embed(self, screen, kind, seed):
            seen["score"] = screen.n_cells
            return screen.u

    monkeypatch.setattr("pvae_lib.probing.survey.make", lambda *_, **__: Spy())
    halves = np.arange(0, screen.n_cells, 2), np.arange(1, screen.n_cells, 2)
    targets = {"depth": np.log(screen.total_counts)}
    table = survey(
        screen, [Case("AE")], targets, learn=halves[0], score=halves[1], seeds=[0], folds=3
    )
    assert np.array_equal(seen["learn"], halves[0]) and seen["score"] == len(halves[1])
    assert set(table["target"]) == {"depth"}


def test_wider_features_are_narrowed_to_their_first_components(twin):
    x = twin[0].dense(slice(None))
    narrow = narrowed(x, 5)
    assert narrow.shape == (len(x), 5)
    np.testing.assert_allclose(narrow.T @ narrow / len(x), np.diag(narrow.var(0)), atol=1e-4)
    assert narrowed(x, 500) is x and narrowed(x, None) is x
    assert Case("rank", width=50).title == "rank → PCA-50"


def test_samples_are_asked_for_only_where_there_are_any(twin):
    assert set(embeddings(Gaussian(), twin[0], 0)) == {"means", "samples"}


def test_two_cases_of_one_title_are_refused(twin):
    with pytest.raises(InputError, match="another title"):
        survey(twin[0], [Case("AE"), Case("AE", settings={"epochs": 3})])
    with pytest.raises(InputError, match="another title"):
        survey(twin[0], [])


def test_a_target_of_another_length_is_refused_before_training(twin):
    with pytest.raises(InputError, match="1000 rows"):
        survey(twin[0], [Case("AE")], {"depth": np.ones(3)})


def test_encodings_lose_before_and_few_components_lose_to_background():
    cases = [Case("PCA-10"), Case("expression"), Case("presence", width=10)]
    table = sweep([0, 4], cases, twin=SMALL, seeds=[0], folds=3)
    found = overall(summarise(table))[ACCURACY]
    weak, strong = (found.loc[sweep_name(strength)] for strength in (0, 4))
    assert weak["presence → PCA-10"] < weak["PCA-10"] - 0.05
    assert weak["PCA-10"] - strong["PCA-10"] > weak["expression"] - strong["expression"] + 0.05
