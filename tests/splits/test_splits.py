"""Which cells train and which are scored, by every protocol."""

import json

import numpy as np
import pytest

from pvae_lib import splits
from pvae_lib.exceptions import InputError
from pvae_lib.screen import Screen
from pvae_lib.screen.labels import genes_of
from pvae_lib.sources.twin.names import SPLIT_SINGLES
from pvae_lib.splits import PAPER_TEST_CELLS, PAPER_TEST_SINGLES, Split

GENES = list("ABCDEFGH")
PAIRS = ["A+B", "A+C", "B+C", "C+D", "D+E", "E+F", "F+G", "A+H", "B+H", "C+E"]


def made(conditions: dict[str, int], seed: int = 0) -> Screen:
    labels = np.repeat(list(conditions), list(conditions.values())).astype(object)
    rng = np.random.default_rng(seed)
    rng.shuffle(labels)
    return Screen.from_counts(rng.poisson(2, (len(labels), 3)) + 1, labels, ["x", "y", "z"])


@pytest.fixture(scope="module")
def screen() -> Screen:
    """Singles A to G (H has none) and ten doubles."""
    return made({"control": 30, **dict.fromkeys(GENES[:-1], 8), **dict.fromkeys(PAIRS, 5)})


def every_split(screen: Screen) -> list[Split]:
    return [
        splits.doubles_with_both_singles(screen),
        *(splits.combo_seen(screen, seen, fraction=0.5, seed=3) for seen in (0, 1, 2)),
        splits.held_out_doubles(screen, seed=3),
        *splits.k_fold(screen, 3, seed=3),
        *splits.cross_fitted(screen, splits.doubles_with_both_singles(screen), k=3, seed=3),
    ]


# --- what holds for all ------------------------------------------------------------------------


def test_no_cell_trains_and_is_scored(screen):
    for split in every_split(screen):
        scored = np.concatenate(list(split.test.values()))
        assert not set(split.train) & set(scored)
        assert len(set(split.train)) == len(split.train) and len(set(scored)) == len(scored)
        assert np.all(np.diff(split.train) > 0)


def test_no_scored_double_trains_and_all_controls_do(screen):
    for split in every_split(screen):
        scored = split.test_conditions(screen, "double")
        assert scored and not set(scored) & set(split.train_conditions(screen))
        assert set(scored) <= set(screen.doubles)
        assert set(np.flatnonzero(screen.is_control)) <= set(split.train)
        everything = np.concatenate([screen.cells_of(double) for double in scored])
        assert set(everything) == set(split.cells("double"))


def test_the_same_seed_gives_the_same_split_and_another_another(screen):
    for seen in (0, 1, 2):
        drawn = [splits.combo_seen(screen, seen, 0.5, seed).cells("double") for seed in (0, 0, 1)]
        np.testing.assert_array_equal(drawn[0], drawn[1])
        assert not np.array_equal(drawn[0], drawn[2])
    drawn = [splits.make("held-out-doubles", screen, seed).cells("double") for seed in (0, 0, 1)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])


# --- the paper's -------------------------------------------------------------------------------


def test_the_papers_protocol_on_a_screen_that_has_all_it_names():
    sizes = {"control": 50, "OTHER": 130, "KLF1+SET": 20, "OTHER+SET": 10}
    screen = made({**dict.fromkeys(PAPER_TEST_SINGLES, 120), **sizes})
    split = splits.paper(screen)
    assert len(PAPER_TEST_SINGLES) == 14 and PAPER_TEST_CELLS == 96
    assert len(split.cells("single")) == 14 * 96
    for single in PAPER_TEST_SINGLES:
        cells = np.flatnonzero(screen.condition == single)
        assert set(cells[:96]) <= set(split.cells("single"))
        assert set(cells[96:]) <= set(split.train)
    assert split.test_conditions(screen, "single") == sorted(PAPER_TEST_SINGLES)
    assert split.test_conditions(screen, "double") == ["KLF1+SET", "OTHER+SET"]
    assert len(split.cells("double")) == 30
    assert len(split.train) == screen.n_cells - 14 * 96 - 30
    assert split.train_conditions(screen) == sorted([*PAPER_TEST_SINGLES, "OTHER"])


