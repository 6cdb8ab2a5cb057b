"""Linear probes: what a linear model can read from a representation, on cells it has not seen.

A probe of a category is a multinomial logistic regression, a probe of a number a ridge regression,
both of scikit-learn, on standardised features, with the penalty tuned inside each training fold.
How well it does says how *accessible* the target is, not how much information is there.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import r2_score, recall_score
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from pvae_lib.exceptions import InputError, check_whole
from pvae_lib.learning.seeds import one_thread
from pvae_lib.probing.tables import ALL, COLUMNS

# Penalties per training cell, strongest first: scikit-learn's C is 1 / (penalty × cells).
PENALTIES = (1.0, 0.1, 0.01, 0.001)
RIDGE_PENALTIES = tuple(10.0**k for k in range(-1, 6))
INNER_FOLDS = 2
FEWEST_FOLDS = 3  # so that a class with one cell a fold leaves one for each inner fold
MAX_ITER = 500
TOLERANCE = 1e-3


def probe(
    features: np.ndarray,
    target: Sequence,
    *,
    seeds: Sequence[int] = (0, 1, 2),
    folds: int = 5,
    weighted: bool = True,
    representation: str = "mine",
    trained: bool = True,
    kind: str = "means",
    target_name: str = "condition",
    screen: str = "mine",
) -> pd.DataFrame:
    """What a linear model reads of `target` from `features`, fold by fold.

    Parameters
    ----------
    features
        (n_cells, d) numbers: an embedding, such as `adata.obsm["X_mine"]`.
    target
        (n_cells,) or, for numbers, (n_cells, k). Floats are numbers and are predicted by ridge
        regression; all else (text, categories, whole numbers, truth values) are classes.
    seeds, folds
        Each seed cuts the cells into `folds` parts anew, stratified by class.
    weighted
        Whether each class counts the same in training, as it does in balanced accuracy.
    representation, trained, kind, target_name, screen
        What to write in the table's columns of that name.

    Returns
    -------
    One row a metric, class, fold and seed (columns: `pvae_lib.probing.tables.COLUMNS`). Of classes:
    "balanced_accuracy" (mean recall), "null" (the same after training on permuted labels),
    "chance" (1 / classes) and, for each class, "recall", the share of its cells that are called by
    its name. Of numbers: "r2" (mean over columns; 0 is the mean's, below 0 worse) and "null".

    Raises
    ------
    InputError
        NaN or infinite values, no matrix, another number of rows than of targets, a missing label,
        a single class, a class with fewer cells than folds, a constant number.
    """
    x = check_features(features)
    y = check_target(target, len(x))
    check_whole(at_least=FEWEST_FOLDS, folds=folds)
    seeds = list(seeds)
    if not seeds:
        raise InputError("No seeds were given: seeds=(0,) is one split into folds.")
    check_whole(at_least=0, **{f"seeds[{i}]": seed for i, seed in enumerate(seeds)})
    check = _check_classes if is_categorical(y) else _check_numbers
    check(y, folds)
    one_seed = _classify if is_categorical(y) else _regress
    # The matrices are small: more threads only wait for each other, and on a busy machine for long.
    with one_thread():
        rows = [
            (screen, representation, trained, kind, target_name, metric, seed, fold, label, value)
            for seed in seeds
            for metric, fold, label, value in one_seed(x, y, seed, folds, weighted)
        ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def is_categorical(target: np.ndarray) -> bool:
    """Whether a checked target is of classes."""
    return target.dtype.kind != "f"


def check_features(features: np.ndarray) -> np.ndarray:
    """(n_cells, d) float32.

    Raises
    ------
    InputError
        No matrix of numbers, no columns, NaN or infinite values.
    """
    try:
        x = np.asarray(features, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"The features are no matrix of numbers ({error}); a sparse one becomes one by "
            ".toarray()."
        ) from error
    if x.ndim != 2 or x.shape[1] == 0:
        raise InputError(
            f"The features have shape {x.shape}; give (cells, dimensions), as adata.obsm holds it."
        )
    bad = ~np.isfinite(x).all(axis=1)
    if bad.any():
        raise InputError(
            f"The features of {int(bad.sum())} cells hold NaN or infinite values (the first is row "
            f"{int(np.flatnonzero(bad)[0])}); drop those cells from features and target, or embed "
            "them again."
        )
    return x


def check_target(target: Sequence, n_cells: int) -> np.ndarray:
    """(n_cells,) text for classes; (n_cells, k) float64 for numbers.

    Raises
    ------
    InputError
        Another number of rows, a missing label, NaN or infinite numbers.
    """
    values = np.asarray(target)
    rows = len(values) if values.ndim else 1
    if values.ndim == 0 or rows != n_cells:
        raise InputError(
            f"There are {n_cells} rows of features, but {rows} targets: both need one a cell, in "
            "the same order."
        )
    if values.dtype.kind == "f":
        numbers = values.astype(np.float64).reshape(n_cells, -1)
        if not np.isfinite(numbers).all():
            bad = int((~np.isfinite(numbers).all(axis=1)).sum())
            raise InputError(f"The target of {bad} cells is NaN or infinite; drop those cells.")
        return numbers
    if values.ndim != 1:
        raise InputError(f"Classes have shape {values.shape}; give one label a cell.")
    missing = int(pd.isna(values).sum())
    if missing:
        raise InputError(f"{missing} cells have no label (empty or NaN); drop those cells.")
    return values.astype(str)


def _check_classes(y: np.ndarray, folds: int) -> None:
    names, sizes = np.unique(y, return_counts=True)
    if len(names) < 2:
        raise InputError(f"The target has one class only ({names[0]}); a probe needs two or more.")
    small = [f"{n} ({s})" for n, s in zip(names, sizes, strict=True) if s < folds]
    if small:
        raise InputError(
            f"{len(small)} classes have fewer cells than the {folds} folds: "
            f"{', '.join(small[:5])}. Drop those cells, or give a smaller folds=…"
        )


def _check_numbers(y: np.ndarray, folds: int) -> None:
    if len(y) < 2 * folds:
        raise InputError(f"{len(y)} cells are too few for {folds} folds; give a smaller folds=…")
    if (np.ptp(y, axis=0) == 0).any():
        raise InputError("The target is the same number in every cell: there is nothing to read.")


def _classify(
    x: np.ndarray, y: np.ndarray, seed: int, folds: int, weighted: bool
) -> Iterator[tuple[str, int, str, float]]:
    """(metric, fold, class, value) of one seed."""
    names, codes = np.unique(y, return_inverse=True)
    rng = np.random.default_rng(seed)
    weight = "balanced" if weighted else None
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for fold, (train, test) in enumerate(splitter.split(x, codes)):
        penalty = _tune(x[train], codes[train], seed, weight)
        recalls = _recalls(x, codes, train, test, penalty, weight)
        permuted = codes.copy()
        permuted[train] = rng.permutation(codes[train])
        yield "balanced_accuracy", fold, ALL, float(recalls.mean())
        yield "null", fold, ALL, float(_recalls(x, permuted, train, test, penalty, weight).mean())
        yield "chance", fold, ALL, 1 / len(names)
        for name, recall in zip(names, recalls, strict=True):
            yield "recall", fold, str(name), float(recall)


def _tune(x: np.ndarray, codes: np.ndarray, seed: int, weight: str | None) -> float:
    """The penalty with the highest balanced accuracy inside a training fold."""
    splitter = StratifiedKFold(INNER_FOLDS, shuffle=True, random_state=seed)
    scores = np.zeros(len(PENALTIES))
    for train, test in splitter.split(x, codes):
        scaler = StandardScaler().fit(x[train])
        inside, outside = scaler.transform(x[train]), scaler.transform(x[test])
        # From the strongest penalty to the weakest, each fit starts where the last one ended.
        model = _logistic(PENALTIES[0], len(train), weight, warm_start=True)
        for k, penalty in enumerate(PENALTIES):
            model.set_params(C=1 / (penalty * len(train))).fit(inside, codes[train])
            scores[k] += _mean_recall(codes[test], model.predict(outside))
    return PENALTIES[int(scores.argmax())]


def _recalls(
    x: np.ndarray,
    codes: np.ndarray,
    train: np.ndarray,
    test: np.ndarray,
    penalty: float,
    weight: str | None,
) -> np.ndarray:
    """(classes,) share of each class's test cells that are called by its name."""
    model = make_pipeline(StandardScaler(), _logistic(penalty, len(train), weight))
    called = model.fit(x[train], codes[train]).predict(x[test])
    return recall_score(codes[test], called, average=None, labels=np.unique(codes))


def _logistic(penalty: float, n: int, weight: str | None, **options: bool) -> LogisticRegression:
    return LogisticRegression(
        C=1 / (penalty * n), class_weight=weight, tol=TOLERANCE, max_iter=MAX_ITER, **options
    )


def _mean_recall(true: np.ndarray, called: np.ndarray) -> float:
    return float(recall_score(true, called, average="macro", zero_division=0))


def _regress(
    x: np.ndarray, y: np.ndarray, seed: int, folds: int, weighted: bool
) -> Iterator[tuple[str, int, str, float]]:
    """(metric, fold, class, value) of one seed."""
    rng = np.random.default_rng(seed)
    splitter = KFold(folds, shuffle=True, random_state=seed)
    for fold, (train, test) in enumerate(splitter.split(x)):
        for metric, inside in (("r2", y[train]), ("null", rng.permutation(y[train]))):
            model = make_pipeline(StandardScaler(), RidgeCV(RIDGE_PENALTIES))
            called = model.fit(x[train], inside).predict(x[test]).reshape(len(test), -1)
            yield metric, fold, ALL, float(r2_score(y[test], called))
