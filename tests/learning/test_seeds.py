import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator
from threadpoolctl import threadpool_info

from pvae_lib.exceptions import InputError
from pvae_lib.learning import fit_seeds
from pvae_lib.learning.seeds import one_thread


class Drawn(BaseEstimator):
    """An estimator whose result shows its seed, its threads and the data it was given."""

    def __init__(self, seed=0, checkpoint=None):
        self.seed = seed
        self.checkpoint = checkpoint

    def fit(self, screen, split):
        self.value_ = np.random.default_rng(self.seed).random() + screen.sum()
        self.threads_ = torch.get_num_threads()
        return self


def test_each_seed_is_fitted_alone_and_in_order():
    screen = np.ones(200_000)
    fitted = fit_seeds(Drawn(), screen, None, [4, 2], processes=1)
    assert [m.seed for m in fitted] == [4, 2]
    (again,) = fit_seeds(Drawn(), screen, None, np.array([4]), processes=1)
    assert fitted[0].value_ == again.value_ != fitted[1].value_


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": []}, "seeds is empty"),
        ({"seeds": [4, 2, 4]}, "Seed 4 is given twice"),
        ({"seeds": [0, 1.5]}, "seed=1.5"),
        ({"seeds": [-1]}, "seed=-1"),
        ({"seeds": [0], "processes": 0}, "processes=0"),
    ],
)
def test_unusable_seeds_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        fit_seeds(Drawn(), np.ones(3), None, **options)


def test_as_many_processes_as_this_process_may_use(monkeypatch):
    monkeypatch.setattr("joblib.cpu_count", lambda: 1)  # one core allowed, whatever there are
    monkeypatch.setattr("joblib.Parallel", None)  # not needed for one
    assert len(fit_seeds(Drawn(), np.ones(3), None, [0, 1])) == 2


def test_checkpoints_are_told_apart_and_the_method_is_left_alone(tmp_path):
    method = Drawn(checkpoint=tmp_path / "run.safetensors")
    fitted = fit_seeds(method, np.ones(3), None, [0, 1], processes=1)
    assert [m.checkpoint for m in fitted] == [
        str(tmp_path / f"run-seed{seed}.safetensors") for seed in (0, 1)
    ]
    assert method.checkpoint == tmp_path / "run.safetensors" and not hasattr(method, "value_")


def test_one_thread_a_seed_and_the_callers_count_is_given_back():
    before = torch.get_num_threads()
    assert fit_seeds(Drawn(), np.ones(3), None, [0], processes=1)[0].threads_ == 1
    assert torch.get_num_threads() == before


def test_inside_there_is_one_thread_and_outside_as_many_as_before():
    before = threadpool_info()
    with one_thread():
        assert {pool["num_threads"] for pool in threadpool_info()} == {1}
        assert torch.get_num_threads() == 1
    assert threadpool_info() == before