def test_the_twin_has_the_singles_of_the_papers_protocol():
    assert SPLIT_SINGLES == PAPER_TEST_SINGLES


def test_the_papers_protocol_on_a_smaller_screen():
    screen = made({"control": 20, "KLF1": 200, "SET": 41, "X": 30, "KLF1+X": 7})
    split = splits.paper(screen)
    held = screen.condition[split.cells("single")]
    assert (held == "KLF1").sum() == 96 and (held == "SET").sum() == 20
    assert split.test_conditions(screen, "single") == ["KLF1", "SET"]


def test_the_papers_protocol_on_the_twin(twin_small):
    screen, _ = twin_small
    split = splits.paper(screen)
    assert len(split.cells("single")) == 14 * 96
    assert split.test_conditions(screen, "double") == screen.doubles
    assert split.train_conditions(screen) == screen.singles


# --- the others --------------------------------------------------------------------------------


def test_doubles_with_both_singles(screen):
    split = splits.doubles_with_both_singles(screen)
    assert split.test_conditions(screen, "double") == sorted(p for p in PAIRS if "H" not in p)
    assert split.train_conditions(screen) == screen.singles


def test_doubles_with_both_singles_of_the_real_subset(real_data):
    from pvae_lib.sources import open_screen

    screen = open_screen("norman-subset")
    assert splits.doubles_with_both_singles(screen).test_conditions(screen, "double") == [
        "KLF1+MAP2K6", "KLF1+TGFBR2", "MAP2K3+MAP2K6", "MAP2K3+SLC38A2", "MAPK1+TGFBR2",
    ]  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("seen", [0, 1, 2])
def test_combo_seen_counts_the_genes_that_trained_as_singles(screen, seen, seed):
    split = splits.combo_seen(screen, seen, fraction=0.5, seed=seed)
    trained = set(split.train_conditions(screen))
    singles = {c for c in trained if c in screen.singles}
    hidden = {s for s in screen.singles if s not in singles}
    for double in split.test_conditions(screen, "double"):
        n = sum(gene in singles for gene in genes_of(double))
        assert n == seen or "H" in double  # H has no single, so it may be hidden or not
    for condition in trained:
        assert not hidden & set(genes_of(condition))
    if seen == 2:
        assert singles == set(screen.singles)


def test_held_out_doubles(screen):
    split = splits.held_out_doubles(screen, fraction=0.3, seed=1)
    scored = split.test_conditions(screen, "double")
    assert len(scored) == 3
    assert split.train_conditions(screen) == sorted({*screen.conditions} - {*scored})


@pytest.mark.parametrize("k", [2, 3, 10])
def test_k_fold_scores_each_double_once(screen, k):
    folds = splits.k_fold(screen, k, seed=2)
    scored = [c for fold in folds for c in fold.test_conditions(screen, "double")]
    assert len(folds) == k and sorted(scored) == screen.doubles
    for fold in folds:
        left = set(screen.conditions) - set(fold.test_conditions(screen, "double"))
        assert set(fold.train_conditions(screen)) == left


# --- files -------------------------------------------------------------------------------------


def test_there_and_back_through_a_file(screen, tmp_path):
    split = splits.held_out_doubles(screen)
    split.save(tmp_path / "split.json")
    back = Split.load(tmp_path / "split.json", screen)
    assert (back.name, back.fingerprint) == (split.name, split.fingerprint)
    np.testing.assert_array_equal(back.train, split.train)
    assert back.train.dtype == np.int64 and list(back.test) == ["double"]
    np.testing.assert_array_equal(back.cells("double"), split.cells("double"))
    assert [p.name for p in tmp_path.iterdir()] == ["split.json"]


def test_a_split_of_another_screen_is_refused(screen, tmp_path):
    path = tmp_path / "split.json"
    splits.held_out_doubles(screen).save(path)
    other = made({"control": 9, "A": 5, "B": 5, "A+B": 5}, seed=1)
    with pytest.raises(InputError, match="made for another screen.*Make the split again"):
        Split.load(path, other)


