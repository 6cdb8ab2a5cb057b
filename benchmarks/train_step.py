"""Milliseconds a training step, against a plain loop, scvi-tools, and the hardware's own floor.

    python benchmarks/train_step.py [--device cpu] [--threads 2] [--rounds 10] [--steps 20]

Every contender runs in a process of its own (an allocator setting holds for a whole process) and
they take turns, so that a noisy machine is noisy for all of them; medians over rounds are printed.
The last line is one JSON object.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time

import numpy as np
import scipy.sparse as sp

GENES, TARGETS, BATCH, HIDDEN, D_NU, D_IOTA = 5_000, 105, 64, 256, 20, 85
CELLS, CONTROLS, DENSITY = 12_000, 1_000, 0.11
NORMAN_CELLS = 105_528


def make_cells(n: int) -> sp.csr_matrix:
    """Sparse cells (n, GENES) float32 in [0, 3), the same number of non-zeros in each."""
    rng = np.random.default_rng(0)
    per_cell = int(GENES * DENSITY)
    stride = GENES // per_cell
    grid = np.arange(per_cell, dtype=np.int32) * stride
    indices = np.empty((n, per_cell), np.int32)
    data = np.empty((n, per_cell), np.float32)
    for start in range(0, n, 4096):
        block = indices[start : start + 4096]
        block[:] = grid + rng.integers(0, stride, block.shape, dtype=np.int32)
        data[start : start + 4096] = 3 * rng.random(block.shape, dtype=np.float32)
    indptr = np.arange(n + 1, dtype=np.int32) * per_cell
    return sp.csr_matrix((data.ravel(), indices.ravel(), indptr), shape=(n, GENES))


def make_u(n: int) -> np.ndarray:
    return np.eye(TARGETS, dtype=np.float32)[np.random.default_rng(1).integers(0, TARGETS, n)]


def make_model():
    import torch

    from pvae_lib.model import PerturbedVAE, PerturbedVAEConfig

    torch.manual_seed(0)
    config = PerturbedVAEConfig(GENES, TARGETS, d_nu=D_NU, d_iota=D_IOTA, hidden=HIDDEN)
    return PerturbedVAE(config)


# --- the contenders: each yields a function that takes a number of steps and returns ms a step ----


def clock() -> float:
    """Seconds: of the wall, or of this process's own work where CLOCK=cpu."""
    return time.process_time() if os.environ.get("CLOCK") == "cpu" else time.perf_counter()


def timed(step, synchronise):
    def run(steps: int) -> float:
        synchronise()
        start = clock()
        for _ in range(steps):
            step()
        synchronise()
        return 1e3 * (clock() - start) / steps

    return run


def synchroniser(device: str):
    import torch

    return torch.cuda.synchronize if device == "cuda" else lambda: None


def ours(device: str, cells: int = CELLS):
    from pvae_lib.learning import PairedBatches, TrainingSettings
    from pvae_lib.learning.device import keep_freed_memory
    from pvae_lib.learning.loop import Run
    from pvae_lib.model import Objective, ObjectiveConfig

    keep_freed_memory()
    batches = PairedBatches(
        make_cells(cells),
        make_u(cells),
        np.arange(CONTROLS, cells),
        np.arange(CONTROLS),
        batch_size=BATCH,
        seed=0,
        noise={"noise_nu": D_NU, "noise_iota": D_IOTA},
        device=device,
    )
    model = make_model().to(device)
    run = Run(model, Objective(ObjectiveConfig()), batches, TrainingSettings(epochs=1000), {})
    run.prepare()
    return timed(run.advance, synchroniser(device))


