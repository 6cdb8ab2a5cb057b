"""What a claim is, on which data it is tried, and what a verdict says."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import pandas as pd

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told here"
VERDICTS = (HOLDS, FAILS, OPEN)

# The data a claim can be tried on, in the order of the ledger's columns → what they are.
DATA: dict[str, str] = {
    "Norman, full screen": "real cells; needs the whole screen, not recorded here",
    "Norman, 500 genes": "real cells: 3,375 of Norman 2019, five doubles with both singles",
    "Norman, longer runs": "the same cells after the leaderboard's 11,200 steps",
    "Norman, pseudobulk": "real: means of 234 conditions × 2,000 genes, no cells",
    "Papalexi": "real cells: 20,729 of Papalexi 2021",
    "Replogle": "real cells; not recorded here",
    "paper's tables": "the numbers that the paper reports, typed in; no run of ours",
    "simulation": "simulated worlds with their truth",
    "twin": "generated cells, small: no statement about real ones",
    "reduced twin": "generated cells, 20,000 × 1,000 genes: no statement about real ones",
    "full twin": "generated cells of Norman's size: no statement about real ones",
}

Tables = Mapping[str, pd.DataFrame]


class NotAtHand(Exception):
    """What a rule needs is not in the table; the message names it."""


@dataclass(frozen=True)
class Verdict:
    """What recorded numbers say of a claim."""

    verdict: str
    """One of `VERDICTS`."""
    numbers: dict[str, float]
    """What the verdict was read from."""
    why: str
    """The reason in words, composed from the numbers."""


@dataclass(frozen=True)
class Trial:
    """One set of data on which a claim is tried."""

    data: str
    """A key of `DATA`."""
    records: tuple[str, ...]
    """Names of recorded tables (`pvae_lib.results.recorded`)."""
    rule: Callable[..., Verdict]
    """Tables in the order of `records` → verdict. Pure: reads nothing but them."""
    decides: bool = True
    """Whether it bears on the claim itself. A generated screen says nothing of real cells, so
    a twin never decides a claim about them."""

    def judge(self, tables: Tables) -> Verdict:
        """The verdict on these data; "cannot be told here" where a table or a row is missing."""
        missing = [name for name in self.records if name not in tables]
        if missing:
            return Verdict(OPEN, {}, f"no recorded table {', '.join(missing)}")
        try:
            return self.rule(*(tables[name] for name in self.records))
        except NotAtHand as lack:
            return Verdict(OPEN, {}, str(lack))


def agreed(verdicts: Iterable[str]) -> str:
    """What all that can tell say; `OPEN` where none can, or where they disagree."""
    said = set(verdicts) - {OPEN}
    return said.pop() if len(said) == 1 else OPEN


@dataclass(frozen=True)
class Claim:
    """A sentence of the paper, and how it is judged here."""

    id: str
    short: str
    """A few words, for figures and lists."""
    text: str
    """The claim in one sentence."""
    source: str
    """Table, figure, equation or section of the paper."""
    lesson: str
    """Stem of the notebook where it is tested."""
    section: str
    """Heading of the section there."""
    threshold: str
    """When it holds and when not, in words with the numbers."""
    trials: tuple[Trial, ...]

    @property
    def tables(self) -> tuple[str, ...]:
        """Names of all recorded tables that it reads."""
        return tuple(dict.fromkeys(name for trial in self.trials for name in trial.records))

    @property
    def where(self) -> str:
        """Lesson and section, for readers."""
        section = f", “{self.section}”" if self.section else ""
        return f"lesson {self.lesson[:2]}{section}"

    def on(self, data: str, tables: Tables) -> Verdict:
        """The verdict on one set of data."""
        (trial,) = (trial for trial in self.trials if trial.data == data)
        return trial.judge(tables)

    def judge(self, tables: Tables) -> Verdict:
        """The verdict on the claim: what the data that decide agree on.

        Where they disagree, or none of them can tell, it cannot be told here; the reason says what
        each set of data, generated ones too, has to say.
        """
        found = {trial: trial.judge(tables) for trial in self.trials}
        verdict = agreed(v.verdict for trial, v in found.items() if trial.decides)
        numbers = {
            f"{trial.data}: {name}": value
            for trial, v in found.items()
            for name, value in v.numbers.items()
        }
        parts = []
        for trial, v in found.items():
            aside = "" if trial.decides else " (decides nothing)"
            parts.append(f"{trial.data}{aside}: {v.verdict}; {v.why}.")
        return Verdict(verdict, numbers, " ".join(parts))
