"""Condition labels: one spelling for each perturbation, whatever the file calls it."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from pvae_lib.exceptions import InputError, nearest

CONTROL = "control"
SEPARATOR = "+"


def canonical_label(label: str, control: str = CONTROL, separator: str = SEPARATOR) -> str:
    """One spelling for a condition: "control", "KLF1", or genes in sorted order joined by "+".

    "B+A" and "A+B" become the same label; a control partner is dropped, so "KLF1+ctrl" and
    "ctrl+KLF1" are the single KLF1 (GEARS' spelling) when `control` is "ctrl".

    Raises
    ------
    InputError
        The label is empty, names the same gene twice, or says "control" where that is not the
        control's label; or the separator is empty.
    """
    if not separator:
        raise InputError(
            "separator is empty: give what stands between two gene names, as separator='+'."
        )
    parts = [part.strip() for part in str(label).split(separator)]
    if str(label).strip() == control or all(part == control for part in parts):
        return CONTROL
    genes = [part for part in parts if part != control]
    if not all(genes) or str(label).strip().lower() in ("nan", "none", ""):
        raise InputError(
            f"Condition label {label!r} has an empty gene name (separator {separator!r}). "
            "Drop those cells or name their perturbation."
        )
    if CONTROL in genes:
        raise InputError(
            f"Condition label {label!r} says {CONTROL!r}, but the control's label was given as "
            f"{control!r}; give control={CONTROL!r}, or rename one of the two."
        )
    if len(set(genes)) < len(genes):
        raise InputError(f"Condition label {label!r} names a gene twice; name each gene once.")
    return SEPARATOR.join(sorted(genes))


def canonical_labels(
    labels: np.ndarray, control: str = CONTROL, separator: str = SEPARATOR
) -> np.ndarray:
    """`canonical_label` of every cell, (n_cells,) strings; each distinct label is parsed once.

    Raises
    ------
    InputError
        As `canonical_label`; also when no cell is a control (the labels at hand are listed).
    """
    labels = np.asarray(labels, dtype=object)
    missing = pd.isna(labels)
    if missing.any():
        raise InputError(
            f"{missing.sum()} cells have no condition label (empty or NaN); drop or label them."
        )
    distinct, codes = np.unique(labels.astype(str), return_inverse=True)
    canonical = np.array(
        [canonical_label(label, control, separator) for label in distinct], dtype=object
    )
    if CONTROL not in set(canonical):
        shown = ", ".join(distinct[:12]) + (", …" if len(distinct) > 12 else "")
        raise InputError(
            f"No control cells: no condition is labelled {control!r}. Labels found: {shown}. "
            "Name the control label with control=…"
        )
    return canonical[codes]


def genes_of(condition: str) -> tuple[str, ...]:
    """The perturbed genes of a canonical label; () for the control."""
    return () if condition == CONTROL else tuple(re.split(re.escape(SEPARATOR), condition))


def multi_hot(condition: str, targets: Sequence[str]) -> np.ndarray:
    """(n_targets,) float32 u of a condition over the perturbed genes `targets`.

    Raises
    ------
    InputError
        A gene that is no target; the nearest names are given.
    """
    u = np.zeros(len(targets), dtype=np.float32)
    for gene in genes_of(canonical_label(condition)):
        if gene not in targets:
            raise InputError(
                f"{gene!r} (in condition {condition!r}) is perturbed nowhere in this screen; "
                f"{nearest(gene, targets)}"
            )
        u[targets.index(gene)] = 1.0
    return u
