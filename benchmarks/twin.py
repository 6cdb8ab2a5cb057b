"""Time and memory of generating the full-size twin, and how near it comes to its targets.

    python benchmarks/twin.py [--seed 0]

Prints the calibration table of `pvae_lib.sources.twin`; the last line is one JSON object.
"""

import argparse
import json
import resource
import sys
import time

from pvae_lib.sources.twin import TwinConfig, make_twin
from pvae_lib.sources.twin.calibration import calibration


def resident_gb() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    start = time.perf_counter()
    screen, truth = make_twin(TwinConfig.full(), seed=parser.parse_args().seed)
    seconds, peak = time.perf_counter() - start, resident_gb()
    table = calibration(screen, truth)
    print(table.round(3).to_string(index=False))
    summary = {
        "cells": screen.n_cells,
        "genes": screen.n_genes,
        "seconds": round(seconds, 1),
        "peak_rss_gb": round(peak, 2),
        "statistics": len(table),
        "inside": int(table["inside"].sum()),
        "outside": table.loc[~table["inside"], "statistic"].tolist(),
    }
    print(json.dumps(summary))


if __name__ == "__main__":
    main()
