"""How near a twin comes to the constants measured on Norman's real screen.

Every target was measured on real data, or follows from the paper's tables (V, the additive mean's
L2 and ΔPearson). The ranges are for the full-size twin, which `benchmarks/twin.py` makes and prints
beside them; two statistics are known to lie outside theirs (`MISSED`).
"""

import numpy as np
import pandas as pd
import scipy.sparse as sp
from sklearn.decomposition import PCA

from pvae_lib.screen import Screen
from pvae_lib.sources.twin.truth import TwinTruth

_MILLION = 1e6

# statistic: (target, low, high)
TARGETS = {
    "cells, single, median": (516, 460, 570),
    "cells, double, median": (300, 270, 330),
    "library, median": (13_523, 12_800, 14_300),
    "library, log sd": (0.41, 0.38, 0.45),
    "library, log sd within": (0.37, 0.35, 0.40),
    "library, log sd between": (0.19, 0.15, 0.23),
    "dispersion, mean 0.05-0.2": (0.48, 0.38, 0.60),
    "dispersion, mean 0.2-0.5": (0.50, 0.42, 0.60),
    "dispersion, mean 0.5-1": (0.43, 0.36, 0.52),
    "dispersion, mean 1-3": (0.23, 0.18, 0.32),
    "dispersion, mean > 3": (0.32, 0.26, 0.40),
    "squared norm of mean": (841, 800, 880),
    "V": (197, 187, 207),
    "delta2/V, single, 25 %": (0.008, 0.005, 0.012),
    "delta2/V, single, median": (0.02, 0.015, 0.03),
    "delta2/V, single, 75 %": (0.115, 0.08, 0.14),
    "delta2/V, double, mean": (0.155, 0.12, 0.19),
    "background share of V": (0.03, 0.015, 0.06),
    "cycle R2 of 10 components": (0.7, 0.5, 1.0),
    "additive L2": (2.54, 2.3, 2.8),
    "additive delta Pearson": (0.908, 0.87, 0.94),
    "lfc norm, single, 5 %": (8.7, 7, 11),
    "lfc norm, single, median": (15.3, 13, 18),
    "lfc norm, single, 95 %": (28.1, 22, 34),
    "lfc norm, double, 5 %": (13.4, 11, 16),
    "lfc norm, double, median": (22.7, 19, 26),
    "lfc norm, double, 95 %": (39.3, 32, 46),
    "responding share, single": (0.12, 0.09, 0.15),
    "responding share, double": (0.27, 0.22, 0.32),
    "singular value 1, share": (0.155, 0.12, 0.20),
    "singular value 2, share": (0.105, 0.07, 0.13),
    "singular values 1-10, share": (0.48, 0.42, 0.55),
    "cosine to others' mean": (0.36, 0.26, 0.46),
    "cosine of A and B, 5 %": (-0.24, -0.35, -0.05),
    "cosine of A and B, median": (0.19, 0.10, 0.28),
    "cosine of A and B, 95 %": (0.69, 0.5, 0.8),
    "own target lfc, 25 %": (2.1, 1.8, 2.4),
    "own target lfc, median": (2.75, 2.4, 3.1),
    "own target lfc, 75 %": (3.5, 3.1, 3.9),
    "Pearson of A+B and AB, 5 %": (0.40, 0.25, 0.5),
    "Pearson of A+B and AB, median": (0.694, 0.64, 0.75),
    "Pearson of A+B and AB, 95 %": (0.86, 0.8, 0.93),
    "larger slope of A and B": (0.76, 0.68, 0.84),
    "smaller slope of A and B": (0.49, 0.41, 0.57),
    "norm of AB over A+B": (0.93, 0.85, 1.01),
    "perturbed mean, Pearson": (0.426, 0.33, 0.52),
}

# Statistic: what the full twin reaches (seed 0). Both would need pairs whose weaker single is both
# clearer than its cells' noise and opposed to the other, while half of all singles move by no more
# than a fiftieth of V.
MISSED = {"smaller slope of A and B": 0.36, "cosine of A and B, 5 %": -0.03}


def calibration(screen: Screen, truth: TwinTruth) -> pd.DataFrame:
    """Each statistic of a twin beside its target.

    Returns
    -------
    One row a statistic: statistic, target, low, high, value, inside (bool). A value that a small
    twin has too few genes or conditions for is NaN. The ranges hold at full size.
    """
    values = {
        **_cells(screen),
        **_counts(screen),
        **_profiles(screen),
        **_background(screen, truth),
        **_pseudobulk(screen),
    }
    rows = [
        (statistic, *bounds, values.get(statistic, np.nan)) for statistic, bounds in TARGETS.items()
    ]
    table = pd.DataFrame(rows, columns=["statistic", "target", "low", "high", "value"])
    table["inside"] = table.value.between(table.low, table.high)
    return table


