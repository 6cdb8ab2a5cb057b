"""Plausible wrong answers: what is wrong → (the answer's cell, its source, what it loses)."""

WRONG = {
    "no matching: only the diagonal of the correlations": (
        "chance",
        """
def p_value(m):
    return 2 / np.pi * np.arccos(m)


chance_mean = 2 / np.pi
""",
        {"chance_tests": 2},
    ),
    "as many times the probability as there are seeds": (
        "best",
        "best_by_chance = n_seeds * float(p_value(reported))",
        {"best_tests": 1},
    ),
    "the worst in place of the best": (
        "best",
        "best_by_chance = float(p_value(reported) ** n_seeds)",
        {"best_tests": 1},
    ),
    "one seed in place of the best of several": (
        "best",
        "best_by_chance = float(p_value(reported))",
        {"best_tests": 1},
    ),
    "a neighbour's number": (
        "best",
        """
neighbour = np.random.default_rng(student + 1)
n_n, m_n = int(neighbour.integers(4, 13)), neighbour.uniform(0.98, 0.998)
best_by_chance = float(1 - (1 - p_value(m_n)) ** n_n)
""",
        {"best_tests": 1},
    ),
    "principal components of all cells": (
        "unmix",
        """
def unmix(z_hat, environment):
    return z_hat @ np.linalg.eigh(np.cov(z_hat.T))[1]
""",
        {"unmix_tests": 2},
    ),
    "second moments in place of covariances: the means count as variance": (
        "unmix",
        """
def unmix(z_hat, environment):
    parts = [z_hat[environment == k] for k in (0, 1)]
    M0, M1 = (part.T @ part / len(part) for part in parts)
    return z_hat @ linalg.eigh(M1, M0)[1]
""",
        {"unmix_tests": 2},
    ),
    "the largest and the smallest ratio differ, so all is well": (
        "identified",
        """
def identified(z_hat, environment):
    C0, C1 = (np.cov(z_hat[environment == k].T) for k in (0, 1))
    ratios = linalg.eigh(C1, C0)[0]
    return ratios[-1] / ratios[0] >= 1.5
""",
        {"identified_tests": 2},
    ),
    "some two neighbours differ": (
        "identified",
        """
def identified(z_hat, environment):
    C0, C1 = (np.cov(z_hat[environment == k].T) for k in (0, 1))
    ratios = linalg.eigh(C1, C0)[0]
    return (ratios[1:] / ratios[:-1] >= 1.5).any()
""",
        {"identified_tests": 2},
    ),
    "every variance changes, so all is well": (
        "identified",
        """
def identified(z_hat, environment):
    C0, C1 = (np.cov(z_hat[environment == k].T) for k in (0, 1))
    ratios = linalg.eigh(C1, C0)[0]
    return (np.maximum(ratios, 1 / ratios) >= 1.5).all()
""",
        {"identified_tests": 2},
    ),
    "the graph is left in the estimate's order": (
        "distance",
        """
def distance(z, z_hat, support, estimate):
    different = support != estimate
    return int(np.triu(different | different.T).sum())
""",
        {"distance_tests": 2},
    ),
    "an edge turned round counts twice": (
        "distance",
        """
def distance(z, z_hat, support, estimate):
    d = z.shape[1]
    _, columns = linear_sum_assignment(-np.abs(np.corrcoef(z.T, z_hat.T)[:d, d:]))
    return int((support != estimate[np.ix_(columns, columns)]).sum())
""",
        {"distance_tests": 2},
    ),
    "the inverse permutation": (
        "distance",
        """
def distance(z, z_hat, support, estimate):
    d = z.shape[1]
    _, columns = linear_sum_assignment(-np.abs(np.corrcoef(z.T, z_hat.T)[:d, d:]))
    back = np.argsort(columns)
    different = support != estimate[np.ix_(back, back)]
    return int(np.triu(different | different.T).sum())
""",
        {"distance_tests": 2},
    ),
    "signs not ignored in the matching": (
        "distance",
        """
def distance(z, z_hat, support, estimate):
    d = z.shape[1]
    _, columns = linear_sum_assignment(-np.corrcoef(z.T, z_hat.T)[:d, d:])
    different = support != estimate[np.ix_(columns, columns)]
    return int(np.triu(different | different.T).sum())
""",
        {"distance_tests": 2},
    ),
}
