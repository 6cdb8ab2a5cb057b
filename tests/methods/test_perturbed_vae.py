import numpy as np
import pytest
import scipy.sparse as sp
import torch
from sklearn.base import clone

from pvae_lib import splits
from pvae_lib.exceptions import InputError
from pvae_lib.learning import fit_seeds
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.screen import Screen

SMALL = {"d_nu": 3, "d_iota": 4, "hidden": 24, "mechanism_hidden": 16, "batch_size": 32}
QUICK = {**SMALL, "epochs": 2, "learning_rate": 1e-3}


def make_screen(seed: int = 0, genes: int = 30) -> Screen:
    """Three targets that each multiply the rate of ten genes by six; rates multiply in doubles."""
    rng = np.random.default_rng(seed)
    conditions = np.array(["control", "A", "B", "C", "A+B", "B+C"], dtype=object)
    condition = conditions[rng.permutation(np.repeat(np.arange(6), [250, 120, 120, 120, 60, 60]))]
    rate = np.full((len(condition), genes), 2.0)
    for i, target in enumerate("ABC"):
        affected = np.array([target in label.split("+") for label in condition])
        rate[np.ix_(affected, np.arange(i * 10, i * 10 + 10))] *= 6
    counts = rng.poisson(rate * rng.gamma(8, 1 / 8, (len(rate), 1)))
    return Screen.from_counts(
        sp.csr_matrix(counts.astype(np.float32)), condition, [f"G{i}" for i in range(genes)]
    )


@pytest.fixture(scope="module")
def screen() -> Screen:
    return make_screen()


@pytest.fixture(scope="module")
def split(screen):
    return splits.paper(screen)


@pytest.fixture(scope="module")
def controls(screen) -> Screen:
    return screen[screen.is_control]


@pytest.fixture(scope="module")
def trained(screen, split) -> PerturbedVAEMethod:
    # With 30 genes in place of 5,000 the KL needs more weight for the prior to be met.
    method = PerturbedVAEMethod(**SMALL, epochs=60, learning_rate=3e-3, w_kl_nu=0.1, w_kl_iota=0.1)
    return method.fit(screen, split)


@pytest.mark.parametrize(("condition", "share"), [("A", 0.2), ("B", 0.2), ("C", 0.2), ("A+B", 0.8)])
def test_the_prior_moves_control_cells_to_the_condition(
    screen, controls, trained, condition, share
):
    truth = screen.mean(condition)
    found = trained.predict(controls, condition, 400, seed=0).mean(0)
    assert np.linalg.norm(found - truth) < share * np.linalg.norm(screen.mean("control") - truth)


def test_prediction_has_the_stated_form_and_depends_on_its_seed(controls, trained):
    found = trained.predict(controls, "A+B", 70, seed=3)
    assert found.shape == (70, 30) and found.dtype == np.float32
    np.testing.assert_array_equal(found, trained.predict(controls, "B+A", 70, seed=3))
    assert not np.array_equal(found, trained.predict(controls, "A+B", 70, seed=4))


def test_means_answer_to_the_drawn_control_cells(controls, trained):
    method = clone(trained).set_params(prediction="means")
    method.__dict__.update({k: v for k, v in vars(trained).items() if k.endswith("_")})
    found = method.predict(controls, "C", 40, seed=5)
    chosen = method.draw_controls(controls, 40, seed=5)
    network, x = trained.network_, torch.from_numpy(controls.dense(chosen))
    with torch.no_grad():
        z_iota = network.posterior_iota(network.f_enc(x)).mu
        z_nu, _ = network.sample_prior(torch.tensor([[0.0, 0, 1]]), z_iota)
        expected = network.decode(z_nu, z_iota).numpy()
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_decoder_noise_restores_the_variance_of_cells(screen, controls, trained):
    method = PerturbedVAEMethod(**SMALL, decoder_noise=True)
    method.__dict__.update({k: v for k, v in vars(trained).items() if k.endswith("_")})
    real = screen.dense(screen.cells_of("A")).var(0).sum()
    noisy = method.predict(controls, "A", 600, 0).var(0).sum()
    assert trained.predict(controls, "A", 600, 0).var(0).sum() < 0.8 * real
    assert 0.75 * real < noisy < 1.35 * real


def test_history_and_the_share_of_variance_kept(screen, split, trained):
    assert list(trained.history_.columns) == [
        "step", "epoch", "loss", "recon", "kl_nu", "kl_iota", "alignment",
    ]  # fmt: skip
    per_epoch = (~screen.is_control[split.train]).sum() // 32
    assert len(trained.history_) == 60 * per_epoch
    assert trained.history_["loss"].iloc[-10:].mean() < 0.7 * trained.history_["loss"].iloc[0]
    assert 0 < trained.variance_ratio_ < 1


def test_embeddings_have_the_stated_shapes_and_background_ignores_labels(screen, trained):
    found = trained.embed(screen)
    assert {name: part.shape for name, part in found.items()} == {
        "h": (730, 24), "z_iota": (730, 4), "z_nu": (730, 3),
    }  # fmt: skip
    first, again = (trained.embed(screen, "samples", seed=1) for _ in range(2))
    np.testing.assert_array_equal(first["z_iota"], again["z_iota"])
    assert not np.allclose(first["z_iota"], found["z_iota"])
    np.testing.assert_allclose(trained.embed(screen[:9])["z_nu"], found["z_nu"][:9], atol=1e-5)


