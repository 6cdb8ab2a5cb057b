import numpy as np
import pytest

from pvae_lib.programs.named import NAMED, NamedEdge, in_pseudobulk, learned_weight, presence
from pvae_lib.sources import pseudobulk
from pvae_lib.sources.pseudobulk import Pseudobulk


def test_presence_says_what_is_trained_and_what_is_measured(small_screen, small_split):
    here = presence(NamedEdge("A", "g3", 1), small_screen, small_split)
    assert here == {"source_trained": 1, "end_trained": 0, "end_measured": 1}


def test_a_learned_weight_needs_both_ends_to_name_programs():
    matrix = np.array([[0.0, 0.0], [0.7, 0.0]])
    assert learned_weight(NamedEdge("A", "B", 1), matrix, ["A", "B"]) == 0.7
    assert learned_weight(NamedEdge("B", "A", 1), matrix, ["A", "B"]) == 0
    assert np.isnan(learned_weight(NamedEdge("A", "C", 1), matrix, ["A", "B"]))


def test_rank_counts_in_the_direction_that_the_edge_states_without_the_end_itself():
    lfc = np.array([[0.0, 2.0], [0.0, 1.0], [0.0, -3.0], [0.0, 9.0]])
    bulk = Pseudobulk("b", lfc, ("A", "C", "D", "B"), np.array(["x", "B"]), {})
    up, down = (in_pseudobulk(NamedEdge("A", "B", sign), bulk) for sign in (1, -1))
    assert up["expected_rank"] == 1 and down["expected_rank"] == 3
    assert up["lfc"] == 2 and up["singles"] == 3
    assert in_pseudobulk(NamedEdge("A", "y", 1), bulk) == {}


def test_the_named_edges_in_real_pseudobulk(real_data):
    bulk = pseudobulk.load(real_data)
    found = {str(edge): in_pseudobulk(edge, bulk) for edge in NAMED}
    assert found["TP73 → CDKN1A"]["lfc"] == pytest.approx(3.58, abs=0.01)
    assert found["TP73 → CDKN1A"]["expected_rank"] == 1
    assert found["DUSP9 ⊣ JUN"]["lfc"] > 0.5  # JUN rises
    assert abs(found["TGFBR2 → SNAI1"]["lfc"]) < 0.1
