"""Plausible wrong answers: what is wrong → (the answer's cell, its source, what it loses)."""

WRONG = {
    "the shared control mean is forgotten: its error looks like an effect": (
        "slope",
        """
def slope(S, V, n_a, n_b, n_ab, n_0, k=1.0):
    return k * S / (S + V / n_a + V / n_b + 2 * V / n_0)
""",
        {"slope_tests": 2},
    ),
    "the double's own noise flattens the line as well": (
        "slope",
        """
def slope(S, V, n_a, n_b, n_ab, n_0, k=1.0):
    return (k * S + 2 * V / n_0) / (S + V / n_a + V / n_b + V / n_ab + 4 * V / n_0)
""",
        {"slope_tests": 2},
    ),
    "divided by the flattening alone": (
        "own_k",
        "own_k = product / (length2 - V * (1 / n_a + 1 / n_b + 4 / n_0))",
        {"own_k_tests": 1},
    ),
    "a neighbour's number": (
        "own_k",
        """
l_n, p_n, V_n, a_n, b_n, _, o_n = own_double(student + 1)
own_k = (p_n - 2 * V_n / o_n) / (l_n - V_n * (1 / a_n + 1 / b_n + 4 / o_n))
""",
        {"own_k_tests": 1},
    ),
    "the library size of the genome, and the logarithm as before": (
        "tested",
        """
def tested(counts, total, perturbed):
    x = np.log1p(counts * (np.median(total) / total)[:, None])
    return ttest_ind(x[perturbed], x[~perturbed], equal_var=False).pvalue
""",
        {"depth_tests": 2},
    ),
    "the shallowest cells are thrown away": (
        "tested",
        """
def tested(counts, total, perturbed):
    kept = total > 0.5 * np.median(total)
    counts, total, perturbed = counts[kept], total[kept], perturbed[kept]
    x = np.log1p(counts * (np.median(total) / total)[:, None])
    return ttest_ind(x[perturbed], x[~perturbed], equal_var=False).pvalue
""",
        {"depth_tests": 2},
    ),
    "no logarithm, but the library size of the table's genes": (
        "tested",
        """
def tested(counts, total, perturbed):
    y = counts / counts.sum(axis=1)[:, None]
    return ttest_ind(y[perturbed], y[~perturbed], equal_var=False).pvalue
""",
        {"switch_tests": 2},
    ),
    "variance equals mean, also of normalised counts": (
        "biology",
        """
def biology(counts, total):
    y = counts * (np.median(total) / total)[:, None]
    return 1 - y.mean(axis=0) / y.var(axis=0, ddof=1)
""",
        {"biology_tests": 2},
    ),
    "raw counts: depth counts as biology": (
        "biology",
        """
def biology(counts, total):
    return 1 - counts.mean(axis=0) / counts.var(axis=0, ddof=1)
""",
        {"biology_tests": 2},
    ),
    "deep enough that half of the variance is biology": (
        "best_depth",
        "best_depth = 1e4 * (1 - pilot) / pilot",
        {"best_depth_tests": 1},
    ),
}
