"""How long the audit takes: 112 conditions of 400 cells and 5,000 genes by default.

    python benchmarks/evaluate.py [--cells 800] [--conditions 112] [--genes 5000]

Counts are random (no biology: only the size matters). Half of a condition's cells are the
reference, so --cells 800 scores 400. The last line is one JSON object: `one_method_s` is one
sampled method with all that it shares (halves, distances within the real cells, DE genes);
`audit_s` is the whole table, in which seven references stand beside that method.
"""

import argparse
import itertools
import json
import os
import resource
import time
from collections.abc import Callable

import numpy as np
import scipy.sparse as sp

from pvae_lib import splits
from pvae_lib.evaluation.audit import audit
from pvae_lib.evaluation.case import Background, Case
from pvae_lib.evaluation.intervals import summarise
from pvae_lib.methods.cells import ScaledControlCounts
from pvae_lib.screen import CONTROL, Screen

SINGLES, CELLS_OF_SINGLE, CONTROLS = 16, 100, 2000


def make_screen(conditions: int, cells: int, genes: int, seed: int = 0) -> Screen:
    """Poisson counts with a mean per gene; about a tenth of the entries is not zero."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(0.3, 0.4, size=genes)
    names = [f"G{i:02d}" for i in range(SINGLES)]
    doubles = ["+".join(pair) for pair in itertools.combinations(names, 2)][:conditions]
    sizes = {CONTROL: CONTROLS} | dict.fromkeys(names, CELLS_OF_SINGLE)
    sizes |= dict.fromkeys(doubles, cells)
    blocks = [
        sp.csr_matrix(rng.poisson(rate, (n, genes)).astype(np.float32)) for n in sizes.values()
    ]
    labels = np.repeat(list(sizes), list(sizes.values()))
    return Screen.from_counts(
        sp.vstack(blocks, format="csr"), labels, [f"gene{i}" for i in range(genes)], name="random"
    )


def score_one_method(screen: Screen, split: splits.Split) -> None:
    """Score one method on every condition, without the references' rows."""
    method = ScaledControlCounts().fit(screen, split)
    controls = screen[np.flatnonzero(screen.is_control)]
    background = Background.of(controls, method.means_.perturbed)
    for condition in split.test_conditions(screen, "double"):
        cells = screen.cells_of(condition)
        case = Case.draw(screen, condition, cells, background, seed=0, max_cells=1000)
        case.score(case.ask("scaled control counts", method))


def whole_audit(screen: Screen, split: splits.Split) -> None:
    """From a method to the summarised table."""
    method = ScaledControlCounts().fit(screen, split)
    summarise(audit({"scaled control counts": method}, screen, split, seed=0))


def seconds(work: Callable[[Screen, splits.Split], None], *given: object) -> tuple[float, float]:
    """Wall-clock and processor seconds of a call; they differ where the machine is shared."""
    wall, cpu = time.perf_counter(), time.process_time()
    work(*given)
    return round(time.perf_counter() - wall, 2), round(time.process_time() - cpu, 2)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--conditions", type=int, default=112, help="scored doubles, at most 120")
    parser.add_argument("--cells", type=int, default=400, help="test cells a condition")
    parser.add_argument("--genes", type=int, default=5000)
    given = parser.parse_args()
    screen = make_screen(given.conditions, given.cells, given.genes)
    split = splits.doubles_with_both_singles(screen)
    screen.fingerprint  # noqa: B018 - hashed once and kept: not part of what is timed
    one_method, one_method_cpu = seconds(score_one_method, screen, split)
    whole, whole_cpu = seconds(whole_audit, screen, split)
    result = {
        "conditions": given.conditions,
        "cells": given.cells,
        "genes": given.genes,
        "threads": os.environ.get("OMP_NUM_THREADS", "default"),
        "one_method_s": one_method,
        "one_method_cpu_s": one_method_cpu,
        "audit_s": whole,
        "audit_cpu_s": whole_cpu,
        "peak_rss_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
