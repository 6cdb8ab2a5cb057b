"""Plausible wrong answers: what is wrong → (the answer's cell, its source, what it loses)."""

WRONG = {
    "the noise of the controls, which both sides share, is forgotten": (
        "expected",
        """
def ceiling(tau2, v, n, m):
    return tau2 / (tau2 + v / n)


def perfect(tau2, v, n, m):
    return np.sqrt(ceiling(tau2, v, n, m))


def nothing(tau2, v, n, m):
    return 0.0
""",
        {"ceiling_tests": 1, "nothing_tests": 1},
    ),
    "the ceiling taken for what a perfect method reads": (
        "expected",
        """
def ceiling(tau2, v, n, m):
    return (tau2 + v / m) / (tau2 + v / m + v / n)


def perfect(tau2, v, n, m):
    return ceiling(tau2, v, n, m)


def nothing(tau2, v, n, m):
    return np.sqrt((v / m) / (tau2 + v / m + v / n))
""",
        {"ceiling_tests": 1},
    ),
    "score over ceiling, as if the method had the noise of a half": (
        "reading",
        """
knows = min(score / r, 0.999)
cells = int(np.ceil(n_scored * 0.98**2 * (1 - r) / (r * (1 - 0.98**2))))
""",
        {"reading_tests": 1},
    ),
    "a neighbour's numbers": (
        "reading",
        """
neighbour = np.random.default_rng(student + 1)
n_n, r_n = int(neighbour.integers(30, 80)), neighbour.uniform(0.6, 0.8)
knows = neighbour.uniform(0.93, 0.99)
cells = int(np.ceil(n_n * 0.98**2 * (1 - r_n) / (r_n * (1 - 0.98**2))))
""",
        {"reading_tests": 1},
    ),
    "paired, and every double is independent of the others": (
        "standard_error",
        """
def standard_error(a, b, genes):
    apart = (b - a).mean(axis=0)
    return apart.std(ddof=1) / np.sqrt(len(apart))
""",
        {"genes_tests": 2},
    ),
    "each seed counts as a double of its own": (
        "standard_error",
        """
def standard_error(a, b, genes):
    apart = b - a
    return apart.std(ddof=1) / np.sqrt(apart.size)
""",
        {"pairing_tests": 2, "genes_tests": 2},
    ),
    "two wrongs: unpaired and without genes, the coverage looks right": (
        "standard_error",
        """
def standard_error(a, b, genes):
    a, b = a.mean(axis=0), b.mean(axis=0)
    return np.sqrt((a.var(ddof=1) + b.var(ddof=1)) / len(a))
""",
        {"pairing_tests": 2, "genes_tests": 2},
    ),
    "made wider until the coverage looks right": (
        "standard_error",
        """
def standard_error(a, b, genes):
    apart = (b - a).mean(axis=0)
    return 1.6 * apart.std(ddof=1) / np.sqrt(len(apart))
""",
        {"genes_tests": 2},
    ),
    "the level, whatever the zeros": (
        "real",
        """
def real(level, silent):
    return level
""",
        {"real_tests": 1},
    ),
    "all zeros on top of the level": (
        "real",
        """
def real(level, silent):
    return silent + (1 - silent) * level
""",
        {"real_tests": 1},
    ),
    "where both ends are at 0 nothing lies outside": (
        "real",
        """
def real(level, silent):
    tail = (1 - level) / 2
    if silent >= 1 - tail:
        return 1.0
    return 1 - tail if silent >= tail else level
""",
        {"real_tests": 1},
    ),
    "where both ends are at 0 the level holds again": (
        "real",
        """
def real(level, silent):
    tail = (1 - level) / 2
    if silent >= 1 - tail:
        return level
    return 1 - tail if silent >= tail else level
""",
        {"real_tests": 1},
    ),
    "two cases: often silent is like now and then": (
        "real",
        """
def real(level, silent):
    tail = (1 - level) / 2
    if silent >= 1 - tail:
        return (1 + level) / 2
    return 1 - tail if silent >= tail else level
""",
        {"real_tests": 1},
    ),
    "where both ends are at 0 the interval is empty": (
        "real",
        """
def real(level, silent):
    tail = (1 - level) / 2
    if silent >= 1 - tail:
        return 0.0
    return 1 - tail if silent >= tail else level
""",
        {"real_tests": 1},
    ),
    "all genes like the average one, which is silent now and then": (
        "expected_coverage",
        "expected_coverage = (1 + level) / 2",
        {"expected_coverage_tests": 1},
    ),
    "a neighbour's screen": (
        "expected_coverage",
        """
theirs, _, of_theirs = screen_of(student + 1)
expected_coverage = float(np.mean([real(theirs, share) for share in of_theirs]))
""",
        {"expected_coverage_tests": 1},
    ),
    "the silent cells are inside, whichever way the gene moves": (
        "shifted",
        """
def shifted(silent, s, e):
    upper = norm.ppf(1 - 0.05 / (1 - silent)) - silent * e / s
    return silent + (1 - silent) * norm.cdf(upper)
""",
        {"shifted_tests": 1},
    ),
}
