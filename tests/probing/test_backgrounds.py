import numpy as np
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.probing.backgrounds import backgrounds, cycle_scores, true_backgrounds
from pvae_lib.screen import Screen
from pvae_lib.sources.twin import TwinConfig, make_twin


def test_library_size_and_columns_of_obs(twin_small):
    screen, _ = twin_small
    obs = screen.obs.assign(batch=np.tile(["x", "y"], screen.n_cells // 2), mito=0.5)
    screen = Screen.from_counts(
        screen.counts, screen.condition, screen.genes, total_counts=screen.total_counts, obs=obs
    )
    found = backgrounds(screen, ["batch", "mito"])
    np.testing.assert_allclose(np.exp(found["library size"]), screen.total_counts)
    assert found["batch"][0] == "x" and found["mito"].dtype == float
    with pytest.raises(InputError, match="did you mean 'batch'"):
        backgrounds(screen, ["batches"])


def test_cycle_scores_follow_the_twins_phase():
    screen, truth = make_twin(TwinConfig.small(n_genes=1_000, n_singles=2, n_doubles=1), seed=0)
    scores = cycle_scores(screen)
    phase = true_backgrounds(truth)["cell cycle"]
    explained = np.corrcoef(np.hstack([scores, phase]).T)[:2, 2:] ** 2
    assert scores.shape == phase.shape == (screen.n_cells, 2)
    assert (explained.sum(axis=1) > 0.1).all()


def test_too_few_markers_are_refused(twin_small):
    screen, _ = twin_small
    with pytest.raises(InputError, match="holds 0 marker genes of S and 0 of G2/M"):
        cycle_scores(screen.select_genes(screen.genes[:5]))


def test_the_twins_own_background_has_a_row_a_cell(twin_small):
    screen, truth = twin_small
    found = true_backgrounds(truth)
    assert set(found) == {"library size", "cell cycle", "cell state"}
    assert {len(values) for values in found.values()} == {screen.n_cells}
    assert all(values.dtype == np.float64 for values in found.values())