def test_saved_and_loaded_it_predicts_the_same(tmp_path, screen, controls, trained):
    path = tmp_path / "model.safetensors"
    trained.save(path)
    loaded = PerturbedVAEMethod.load(path, screen)
    assert loaded.get_params() == trained.get_params()
    np.testing.assert_array_equal(
        loaded.predict(controls, "A+B", 30, 0), trained.predict(controls, "A+B", 30, 0)
    )


def test_loading_for_another_screen_or_from_a_training_checkpoint(tmp_path, screen, split, trained):
    path = tmp_path / "model.safetensors"
    trained.save(path)
    with pytest.raises(InputError, match="screen was"):
        PerturbedVAEMethod.load(path, make_screen(seed=1))
    running = tmp_path / "running.safetensors"
    PerturbedVAEMethod(**QUICK, checkpoint=running).fit(screen, split)
    with pytest.raises(InputError, match="fit resumes"):
        PerturbedVAEMethod.load(running, screen)


def test_the_same_seed_gives_the_same_weights_and_another_seed_does_not(screen, split):
    a, b, c = (
        PerturbedVAEMethod(**QUICK, seed=seed).fit(screen, split).network_.f_dec[0].weight
        for seed in (0, 0, 1)
    )
    assert torch.equal(a, b) and not torch.equal(a, c)


def test_a_seed_gives_the_same_numbers_alone_and_beside_others_in_processes(screen, split):
    method = PerturbedVAEMethod(**QUICK)
    together = fit_seeds(method, screen, split, [0, 1], processes=2)
    alone = fit_seeds(method, screen, split, [1], processes=1)
    expected = alone[0].network_.state_dict()
    for name, tensor in together[1].network_.state_dict().items():
        assert torch.equal(tensor, expected[name]), name
    assert together[1].history_.equals(alone[0].history_)


def test_a_finished_checkpoint_is_taken_up_and_another_configuration_refused(
    tmp_path, screen, split
):
    path = tmp_path / "run.safetensors"
    first = PerturbedVAEMethod(**QUICK, checkpoint=path).fit(screen, split)
    again = PerturbedVAEMethod(**QUICK, checkpoint=path, decoder_noise=True).fit(screen, split)
    assert torch.equal(first.network_.f_enc[0].weight, again.network_.f_enc[0].weight)
    with pytest.raises(InputError, match="alpha was 0.05, is 0.5"):
        PerturbedVAEMethod(**QUICK, alpha=0.5, checkpoint=path).fit(screen, split)
    other = make_screen(seed=1)
    with pytest.raises(InputError, match="screen was"):
        PerturbedVAEMethod(**QUICK, checkpoint=path).fit(other, splits.paper(other))
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(InputError, match="corrupted"):
        PerturbedVAEMethod(**QUICK, checkpoint=path).fit(screen, split)


@pytest.mark.parametrize(
    "switch",
    [
        {"reconstruction": "sum"},
        {"reconstruction": "learned_variance", "decoder_noise": True},
        {"mechanism": "linear"},
        {"scm": "diagonal", "prior_variance": "fixed"},
        {"pairing": "nearest"},
        {"pairing": "optimal_transport"},
        {"annealing": "constant"},
        {"keep": "best", "layers": 2},
    ],
    ids=lambda switch: "-".join(map(str, switch.values())),
)
def test_every_switch_trains_and_predicts(screen, split, controls, switch):
    method = PerturbedVAEMethod(**QUICK, **switch).fit(screen, split)
    assert np.isfinite(method.predict(controls, "B+C", 10, 0)).all()


def test_controls_as_reconstruction_targets_add_their_batches(screen, split):
    method = PerturbedVAEMethod(**QUICK, reconstruct_controls=True).fit(screen, split)
    assert len(method.history_) == 2 * (len(split.train) // 32)


def test_given_pairs_are_used(screen, split):
    given = np.full(screen.n_cells, np.flatnonzero(screen.is_control)[0])
    a = PerturbedVAEMethod(**QUICK, pairing="given", given=given).fit(screen, split)
    b = PerturbedVAEMethod(**QUICK).fit(screen, split)
    assert not torch.equal(a.network_.g_iota.weight, b.network_.g_iota.weight)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"d_nu": 0}, "d_nu=0"),
        ({"alpha": -0.1}, "alpha=-0.1"),
        ({"pairing": "telepathy"}, "telepathy"),
        ({"batch_size": 10_000}, "batch_size=10000 does not fit"),
        ({"prediction": "guess"}, "samples, means"),
        ({"device": "abacus"}, "abacus"),
        ({"epochs": 0}, "epochs=0"),
    ],
)
def test_parameters_without_meaning_are_refused_before_training(screen, split, wrong, message):
    with pytest.raises(InputError, match=message):
        PerturbedVAEMethod(**{**QUICK, **wrong}).fit(screen, split)


def test_cuda_asked_for_and_absent(screen, split, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="finds none here"):
        PerturbedVAEMethod(**QUICK, device="cuda").fit(screen, split)


def test_questions_it_cannot_answer(screen, controls, trained):
    with pytest.raises(InputError, match="KLF1"):
        trained.predict(controls, "A+KLF1", 5, 0)
    with pytest.raises(InputError, match="other genes"):
        trained.predict(make_screen(genes=40)[:10], "A", 5, 0)
    with pytest.raises(InputError, match="samples, means"):
        trained.embed(screen, "medians")


def test_parameters_are_counted(trained):
    counted = trained.count_parameters()
    assert counted == sum(p.numel() for p in trained.network_.parameters()) > 1000
