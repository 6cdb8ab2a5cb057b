"""Screens by name and by path; generated ones are kept, and made anew when that is due."""

import anndata as ad
import numpy as np
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.screen import Screen
from pvae_lib.sources import SCREENS, cache, open_screen, subset, twin


def made(n_cells: int = 12, seed: int = 0) -> Screen:
    counts = np.random.default_rng(seed).poisson(2, (n_cells, 5)) + 1
    return Screen.from_counts(
        counts, ["control", "KLF1", "KLF1+ETS2"] * (n_cells // 3), list("abcde")
    )


@pytest.fixture
def tiny_twins(monkeypatch):
    """The larger twins in a size for tests; the list has an entry for each that is generated."""
    generated = []

    def make_twin(config, seed):
        generated.append((config.name, config.signal))
        return made(), None

    monkeypatch.setattr(twin, "make_twin", make_twin)
    return generated


def test_the_default_is_the_small_twin(twin_small):
    assert open_screen().fingerprint == twin_small[0].fingerprint


@pytest.mark.parametrize("name", ["twin-reduced", "twin-full", "twin-singles"])
def test_a_larger_twin_is_generated_once_and_kept(tiny_twins, tmp_path, name):
    first = open_screen(name, data_dir=tmp_path)
    second = open_screen(name, data_dir=tmp_path)
    assert first.fingerprint == second.fingerprint and second.name == name
    assert tiny_twins == [(name, 1.0)]
    assert [path.name for path in tmp_path.iterdir()] == [f"{name}.h5ad"]


def test_the_small_twin_is_not_kept(tiny_twins, tmp_path):
    open_screen("twin", data_dir=tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_damaged_twin_is_made_again(tiny_twins, tmp_path):
    screen = open_screen("twin-reduced", data_dir=tmp_path)
    path = tmp_path / "twin-reduced.h5ad"
    path.write_bytes(path.read_bytes()[:2000])
    assert open_screen("twin-reduced", data_dir=tmp_path).fingerprint == screen.fingerprint
    path.write_bytes(b"")
    open_screen("twin-reduced", data_dir=tmp_path)
    assert len(tiny_twins) == 3


def test_another_configuration_or_generator_makes_it_again(tiny_twins, tmp_path, monkeypatch):
    open_screen("twin-reduced", data_dir=tmp_path)
    stronger = twin.TwinConfig.reduced(signal=2.0)
    monkeypatch.setattr(twin.TwinConfig, "reduced", lambda: stronger)
    open_screen("twin-reduced", data_dir=tmp_path)
    monkeypatch.setattr("pvae_lib.sources._digest_of_folder", lambda folder: "a later version")
    open_screen("twin-reduced", data_dir=tmp_path)
    assert tiny_twins == [("twin-reduced", 1.0), ("twin-reduced", 2.0), ("twin-reduced", 2.0)]


def test_kept_and_loaded_screens_are_equal_in_every_number(tmp_path):
    screen = made()
    cache.save(screen, tmp_path / "kept.h5ad", {"name": "kept", "sizes": (1, 2)})
    kept = cache.load(tmp_path / "kept.h5ad", {"name": "kept", "sizes": (1, 2)})
    assert kept.fingerprint == screen.fingerprint and kept.name == "kept"
    np.testing.assert_array_equal(kept.expression.toarray(), screen.expression.toarray())
    assert cache.load(tmp_path / "kept.h5ad", {"name": "kept", "sizes": (1, 3)}) is None
    assert cache.load(tmp_path / "nowhere.h5ad") is None


def test_a_path_opens_with_the_columns_named_for_it(tmp_path):
    screen = made()
    adata = screen.to_anndata()
    adata.obs["pert"] = adata.obs["condition"].astype(str).replace("control", "NT")
    del adata.obs["condition"]
    adata.write_h5ad(tmp_path / "mine.h5ad")
    for path in (tmp_path / "mine.h5ad", str(tmp_path / "mine.h5ad")):
        opened = open_screen(path, condition_column="pert", control="NT")
        assert opened.fingerprint == screen.fingerprint and opened.name == "mine"


def test_the_twin_of_singles_has_no_doubles_and_another_name(monkeypatch, tmp_path):
    small = twin.TwinConfig.singles(n_cells=600, n_genes=60, n_singles=6, n_controls=150)
    monkeypatch.setattr(twin.TwinConfig, "singles", lambda: small)
    screen = open_screen("twin-singles", data_dir=tmp_path)
    assert screen.name == "twin-singles" and len(screen.singles) == 6 and not screen.doubles


def test_an_unknown_name_lists_the_names_nearest_first():
    with pytest.raises(InputError, match="did you mean 'norman2019'") as raised:
        open_screen("norman2018")
    assert all(name in str(raised.value) for name in SCREENS)


def test_columns_are_refused_for_a_named_screen():
    with pytest.raises(InputError, match="condition_column describe an .h5ad file"):
        open_screen("twin", condition_column="pert")


def test_the_subset_without_its_folder_says_what_to_set(monkeypatch, tmp_path):
    monkeypatch.delenv("PVAE_DATA", raising=False)
    with pytest.raises(InputError, match="set PVAE_DATA to the folder"):
        open_screen("norman-subset")
    monkeypatch.setenv("PVAE_DATA", str(tmp_path))
    with pytest.raises(InputError, match=f"No {subset.FILE} in"):
        open_screen("norman-subset")


def test_another_file_under_the_subsets_name_is_refused(monkeypatch, tmp_path):
    adata = made().to_anndata()
    adata.obs["total_counts_all_genes"] = 100
    adata.write_h5ad(tmp_path / subset.FILE)
    monkeypatch.setenv("PVAE_DATA", str(tmp_path))
    with pytest.raises(InputError, match="found 12 cells × 5 genes"):
        open_screen("norman-subset")


def test_the_subset_is_normalised_by_the_totals_over_all_genes(real_data):
    screen = open_screen("norman-subset")
    adata = ad.read_h5ad(real_data / subset.FILE)
    totals = adata.obs["total_counts_all_genes"].to_numpy()
    some = [0, 7, 3374]
    expected = np.log1p(adata.X[some].toarray() / totals[some, None] * np.median(totals))
    np.testing.assert_allclose(screen.dense(some), expected, rtol=1e-5, atol=1e-6)
    assert (screen.n_cells, screen.n_genes) == (3375, 500)
    assert (len(screen.singles), len(screen.doubles)) == (18, 15)
