"""Plausible wrong answers: what is wrong → (the answer's cell, its source, what it loses)."""

WRONG = {
    "two standard errors are two standard deviations of a normal": (
        "told",
        """
from scipy.stats import norm


def told(n, k=2.0):
    return 2 * norm.sf(k)
""",
        {"told_tests": 1},
    ),
    "one tail in place of two": (
        "told",
        """
def told(n, k=2.0):
    return stats.t.sf(k, n - 1)
""",
        {"told_tests": 1},
    ),
    "every claim at the level of the whole ledger": (
        "multiplier",
        "multiplier = float(stats.t.isf(level / 2, n_seeds - 1))",
        {"multiplier_tests": 1},
    ),
    "a neighbour's number": (
        "multiplier",
        """
neighbour = np.random.default_rng(student + 1)
claims_n, seeds_n = int(neighbour.integers(8, 40)), int(neighbour.integers(3, 7))
each = 1 - (1 - neighbour.uniform(0.03, 0.1)) ** (1 / claims_n)
multiplier = float(stats.t.isf(each / 2, seeds_n - 1))
""",
        {"multiplier_tests": 1},
    ),
    "every double in every seed is a case of its own": (
        "verdict",
        """
def verdict(gain, margin=0.0):
    gain = gain[np.isfinite(gain).all(axis=1)]
    if min(gain.shape) < 2:
        return "cannot be told"
    half = stats.t.ppf(0.975, gain.size - 1) * gain.std(ddof=1) / np.sqrt(gain.size)
    if abs(gain.mean() - margin) < half:
        return "cannot be told"
    return "holds" if gain.mean() > margin else "does not hold"
""",
        {"errors_tests": 2},
    ),
    "seeds averaged away": (
        "verdict",
        """
def verdict(gain, margin=0.0):
    gain = gain[np.isfinite(gain).all(axis=1)]
    if min(gain.shape) < 2:
        return "cannot be told"
    gain = gain.mean(axis=1)
    half = stats.t.ppf(0.975, len(gain) - 1) * gain.std(ddof=1) / np.sqrt(len(gain))
    if abs(gain.mean() - margin) < half:
        return "cannot be told"
    return "holds" if gain.mean() > margin else "does not hold"
""",
        {"errors_tests": 2},
    ),
    "what is not surely better does not hold": (
        "verdict",
        """
def verdict(gain, margin=0.0):
    gain = gain[np.isfinite(gain).all(axis=1)]
    if min(gain.shape) < 2:
        return "cannot be told"
    error = gain.mean(1).var(ddof=1) / len(gain) + gain.mean(0).var(ddof=1) / gain.shape[1]
    half = stats.t.ppf(0.975, min(gain.shape) - 1) * np.sqrt(error)
    return "holds" if gain.mean() - half > margin else "does not hold"
""",
        {"errors_tests": 2, "three_tests": 2},
    ),
    "apart from 0 is apart from the margin": (
        "verdict",
        """
def verdict(gain, margin=0.0):
    gain = gain[np.isfinite(gain).all(axis=1)]
    if min(gain.shape) < 2:
        return "cannot be told"
    error = gain.mean(1).var(ddof=1) / len(gain) + gain.mean(0).var(ddof=1) / gain.shape[1]
    half = stats.t.ppf(0.975, min(gain.shape) - 1) * np.sqrt(error)
    if abs(gain.mean()) < half:
        return "cannot be told"
    return "holds" if gain.mean() > margin else "does not hold"
""",
        {"three_tests": 2},
    ),
    "a gain of 2 is large, whatever its scatter": (
        "verdict",
        """
def verdict(gain, margin=0.0):
    gain = gain[np.isfinite(gain).all(axis=1)]
    if min(gain.shape) < 2:
        return "cannot be told"
    if abs(gain.mean()) <= 2:
        return "cannot be told"
    return "holds" if gain.mean() > 2 else "does not hold"
""",
        {"errors_tests": 2, "three_tests": 2},
    ),
    "the margin is not used": (
        "verdict",
        """
def verdict(gain, margin=0.0):
    gain = gain[np.isfinite(gain).all(axis=1)]
    if min(gain.shape) < 2:
        return "cannot be told"
    error = gain.mean(1).var(ddof=1) / len(gain) + gain.mean(0).var(ddof=1) / gain.shape[1]
    half = stats.t.ppf(0.975, min(gain.shape) - 1) * np.sqrt(error)
    if abs(gain.mean()) < half:
        return "cannot be told"
    return "holds" if gain.mean() > 0 else "does not hold"
""",
        {"three_tests": 2},
    ),
    "a double with a gap is kept": (
        "verdict",
        """
def verdict(gain, margin=0.0):
    if min(gain.shape) < 2:
        return "cannot be told"
    error = gain.mean(1).var(ddof=1) / len(gain) + gain.mean(0).var(ddof=1) / gain.shape[1]
    half = stats.t.ppf(0.975, min(gain.shape) - 1) * np.sqrt(error)
    if gain.mean() - half > margin:
        return "holds"
    return "does not hold" if gain.mean() + half < margin else "cannot be told"
""",
        {"three_tests": 2},
    ),
    "the index of the expected number of shared edges": (
        "jaccard_by_chance",
        """
def jaccard_by_chance(k_a, k_b, M):
    shared = k_a * k_b / M
    return shared / (k_a + k_b - shared)
""",
        {"jaccard_tests": 2},
    ),
    "all edges are alike": (
        "p_same_sources",
        """
def p_same_sources(a, b):
    possible = len(a) * (len(a) - 1) // 2
    return float(stats.hypergeom.sf((a & b).sum() - 1, possible, a.sum(), b.sum()))
""",
        {"p_tests": 2},
    ),
    "ends that the order forbids are drawn, too": (
        "p_same_sources",
        """
def p_same_sources(a, b):
    rng, null = np.random.default_rng(0), []
    n_a, n_b, d = a.sum(0), b.sum(0), len(a)
    for _ in range(500):
        drawn = [rng.random((d, d)).argsort(0).argsort(0) < n for n in (n_a, n_b)]
        null.append((drawn[0] & drawn[1]).sum())
    return float(np.mean(np.array(null) >= (a & b).sum()))
""",
        {"p_tests": 2},
    ),
    "always surprised": (
        "p_same_sources",
        """
def p_same_sources(a, b):
    return 0.0
""",
        {"p_tests": 2},
    ),
    "every source reaches every other program": (
        "p_same_sources",
        """
def p_same_sources(a, b):
    d, shared = len(a), np.ones(1)
    for j in range(d - 1):
        ends = d - 1
        drawn = a[:, j].sum(), b[:, j].sum()
        shared = np.convolve(shared, stats.hypergeom.pmf(np.arange(ends + 1), ends, *drawn))
    return float(shared[(a & b).sum() :].sum())
""",
        {"p_tests": 2},
    ),
    "more than observed, and not as many or more": (
        "p_same_sources",
        """
def p_same_sources(a, b):
    d, shared = len(a), np.ones(1)
    for j in range(d - 1):
        ends = d - 1 - j
        drawn = a[:, j].sum(), b[:, j].sum()
        shared = np.convolve(shared, stats.hypergeom.pmf(np.arange(ends + 1), ends, *drawn))
    return float(shared[(a & b).sum() + 1 :].sum())
""",
        {"p_tests": 2},
    ),
}