def condition_sums(matrix: sp.csr_matrix, condition: np.ndarray) -> pd.DataFrame:
    """Sums over each condition's cells: conditions × columns of `matrix`."""
    names, codes = np.unique(np.asarray(condition, dtype=str), return_inverse=True)
    member = sp.csr_matrix((np.ones(len(codes)), (codes, np.arange(len(codes)))))
    return pd.DataFrame(_dense(member @ matrix), index=names)


def _dense(sums: sp.spmatrix | np.ndarray) -> np.ndarray:
    return sums.toarray() if sp.issparse(sums) else np.asarray(sums)


def _cells(screen: Screen) -> dict[str, float]:
    numbers = pd.Series(screen.condition).value_counts()
    log_total = pd.Series(np.log(screen.total_counts))
    groups = log_total.groupby(np.asarray(screen.condition, dtype=str))
    return {
        "cells, single, median": numbers[screen.singles].median(),
        "cells, double, median": numbers[screen.doubles].median(),
        "library, median": np.median(screen.total_counts),
        "library, log sd": log_total.std(),
        "library, log sd within": np.sqrt(groups.var().mean()),
        "library, log sd between": groups.mean().std(),
    }


def _counts(screen: Screen) -> dict[str, float]:
    """Dispersion among controls by moments, library size divided out."""
    size = screen.total_counts[screen.is_control] / screen.target_total
    scaled = sp.diags(1 / size) @ screen.counts[screen.is_control]
    mean = np.asarray(scaled.mean(axis=0)).ravel()
    variance = np.asarray(scaled.multiply(scaled).mean(axis=0)).ravel() - mean**2
    with np.errstate(divide="ignore", invalid="ignore"):
        dispersion = (variance - mean * np.mean(1 / size)) / mean**2
    bins = {"0.05-0.2": (0.05, 0.2), "0.2-0.5": (0.2, 0.5), "0.5-1": (0.5, 1), "1-3": (1, 3)}
    bins["> 3"] = (3, np.inf)
    return {
        f"dispersion, mean {label}": np.median(dispersion[(mean > low) & (mean <= high)])
        for label, (low, high) in bins.items()
        if ((mean > low) & (mean <= high)).any()
    }


def _profiles(screen: Screen) -> dict[str, float]:
    """Statistics of log1p means; squared norms of differences are corrected for count noise."""
    numbers = pd.Series(np.asarray(screen.condition, dtype=str)).value_counts()
    mean = condition_sums(screen.expression, screen.condition)
    mean = mean.div(numbers[mean.index], axis=0)
    squares = condition_sums(screen.expression.power(2).sum(axis=1), screen.condition)[0]
    n = numbers[mean.index]
    within = (squares / n - (mean**2).sum(axis=1)) * n / (n - 1)
    delta = mean - mean.loc["control"]
    noise = within / n + within["control"] / n["control"]
    ratio = ((delta**2).sum(axis=1) - noise) / within
    doubles = _with_both_singles(screen)
    errors, pearsons = [], []
    for double in doubles:
        first, second = double.split("+")
        predicted = delta.loc[first] + delta.loc[second]
        errors.append(np.linalg.norm(predicted - delta.loc[double]))
        pearsons.append(np.corrcoef(predicted, delta.loc[double])[0, 1])
    low, middle, high = np.quantile(ratio[screen.singles], [0.25, 0.5, 0.75])
    return {
        "squared norm of mean": (mean.loc[screen.doubles] ** 2).sum(axis=1).mean(),
        "V": within[screen.doubles].mean(),
        "delta2/V, single, 25 %": low,
        "delta2/V, single, median": middle,
        "delta2/V, single, 75 %": high,
        "delta2/V, double, mean": ratio[screen.doubles].mean(),
        "additive L2": np.mean(errors),
        "additive delta Pearson": np.mean(pearsons),
    }


