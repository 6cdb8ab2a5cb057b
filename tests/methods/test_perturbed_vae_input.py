"""What PerturbedVAEMethod is handed: scalars of NumPy, triples, and what it has to refuse."""

import json
import subprocess

import numpy as np
import pytest
import torch
from sklearn.base import clone

from pvae_lib import splits
from pvae_lib.exceptions import InputError
from pvae_lib.learning import checkpoint
from pvae_lib.methods.cells import ControlCells, ScaledControlCounts, ShiftedControlCells
from pvae_lib.methods.means import Additive, ControlMean
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.screen import Screen

TINY = {"d_nu": 2, "d_iota": 3, "hidden": 8, "mechanism_hidden": 8, "batch_size": 16, "epochs": 1}
METHODS = [ControlMean, Additive, ControlCells, ShiftedControlCells, ScaledControlCounts]


def make_screen(*more: str) -> Screen:
    labels = np.repeat(["control", "A", "B", "C", "A+B", "A+C", *more], 20)
    counts = np.random.default_rng(0).poisson(3.0, (len(labels), 10)) + 1
    return Screen.from_counts(counts, labels, [f"G{i}" for i in range(10)])


@pytest.fixture(scope="module")
def screen() -> Screen:
    return make_screen()


@pytest.fixture(scope="module")
def split(screen):
    return splits.doubles_with_both_singles(screen)


@pytest.fixture(scope="module")
def controls(screen) -> Screen:
    return screen[screen.is_control]


@pytest.fixture(scope="module")
def trained(screen, split) -> PerturbedVAEMethod:
    return PerturbedVAEMethod(**TINY).fit(screen, split)


# --- NumPy's scalars, files --------------------------------------------------------------------


def test_scalars_of_numpy_are_kept_like_pythons(tmp_path, screen, split, controls):
    run, path = tmp_path / "run.safetensors", tmp_path / "model.safetensors"
    seed, alpha = np.int64(1), np.float32(0.25)
    scalars = {**TINY, "d_nu": np.int32(2), "epochs": np.int64(1), "seed": seed, "alpha": alpha}
    method = PerturbedVAEMethod(**scalars, checkpoint=run).fit(screen, split)
    method.save(path)
    loaded = PerturbedVAEMethod.load(path, screen)
    assert loaded.seed == 1 and loaded.alpha == 0.25 and type(loaded.seed) is int
    expected = method.predict(controls, "A+B", 7, np.int64(0))
    np.testing.assert_array_equal(loaded.predict(controls, "A+B", 7, 0), expected)
    # The checkpoint is that of the same run with Python's numbers.
    again = PerturbedVAEMethod(**TINY, seed=1, alpha=0.25, checkpoint=run).fit(screen, split)
    assert torch.equal(again.network_.g_nu.weight, method.network_.g_nu.weight)


def test_a_saved_model_names_no_path(tmp_path, screen, split):
    run, path = tmp_path / "run.safetensors", tmp_path / "model.safetensors"
    PerturbedVAEMethod(**TINY, checkpoint=run).fit(screen, split).save(path)
    assert str(tmp_path).encode() not in path.read_bytes()
    assert PerturbedVAEMethod.load(path, screen).checkpoint is None


def test_a_model_of_another_version_is_refused(tmp_path, screen, trained):
    path = tmp_path / "model.safetensors"
    trained.save(path)
    tensors, record = checkpoint.read(path)
    newer = json.loads(json.dumps(record))
    newer["parameters"]["temperature"] = 2.0
    checkpoint.write(path, tensors, newer)
    with pytest.raises(InputError, match="another version.*temperature"):
        PerturbedVAEMethod.load(path, screen)
    del newer["parameters"]["temperature"], newer["origin"]
    checkpoint.write(path, tensors, newer)
    with pytest.raises(InputError, match="another version.*origin"):
        PerturbedVAEMethod.load(path, screen)
    checkpoint.write(path, {"g_nu.weight": tensors["g_nu.weight"]}, record)
    with pytest.raises(InputError, match="another version.*its network"):
        PerturbedVAEMethod.load(path, screen)


def test_a_full_disk_is_named_and_nothing_is_left_half_written(tmp_path, screen, split):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("needs the right to mount a small tmpfs")
    try:
        method = PerturbedVAEMethod(**{**TINY, "hidden": 64}, checkpoint=disk / "run.safetensors")
        with pytest.raises(InputError, match=f"Cannot write {disk}.*(No space left|Disk quota)"):
            method.fit(screen, split)
        assert list(disk.iterdir()) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)


# --- conditions --------------------------------------------------------------------------------


