"""GEARS, the package, without its downloads."""

import numpy as np
import pandas as pd
import pytest
import torch

from pvae_lib import splits
from pvae_lib.exceptions import InputError
from pvae_lib.extras import has_extra
from pvae_lib.methods.means import TrainingMeans
from pvae_lib.methods.packages.gears import Gears
from pvae_lib.methods.packages.gears_input import (
    read_edges,
    response_edges,
    their_anndata,
    their_label,
)

needs_gears = pytest.mark.skipif(
    not (has_extra("gears") and has_extra("torch_geometric")), reason="needs the extra 'gears'"
)
SMALL = dict(hidden_size=16, epochs=12, batch_size=16, learning_rate=2e-2)


@pytest.fixture(scope="module")
def fitted(peers_screen, peers_split):
    return Gears(**SMALL).fit(peers_screen, peers_split)


def test_conditions_are_spelt_as_gears_spells_them(peers_screen):
    assert [their_label(c) for c in ("control", "A", "A+B")] == ["ctrl", "A+ctrl", "A+B"]
    adata = their_anndata(peers_screen)
    assert set(adata.obs["condition"]) == {"ctrl", "A+ctrl", "B+ctrl", "C+ctrl", "A+B"}
    np.testing.assert_array_equal(adata.X.toarray(), peers_screen.expression.toarray())


def test_a_missing_graph_says_where_it_is_to_be_had(peers_screen, peers_split, tmp_path):
    with pytest.raises(InputError, match=r"go_essential_all\.csv.*graph='responses'"):
        Gears(graph=tmp_path / "none.csv").fit(peers_screen, peers_split)


def test_a_graph_of_another_form_is_refused(tmp_path):
    path = tmp_path / "graph.csv"
    pd.DataFrame({"source": ["A"], "target": ["B"]}).to_csv(path)
    with pytest.raises(InputError, match="'importance'"):
        read_edges(path)


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"validation": 0.0}, {"learning_rate": "much"}])
def test_parameters_without_meaning_are_refused(peers_screen, peers_split, wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Gears(**wrong).fit(peers_screen, peers_split)


def test_a_screen_with_fewer_genes_than_are_scored_is_refused(peers_screen):
    few = peers_screen.select_genes(peers_screen.genes[:19])
    with pytest.raises(InputError, match="19 genes.*at least 20"):
        Gears(**SMALL).fit(few, splits.doubles_with_both_singles(few))


def test_the_stand_in_graph_joins_genes_whose_singles_respond_alike():
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 200))
    means = TrainingMeans(np.ones(200), {"A": 1 + a, "B": 1 + b, "C": 1 - a + 0.3 * b})
    edges = response_edges(means, 0.4).set_index(["source", "target"])["importance"]
    assert set(edges.index) == {("A", "A"), ("B", "B"), ("C", "C"), ("A", "C"), ("C", "A")}
    assert edges["A", "C"] == pytest.approx(abs(np.corrcoef(a, 0.3 * b - a)[0, 1]))


@needs_gears
def test_it_trains_without_the_network_on_a_graph_from_a_file(
    peers_screen, peers_split, peers_controls, no_network, tmp_path
):
    path = tmp_path / "go_essential_all.csv"
    edges = [("A", "A", 1.0), ("B", "A", 0.5), ("XYZ", "A", 0.4), ("B", "B", 1.0)]
    pd.DataFrame(edges, columns=["source", "target", "importance"]).to_csv(path, index=False)
    method = Gears(graph=path, hidden_size=8, epochs=1).fit(peers_screen, peers_split)
    assert method.nodes_ == ["A", "B", "C", "XYZ"]
    cells = method.predict(peers_controls, "A+B", 70, 0)
    assert cells.shape == (70, 30) and cells.dtype == np.float32 and np.isfinite(cells).all()


@needs_gears
def test_an_unseen_double_moves_as_it_should(fitted, correlation):
    assert correlation(fitted) > 0.5
    assert fitted.count_parameters() > 1000


@needs_gears
def test_the_shift_is_what_the_packages_own_forward_pass_adds_to_each_cell(fitted, peers_controls):
    from torch_geometric.data import Data
    from torch_geometric.loader import DataLoader

    index = fitted.draw_controls(peers_controls, 7, 0)
    x = torch.from_numpy(peers_controls.dense(index))
    for condition, nodes in (("A+B", [0, 1]), ("C", [2]), ("control", [-1])):
        graphs = [Data(x=cell[:, None], pert_idx=nodes) for cell in x]
        with torch.no_grad():
            theirs = fitted.network_(next(iter(DataLoader(graphs, batch_size=7)))).numpy()
        ours = fitted.predict(peers_controls, condition, 7, 0)
        np.testing.assert_allclose(ours[1:], theirs[1:], atol=1e-4)
        # The package's first cell of a batch alone sees the co-expression graph.
        assert np.abs(ours[0] - theirs[0]).max() > 1e-3


@needs_gears
def test_the_same_seed_gives_the_same_network(peers_screen, peers_split):
    runs = [
        Gears(hidden_size=8, epochs=1, seed=seed).fit(peers_screen, peers_split).shift("A+B")
        for seed in (0, 0, 1)
    ]
    np.testing.assert_array_equal(runs[0], runs[1])
    assert not np.allclose(runs[0], runs[2])


@needs_gears
def test_a_condition_of_two_cells_is_refused_by_name(peers_screen):
    few = peers_screen[np.r_[0:102, 140:210]]  # two cells of B
    with pytest.raises(InputError, match="'B\\+ctrl' has 2 training cells"):
        Gears(epochs=1).fit(few, splits.doubles_with_both_singles(few))


@needs_gears
def test_a_fitted_method_can_be_handed_back_by_another_process(fitted, peers_controls, handed_back):
    again = handed_back(fitted)
    cells = [method.predict(peers_controls, "A+B", 20, 0) for method in (fitted, again)]
    np.testing.assert_array_equal(*cells)
