"""Which cells train, and which conditions are held out."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.model_selection import KFold

from pvae_lib.exceptions import InputError, nearest
from pvae_lib.files import write_atomically
from pvae_lib.screen import Screen
from pvae_lib.screen.labels import genes_of

# Singles of which the paper's protocol holds out cells; the list and the 96 cells (file order) are
# those of the code base it follows, uhlerlab/discrepancy_vae.
PAPER_TEST_SINGLES = (
    "KLF1", "BAK1", "CEBPE", "UBASH3B", "ETS2", "OSR2", "SLC4A1",
    "SET", "ELMSAN1", "MAP2K6", "FOXF1", "C19orf26", "FOXA1", "UBASH3A",
)  # fmt: skip
PAPER_TEST_CELLS = 96
FEWEST_TEST_CELLS = 4  # two in each of the audit's halves


@dataclass(frozen=True, eq=False)
class Split:
    """Cells to fit on and cells to score, for one screen.

    Attributes
    ----------
    train
        Indices of the cells to fit on: controls and training perturbations.
    test
        Indices of the cells to score by group: "single" (seen condition, unseen cells) and
        "double" (unseen condition).
    fingerprint
        Of the screen the split was made for.
    """

    name: str
    train: np.ndarray
    test: dict[str, np.ndarray]
    fingerprint: str

    def check(self, screen: Screen) -> None:
        """Refuse a screen that the split was not made for.

        Raises
        ------
        InputError
            The fingerprints differ.
        """
        if self.fingerprint != screen.fingerprint:
            raise InputError(
                f"Split {self.name!r} was made for another screen than {screen.name!r} "
                f"(fingerprint {self.fingerprint[:8]}…, not {screen.fingerprint[:8]}…). "
                "Make the split again for this screen."
            )

    def cells(self, group: str) -> np.ndarray:
        """Indices of a group's test cells.

        Raises
        ------
        InputError
            No such group; the groups at hand are listed.
        """
        if group not in self.test:
            raise InputError(f"No test group {group!r}; {nearest(group, self.test)}")
        return self.test[group]

    def test_conditions(self, screen: Screen, group: str) -> list[str]:
        """Conditions of a test group, sorted."""
        return sorted(set(screen.condition[self.cells(group)]))

    def train_conditions(self, screen: Screen) -> list[str]:
        """Perturbations that training sees, sorted; the control is not among them."""
        return sorted(set(screen.condition[self.train]) & set(screen.conditions))

    def save(self, path: str | os.PathLike) -> None:
        """Write the split as JSON, whole or not at all."""
        record = asdict(self)
        record["train"] = self.train.tolist()
        record["test"] = {group: cells.tolist() for group, cells in self.test.items()}
        with write_atomically(path) as partial_path:
            partial_path.write_text(json.dumps(record), encoding="utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike, screen: Screen) -> "Split":
        """Read a split and check that it belongs to `screen`.

        Raises
        ------
        InputError
            No such file, not a split, or made for another screen.
        """
        path = Path(path)
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            split = cls(
                name=record["name"],
                train=np.array(record["train"], dtype=np.int64),
                test={g: np.array(c, dtype=np.int64) for g, c in record["test"].items()},
                fingerprint=record["fingerprint"],
            )
        except OSError as error:
            raise InputError(f"No split at {path} ({error.strerror}); check the path.") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{path} is no saved split; make it with Split.save.") from error
        split.check(screen)
        return split


def paper(screen: Screen) -> Split:
    """The paper's protocol: all doubles out, and the first 96 cells of 14 singles.

    Which singles and that file order counts are inferred from the code base the paper follows. A
    listed single that the screen lacks is skipped; one with 96 cells or fewer gives half of them,
    which happens on small generated screens only.
    """
    held_out = []
    for single in PAPER_TEST_SINGLES:
        if single in screen.singles:
            cells = screen.cells_of(single)
            enough = len(cells) > PAPER_TEST_CELLS
            held_out.append(cells[: PAPER_TEST_CELLS if enough else len(cells) // 2])
    singles = np.sort(np.concatenate(held_out)) if held_out else np.array([], dtype=np.int64)
    doubles = _cells_in(screen, screen.doubles)
    train = np.setdiff1d(_cells_in(screen, screen.singles, controls=True), singles)
    return _split(screen, "paper", train, {"single": singles, "double": doubles})


def doubles_with_both_singles(screen: Screen) -> Split:
    """Train on controls and all singles; score the doubles whose two singles are at hand.

    Doubles with a gene that has no single train nothing and are not scored: the protocol for a
    screen that holds only some of the singles.
    """
    scored = [d for d in screen.doubles if _singles_seen(screen, d) == 2]
    train = _cells_in(screen, screen.singles, controls=True)
    return _split(screen, "doubles-with-both-singles", train, {"double": _cells_in(screen, scored)})


def iid_singles(screen: Screen, fraction: float = 0.2, seed: int = 0) -> Split:
    """Hold out a fraction of the cells of every single: seen conditions, unseen cells.

    The fraction behind the paper's Table 10 is not known to us. A single of which fewer than
    `FEWEST_TEST_CELLS` would be held out trains whole. The reference "additive" is here the mean of
    the single's own training cells: the oracle mean, from more cells than the audit's floor.
    """
    _check_fraction(fraction)
    rng = np.random.default_rng(seed)
    drawn = [rng.permutation(screen.cells_of(single)) for single in screen.singles]
    held_out = [cells[: round(fraction * len(cells))] for cells in drawn]
    scored = [cells for cells in held_out if len(cells) >= FEWEST_TEST_CELLS]
    test = np.sort(np.concatenate([np.array([], dtype=np.int64), *scored]))
    train = np.setdiff1d(_cells_in(screen, screen.singles, controls=True), test)
    return _split(screen, "iid-singles", train, {"single": test})


def combo_seen(screen: Screen, seen: int, fraction: float = 0.25, seed: int = 0) -> Split:
    """Hold out doubles of which `seen` (0, 1 or 2) genes were trained on as singles.

    seen = 2 holds out a `fraction` of the doubles and trains on every single. For 0 and 1 a
    `fraction` of the perturbed genes is hidden: their singles do not train, and the doubles with
    exactly `seen` visible genes are scored; of the other doubles, those with a hidden gene are left
    out and the rest train. (The combo-seen-0/1/2 splits of GEARS.)

    Raises
    ------
    InputError
        `seen` is not 0, 1 or 2, `fraction` is not between 0 and 1, or no double is left to score.
    """
    if seen not in (0, 1, 2):
        raise InputError(f"combo_seen takes seen = 0, 1 or 2, not {seen!r}.")
    if seen == 2:
        complete = [d for d in screen.doubles if _singles_seen(screen, d) == 2]
        scored, training = _draw(complete, fraction, seed)
        hidden: set[str] = set()
    else:
        hidden = set(_draw(list(screen.targets), fraction, seed)[0])
        seen_alone = set(screen.singles) - hidden
        visible = {d: len(set(genes_of(d)) & seen_alone) for d in screen.doubles}
        scored = [d for d, n in visible.items() if n == seen]
        training = [d for d, n in visible.items() if n == 2]
    singles = [s for s in screen.singles if s not in hidden]
    train = _cells_in(screen, singles + training, controls=True)
    return _split(screen, f"combo-seen-{seen}", train, {"double": _cells_in(screen, scored)})


def held_out_doubles(screen: Screen, fraction: float = 0.5, seed: int = 0) -> Split:
    """Hold out a fraction of the doubles; the others train beside controls and singles.

    Raises
    ------
    InputError
        `fraction` is not between 0 and 1, or no double is left to score.
    """
    scored, training = _draw(screen.doubles, fraction, seed)
    train = _cells_in(screen, screen.singles + training, controls=True)
    return _split(screen, "held-out-doubles", train, {"double": _cells_in(screen, scored)})


def k_fold(screen: Screen, k: int = 5, seed: int = 0) -> list[Split]:
    """k splits that score each double exactly once; all singles and the other doubles train.

    Raises
    ------
    InputError
        k is less than 2 or more than there are doubles.
    """
    singles = _cells_in(screen, screen.singles, controls=True)
    doubles = {"double": _cells_in(screen, screen.doubles)}
    return cross_fitted(screen, _split(screen, "all-doubles", singles, doubles), k=k, seed=seed)


def cross_fitted(
    screen: Screen, split: Split, group: str = "double", k: int = 5, seed: int = 0
) -> list[Split]:
    """k splits that score each condition of a split's test group once and train on the others too.

    For methods that learn from doubles, beside methods that see none, on the same scored cells.

    Raises
    ------
    InputError
        The split is of another screen, or k is less than 2 or more than the group's conditions.
    """
    split.check(screen)
    scored = np.array(split.test_conditions(screen, group), dtype=object)
    if not 2 <= k <= len(scored):
        raise InputError(
            f"k must lie between 2 and the {len(scored)} conditions of group {group!r}, not {k}."
        )
    cells = split.cells(group)
    folds = []
    for i, (_, test) in enumerate(KFold(k, shuffle=True, random_state=seed).split(scored)):
        held_out = np.isin(screen.condition[cells].astype(str), list(scored[test]))
        train = np.union1d(split.train, cells[~held_out])
        name = f"{split.name}-fold-{i + 1}-of-{k}"
        folds.append(_split(screen, name, train, {group: cells[held_out]}))
    return folds


MAKERS: dict[str, Callable[..., Split]] = {
    "paper": lambda screen, seed: paper(screen),
    "doubles-with-both-singles": lambda screen, seed: doubles_with_both_singles(screen),
    **{f"combo-seen-{seen}": partial(combo_seen, seen=seen) for seen in (0, 1, 2)},
    "held-out-doubles": held_out_doubles,
    "iid-singles": iid_singles,
}


def make(name: str, screen: Screen, seed: int = 0) -> Split:
    """The split of that name, with its default fraction.

    Raises
    ------
    InputError
        Unknown name, or no condition is left to score.
    """
    if name not in MAKERS:
        raise InputError(f"No split {name!r}; {nearest(name, MAKERS)}")
    return MAKERS[name](screen, seed=seed)


def _split(screen: Screen, name: str, train: np.ndarray, test: dict[str, np.ndarray]) -> Split:
    if not sum(map(len, test.values())):
        raise InputError(
            f"Split {name!r} leaves no test cells in screen {screen.name!r} "
            f"({len(screen.singles)} singles, {len(screen.doubles)} doubles); "
            "choose another split, fraction or seed."
        )
    return Split(name, train, test, screen.fingerprint)


def _cells_in(screen: Screen, conditions: list[str], controls: bool = False) -> np.ndarray:
    """Indices of all cells of these conditions, and of the controls where asked, in file order."""
    wanted = np.isin(screen.condition.astype(str), conditions)
    return np.flatnonzero(wanted | screen.is_control if controls else wanted)


def _singles_seen(screen: Screen, double: str) -> int:
    return sum(gene in screen.singles for gene in genes_of(double))


def _draw(names: list[str], fraction: float, seed: int) -> tuple[list[str], list[str]]:
    """A random `fraction` of the names (at least one), and the rest; both sorted."""
    _check_fraction(fraction)
    order = np.random.default_rng(seed).permutation(sorted(names))
    n = max(1, round(fraction * len(order)))
    return sorted(order[:n]), sorted(order[n:])


def _check_fraction(fraction: float) -> None:
    if not 0 < fraction < 1:
        raise InputError(f"fraction must lie between 0 and 1, not {fraction!r}.")
