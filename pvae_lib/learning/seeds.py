"""Several seeds of one method in one call, each with numbers of its own.

Every seed is fitted with the same fixed number of threads, whether it runs here or in a process of
its own, so its numbers do not depend on which other seeds run beside it. Two one-thread processes
finish two seeds sooner than one two-thread process does.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import joblib
import torch
from sklearn.base import clone
from threadpoolctl import threadpool_limits

from pvae_lib import progress
from pvae_lib.exceptions import InputError, check_whole


def fit_seeds(
    method: Any,
    screen: Any,
    split: Any,
    seeds: Sequence[int],
    *,
    processes: int | None = None,
) -> list[Any]:
    """Copies of `method`, one fitted for each seed, in the order of the seeds.

    Safe from a notebook and from a script without a main guard: workers are started afresh
    (loky) and large arrays are shared with them, not copied. A method with a checkpoint gets one
    file a seed, "name-seed3.safetensors".

    Parameters
    ----------
    method
        Any estimator with `seed` among its parameters.
    processes
        How many at once; by default one a CPU core, and one where training uses another device.
        1 stays in this process, which shows the training's own progress bar.

    Raises
    ------
    InputError
        No seeds, a seed twice, or a seed or number of processes that is no whole number; and what
        `fit` refuses.
    """
    check_seeds(seeds)
    methods = [_with_seed(method, seed) for seed in seeds]
    if processes is None:
        on_cpu = getattr(method, "device", "cpu") == "cpu"
        processes = min(len(methods), joblib.cpu_count()) if on_cpu else 1
    check_whole(processes=processes)
    if processes == 1:
        return [_fit(each, screen, split) for each in methods]
    pool = joblib.Parallel(processes, backend="loky", return_as="generator")
    fitted = pool(joblib.delayed(_fit_quietly)(each, screen, split) for each in methods)
    return list(progress.bar(fitted, total=len(methods), desc="seeds", unit="seed"))


def check_seeds(seeds: Sequence[int]) -> None:
    """Raise InputError for no seeds, a seed given twice, or one that is no whole number from 0."""
    if len(seeds) == 0:
        raise InputError("seeds is empty: give at least one, as in seeds=[0].")
    for seed in seeds:
        check_whole(at_least=0, seed=seed)
    twice = sorted({int(seed) for seed in seeds if list(seeds).count(seed) > 1})
    if twice:
        raise InputError(f"Seed {twice[0]} is given twice: it would give the same fit twice.")


def _with_seed(method: Any, seed: int) -> Any:
    copy = clone(method).set_params(seed=int(seed))
    if getattr(copy, "checkpoint", None) is not None:
        path = Path(copy.checkpoint)
        copy.set_params(checkpoint=str(path.with_name(f"{path.stem}-seed{seed}{path.suffix}")))
    return copy


def _fit(method: Any, screen: Any, split: Any) -> Any:
    with one_thread():
        return method.fit(screen, split)


def _fit_quietly(method: Any, screen: Any, split: Any) -> Any:
    """In a worker."""
    with progress.without_bars():
        return _fit(method, screen, split)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread inside, of torch and of the BLAS, whatever there were: sums come out the same."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(before)
