"""scVI+additive."""

import numpy as np
import pytest
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.extras import has_extra
from pvae_lib.methods.packages.scvi import ScviAdditive, scvi_input, train_scvi

needs_scvi = pytest.mark.skipif(not has_extra("scvi"), reason="needs the extra 'scvi'")


@pytest.fixture(scope="module")
def fitted(peers_screen, peers_split):
    method = ScviAdditive(
        n_latent=3, n_hidden=32, gene_likelihood="nb", epochs=60, batch_size=32, learning_rate=5e-3
    )
    return method.fit(peers_screen, peers_split)


@pytest.fixture
def means(fitted):
    """The same, asked for means instead of samples."""
    yield fitted.set_params(prediction="means")
    fitted.set_params(prediction="samples")


def test_the_input_holds_counts_and_sizes_over_all_genes(peers_screen):
    adata = scvi_input(peers_screen)
    np.testing.assert_array_equal(adata.X.toarray(), peers_screen.counts.toarray())
    np.testing.assert_allclose(
        adata.obs["size"] * peers_screen.target_total, peers_screen.total_counts
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 0},
        {"n_latent": 2.5},
        {"learning_rate": -1.0},
        {"gene_likelihood": "gaussian"},
        {"prediction": "mode"},
        {"device": "abacus"},
    ],
)
def test_parameters_without_meaning_are_refused(peers_screen, peers_split, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        ScviAdditive(**wrong).fit(peers_screen, peers_split)


def test_no_cells_are_refused(peers_screen):
    with pytest.raises(InputError, match="at least one"):
        train_scvi(peers_screen, np.array([], int), seed=0, epochs=1)


@needs_scvi
def test_an_unseen_double_moves_as_it_should(fitted, correlation, peers_controls):
    assert correlation(fitted) > 0.5
    assert fitted.count_parameters() > 1000
    assert len(fitted.history_) == 60
    cells = fitted.predict(peers_controls, "A+B", 70, 0)
    assert cells.shape == (70, 30) and cells.dtype == np.float32 and (cells >= 0).all()


@needs_scvi
def test_the_latent_shift_is_the_sum_of_the_singles_shifts(means, peers_controls):
    latent = means.latent_
    shift = latent.singles["A"] + latent.singles["B"] - 2 * latent.control
    np.testing.assert_allclose(latent.additive_delta("A+B"), shift, rtol=1e-5, atol=1e-6)
    single = means.predict(peers_controls, "A", 60, 0)
    assert np.abs(means.predict(peers_controls, "A+B", 60, 0) - single).max() > 0.05
    kept = dict(latent.singles)
    try:  # with nothing to add for B, the double is the single
        latent.singles["B"] = latent.control
        double = means.predict(peers_controls, "A+B", 60, 0)
    finally:
        latent.singles.update(kept)
    np.testing.assert_allclose(double, single, atol=1e-5)


@needs_scvi
def test_means_agree_with_samples_and_vary_less(means, peers_controls):
    mean_cells = means.predict(peers_controls, "A", 600, 0)
    cells = means.set_params(prediction="samples").predict(peers_controls, "A", 600, 0)
    averages = np.expm1(mean_cells).mean(axis=0), np.expm1(cells).mean(axis=0)
    assert np.corrcoef(*averages)[0, 1] > 0.9
    assert (mean_cells.std(axis=0) < cells.std(axis=0)).mean() > 0.9


@needs_scvi
def test_the_same_seed_gives_the_same_cells_without_the_network_or_a_global_generator(
    peers_screen, peers_split, peers_controls, no_network
):
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    runs = [
        ScviAdditive(n_hidden=16, epochs=1, seed=seed).fit(peers_screen, peers_split)
        for seed in (0, 0, 1)
    ]
    cells = [run.predict(peers_controls, "A+B", 5, 0) for run in runs]
    np.testing.assert_array_equal(cells[0], cells[1])
    assert not np.array_equal(cells[0], cells[2])
    assert not np.array_equal(cells[0], runs[0].predict(peers_controls, "A+B", 5, 1))
    assert torch.equal(torch.rand(3), expected)


@needs_scvi
def test_a_gene_that_never_trained_alone_is_refused(fitted, peers_controls):
    with pytest.raises(InputError, match="ZZZ"):
        fitted.predict(peers_controls, "A+ZZZ", 2, 0)


@needs_scvi
def test_a_fitted_method_can_be_handed_back_by_another_process(fitted, peers_controls, handed_back):
    again = handed_back(fitted)
    cells = [method.predict(peers_controls, "A+B", 20, 0) for method in (fitted, again)]
    np.testing.assert_array_equal(*cells)
