"""STATE's state transition model, the package."""

import numpy as np
import pytest
import torch

from pvae_lib.exceptions import InputError
from pvae_lib.extras import has_extra
from pvae_lib.methods.packages.state import StateTransition, TrainingSets

needs_state = pytest.mark.skipif(not has_extra("state"), reason="needs the extra 'state'")
SMALL = dict(
    cell_set_len=8, hidden_dim=32, layers=1, heads=2, mlp_layers=2, batch_size=4, dropout=0.0
)


@pytest.fixture(scope="module")
def fitted(peers_screen, peers_split):
    method = StateTransition(**SMALL, epochs=60, learning_rate=5e-3)
    return method.fit(peers_screen, peers_split)


def test_sets_are_of_one_condition_hold_every_cell_and_change_with_the_epoch(
    peers_screen, peers_split
):
    sets = TrainingSets(peers_screen, peers_split, cell_set_len=16, batch_size=4, seed=0)
    epochs = [list(sets), list(sets)]
    assert len(epochs[0]) == len(sets) == 4  # 13 sets: 60 cells make 4, three times 40 make 3
    seen = torch.cat([batch["pert_cell_emb"] for batch in epochs[0]])
    rows = peers_screen.dense(peers_split.train)
    assert set(map(bytes, rows)) == set(map(bytes, seen.numpy()))
    for batch in epochs[0]:
        u = batch["pert_emb"].reshape(-1, 16, 3)
        assert (u == u[:, :1]).all()
        controls = set(map(bytes, peers_screen.dense(peers_screen.is_control)))
        assert set(map(bytes, batch["ctrl_cell_emb"].numpy())) <= controls
    assert not torch.equal(epochs[0][0]["pert_cell_emb"], epochs[1][0]["pert_cell_emb"])
    again = TrainingSets(peers_screen, peers_split, cell_set_len=16, batch_size=4, seed=0)
    assert torch.equal(next(iter(again))["pert_cell_emb"], epochs[0][0]["pert_cell_emb"])


@pytest.mark.parametrize(
    "wrong", [{"epochs": 0}, {"heads": 5}, {"dropout": 1.0}, {"learning_rate": -1.0}]
)
def test_parameters_without_meaning_are_refused(peers_screen, peers_split, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        StateTransition(**wrong).fit(peers_screen, peers_split)


@needs_state
def test_a_trained_single_and_an_unseen_double_move_as_they_should(
    fitted, correlation, peers_controls
):
    assert correlation(fitted, "A") > 0.5
    assert correlation(fitted) > 0.4
    cells = fitted.predict(peers_controls, "A+B", 70, 0)
    assert cells.shape == (70, 30) and cells.dtype == np.float32 and (cells >= 0).all()


@needs_state
def test_only_trained_numbers_are_counted(fitted):
    every = sum(p.numel() for p in fitted.network_.parameters())
    assert 1000 < fitted.count_parameters() < every


@needs_state
def test_a_prediction_is_the_packages_own_on_whole_sets(fitted, peers_controls, peers_screen):
    cells = fitted.predict(peers_controls, "A", 10, 0)
    index = fitted.draw_controls(peers_controls, 10, 0)
    x = torch.from_numpy(peers_controls.dense(np.r_[index, index[:6]]))
    u = torch.from_numpy(peers_screen.design("A")).expand(16, -1)
    with torch.no_grad():
        theirs = fitted.network_({"pert_emb": u, "ctrl_cell_emb": x}, padded=True)
    np.testing.assert_allclose(cells, theirs[:10].numpy(), atol=1e-4)


@needs_state
def test_it_trains_without_the_network_and_the_same_seed_gives_the_same_weights(
    peers_screen, peers_split, peers_controls, no_network
):
    runs = [
        StateTransition(**SMALL, epochs=1, seed=seed)
        .fit(peers_screen, peers_split)
        .predict(peers_controls, "A+B", 9, 0)
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.allclose(runs[0], runs[2])


@needs_state
def test_a_fitted_method_can_be_handed_back_by_another_process(fitted, peers_controls, handed_back):
    again = handed_back(fitted)
    cells = [method.predict(peers_controls, "A+B", 20, 0) for method in (fitted, again)]
    np.testing.assert_array_equal(*cells)
