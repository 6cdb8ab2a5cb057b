"""A few cells with raw counts, as a screen hands them to a foundation model."""

import socket

import anndata as ad
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp

N_CELLS, N_GENES = 12, 30


@pytest.fixture
def adata() -> ad.AnnData:
    """(12, 30) raw counts of genes G0 … G29, their Ensembl ids in var."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(rng.gamma(0.5, 6, N_GENES), (N_CELLS, N_GENES))
    counts[::3, 5:20] = 0  # some cells express fewer genes than others
    counts[:, 0] = 1 + np.arange(N_CELLS)  # no cell is empty
    return ad.AnnData(
        sp.csr_matrix(counts, dtype=np.float32),
        obs=pd.DataFrame(index=[f"cell{i}" for i in range(N_CELLS)]),
        var=pd.DataFrame(
            {"ensembl_id": [f"ENSG{i:011d}" for i in range(N_GENES)]},
            index=[f"G{i}" for i in range(N_GENES)],
        ),
    )


@pytest.fixture
def no_network(monkeypatch):
    """Any attempt to reach the network fails the test; processes may talk to each other."""
    connect = socket.socket.connect

    def refuse(*args, **kwargs):
        raise AssertionError("the network was asked for")

    def connect_here(self, address):
        return connect(self, address) if self.family == socket.AF_UNIX else refuse()

    monkeypatch.setattr("socket.socket.connect", connect_here)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
