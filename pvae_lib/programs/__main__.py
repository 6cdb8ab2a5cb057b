"""`python -m pvae_lib.programs`: judge the graph on a screen and record the table.

python -m pvae_lib.programs --screen twin --seeds 0 1 2 3 4 --record causal_graph_twin
"""

import argparse
import platform
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import scipy
import sklearn
import torch

from pvae_lib import results, splits
from pvae_lib.exceptions import InputError
from pvae_lib.learning.seeds import check_seeds
from pvae_lib.programs import across, study
from pvae_lib.programs.enrichment import TOP_EDGES
from pvae_lib.programs.fits import SETTINGS, fitted
from pvae_lib.programs.graphs import THRESHOLD
from pvae_lib.programs.labels import N_PROGRAMS
from pvae_lib.screen import Screen
from pvae_lib.sources import open_screen, pseudobulk, twin

SPLIT = "doubles-with-both-singles"
# A CPU's budget, as on the leaderboard: a tenfold step in place of the paper's 84,400 steps.
EPOCHS, LEARNING_RATE = 100, 1e-3
NOTE = {
    "norman-subset": "3,375 real Norman cells × 500 genes: trained on the 18 singles with controls "
    "as partners; the doubles are not looked at. PVAE_DATA names the folder of real data.",
    "twin": "The generated twin, not Norman: trained on its singles with controls as partners; "
    "the doubles are not looked at.",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit status: 2 for what a user can mend."""
    options = _options(arguments)
    try:
        table = judge(
            options.screen, options.seeds, options.settings, options.out,
            epochs=options.epochs, learning_rate=options.learning_rate,
        )  # fmt: skip
        folder = results.RECORDED if options.record else options.out
        name = options.record or f"causal_graph_{options.screen.replace('-', '_')}"
        paths = results.record(name, table, _record(options), folder)
    except InputError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 2
    print(f"{len(table)} rows in {paths[0]}")
    return 0


def judge(
    name: str,
    seeds: Sequence[int],
    settings: Sequence[str],
    folder: str | Path,
    *,
    epochs: int = EPOCHS,
    learning_rate: float = LEARNING_RATE,
) -> pd.DataFrame:
    """Fit (or read) settings × seeds on a screen, and answer every question of this room.

    Fits are kept in `folder`; those that are there are read. Progress is printed.

    Raises
    ------
    InputError
        Unknown screen, setting or real data that is not at hand; seeds that are none.
    """
    check_seeds(seeds)
    screen = open_screen(name)
    split = splits.make(SPLIT, screen)
    question = study.Question.of(screen, split, _truth(screen))
    rows: list[tuple[str, int | None, study.Row]] = []
    for setting in settings:
        tables, found = [], []
        for seed in seeds:
            print(f"{name}: {setting}, seed {seed}: fitting or reading", flush=True)
            method = fitted(
                screen, split, setting, seed, folder, epochs=epochs, learning_rate=learning_rate
            )
            table, of_seed = study.one_seed(question, method)
            tables.append(table)
            found.append(of_seed)
        for seed, table, more in zip(seeds, tables, across.named_edges(found), strict=True):
            rows += [(setting, seed, row) for row in (*table, *more)]
        if len(seeds) > 1:
            print(f"{name}: {setting}: comparing {len(seeds)} seeds", flush=True)
            rows += [(setting, None, row) for row in across.over_seeds(tables, found)]
    bulk = pseudobulk.load() if name == "norman-subset" else None
    rows += [(method, None, row) for method, *row in across.measured_named(question, bulk)]
    rows += [("cells", None, row) for row in across.groups_in_the_cells(question)]
    return study.tidy(screen.name, rows)


def _truth(screen: Screen) -> pd.DataFrame | None:
    """True effects of the small twin, conditions × genes; it is made anew, in a second or two."""
    if screen.name != "twin":
        return None
    made, truth = twin.make_twin(twin.TwinConfig.small(), seed=0)
    if made.fingerprint != screen.fingerprint:
        raise InputError(f"{screen.name!r} is not the twin that open_screen makes: no truth of it.")
    return pd.DataFrame(truth.effects, index=truth.conditions, columns=made.genes)


def _record(options: argparse.Namespace) -> dict[str, object]:
    modules = {"torch": torch, "numpy": np, "scipy": scipy, "scikit-learn": sklearn, "pandas": pd}
    versions = {name: str(module.__version__) for name, module in modules.items()}
    seeds = " ".join(map(str, options.seeds))
    command = f"python -m pvae_lib.programs --screen {options.screen} --seeds {seeds}"
    if options.settings != list(SETTINGS):
        command += " --settings " + " ".join(f"'{s}'" for s in options.settings)
    if options.epochs != EPOCHS or options.learning_rate != LEARNING_RATE:
        command += f" --epochs {options.epochs} --learning-rate {options.learning_rate:g}"
    if options.record:
        command += f" --record {options.record}"
    return {
        "note": NOTE[options.screen],
        "command": command,
        "parameters": {
            "screen": options.screen,
            "split": SPLIT,
            "seeds": list(options.seeds),
            "settings": {name: dict(SETTINGS[name]) for name in options.settings},
            "epochs": options.epochs,
            "learning_rate": options.learning_rate,
            "threshold": THRESHOLD,
            "top_edges": TOP_EDGES,
            "n_programs": N_PROGRAMS,
        },
        "device": "cpu",
        "machine": f"{platform.system()} {platform.machine()}",
        "versions": {"python": platform.python_version(), **versions},
    }


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m pvae_lib.programs", description=__doc__)
    parser.add_argument("--screen", choices=sorted(NOTE), default="twin")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--settings", nargs="+", choices=list(SETTINGS), default=list(SETTINGS))
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--learning-rate", type=float, default=LEARNING_RATE)
    parser.add_argument("--out", default="runs/programs", help="folder of the fits")
    parser.add_argument("--record", help="a name in notebooks/results; without it, beside the fits")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