def _background(screen: Screen, truth: TwinTruth) -> dict[str, float]:
    """Correlated variance among controls: components above those of genes shuffled over cells."""
    cells = np.flatnonzero(screen.is_control)[:3_000]
    total = np.asarray(screen.expression[cells].power(2).sum(axis=0)).ravel()
    genes = np.argsort(-total)[:1_000]
    x = screen.dense(cells)
    variance = x.var(axis=0).sum()
    x = x[:, genes]
    k = min(10, min(x.shape) - 1)
    fitted = PCA(k, svd_solver="randomized", random_state=0).fit(x)
    rng = np.random.default_rng(0)
    shuffled = PCA(k, svd_solver="randomized", random_state=0).fit(rng.permuted(x, axis=0))
    excess = fitted.explained_variance_.sum() - shuffled.explained_variance_.sum()
    scores = np.column_stack([np.ones(len(cells)), fitted.transform(x)])
    phase = truth.cycle_phase[cells]
    circle = np.column_stack([np.cos(phase), np.sin(phase)])
    circle -= circle.mean(axis=0)
    left = circle - scores @ np.linalg.lstsq(scores, circle, rcond=None)[0]
    return {
        "background share of V": excess / variance,
        "cycle R2 of 10 components": 1 - (left**2).sum() / (circle**2).sum(),
    }


def _pseudobulk(screen: Screen) -> dict[str, float]:
    """Statistics of log2(1 + counts per million) against control on the 2,000 genes of largest
    spread over singles, as in the measured table."""
    sums = condition_sums(screen.counts, screen.condition)
    totals = condition_sums(sp.csr_matrix(screen.total_counts[:, None]), screen.condition)[0]
    level = np.log2(1 + sums.div(totals, axis=0) * _MILLION)
    lfc = level - level.loc["control"]
    singles, doubles = lfc.loc[screen.singles], lfc.loc[screen.doubles]
    own = [
        singles.loc[gene].iloc[np.flatnonzero(np.asarray(screen.genes) == gene)[0]]
        for gene in screen.singles
    ]
    genes = np.argsort(-singles.std().to_numpy())[:2_000]
    singles, doubles = singles.iloc[:, genes], doubles.iloc[:, genes]
    single_norm = np.linalg.norm(singles, axis=1)
    double_norm = np.linalg.norm(doubles, axis=1)
    spectrum = np.linalg.svd(singles - singles.mean(), compute_uv=False) ** 2
    spectrum /= spectrum.sum()
    others = (singles.to_numpy().sum(axis=0) - singles.to_numpy()) / (len(singles) - 1)
    to_mean = (singles * others).sum(axis=1) / (single_norm * np.linalg.norm(others, axis=1))
    pairs = np.array(
        [
            _pair(*(lfc.loc[x].to_numpy()[genes] for x in (*double.split("+"), double)))
            for double in _with_both_singles(screen)
        ]
    )
    shared = singles.mean()
    values = {
        "responding share, single": np.median((singles.abs() > 0.5).mean(axis=1)),
        "responding share, double": np.median((doubles.abs() > 0.5).mean(axis=1)),
        "singular value 1, share": spectrum[0],
        "singular value 2, share": spectrum[1],
        "singular values 1-10, share": spectrum[:10].sum(),
        "cosine to others' mean": np.median(to_mean),
        "larger slope of A and B": np.median(pairs[:, 1]),
        "smaller slope of A and B": np.median(pairs[:, 2]),
        "norm of AB over A+B": np.median(pairs[:, 3]),
        "perturbed mean, Pearson": np.median(
            [np.corrcoef(shared, x)[0, 1] for x in doubles.values]
        ),
    }
    spread = {
        "lfc norm, single": single_norm,
        "lfc norm, double": double_norm,
        "cosine of A and B": pairs[:, 4],
        "Pearson of A+B and AB": pairs[:, 0],
    }
    for name, numbers in spread.items():
        for label, q in (("5 %", 0.05), ("median", 0.5), ("95 %", 0.95)):
            values[f"{name}, {label}"] = np.quantile(numbers, q)
    for label, q in (("25 %", 0.25), ("median", 0.5), ("75 %", 0.75)):
        values[f"own target lfc, {label}"] = np.quantile(own, q)
    return values


def _with_both_singles(screen: Screen) -> list[str]:
    return [d for d in screen.doubles if set(d.split("+")) <= set(screen.singles)]


def _pair(a: np.ndarray, b: np.ndarray, both: np.ndarray) -> tuple[float, ...]:
    """Pearson of a + b with both, larger and smaller slope, ratio of norms, cosine."""
    smaller, larger = np.sort(np.linalg.lstsq(np.column_stack([a, b]), both, rcond=None)[0])
    return (
        np.corrcoef(a + b, both)[0, 1],
        larger,
        smaller,
        np.linalg.norm(both) / np.linalg.norm(a + b),
        a @ b / (np.linalg.norm(a) * np.linalg.norm(b)),
    )
