"""The training loop: any module, any objective, any source of batches; stoppable and resumable.

    for step in range(total):  batch = gather(draw(step));  Adam on objective(module, batch)["loss"]

A step is a function of the weights, Adam's moments and the step's number, and of nothing else.
So a run that was killed and resumed ends, on the same CPU, with bitwise the weights of a run that
was left alone, whenever its checkpoints were written.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from pvae_lib import progress
from pvae_lib.exceptions import InputError, check_number, check_whole
from pvae_lib.learning import checkpoint as checkpoint_file
from pvae_lib.learning.capture import captured
from pvae_lib.learning.device import keep_freed_memory
from pvae_lib.learning.interrupt import deferred_interrupt

Objective = Callable[[nn.Module, dict], dict[str, Tensor]]
KEEP = ("last", "best")
# Weights of the epoch with the lowest loss are comparable only once annealing has ended.
BEST_FROM = 0.6


class Batches(Protocol):
    """What the loop asks of a source of batches; see `pvae_lib.learning.batches`."""

    steps_per_epoch: int
    device: torch.device

    def draw(self, step: int) -> dict[str, Tensor]:
        """Everything random about a step, as a function of its number."""

    def gather(self, draws: dict[str, Tensor]) -> dict:
        """What the objective reads, looked up without further randomness."""


@dataclass(frozen=True)
class TrainingSettings:
    """How long and how fast (paper, Table 7: Adam, learning rate 1e-4, 100 epochs).

    keep: the weights of the "last" epoch, or of the epoch with the "best" mean training loss
        among the last 40 % (there is no validation set).
    checkpoint_every, checkpoint_seconds: a checkpoint is written after so many steps (where
        given) or seconds, whichever comes first.
    """

    epochs: int = 100
    learning_rate: float = 1e-4
    keep: str = "last"
    checkpoint_every: int | None = None
    checkpoint_seconds: float = 60.0

    def __post_init__(self) -> None:
        check_whole(epochs=self.epochs)
        check_number(learning_rate=self.learning_rate)
        if self.learning_rate == 0:
            raise InputError("learning_rate=0 trains nothing: give a number above 0.")
        if self.checkpoint_every is not None:
            check_whole(checkpoint_every=self.checkpoint_every)
        check_number(finite=False, checkpoint_seconds=self.checkpoint_seconds)
        if self.keep not in KEEP:
            raise InputError(f"keep={self.keep!r} is unknown: choose one of {', '.join(KEEP)}.")


def train(
    module: nn.Module,
    objective: Objective,
    batches: Batches,
    settings: TrainingSettings,
    *,
    checkpoint: str | os.PathLike | None = None,
    identity: dict | None = None,
    name: str = "training",
) -> pd.DataFrame:
    """Train `module` in place, on the device of its batches.

    Parameters
    ----------
    objective
        Called on the module and a batch; returns named scalars, "loss" among them. It draws
        nothing and changes nothing. The batch is what `batches.gather` gives, and "progress", a
        scalar from 0 towards 1.
    checkpoint
        A file to resume from if it exists, and to write to. Ctrl-C writes it too.
    identity
        JSON-able: everything that makes this run this run (configuration, data). A checkpoint
        with another identity is refused.

    Returns
    -------
    One row a step: step, epoch, and every term of the objective.

    Raises
    ------
    InputError
        The loss is no longer finite; the checkpoint is damaged, belongs to another run, or
        cannot be written.
    """
    if batches.device.type == "cpu":
        keep_freed_memory()
    run = Run(module.to(batches.device), objective, batches, settings, identity or {})
    path = None if checkpoint is None else Path(checkpoint)
    if path is not None and path.exists():
        run.restore(path)
    module.train()
    with deferred_interrupt() as interrupted, progress.bar(total=run.total, desc=name) as bar:
        bar.update(run.step)
        run.prepare()
        saved = shown = time.monotonic()
        while run.step < run.total:
            run.advance()
            bar.update()
            now = time.monotonic()
            if now - shown > 1:
                bar.set_postfix_str(run.latest(), refresh=False)
                shown = now
            if path is None and not interrupted.is_set():
                continue
            due = settings.checkpoint_every and run.step % settings.checkpoint_every == 0
            if due or interrupted.is_set() or now - saved > settings.checkpoint_seconds:
                if path is not None:
                    run.save(path)
                    saved = now
                if interrupted.is_set():
                    raise KeyboardInterrupt
    if path is not None:
        run.save(path)
    run.finish()
    return run.history()


class Run:
    """A training run in memory: module, Adam, the log of its terms, and where it stands."""

    def __init__(
        self,
        module: nn.Module,
        objective: Objective,
        batches: Batches,
        settings: TrainingSettings,
        identity: dict,
    ) -> None:
        self.module, self.objective, self.batches = module, objective, batches
        self.settings, self.identity, self.device = settings, identity, batches.device
        self.total = settings.epochs * batches.steps_per_epoch
        self.step = 0
        self.progress = torch.arange(self.total, device=self.device) / self.total
        # "capturable" keeps Adam's step count on the device, where a CUDA graph can read it.
        self.adam = torch.optim.Adam(
            module.parameters(),
            settings.learning_rate,
            fused=True,
            capturable=self.device.type == "cuda",
        )
        # What Adam's first step would make, so that it can be restored.
        for p in module.parameters():
            self.adam.state[p] = {
                "step": torch.zeros((), device=self.device),
                "exp_avg": torch.zeros_like(p),
                "exp_avg_sq": torch.zeros_like(p),
            }
        with torch.no_grad():
            self.terms = list(objective(module, self._batch(self._draw(0))))
        self.log = torch.zeros(self.total, len(self.terms), device=self.device)
        self.best: dict[str, Tensor] = {}
        self.best_loss = float("inf")
        self._update = self._eager_update

    def prepare(self) -> None:
        """Record the step as a CUDA graph, where the device is one."""
        if self.device.type == "cuda" and self.step < self.total:
            moments = [t for s in self.adam.state.values() for t in s.values()]
            state = [*self.module.parameters(), *self.module.buffers(), *moments]
            self._update = captured(self._eager_update, self._draw(self.step), state)

    def advance(self) -> None:
        """One step of Adam."""
        self.log[self.step] = self._update(self._draw(self.step))
        self.step += 1
        if self.step % self.batches.steps_per_epoch == 0 and self.settings.keep == "best":
            self._compare_epoch()

    def latest(self) -> str:
        """The terms of the last step, for the progress bar."""
        self.check_finite()
        values = self.log[self.step - 1].tolist()
        return " ".join(f"{n}={v:.4g}" for n, v in zip(self.terms, values, strict=True))

    def check_finite(self) -> None:
        """Raise InputError if the last loss is not a number."""
        loss = self.log[self.step - 1, self.terms.index("loss")].item()
        if not np.isfinite(loss):
            raise InputError(
                f"The loss is {loss} after step {self.step}: training diverged. Lower the "
                f"learning rate ({self.settings.learning_rate}) or check the scale of the data."
            )

    def save(self, path: Path) -> None:
        """Write a checkpoint, whole or not at all."""
        self.check_finite()
        tensors = {f"module/{k}": v for k, v in self.module.state_dict().items()}
        tensors |= {f"best/{k}": v for k, v in self.best.items()}
        for (key, _), moments in zip(
            self.module.named_parameters(), self.adam.state.values(), strict=True
        ):
            tensors |= {f"{moment}/{key}": moments[moment] for moment in ("exp_avg", "exp_avg_sq")}
        tensors["log"] = self.log[: self.step]
        checkpoint_file.write(
            path,
            tensors,
            {
                "kind": "training",
                "step": self.step,
                "best_loss": self.best_loss,
                "identity": self.identity,
            },
        )

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint of the same run."""
        tensors, metadata = checkpoint_file.read(path)
        checkpoint_file.check_same(path, metadata.get("identity"), self.identity)
        if metadata.get("kind") != "training" or metadata["step"] > self.total:
            raise InputError(
                f"{path} is no checkpoint of this training run: choose another file, or delete it."
            )
        self.module.load_state_dict(_under("module/", tensors))
        self.best = {k: v.to(self.device) for k, v in _under("best/", tensors).items()}
        self.step, self.best_loss = metadata["step"], metadata["best_loss"]
        for (key, _), moments in zip(
            self.module.named_parameters(), self.adam.state.values(), strict=True
        ):
            moments["step"].fill_(self.step)
            for moment in ("exp_avg", "exp_avg_sq"):
                moments[moment].copy_(tensors[f"{moment}/{key}"])
        self.log[: self.step] = tensors["log"].to(self.device)

    def finish(self) -> None:
        """Put the weights to keep into the module."""
        self.check_finite()
        if self.best:
            self.module.load_state_dict(self.best)
        self.module.eval()

    def history(self) -> pd.DataFrame:
        """One row a step: step, epoch, and every term."""
        table = pd.DataFrame(self.log.cpu().numpy(), columns=self.terms)
        table.insert(0, "step", np.arange(self.total))
        table.insert(1, "epoch", table["step"] // self.batches.steps_per_epoch)
        return table

    def _draw(self, step: int) -> dict[str, Tensor]:
        return {**self.batches.draw(step), "progress": self.progress[step]}

    def _batch(self, draws: dict[str, Tensor]) -> dict:
        return {**self.batches.gather(draws), "progress": draws["progress"]}

    def _eager_update(self, draws: dict[str, Tensor]) -> Tensor:
        """Terms (n_terms,) before the update, and the update."""
        terms = self.objective(self.module, self._batch(draws))
        self.adam.zero_grad(set_to_none=True)
        terms["loss"].backward()
        self.adam.step()
        return torch.stack([value.detach() for value in terms.values()])

    def _compare_epoch(self) -> None:
        last = slice(self.step - self.batches.steps_per_epoch, self.step)
        loss = self.log[last, self.terms.index("loss")].mean().item()
        if self.step > BEST_FROM * self.total and loss < self.best_loss:
            self.best_loss = loss
            self.best = {k: v.clone() for k, v in self.module.state_dict().items()}


def _under(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
