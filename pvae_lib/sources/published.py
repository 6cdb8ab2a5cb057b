"""The files of published screens: where they are and what their MD5 is.

The MD5s are those that others have published: scPerturb's stand in several public repositories,
GEO's in the data notes of gao-lab/CASCADE. scPerturb's older record 7041849 may differ.
"""

from dataclasses import dataclass

from pvae_lib.screen.anndata_io import HDF5_MAGIC

GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class PublishedFile:
    """One file of a published screen.

    Attributes
    ----------
    name
        What it is called at its source, and in the data folder.
    urls
        Where it is; tried in turn.
    md5
        Its published MD5, 32 hexadecimal digits.
    page
        The page on which a person finds it with a browser.
    """

    name: str
    urls: tuple[str, ...]
    md5: str
    page: str

    @property
    def magic(self) -> bytes:
        """The first bytes of a file of this format."""
        return GZIP_MAGIC if self.name.endswith(".gz") else HDF5_MAGIC


def _scperturb(name: str, md5: str, *records: str) -> PublishedFile:
    urls = tuple(f"https://zenodo.org/records/{record}/files/{name}" for record in records)
    return PublishedFile(name, urls, md5, f"https://zenodo.org/records/{records[0]}")


def _geo(name: str, md5: str) -> PublishedFile:
    url = f"https://www.ncbi.nlm.nih.gov/geo/download/?acc=GSE133344&format=file&file={name}"
    page = "https://www.ncbi.nlm.nih.gov/geo/query/acc.cgi?acc=GSE133344"
    return PublishedFile(name, (url,), md5, page)


NORMAN_SCPERTURB = _scperturb(
    "NormanWeissman2019_filtered.h5ad",
    "c870e6967d91c017d9da827bab183cd6",
    "10044268",
    "13350497",
)
NORMAN_GEO = {
    "matrix": _geo("GSE133344_raw_matrix.mtx.gz", "a56e8017985db417b10b13d305b3fa42"),
    "barcodes": _geo("GSE133344_raw_barcodes.tsv.gz", "f0e6a7a88bf75c7c78439487ac77ef42"),
    "genes": _geo("GSE133344_raw_genes.tsv.gz", "e28829f42f246f7d0aa89360f0b28c60"),
    "identities": _geo("GSE133344_raw_cell_identities.csv.gz", "baf12eba836ee3b228e77c78df9dd677"),
}
REPLOGLE_K562_ESSENTIAL = _scperturb(
    "ReplogleWeissman2022_K562_essential.h5ad",
    "d8cba17576d1a8afc0f7d71b79cad0f7",
    "10044268",
    "13350497",
)
REPLOGLE_RPE1 = _scperturb(
    "ReplogleWeissman2022_rpe1.h5ad", "cc7f1ec50aeb3a3e1b4a6cfa713d80fa", "10044268", "13350497"
)
