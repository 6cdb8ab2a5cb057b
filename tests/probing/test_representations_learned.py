"""PerturbedVAE's blocks and scVI's latent space behind the registry."""

import numpy as np
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.extras import has_extra
from pvae_lib.methods.perturbed_vae import PerturbedVAEMethod
from pvae_lib.probing import of_perturbed_vae
from pvae_lib.probing.representations import REPRESENTATIONS, make
from pvae_lib.splits import Split

SMALL = {"d_nu": 3, "d_iota": 5, "hidden": 16, "mechanism_hidden": 16, "epochs": 1}
WIDTHS = {"PerturbedVAE h": 16, "PerturbedVAE z_iota": 5, "PerturbedVAE z_nu": 3}
CELLS = np.arange(0, 500, 2)


@pytest.fixture(scope="module")
def screen(twin_small):
    """500 cells × 500 genes of the twin, controls among them."""
    return twin_small[0][::10]


@pytest.mark.parametrize("trained", [True, False])
@pytest.mark.parametrize("name", WIDTHS)
def test_blocks_are_those_of_the_method(name, trained, screen):
    found = make(name, seed=2, trained=trained, **SMALL).fit(screen, CELLS)
    vectors = found.embed(screen)
    assert vectors.shape == (500, WIDTHS[name]) and vectors.dtype == np.float32
    if trained:
        split = Split("same", CELLS, {}, screen.fingerprint)
        method = PerturbedVAEMethod(seed=2, **SMALL).fit(screen, split)
        block = name.split()[1]
        assert np.array_equal(vectors, method.embed(screen)[block])
        given = make(name, method=method).fit(screen, CELLS)
        assert np.array_equal(vectors, given.embed(screen))
        if found.has_samples:
            drawn = found.embed(screen, "samples", 7)
            assert np.array_equal(drawn, method.embed(screen, "samples", 7)[block])
            assert not np.allclose(drawn, vectors)


def test_h_has_no_samples(screen):
    h = make("PerturbedVAE h", trained=False, **SMALL).fit(screen, CELLS)
    with pytest.raises(InputError, match="no distribution"):
        h.embed(screen, "samples")


def test_untrained_blocks_follow_the_seed_and_start_training(screen):
    def vectors(**options) -> np.ndarray:
        return make("PerturbedVAE z_nu", **SMALL | options).fit(screen, CELLS).embed(screen)

    untrained = vectors(trained=False)
    assert np.array_equal(untrained, vectors(trained=False))
    assert not np.allclose(untrained, vectors(trained=False, seed=1))
    assert not np.allclose(untrained, vectors())
    assert np.allclose(untrained, vectors(learning_rate=1e-12), atol=1e-5)


def test_three_blocks_train_once_and_a_changed_network_is_not_handed_on(screen, monkeypatch):
    fits = []
    monkeypatch.setattr(of_perturbed_vae, "_last_fit", {})
    fit = PerturbedVAEMethod.fit
    monkeypatch.setattr(
        PerturbedVAEMethod, "fit", lambda self, *a: fits.append(self.seed) or fit(self, *a)
    )
    made = [make(name, **SMALL).fit(screen, CELLS) for name in WIDTHS]
    assert fits == [0]
    before = made[0].embed(screen)
    made[0].method_.network_.f_enc[0].weight.data.zero_()
    assert np.array_equal(make("PerturbedVAE h", **SMALL).fit(screen, CELLS).embed(screen), before)
    make("PerturbedVAE h", seed=1, **SMALL).fit(screen, CELLS)
    make("PerturbedVAE h", seed=1, **SMALL).fit(screen, CELLS[:200])
    assert fits == [0, 1, 1]


def test_only_z_nu_reads_the_label_of_the_cell_it_embeds(screen):
    assert [name for name, entry in REPRESENTATIONS.items() if entry.sees_u] == [
        "PerturbedVAE z_nu"
    ]
    relabelled = screen[np.arange(500)]
    relabelled.condition[:] = np.roll(screen.condition, 1)
    for name in WIDTHS:
        fitted = make(name, **SMALL).fit(screen, CELLS)
        same = np.allclose(fitted.embed(screen), fitted.embed(relabelled))
        assert same == (name != "PerturbedVAE z_nu")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"d_mu": 3}, "no setting 'd_mu'; did you mean 'd_nu'"),
        ({"method": PerturbedVAEMethod(), "d_nu": 3}, "taken as it is"),
        ({"method": PerturbedVAEMethod(), "trained": False}, "taken as it is"),
    ],
)
def test_what_cannot_be_made_of_perturbed_vae_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        make("PerturbedVAE h", **settings)


def test_perturbed_vae_needs_controls(screen):
    with pytest.raises(InputError, match="no control cells"):
        make("PerturbedVAE h", **SMALL).fit(screen, ~screen.is_control)


@pytest.mark.skipif(has_extra("scvi"), reason="the extra 'scvi' is installed")
@pytest.mark.parametrize("trained", [True, False])
def test_without_the_extra_scvi_says_how_to_install_it(trained, screen):
    with pytest.raises(InputError, match="pip install"):
        make("scVI", trained=trained, epochs=1).fit(screen, CELLS)


def test_scvi_has_means_and_samples_before_and_after_training(screen):
    pytest.importorskip("scvi", reason="needs the extra 'scvi'")
    small = {"d": 6, "hidden": 16}
    found = {}
    for epochs in (None, 1, 3):
        made = make("scVI", trained=epochs is not None, epochs=epochs or 1, **small)
        found[epochs] = made.fit(screen, CELLS).embed(screen)
        assert found[epochs].shape == (500, 6) and found[epochs].dtype == np.float32
        drawn = made.embed(screen, "samples", 4)
        assert np.array_equal(drawn, made.embed(screen, "samples", 4))
        assert not np.allclose(drawn, made.embed(screen, "samples", 5))
    assert not np.allclose(found[None], found[1]) and not np.allclose(found[1], found[3])
    again = make("scVI", epochs=3, **small).fit(screen, CELLS)
    assert np.array_equal(found[3], again.embed(screen))


def test_scvi_means_are_those_of_the_package(screen):
    pytest.importorskip("scvi", reason="needs the extra 'scvi'")
    from pvae_lib.methods.packages.scvi import scvi_input, train_scvi

    model = train_scvi(screen, CELLS, seed=0, epochs=1, n_latent=6, n_hidden=16)
    theirs = model.get_latent_representation(scvi_input(screen))
    ours = make("scVI", d=6, hidden=16, epochs=1).fit(screen, CELLS).embed(screen)
    assert np.allclose(ours, theirs, atol=1e-5)
