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
    "the control mean is taken as exact": (
        "slope",
        """
def slope(S, V, n_a, n_b, n_ab, n_0, k=1.0):
    return k * S / (S + V / n_a + V / n_b)
""",
        {"slope_tests": 2},
    ),
    "the control's error occurs once in the sum as well": (
        "slope",
        """
def slope(S, V, n_a, n_b, n_ab, n_0, k=1.0):
    return (k * S + V / n_0) / (S + V / n_a + V / n_b + V / n_0)
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
    "the slope as it was measured": (
        "own_k",
        "own_k = product / length2",
        {"own_k_tests": 1},
    ),
    "the number that was drawn, and not the estimate": (
        "own_k",
        """
draw_own = np.random.default_rng([student, 1])
for ends in [(80, 150)] * 2 + [(40, 80), (60, 120)]:
    draw_own.integers(*ends)
own_k = draw_own.uniform([120, 0.6], [180, 1.1])[1]
""",
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
        {"depth_tests": 1, "real_tests": 1},
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
        {"depth_tests": 1, "real_tests": 1},
    ),
    "no logarithm, but the library size of the table's genes": (
        "tested",
        """
def tested(counts, total, perturbed):
    y = counts / counts.sum(axis=1)[:, None]
    return ttest_ind(y[perturbed], y[~perturbed], equal_var=False).pvalue
""",
        {"switch_tests": 1, "real_tests": 1},
    ),
    "one recipe for equal depth and one for unequal, each with a mistake": (
        "tested",
        """
def tested(counts, total, perturbed):
    depths = np.median(total[perturbed]), np.median(total[~perturbed])
    library = total if max(depths) < 1.2 * min(depths) else counts.sum(axis=1)
    y = counts / library[:, None]
    return ttest_ind(y[perturbed], y[~perturbed], equal_var=False).pvalue
""",
        {"real_tests": 1},
    ),
    "depth is regressed out first, and takes a part of the change along": (
        "tested",
        """
def tested(counts, total, perturbed):
    x = np.log1p(counts * (np.median(total) / total)[:, None])
    depth = np.log(total) - np.log(total).mean()
    x = x - np.outer(depth, depth @ x / (depth @ depth))
    return ttest_ind(x[perturbed], x[~perturbed], equal_var=False).pvalue
""",
        {"real_tests": 1},
    ),
    "the share is taken to be independent of the library size": (
        "biology",
        """
def biology(counts, total):
    y = counts / total[:, None]
    return 1 - y.mean(axis=0) * (1 / total).mean() / y.var(axis=0, ddof=1)
""",
        {"biology_tests": 2},
    ),
    "the variance of biology in place of its share": (
        "biology",
        """
def biology(counts, total):
    t = total[:, None]
    return (counts / t).var(axis=0, ddof=1) - (counts / t**2).mean(axis=0)
""",
        {"biology_tests": 2},
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
        {"best_depth_tests": 2},
    ),
    "biology and counting noise swapped": (
        "best_depth",
        "best_depth = np.sqrt(1e4 * pilot / (1 - pilot) * per_cell / per_molecule)",
        {"best_depth_tests": 2},
    ),
    "the depth of the pilot": (
        "best_depth",
        "best_depth = 10_000",
        {"best_depth_tests": 2},
    ),
}
