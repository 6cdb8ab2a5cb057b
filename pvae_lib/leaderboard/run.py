"""Fit and score rows × seeds on one screen; what is finished is not run again."""

import copy
import hashlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
import pandas as pd

from pvae_lib import progress, results
from pvae_lib.evaluation.audit import audit
from pvae_lib.evaluation.metrics import COLUMNS
from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.leaderboard.registry import Row
from pvae_lib.learning.seeds import check_seeds, one_thread
from pvae_lib.methods.base import Method
from pvae_lib.screen import Screen
from pvae_lib.splits import Split, cross_fitted

# The label under which what a fit cost stands in the column `condition`.
TRAINING = "training"
FOLDS = 5  # where a row learns from doubles: each is predicted from four fifths of the others
COSTS = ("minutes", "cpu_minutes", "parameters")


def run_leaderboard(
    rows: Mapping[str, Row],
    screen: Screen,
    split: Split,
    seeds: Sequence[int],
    folder: str | os.PathLike,
    *,
    epochs: int,
    group: str = "double",
    processes: int | None = None,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """One audited table of all rows and seeds, and one of what they cost.

    Every row × seed is a part of its own: fitted on one thread, scored with the references, and
    written to `folder` under a name that holds its screen, split and settings. A part that is
    there is read, not run again; a killed run goes on, inside a fit too where the method keeps
    checkpoints. The code is not part of the name: after a change to it, choose another folder.

    Parameters
    ----------
    rows
        Name → row, from `pvae_lib.leaderboard.registry.chosen`.
    seeds
        Of training, and of the halves and draws of the audit.
    epochs
        Passes over the training cells for every network (times its row's share).
    group
        The test group to score.
    processes
        How many parts at once; by default one a CPU core.

    Returns
    -------
    table
        Tidy and summarised, as `pvae_lib.results.gather` returns it.
    costs
        Tidy, condition "training": minutes (wall clock), cpu_minutes and parameters of each part.
        Minutes of a fit that was resumed are NaN: its earlier start is not counted.

    Raises
    ------
    InputError
        No rows or seeds, and what a method or the audit refuses; finished parts are kept.
    """
    if not rows:
        raise InputError("Nothing to run: give at least one method.")
    check_seeds(seeds)
    check_whole(epochs=epochs)
    split.check(screen)
    parts = [
        _Part(name, row, row.make(int(seed), epochs), int(seed), group)
        for name, row in rows.items()
        for seed in seeds
    ]
    paths = [Path(folder) / part.file_name(screen, split) for part in parts]
    missing = [(part, path) for part, path in zip(parts, paths, strict=True) if not path.exists()]
    processes = min(processes or joblib.cpu_count(), max(1, len(missing)))
    pool = joblib.Parallel(processes, backend="loky", return_as="generator")
    jobs = pool(
        joblib.delayed(part.run)(screen, split, path, processes > 1) for part, path in missing
    )
    for _ in progress.bar(jobs, total=len(missing), desc="leaderboard", unit="fit"):
        pass  # each part is on disk as soon as it is done
    table = results.gather(paths)
    costs = pd.concat([results.read(_costs_beside(path)) for path in paths], ignore_index=True)
    return table, costs


@dataclass(frozen=True, eq=False)
class _Part:
    """One method with one seed: unfitted, and sent to a process of its own."""

    name: str
    row: Row
    method: Method
    seed: int
    group: str

    def file_name(self, screen: Screen, split: Split) -> str:
        """Readable, and another one for another screen, split, group or setting."""
        identity = {
            "method": type(self.method).__name__,
            "parameters": self.method.get_params(),
            "screen": screen.fingerprint,
            "split": split.name,
            "training cells": _digest(split.train),
            "group": self.group,
            "scored cells": _digest(split.cells(self.group)),
            "cross-fitted": self.row.sees_doubles,
        }
        if self.row.also:
            identity["also"] = dict(self.row.also)
        text = json.dumps(identity, sort_keys=True, default=str)
        digest = _digest(text.encode())
        readable = re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")
        return f"{readable}-seed{self.seed}-{digest}.csv"

    def run(self, screen: Screen, split: Split, path: Path, in_worker: bool) -> None:
        """Fit, score, write; the table last, because its presence says that the part is done."""
        checkpoint = path.with_suffix(".safetensors")
        resumed = checkpoint.exists()
        if "checkpoint" in self.method.get_params() and not self.row.sees_doubles:
            self.method.set_params(checkpoint=str(checkpoint))
        try:
            with one_thread(), progress.without_bars() if in_worker else nullcontext():
                tables, found = zip(*self._fits(screen, split), strict=True)
        except InputError as error:
            raise InputError(
                f"{self.name}, seed {self.seed}: {error} Or leave {self.name!r} out of the rows."
            ) from error
        minutes, cpu_minutes, parameters = map(np.array, zip(*found, strict=True))
        spent = (np.nan, np.nan) if resumed else (minutes.sum(), cpu_minutes.sum())
        costs = dict(zip(COSTS, (*spent, parameters.max()), strict=True))
        rows = [(screen.name, self.name, TRAINING, c, self.seed, v) for c, v in costs.items()]
        results.write(pd.DataFrame(rows, columns=list(COLUMNS)), _costs_beside(path))
        results.write(pd.concat(tables, ignore_index=True), path)
        checkpoint.unlink(missing_ok=True)

    def _fits(self, screen: Screen, split: Split) -> Iterator[tuple[pd.DataFrame, tuple]]:
        """The audit and the costs of each fit: one, or one a fold."""
        folded = self.row.sees_doubles
        k = min(FOLDS, len(split.test_conditions(screen, self.group)))
        folds = cross_fitted(screen, split, self.group, k, self.seed) if folded else [split]
        for fold in folds:
            start, cpu = time.perf_counter(), time.process_time()
            self.method.fit(screen, fold)
            costs = (time.perf_counter() - start) / 60, (time.process_time() - cpu) / 60
            methods = {self.name: self.method} | {
                name: copy.copy(self.method).set_params(**settings)
                for name, settings in self.row.also.items()
            }
            table = audit(methods, screen, fold, group=self.group, seed=self.seed)
            if folded:
                # A rank among a fold's few conditions is no rank among all; the references of the
                # whole split come with the other rows.
                table = table[table["method"] == self.name].copy()
                table.loc[table["metric"] == "discrimination", "value"] = np.nan
            yield table, (*costs, self.method.count_parameters())


def _digest(data: bytes | np.ndarray) -> str:
    return hashlib.blake2b(bytes(data), digest_size=5).hexdigest()


def _costs_beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}.costs{path.suffix}")