@pytest.mark.parametrize("content", ["", "{}", "[1, 2]", "not json", '{"name": "x"}'])
def test_what_is_no_split_is_refused(screen, tmp_path, content):
    path = tmp_path / "split.json"
    path.write_text(content)
    with pytest.raises(InputError, match="is no saved split"):
        Split.load(path, screen)
    with pytest.raises(InputError, match="No split at .*check the path"):
        Split.load(tmp_path / "nowhere.json", screen)


def test_a_saved_split_is_plain_json(screen, tmp_path):
    splits.held_out_doubles(screen).save(tmp_path / "split.json")
    record = json.loads((tmp_path / "split.json").read_text())
    assert set(record) == {"name", "train", "test", "fingerprint"}


# --- refusals ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda s: splits.make("papers", s), "No split 'papers'; did you mean 'paper'"),
        (lambda s: splits.combo_seen(s, 3), "seen = 0, 1 or 2, not 3"),
        (lambda s: splits.held_out_doubles(s, 1.5), "between 0 and 1, not 1.5"),
        (lambda s: splits.held_out_doubles(s, 0.0), "between 0 and 1"),
        (lambda s: splits.k_fold(s, 1), "between 2 and the 10 conditions of group 'double', not 1"),
        (
            lambda s: splits.k_fold(s, 11),
            "between 2 and the 10 conditions of group 'double', not 11",
        ),
        (lambda s: splits.held_out_doubles(s).cells("triple"), "No test group 'triple'"),
    ],
)
def test_wrong_options_are_refused(screen, make, message):
    with pytest.raises(InputError, match=message):
        make(screen)


def test_iid_singles_hold_out_a_fraction_of_every_single(screen):
    split = splits.iid_singles(screen, fraction=0.5, seed=1)
    test, train = split.cells("single"), split.train
    assert {c: (screen.condition[test] == c).sum() for c in screen.conditions} == {
        **dict.fromkeys(screen.singles, 4),
        **dict.fromkeys(screen.doubles, 0),
    }
    assert sorted([*test, *train]) == sorted(
        np.flatnonzero(~np.isin(screen.condition.astype(str), screen.doubles))
    )
    assert not np.array_equal(test, splits.iid_singles(screen, 0.5, seed=2).cells("single"))
    with pytest.raises(InputError, match="fraction must lie"):
        splits.iid_singles(screen, fraction=1.0)


def test_a_single_with_too_few_cells_to_score_trains_whole():
    screen = made({"control": 9, "A": 40, "B": 17, "C": 18})
    split = splits.make("iid-singles", screen, seed=3)
    assert split.test_conditions(screen, "single") == ["A", "C"]
    assert [(screen.condition[split.cells("single")] == c).sum() for c in "AC"] == [8, 4]
    assert set(screen.cells_of("B")) <= set(split.train)
    with pytest.raises(InputError, match="no test cells"):
        splits.iid_singles(screen, fraction=0.05)


def test_a_split_that_scores_nothing_is_refused():
    singles = made({"control": 9, "A": 50, "B": 50})
    for name in splits.MAKERS:
        if name != "iid-singles":  # made for such a screen
            with pytest.raises(InputError, match="no test cells.*choose another"):
                splits.make(name, singles)
    with pytest.raises(InputError, match="no test cells.*0 singles, 1 doubles.*choose another"):
        splits.make("iid-singles", made({"control": 9, "A+B": 50}))


def test_cross_fitting_scores_each_condition_of_a_split_once_on_the_same_cells(screen):
    split = splits.doubles_with_both_singles(screen)
    folds = splits.cross_fitted(screen, split, k=3, seed=1)
    scored = np.concatenate([fold.cells("double") for fold in folds])
    assert sorted(scored) == sorted(split.cells("double"))
    for fold in folds:
        others = np.setdiff1d(split.cells("double"), fold.cells("double"))
        assert np.array_equal(fold.train, np.union1d(split.train, others))


def test_cross_fitting_needs_as_many_conditions_as_folds(screen):
    with pytest.raises(InputError, match="between 2 and the 8 conditions of group 'double', not 9"):
        splits.cross_fitted(screen, splits.doubles_with_both_singles(screen), k=9)