def plain(device: str):
    """The same model and mathematics as most would write the loop."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from pvae_lib.model import Objective, ObjectiveConfig

    model = make_model().to(device)
    x, u = torch.from_numpy(make_cells(CELLS).toarray()), torch.from_numpy(make_u(CELLS))
    controls = x[:CONTROLS]
    loader = DataLoader(
        TensorDataset(x[CONTROLS:], u[CONTROLS:]), BATCH, shuffle=True, drop_last=True
    )
    adam = torch.optim.Adam(model.parameters(), lr=1e-4)
    objective = Objective(ObjectiveConfig())

    def endless():
        while True:
            yield from loader

    source = endless()

    def step() -> None:
        x, u = (part.to(device) for part in next(source))
        x_control = controls[torch.randint(CONTROLS, (BATCH,))].to(device)
        batch = {
            "x": x,
            "cells": torch.cat([x, x_control]),
            "u": u,
            "noise_nu": torch.randn(BATCH, D_NU, device=device),
            "noise_iota": torch.randn(BATCH, D_IOTA, device=device),
            "progress": torch.tensor(0.5, device=device),
        }
        adam.zero_grad()
        objective(model, batch)["loss"].backward()
        adam.step()

    return timed(step, synchroniser(device))


def floor(device: str):
    """The model's dense matrix products, forward and backward, and fused Adam: nothing else."""
    import torch

    from pvae_lib.learning.device import keep_freed_memory

    keep_freed_memory()
    model = make_model().to(device)
    for p in model.parameters():
        p.grad = torch.ones_like(p)
    adam = torch.optim.Adam(model.parameters(), lr=1e-4, fused=True)
    mechanisms = model.scm.of_u[2].out_features
    products = [  # rows, inputs, outputs, whether the inputs need a gradient
        (2 * BATCH, GENES, HIDDEN, False),
        (2 * BATCH, HIDDEN, 2 * D_IOTA, True),
        (BATCH, HIDDEN + TARGETS, 2 * D_NU, True),
        (BATCH, TARGETS, HIDDEN, False),
        (BATCH, HIDDEN, mechanisms, True),
        (BATCH, D_NU + D_IOTA, HIDDEN, True),
        (BATCH, HIDDEN, GENES, True),
    ]

    def new(*shape: int) -> torch.Tensor:
        return torch.randn(shape, device=device)

    layers = [
        (new(n, i), new(o, i), new(n, o), new(n, o), new(o, i), new(n, i) if needed else None)
        for n, i, o, needed in products
    ]

    def step() -> None:
        for a, weight, gradient, forward, weight_gradient, input_gradient in layers:
            torch.mm(a, weight.T, out=forward)
            torch.mm(gradient.T, a, out=weight_gradient)
            if input_gradient is not None:
                torch.mm(gradient, weight, out=input_gradient)
        adam.step()

    return timed(step, synchroniser(device))


def scvi(device: str):
    """scvi-tools' SCVI (negative binomial) at the same hidden sizes, through its own trainer."""
    import logging
    import warnings

    import anndata
    import lightning
    import scvi as package

    warnings.filterwarnings("ignore")
    for name in ("lightning.pytorch", "scvi"):
        logging.getLogger(name).setLevel(logging.ERROR)
    counts = make_cells(CELLS)
    counts.data = np.ceil(counts.data)
    adata = anndata.AnnData(counts)
    package.model.SCVI.setup_anndata(adata)
    model = package.model.SCVI(
        adata, n_hidden=HIDDEN, n_latent=D_NU + D_IOTA, n_layers=1, gene_likelihood="nb"
    )
    synchronise = synchroniser(device)

    class Stopwatch(lightning.pytorch.Callback):
        """Times whole steps, the loading of the batch included, after the first few."""

        def on_train_batch_end(self, *_) -> None:
            synchronise()
            self.ends.append(clock())

    stopwatch = Stopwatch()

    def run(steps: int) -> float:
        stopwatch.ends = []
        model.train(
            max_steps=steps + 3,
            max_epochs=1,
            batch_size=BATCH,
            train_size=1.0,
            accelerator="gpu" if device == "cuda" else "cpu",
            devices=1,
            callbacks=[stopwatch],
            enable_progress_bar=False,
            logger=False,
        )
        return 1e3 * float(np.mean(np.diff(stopwatch.ends[2:])))

    return run


