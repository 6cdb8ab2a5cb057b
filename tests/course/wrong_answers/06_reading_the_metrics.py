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
    "the best spread is the correlation itself": (
        "derived",
        """
def nrmse(V, bias2, var, rho, power):
    return np.sqrt((V + bias2 + var - 2 * rho * np.sqrt(V * var)) / power)


def best_spread(rho):
    return rho
""",
        {"derived_tests": 2},
    ),
    "level with the floor after shrinking, and not at its spread": (
        "own_numbers",
        """
needed = np.sqrt(bias2_over_V)
gain = 1 - np.sqrt(1 - signal)
""",
        {"needed_tests": 1},
    ),
    "the share of signal itself": (
        "own_numbers",
        """
needed = (bias2_over_V + var_over_V) / (2 * np.sqrt(var_over_V))
gain = signal
""",
        {"gain_tests": 1},
    ),
    "what is left of the floor, and not what is gained": (
        "own_numbers",
        """
needed = (bias2_over_V + var_over_V) / (2 * np.sqrt(var_over_V))
gain = np.sqrt(1 - signal)
""",
        {"gain_tests": 1},
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
        {"null_tests": 1},
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
    "half of the E-distance": (
        "e_distance",
        """
def e_distance(a, b):
    within = [cdist(c, c).sum() / len(c) / (len(c) - 1) for c in (a, b)]
    return cdist(a, b).mean() - sum(within) / 2
""",
        {"point_tests": 2},
    ),
    "distances summed gene by gene": (
        "e_distance",
        """
def e_distance(a, b):
    within = [cdist(c, c, "cityblock").sum() / len(c) / (len(c) - 1) for c in (a, b)]
    return 2 * cdist(a, b, "cityblock").mean() - sum(within)
""",
        {"point_tests": 2},
    ),
    "medians in place of means": (
        "e_distance",
        """
def e_distance(a, b):
    within = [np.median(cdist(c, c)[np.triu_indices(len(c), 1)]) for c in (a, b)]
    return 2 * np.median(cdist(a, b)) - sum(within)
""",
        {"point_tests": 2},
    ),
    "both clouds are taken to be as large as the first": (
        "e_distance",
        """
def e_distance(a, b):
    pairs = len(a) * (len(a) - 1)
    return 2 * cdist(a, b).mean() - (cdist(a, a).sum() + cdist(b, b).sum()) / pairs
""",
        {"null_tests": 1, "point_tests": 2},
    ),
    "the library's": (
        "e_distance",
        """
def e_distance(a, b):
    means = distances.between(a, b), distances.within(a), distances.within(b)
    return distances.e_distance(*means)
""",
        {"null_tests": 1, "point_tests": 2},
    ),
    "the library's, too": (
        "discrimination",
        "discrimination = deltas.discrimination",
        {"discrimination_tests": 3},
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
        {"discrimination_tests": 3},
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
        {"discrimination_tests": 3},
    ),
    "as the lesson, but not from the perturbed mean": (
        "discrimination",
        """
def discrimination(predicted, true, centroid):
    cosine = 1 - cdist(predicted, true, "cosine")
    own = np.diag(cosine)[:, None]
    above = (cosine > own).sum(axis=1) + (np.sum(cosine == own, axis=1) - 1) / 2
    return 1 - above / (len(true) - 1)
""",
        {"discrimination_tests": 3},
    ),
    "the nearest in place of the same direction": (
        "discrimination",
        """
def discrimination(predicted, true, centroid):
    near = -cdist(predicted, true)
    own = np.diag(near)[:, None]
    above = (near > own).sum(axis=1) + (np.sum(near == own, axis=1) - 1) / 2
    return 1 - above / (len(true) - 1)
""",
        {"discrimination_tests": 3},
    ),
    "a tie counts in full": (
        "discrimination",
        """
def discrimination(predicted, true, centroid):
    cosine = 1 - cdist(predicted - centroid, true - centroid, "cosine")
    above = (cosine >= np.diag(cosine)[:, None]).sum(axis=1) - 1
    return 1 - above / (len(true) - 1)
""",
        {"discrimination_tests": 3},
    ),
    "a tie counts for the method": (
        "discrimination",
        """
def discrimination(predicted, true, centroid):
    cosine = 1 - cdist(predicted - centroid, true - centroid, "cosine")
    above = (cosine > np.diag(cosine)[:, None]).sum(axis=1)
    return 1 - above / (len(true) - 1)
""",
        {"discrimination_tests": 3},
    ),
    "the mean over modules in place of conditions": (
        "by_modules",
        """
def by_modules(sizes):
    return np.mean(1 - (sizes - 1) / 2 / (sizes.sum() - 1))
""",
        {"by_modules_tests": 1},
    ),
    "half of the module is ranked above": (
        "by_modules",
        """
def by_modules(sizes):
    return np.average(1 - sizes / 2 / (sizes.sum() - 1), weights=sizes)
""",
        {"by_modules_tests": 1},
    ),
}
