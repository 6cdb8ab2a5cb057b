import numpy as np
import pytest

from pvae_lib.programs.deletion import deletion


def test_no_graph_costs_nothing_and_a_graph_does(planted, plant, small_screen, small_split):
    with_graph = deletion(planted, small_screen, small_split)
    assert abs(with_graph["recon"].relative) > 1e-7
    assert with_graph["kl_nu"].without != pytest.approx(with_graph["kl_nu"].with_graph, rel=1e-3)
    plant(planted.network_.scm, np.zeros((3, 3)))
    without = deletion(planted, small_screen, small_split)
    for cost in without.values():
        assert cost.without == pytest.approx(cost.with_graph, rel=1e-6)


def test_the_reconstruction_is_the_network_s_own(planted, small_screen, small_split):
    cost = deletion(planted, small_screen, small_split)["recon"]
    cells = small_screen.dense(small_split.train[~small_screen.is_control[small_split.train]])
    # A barely trained decoder says little: its error is near the mean square of expression.
    assert cost.with_graph == pytest.approx((cells**2).mean(), rel=0.25)