def peak_memory(device: str):
    """Peak resident memory above imports, GB, of training on CSR data of Norman2019's size.

    A second array of values stands for the raw counts, which a screen keeps beside expression.
    """
    import torch  # noqa: F401

    import pvae_lib.learning
    import pvae_lib.model  # noqa: F401

    def resident_gb() -> float:
        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9

    before = resident_gb()
    counts = np.ones(NORMAN_CELLS * int(GENES * DENSITY), np.float32)
    step = ours(device, NORMAN_CELLS)

    def run(steps: int) -> float:
        step(steps)
        assert counts[-1] == 1
        return resident_gb() - before

    return run


CONTENDERS = {"ours": ours, "plain": plain, "scvi": scvi, "floor": floor, "peak": peak_memory}


def worker(name: str, device: str, threads: int) -> None:
    """Answer every number of steps on stdin with a figure on stdout."""
    import torch

    torch.set_num_threads(threads)
    run = CONTENDERS[name](device)
    for line in sys.stdin:
        print(run(int(line)), flush=True)


class Contender:
    """A worker process, asked for one figure at a time; None for ever once it has failed."""

    def __init__(self, name: str, options: argparse.Namespace) -> None:
        command = [sys.executable, __file__, "--worker", name, "--device", options.device]
        command += ["--threads", str(options.threads)]
        quiet = None if options.verbose else subprocess.DEVNULL
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(options.threads),
            "CLOCK": options.clock,
        }
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=quiet,
            text=True,
            env=environment,
        )
        self.figures: list[float] = []

    def ask(self, steps: int) -> float | None:
        try:
            self.process.stdin.write(f"{steps}\n")
            self.process.stdin.flush()
            return float(self.process.stdout.readline())
        except (BrokenPipeError, ValueError):
            return None

    def stop(self) -> None:
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass
        self.process.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cpu", choices=["cpu", "cuda"])
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--steps", type=int, default=20, help="steps a turn")
    parser.add_argument(
        "--clock",
        default="wall",
        choices=["wall", "cpu"],
        help="cpu: time of a process's own work, for one thread on a machine that does other work",
    )
    parser.add_argument("--verbose", action="store_true", help="show the workers' errors")
    parser.add_argument("--worker", choices=list(CONTENDERS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        worker(options.worker, options.device, options.threads)
        return

    timed_ones = {name: Contender(name, options) for name in ("ours", "plain", "scvi", "floor")}
    for contender in timed_ones.values():
        contender.ask(5)  # loads, compiles, warms up
    for _ in range(options.rounds):
        for contender in timed_ones.values():
            figure = contender.ask(options.steps)
            if figure is not None:
                contender.figures.append(figure)
    result: dict[str, float | None] = {}
    for name, contender in timed_ones.items():
        contender.stop()
        found = contender.figures
        result[f"{name}_ms"] = round(statistics.median(found), 3) if found else None
        if not found and name != "scvi":  # the one optional package
            sys.exit(f"{name} did not run: see why with --verbose")
    memory = Contender("peak", argparse.Namespace(**{**vars(options), "device": "cpu"}))
    peak = memory.ask(options.steps)
    memory.stop()
    result["peak_rss_gb"] = None if peak is None else round(peak, 2)

    print(f"{GENES} genes, batch {BATCH}, {options.threads} threads, {options.device}, ms a step:")
    for name, contender in timed_ones.items():
        found = contender.figures
        spread = f"{min(found):.2f} to {max(found):.2f}" if found else "scvi-tools not installed"
        print(f"  {name:6} {result[f'{name}_ms']}  ({spread})")
    print(f"  ours is {result['plain_ms'] / result['ours_ms']:.2f} times as fast as plain,")
    print(
        f"  and reaches {100 * result['floor_ms'] / result['ours_ms']:.0f} % of the floor's speed"
    )
    print(json.dumps(result))


if __name__ == "__main__":
    main()
