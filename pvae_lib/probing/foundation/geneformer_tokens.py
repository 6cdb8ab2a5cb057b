"""Geneformer's vocabulary and its rank value encoding of a cell."""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp

from pvae_lib.exceptions import InputError, nearest

PAD, CLS, EOS = "<pad>", "<cls>", "<eos>"
TOKENS, MEDIANS, GENE_IDS = "token_dictionary.json", "gene_medians.json", "gene_ids.json"


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of one series of Geneformer's models.

    Attributes
    ----------
    tokens
        Ensembl id, or "<pad>" and the like, to token.
    medians
        Ensembl id to the median of the gene's non-zero expression over Genecorpus.
    gene_ids
        Any other name of a gene (symbol, retired id) to its Ensembl id; may be empty.
    """

    tokens: dict[str, int]
    medians: dict[str, float]
    gene_ids: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> "Vocabulary":
        """Read `token_dictionary.json`, `gene_medians.json` and, if present, `gene_ids.json`.

        Raises
        ------
        InputError
            A file that is missing, no JSON or no table of the right kind; no padding token; genes
            with a token and no positive median, as when the files belong to two series.
        """
        tokens = _table(folder / TOKENS, int)
        medians = _table(folder / MEDIANS, float)
        gene_ids = _table(folder / GENE_IDS, str) if (folder / GENE_IDS).exists() else {}
        if PAD not in tokens or (CLS in tokens) != (EOS in tokens):
            raise InputError(
                f"{folder / TOKENS} lacks a special token: it needs {PAD}, and {CLS} and {EOS} "
                "both (V2) or neither (V1)."
            )
        unusable = [g for g in tokens if g[0] != "<" and not 0 < medians.get(g, 0) < math.inf]
        if unusable:
            raise InputError(
                f"{len(unusable)} genes of {TOKENS} have no positive median in {MEDIANS} "
                f"({', '.join(unusable[:3])}): take both from the same series, V1 or V2."
            )
        return cls(tokens, medians, gene_ids)

    @property
    def has_ends(self) -> bool:
        """Whether sequences begin with "<cls>" and end with "<eos>": the V2 series."""
        return CLS in self.tokens

    def ensembl_ids(self, names: np.ndarray) -> list[str | None]:
        """The id with a token behind each gene's name (versions such as ".3" dropped), or None."""
        found = []
        for name in names:
            known = (name, name.partition(".")[0], self.gene_ids.get(name))
            found.append(next((g for g in known if g in self.medians and g in self.tokens), None))
        return found

    def scaled(self, counts: sp.csr_matrix, names: np.ndarray) -> tuple[sp.csr_matrix, np.ndarray]:
        """Counts over each gene's median, and the tokens of the columns.

        Names of one Ensembl id are added up, as Geneformer adds them. It also divides by the cell's
        total and multiplies by 10,000; that is one factor a cell, which cannot change an order, and
        leaving it out keeps ties exact.

        Parameters
        ----------
        counts, names
            (n_cells, n_genes) raw counts, and their genes' names.

        Returns
        -------
        scaled, tokens
            (n_cells, n_known) float64 and (n_known,).

        Raises
        ------
        InputError
            Not one name is known.
        """
        ids = self.ensembl_ids(names)
        known = sorted({g for g in ids if g is not None}, key=self.tokens.__getitem__)
        if not known:
            raise InputError(
                f"Geneformer knows none of the {len(names)} genes by name ({names[0]!r}, …): name "
                "a column of var with Ensembl ids by gene_column=…, or put a table from your "
                f"names to Ensembl ids into the dictionaries' folder as {GENE_IDS}; "
                f"{nearest(str(names[0]), self.tokens)}"
            )
        column = {g: j for j, g in enumerate(known)}
        rows = [i for i, g in enumerate(ids) if g is not None]
        columns = [column[ids[i]] for i in rows]
        to_known = sp.csr_matrix(
            (np.ones(len(rows)), (rows, columns)), shape=(len(names), len(known))
        )
        scaled = (counts @ to_known).tocsr()
        scaled.sort_indices()
        scaled.data /= np.array([self.medians[g] for g in known])[scaled.indices]
        return scaled, np.array([self.tokens[g] for g in known])

    def encode(self, scaled: sp.csr_matrix, tokens: np.ndarray, length: int) -> list[np.ndarray]:
        """A cell's expressed genes as tokens, the highest scaled count first (rank value encoding).

        Cut to `length` tokens, with the two ends of V2 counted.
        """
        ends = ([self.tokens[CLS]], [self.tokens[EOS]]) if self.has_ends else ([], [])
        room = length - len(ends[0]) - len(ends[1])
        sequences = []
        for start, end in zip(scaled.indptr[:-1], scaled.indptr[1:], strict=True):
            order = np.argsort(-scaled.data[start:end], kind="stable")[:room]
            genes = tokens[scaled.indices[start:end][order]]
            sequences.append(np.concatenate([ends[0], genes, ends[1]]).astype(np.int64))
        return sequences


def _table(path: Path, kind: type) -> dict:
    """A JSON object of one kind of value, or one sentence why there is none."""
    if not path.is_file():
        raise InputError(
            f"No file {path}: it is made once from the model's published file, as the head of "
            "pvae_lib/probing/foundation/geneformer.py shows."
        )
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(table, dict) or not table:
            raise ValueError("not a table of names")
        return {str(name): kind(value) for name, value in table.items()}
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"{path} is no JSON table of {kind.__name__} values: {error}") from error
