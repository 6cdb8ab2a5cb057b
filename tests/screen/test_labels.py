"""One spelling for each perturbation, whatever the file calls it."""

import numpy as np
import pytest

from pvae_lib.screen import canonical_label
from pvae_lib.screen.labels import canonical_labels, genes_of, multi_hot


@pytest.mark.parametrize(
    ("label", "control", "separator", "expected"),
    [
        ("control", "control", "+", "control"),
        ("ctrl", "ctrl", "+", "control"),
        ("NT", "NT", "_", "control"),
        ("ctrl+ctrl", "ctrl", "+", "control"),
        ("KLF1", "control", "+", "KLF1"),
        ("KLF1+ctrl", "ctrl", "+", "KLF1"),
        ("ctrl+KLF1", "ctrl", "+", "KLF1"),
        ("MAP2K6+KLF1", "control", "+", "KLF1+MAP2K6"),
        ("MAP2K6_KLF1", "control", "_", "KLF1+MAP2K6"),
        (" MAP2K6 + KLF1 ", "control", "+", "KLF1+MAP2K6"),
        ("C_B_A", "control", "_", "A+B+C"),
        ("non-targeting_1", "non-targeting_1", "_", "control"),
    ],
)
def test_canonical_label(label, control, separator, expected):
    assert canonical_label(label, control, separator) == expected


def test_a_canonical_label_is_its_own_canonical_label():
    for label in ("control", "KLF1", "KLF1+MAP2K6", "A+B+C"):
        assert canonical_label(label) == label


def test_both_orders_of_a_pair_and_control_partners_are_merged():
    labels = np.array(["ctrl", "A_B", "B_A", "A_ctrl", "ctrl_A"], dtype=object)
    merged = canonical_labels(labels, "ctrl", "_")
    assert list(merged) == ["control", "A+B", "A+B", "A", "A"]


def test_genes_of():
    assert genes_of("control") == ()
    assert genes_of("KLF1") == ("KLF1",)
    assert genes_of("KLF1+MAP2K6") == ("KLF1", "MAP2K6")


def test_multi_hot():
    u = multi_hot("C+A", ("A", "B", "C"))
    assert u.dtype == np.float32
    np.testing.assert_array_equal(u, [1, 0, 1])
    np.testing.assert_array_equal(multi_hot("control", ("A", "B")), [0, 0])
