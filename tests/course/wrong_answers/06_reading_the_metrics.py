"""Plausible wrong answers: what is wrong → (the answer's cell, its source, what it loses)."""

WRONG = {
    "the covariance counted once": (
        "derived",
        """
def nrmse(V, bias2, var, rho, power):
    return np.sqrt((V + bias2 + var - rho * np.sqrt(V * var)) / power)


def best_spread(rho):
    return rho**2 / 4
""",
        {"derived_tests": 2},
    ),
    "the best spread is that of real cells": (
        "derived",
        """
def nrmse(V, bias2, var, rho, power):
    return np.sqrt((V + bias2 + var - 2 * rho * np.sqrt(V * var)) / power)


def best_spread(rho):
    return 1.0
""",
        {"derived_tests": 2},
    ),
    "one half, as without bias and with the right spread": (
        "own_numbers",
        """
needed = 0.5
gain = 1 - np.sqrt(1 - signal)
""",
        {"needed_tests": 1},
    ),
    "the best model draws the counts anew and shrinks them": (
        "own_numbers",
        """
needed = (bias2_over_V + var_over_V) / (2 * np.sqrt(var_over_V))
gain = 1 - np.sqrt(1 - signal**2)
""",
        {"gain_tests": 1},
    ),
    "a neighbour's numbers": (
        "own_numbers",
        """
b_n, v_n, h_n = own_model(student + 1)
needed = (b_n + v_n) / (2 * np.sqrt(v_n))
gain = 1 - np.sqrt(1 - h_n)
""",
        {"needed_tests": 1, "gain_tests": 1},
    ),
    "unsquared, but each cell is still compared with itself": (
        "e_distance",
        """
def e_distance(a, b):
    return 2 * cdist(a, b).mean() - cdist(a, a).mean() - cdist(b, b).mean()
""",
        {"null_tests": 2},
    ),
    "unbiased, but still squared": (
        "e_distance",
        """
def e_distance(a, b):
    within = [cdist(c, c, "sqeuclidean").sum() / len(c) / (len(c) - 1) for c in (a, b)]
    return 2 * cdist(a, b, "sqeuclidean").mean() - sum(within)
""",
        {"point_tests": 2},
    ),
    "all zeros left out, also those between equal predictions": (
        "e_distance",
        """
def e_distance(a, b):
    within = 0.0
    for cells in (a, b):
        pairs = cdist(cells, cells)
        within += pairs.sum() / max((pairs > 1e-12).sum(), 1)
    return 2 * cdist(a, b).mean() - within
""",
        {"point_tests": 2},
    ),
    "ties halved, and nothing else": (
        "discrimination",
        """
def discrimination(predicted, true, centroid):
    cosine = 1 - cdist(predicted, true, "cosine")
    own = np.diag(cosine)
    above = (cosine > own).sum(axis=0) + (np.sum(cosine == own, axis=0) - 1) / 2
    return 1 - above / (len(true) - 1)
""",
        {"discrimination_tests": 2},
    ),
    "from the perturbed mean, but truths still rank the predictions": (
        "discrimination",
        """
def discrimination(predicted, true, centroid):
    cosine = 1 - cdist(predicted - centroid, true - centroid, "cosine")
    own = np.diag(cosine)
    above = (cosine > own).sum(axis=0) + (np.sum(cosine == own, axis=0) - 1) / 2
    return 1 - above / (len(true) - 1)
""",
        {"discrimination_tests": 2},
    ),
    "a tie counts for the method": (
        "discrimination",
        """
def discrimination(predicted, true, centroid):
    cosine = 1 - cdist(predicted - centroid, true - centroid, "cosine")
    above = (cosine > np.diag(cosine)[:, None]).sum(axis=1)
    return 1 - above / (len(true) - 1)
""",
        {"discrimination_tests": 2},
    ),
    "the mean over modules in place of conditions": (
        "by_modules",
        "by_modules = np.mean(1 - (sizes - 1) / 2 / (sizes.sum() - 1))",
        {"by_modules_tests": 1},
    ),
    "another neighbour's number": (
        "by_modules",
        """
g_n = own_modules(student + 1)
by_modules = np.average(1 - (g_n - 1) / 2 / (g_n.sum() - 1), weights=g_n)
""",
        {"by_modules_tests": 1},
    ),
}