def test_a_double_of_which_one_gene_never_trained(screen, split, controls):
    train = split.train[screen.condition[split.train] != "C"]
    part = splits.Split("no C", train, split.test, screen.fingerprint)
    method = PerturbedVAEMethod(**TINY).fit(screen, part)
    with pytest.raises(InputError, match=r"'A\+C' cannot be predicted: no training cell has C "):
        method.predict(controls, "A+C", 5, 0)
    assert method.predict(controls, "A+B", 5, 0).shape == (5, 10)


def test_triples_train_and_are_predicted():
    screen = make_screen("A+B+C")
    split = splits.Split("all", np.arange(screen.n_cells), {}, screen.fingerprint)
    method = PerturbedVAEMethod(**TINY).fit(screen, split)
    controls = screen[screen.is_control]
    found = method.predict(controls, "C+A+B", 6, 0)
    assert found.shape == (6, 10) and np.isfinite(found).all()
    np.testing.assert_array_equal(found, method.predict(controls, "A+B+C", 6, 0))
    assert not np.array_equal(found, method.predict(controls, "A+B", 6, 0))
    assert method.embed(screen)["z_nu"].shape == (screen.n_cells, 2)


# --- requests ----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", [lambda: PerturbedVAEMethod(**TINY), *METHODS])
def test_requests_that_no_method_can_answer(screen, split, controls, make):
    with pytest.raises(InputError, match="is not fitted yet"):
        make().predict(controls, "A+B", 5, 0)
    method = make().fit(screen, split)
    with pytest.raises(InputError, match="100 of the 120 cells to predict from are perturbed"):
        method.predict(screen, "A+B", 5, 0)
    with pytest.raises(InputError, match="no cells to predict from"):
        method.predict(controls[:0], "A+B", 5, 0)
    with pytest.raises(InputError, match="other genes"):
        method.predict(controls.select_genes(["G1", "G0"]), "A+B", 5, 0)
    for n in (0, -3, 2.5, "5"):
        with pytest.raises(InputError, match=f"n={n!r}"):
            method.predict(controls, "A+B", n, 0)
    with pytest.raises(InputError, match="seed=-1"):
        method.predict(controls, "A+B", 5, -1)


def test_what_an_unfitted_method_cannot_do(tmp_path, screen, trained):
    unfitted = clone(trained)
    for ask in (
        lambda: unfitted.embed(screen),
        lambda: unfitted.save(tmp_path / "model.safetensors"),
        lambda: unfitted.check_condition("A"),
        lambda: ControlMean().check_known("A"),
    ):
        with pytest.raises(InputError, match="is not fitted yet"):
            ask()
    with pytest.raises(InputError, match="no cells to embed"):
        trained.embed(screen[:0])


def test_a_fit_that_fails_leaves_nothing_to_predict_with(screen, split, controls):
    method = PerturbedVAEMethod(**TINY).fit(screen, split)
    with pytest.raises(InputError, match="diverged"):
        method.set_params(learning_rate=1e30, epochs=3).fit(screen, split)
    with pytest.raises(InputError, match="is not fitted yet"):
        method.predict(controls, "A+B", 5, 0)


# --- parameters --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"epochs": 1.5},
        {"epochs": "3"},
        {"batch_size": 16.0},
        {"batch_size": "16"},
        {"d_nu": 2.5},
        {"d_iota": "85"},
        {"seed": 0.5},
        {"seed": "0"},
        {"learning_rate": float("inf")},
        {"learning_rate": "1e-4"},
        {"alpha": float("nan")},
        {"w_kl_nu": float("inf")},
        {"w_kl_iota": "0.01"},
        {"w_mmd": -1.0},
        {"w_mmd": float("nan")},
    ],
    ids=str,
)
def test_parameters_that_are_no_numbers_of_their_kind(screen, split, wrong):
    ((name, value),) = wrong.items()
    with pytest.raises(InputError, match=f"^{name}={value!r}"):
        PerturbedVAEMethod(**{**TINY, **wrong}).fit(screen, split)


@pytest.mark.parametrize("partner", ["A", "A+B", "held-out control"])
def test_given_partners_are_training_controls(screen, split, partner):
    controls = np.flatnonzero(screen.is_control)
    train = np.setdiff1d(split.train, controls[-1:])
    part = splits.Split("part", train, split.test, screen.fingerprint)
    given = np.full(screen.n_cells, controls[0])
    PerturbedVAEMethod(**TINY, pairing="given", given=given).fit(screen, part)
    given[screen.cells_of("C")] = (
        controls[-1] if partner == "held-out control" else screen.cells_of(partner)[0]
    )
    with pytest.raises(InputError, match="20 training cells .*no training controls"):
        PerturbedVAEMethod(**TINY, pairing="given", given=given).fit(screen, part)
