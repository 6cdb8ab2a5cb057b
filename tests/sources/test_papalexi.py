"""Papalexi's real cells, opened by name."""

import anndata as ad
import numpy as np
import pandas as pd
import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.sources import open_screen, papalexi


def test_without_its_folder_it_says_what_to_set(monkeypatch, tmp_path):
    monkeypatch.delenv("PVAE_DATA", raising=False)
    with pytest.raises(InputError, match="set PVAE_DATA to the folder"):
        open_screen("papalexi")
    monkeypatch.setenv("PVAE_DATA", str(tmp_path))
    with pytest.raises(InputError, match=f"No {papalexi.FILE} in"):
        open_screen("papalexi")


def test_another_file_under_its_name_is_refused(tmp_path):
    obs = pd.DataFrame(
        {"target": ["non-targeting", "STAT1", "STAT1"], "response_n_umis": 50},
        index=["a", "b", "c"],
    )
    other = ad.AnnData(np.ones((3, 4), np.float32), obs=obs)
    other.write_h5ad(tmp_path / papalexi.FILE)
    with pytest.raises(InputError, match="3 cells, not 20,729, 4 genes, not 299"):
        papalexi.load(tmp_path)


def test_it_is_normalised_by_the_totals_over_all_genes(real_data):
    screen = open_screen("papalexi")
    adata = ad.read_h5ad(real_data / papalexi.FILE)
    totals = adata.obs["response_n_umis"].to_numpy()
    some = [0, 7, 20_728]
    expected = np.log1p(adata.X[some].toarray() / totals[some, None] * np.median(totals))
    np.testing.assert_allclose(screen.dense(some), expected, rtol=1e-5, atol=1e-6)
    assert len({*screen.condition}) == 26 and "bio_rep" in screen.obs
