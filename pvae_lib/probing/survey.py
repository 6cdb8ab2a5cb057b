"""Many representations, one table: fit, embed (means and samples), probe each target."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import joblib
import numpy as np
import pandas as pd
import torch
from sklearn.decomposition import PCA

from pvae_lib import progress
from pvae_lib.exceptions import InputError
from pvae_lib.probing.base import Representation
from pvae_lib.probing.probes import check_target, probe
from pvae_lib.probing.representations import make
from pvae_lib.screen import Screen
from pvae_lib.sources.twin import TwinConfig, make_twin


@dataclass(frozen=True)
class Case:
    """One row of a survey: a representation of the registry, and how it is probed.

    Attributes
    ----------
    name, trained, settings
        What `pvae_lib.probing.representations.make` takes.
    width
        Wider vectors are first reduced to this many principal components, so that representations
        of different widths can be compared; their name then ends in " → PCA-width".
    label
        The name in tables; by default made from name and width.
    """

    name: str
    trained: bool = True
    width: int | None = None
    label: str | None = None
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The name in tables, without the words for untrained and samples."""
        return self.label or self.name + (f" → PCA-{self.width}" if self.width else "")


def survey(
    screen: Screen,
    cases: Sequence[Case],
    targets: Mapping[str, np.ndarray] | None = None,
    *,
    learn: np.ndarray | None = None,
    score: np.ndarray | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    folds: int = 5,
    weighted: bool = True,
    workers: int = 1,
) -> pd.DataFrame:
    """Probe every case on every target; one seed drives training, draws and folds alike.

    Means are probed always, samples wherever a representation has them.

    Parameters
    ----------
    targets
        Name → (n_cells, …), as `probe` takes; by default the condition of each cell.
    learn, score
        Indices of the cells that the representations learn from and of those that are probed; by
        default all. Most representations see no labels, so learning from the probed cells is what
        a user of an embedding does too; for one trained with labels keep the two apart.
    workers
        Processes; each uses one thread.

    Returns
    -------
    The table of probes (`pvae_lib.probing.tables.COLUMNS`).

    Raises
    ------
    InputError
        No cases, two of one title, and what `make`, `fit` and `probe` refuse.
    """
    targets = {"condition": screen.condition} if targets is None else targets
    titles = [(case.title, case.trained) for case in cases]
    if not titles or len(set(titles)) < len(titles):
        raise InputError("A survey needs cases, each of another title: give label=… to tell two.")
    for target in targets.values():  # before any training
        check_target(target, screen.n_cells)
    everything = np.arange(screen.n_cells)
    learn, score = (everything if cells is None else np.asarray(cells) for cells in (learn, score))
    jobs = [
        joblib.delayed(_one)(screen, case, targets, learn, score, seed, folds, weighted)
        for seed in seeds
        for case in cases
    ]
    pieces = joblib.Parallel(workers, backend="loky", return_as="generator")(jobs)
    bar = progress.bar(pieces, total=len(jobs), desc="probes", unit="probe")
    return pd.concat(bar, ignore_index=True)


def sweep(
    strengths: Sequence[float],
    cases: Sequence[Case],
    *,
    twin: Mapping[str, object] | None = None,
    seeds: Sequence[int] = (0, 1, 2),
    **options: object,
) -> pd.DataFrame:
    """The survey on twins whose background is multiplied by each strength, the signal kept.

    Parameters
    ----------
    strengths
        Of the background programs relative to the calibrated twin (`TwinConfig.background`); 0 is
        a twin without them. Cell cycle and library size stay.
    twin
        Further settings of `TwinConfig.small`. Each seed makes another twin.
    options
        What `survey` takes: folds, weighted, workers.

    Returns
    -------
    The table of probes; the column screen holds `sweep_name(strength)`.
    """
    tables = []
    for strength in strengths:
        config = TwinConfig.small(**(twin or {}), background=strength, name=sweep_name(strength))
        for seed in seeds:
            tables.append(survey(make_twin(config, seed)[0], cases, seeds=[seed], **options))
    return pd.concat(tables, ignore_index=True)


def sweep_name(strength: float) -> str:
    """What a twin of the sweep is called in tables."""
    return f"twin, background × {strength:g}"


def _one(
    screen: Screen,
    case: Case,
    targets: Mapping[str, np.ndarray],
    learn: np.ndarray,
    score: np.ndarray,
    seed: int,
    folds: int,
    weighted: bool,
) -> pd.DataFrame:
    torch.set_num_threads(1)
    made = make(case.name, seed=seed, trained=case.trained, **case.settings).fit(screen, learn)
    tables = []
    for kind, features in embeddings(made, screen[score], seed).items():
        features = narrowed(features, case.width)
        for target_name, target in targets.items():
            tables.append(
                probe(
                    features, np.asarray(target)[score], seeds=(seed,), folds=folds,
                    weighted=weighted, representation=case.title, trained=case.trained, kind=kind,
                    target_name=target_name, screen=screen.name,
                )
            )  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def embeddings(made: Representation, screen: Screen, seed: int) -> dict[str, np.ndarray]:
    """Means and, where there are any, samples of a fitted representation."""
    kinds = ("means", "samples") if made.has_samples else ("means",)
    return {kind: made.embed(screen, kind, seed) for kind in kinds}


def narrowed(features: np.ndarray, width: int | None) -> np.ndarray:
    """The first `width` principal components of wider features; others as they are."""
    if width is None or features.shape[1] <= width:
        return features
    return PCA(width, svd_solver="covariance_eigh").fit_transform(features.astype(np.float64))
