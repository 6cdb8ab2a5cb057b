import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.model import ObjectiveConfig, PerturbedVAEConfig


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"d_nu": 0}, "d_nu=0"),
        ({"d_nu": "20"}, "d_nu='20'"),
        ({"d_nu": 2.5}, "d_nu=2.5"),
        ({"d_iota": 0}, "d_iota=0"),
        ({"layers": 1.0}, "layers=1.0"),
        ({"hidden": 0}, "hidden=0"),
        ({"mechanism": "cubic"}, "mlp, linear"),
        ({"scm": "cyclic"}, "full, diagonal"),
        ({"prior_variance": "free"}, "softplus, fixed"),
    ],
)
def test_network_that_cannot_be_built_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        PerturbedVAEConfig(**{"n_genes": 5, "n_targets": 2, **change})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": -0.05}, "alpha=-0.05"),
        ({"alpha": float("inf")}, "alpha=inf"),
        ({"alpha": "0.05"}, "alpha='0.05'"),
        ({"w_kl_nu": -1.0}, "w_kl_nu"),
        ({"w_kl_iota": float("nan")}, "w_kl_iota"),
        ({"w_mmd": -0.1}, "w_mmd=-0.1"),
        ({"reconstruction": "median"}, "learned_variance"),
        ({"annealing": "cyclic"}, "constant"),
    ],
)
def test_objective_that_means_nothing_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        ObjectiveConfig(**change)
