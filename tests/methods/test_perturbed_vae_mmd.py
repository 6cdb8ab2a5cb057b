"""PerturbedVAEMethod's w_mmd: off, it changes nothing; on, predicted cells spread as cells do."""

import numpy as np
import pytest
import torch

from pvae_lib import splits
from pvae_lib.evaluation import distances
from pvae_lib.exceptions import InputError
from pvae_lib.learning import checkpoint
from pvae_lib.learning.loop import Run
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.sources.twin import TwinConfig, make_twin

SMALL = {"d_nu": 4, "d_iota": 12, "hidden": 48, "mechanism_hidden": 16, "learning_rate": 2e-3}
QUICK = {**SMALL, "epochs": 1}


@pytest.fixture(scope="module")
def screen():
    sizes = dict(n_cells=1_600, n_genes=120, n_singles=8, n_doubles=4, n_controls=300)
    return make_twin(TwinConfig.small(**sizes), seed=0)[0]


@pytest.fixture(scope="module")
def split(screen):
    return splits.doubles_with_both_singles(screen)


def assert_same(a: PerturbedVAEMethod, b: PerturbedVAEMethod) -> None:
    for name, tensor in a.network_.state_dict().items():
        assert torch.equal(tensor, b.network_.state_dict()[name]), name
    assert a.history_.equals(b.history_)


def without_the_switch(path, key: str) -> None:
    """Rewrite a file as it was before there was a w_mmd."""
    tensors, record = checkpoint.read(path)
    record[key].pop("w_mmd", None)
    checkpoint.write(path, tensors, record)


def test_at_zero_it_is_the_fit_without_it_and_takes_up_checkpoints_from_before(
    tmp_path, screen, split
):
    path = tmp_path / "run.safetensors"
    plain = PerturbedVAEMethod(**QUICK, checkpoint=path).fit(screen, split)
    assert "mmd" not in plain.history_
    assert "w_mmd" not in checkpoint.read(path)[1]["identity"]
    assert_same(plain, PerturbedVAEMethod(**QUICK, w_mmd=0.0).fit(screen, split))
    assert_same(plain, PerturbedVAEMethod(**QUICK, w_mmd=0, checkpoint=path).fit(screen, split))
    with pytest.raises(InputError, match="w_mmd was None, is 1.0"):
        PerturbedVAEMethod(**QUICK, w_mmd=1.0, checkpoint=path).fit(screen, split)


def test_a_model_saved_before_there_was_the_switch_loads(tmp_path, screen, split):
    path = tmp_path / "model.safetensors"
    PerturbedVAEMethod(**QUICK).fit(screen, split).save(path)
    without_the_switch(path, "parameters")
    assert PerturbedVAEMethod.load(path, screen).w_mmd == 0


def test_interrupted_and_resumed_it_ends_with_the_same_numbers(
    tmp_path, screen, split, monkeypatch
):
    path = tmp_path / "run.safetensors"
    settings = {**QUICK, "epochs": 2, "w_mmd": 1.0, "reconstruct_controls": True}
    whole = PerturbedVAEMethod(**settings).fit(screen, split)
    assert list(whole.history_)[-1] == "mmd"

    advance = Run.advance

    def interrupted(run):
        if run.step == 9:
            raise KeyboardInterrupt
        advance(run)

    resumed = PerturbedVAEMethod(**settings, checkpoint=path, checkpoint_seconds=0)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(Run, "advance", interrupted)
        resumed.fit(screen, split)
    assert checkpoint.read(path)[1]["step"] == 9
    assert_same(whole, resumed.fit(screen, split))


def spread_and_mmd(method: PerturbedVAEMethod, screen, conditions) -> np.ndarray:
    """Var(x̂)/V and the unbiased MMD² of predicted cells, averaged over the conditions."""
    controls, found = screen[screen.is_control], []
    for condition in conditions:
        cells = screen.dense(screen.cells_of(condition))
        predicted = method.predict(controls, condition, len(cells), seed=0)
        clouds = distances.between(cells, predicted), *map(distances.within, (cells, predicted))
        ratio = predicted.var(0).sum() / cells.var(0).sum()
        found.append([ratio, distances.mmd_unbiased(*clouds)])
    return np.mean(found, 0)


def test_predicted_cells_of_unseen_doubles_spread_and_lie_as_real_ones_do(screen, split):
    # With 120 genes in place of 5,000 the KL needs more weight for the prior to be met.
    settings = {**SMALL, "learning_rate": 4e-3, "w_kl_nu": 0.1, "w_kl_iota": 0.1, "epochs": 12}
    fits = [PerturbedVAEMethod(**settings, w_mmd=w).fit(screen, split) for w in (0.0, 5.0)]
    (narrow, far), (spread, near) = (spread_and_mmd(fit, screen, screen.doubles) for fit in fits)
    assert narrow < 0.3 and 0.6 < spread < 2
    assert near < 0.5 * far
