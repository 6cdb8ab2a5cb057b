"""From settings and seeds to one tidy table, resumable.

The table is the house's (`pvae_lib.results`): screen is the world's name, method the setting's or
the null's, condition "test". A seed draws the world *and* initialises and orders the training.
"""

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import joblib
import pandas as pd

from pvae_lib import progress, results
from pvae_lib.identifiability.fits import Setting, fit
from pvae_lib.identifiability.scores import null_scores, score
from pvae_lib.identifiability.simulation import make_world
from pvae_lib.learning.seeds import one_thread


def run_one(setting: Setting, seed: int) -> pd.DataFrame:
    """Tidy rows of one setting and seed."""
    world = make_world(setting.world, seed)
    scores = score(world, fit(world, setting, seed), setting, seed)
    return _rows(setting.world_name, setting.name, seed, scores)


def run_nulls(setting: Setting, seed: int) -> pd.DataFrame:
    """Tidy rows of every null in the world of a setting."""
    found = null_scores(make_world(setting.world, seed), setting, seed)
    return pd.concat([_rows(setting.world_name, name, seed, s) for name, s in found.items()])


def _rows(world_name: str, method: str, seed: int, scores: dict[str, float]) -> pd.DataFrame:
    rows = [(world_name, method, "test", metric, seed, value) for metric, value in scores.items()]
    return pd.DataFrame(rows, columns=list(results.COLUMNS))


def run(
    settings: Sequence[Setting],
    seeds: Sequence[int],
    *,
    with_nulls: Sequence[Setting] = (),
    folder: str | os.PathLike | None = None,
    workers: int = 1,
) -> pd.DataFrame:
    """The table of all settings and seeds, and of the nulls in the worlds of `with_nulls`.

    Parameters
    ----------
    folder
        Every finished piece is kept there as a CSV and not computed again: a stopped run resumes.
    workers
        Processes; each uses one thread, and the numbers do not depend on how many there are.
    """
    jobs = [(run_one, s, seed) for seed in seeds for s in settings]
    jobs += [(run_nulls, s, seed) for seed in seeds for s in with_nulls]
    pool = joblib.Parallel(workers, backend="loky", return_as="generator")
    pieces = pool(joblib.delayed(_kept)(*job, folder) for job in jobs)
    bar = progress.bar(pieces, total=len(jobs), desc="fits", unit="fit")
    return pd.concat(bar, ignore_index=True)


def _kept(
    make: Callable[[Setting, int], pd.DataFrame],
    setting: Setting,
    seed: int,
    folder: str | os.PathLike | None,
) -> pd.DataFrame:
    """One piece of the table, made with one thread, whatever runs beside it, or found on disk."""
    path = None
    if folder is not None:
        what = json.dumps([make.__name__, asdict(setting), seed], sort_keys=True)
        path = Path(folder) / f"{hashlib.blake2b(what.encode(), digest_size=8).hexdigest()}.csv"
        if path.exists():
            return results.read(path)
    with one_thread(), progress.without_bars():  # but for the table's
        table = make(setting, seed)
    if path is not None:
        results.write(table, path)
    return table
