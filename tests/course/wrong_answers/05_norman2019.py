"""Plausible wrong answers: what is wrong → (the answer's cell, its source, what it loses)."""

WRONG = {
    "the scored mean taken for the truth: what a table reads is no larger than the bias": (
        "expected",
        """
def expected(V, bias2, weights, sizes, n):
    own = V * sum(a**2 / n_k for a, n_k in zip(weights, sizes, strict=True))
    return V + bias2 + own, bias2 + own
""",
        {"expected_tests": 2},
    ),
    "what is subtracted takes its noise away again": (
        "expected",
        """
def expected(V, bias2, weights, sizes, n):
    own = V * sum(a / n_k for a, n_k in zip(weights, sizes, strict=True))
    return V + bias2 + own, bias2 + own + V / n
""",
        {"expected_tests": 2},
    ),
    "the weights without their square: whether a mean is added or subtracted": (
        "expected",
        """
def expected(V, bias2, weights, sizes, n):
    own = V * sum(abs(a) / n_k for a, n_k in zip(weights, sizes, strict=True))
    return V + bias2 + own, bias2 + own + V / n
""",
        {"expected_tests": 2},
    ),
    "the floor's noise alone: the additive mean taken for exact": (
        "most",
        "most = float(1 / n_half)",
        {"most_tests": 1},
    ),
    "the controls are taken for noiseless": (
        "most",
        "most = float(1 / n_half - (1 / n_a + 1 / n_b))",
        {"most_tests": 1},
    ),
    "both halves' noise counted, as if the additive mean were not scored on the same cells": (
        "most",
        "most = float(2 / n_half - (1 / n_a + 1 / n_b + 1 / n_control))",
        {"most_tests": 1},
    ),
    "a neighbour's number": (
        "most",
        """
neighbour = np.random.default_rng(student + 1)
theirs_a, theirs_b = neighbour.integers(120, 400, 2)
their_control, their_half = neighbour.integers(300, 900), neighbour.integers(15, 31)
most = float(1 / their_half - 1 / theirs_a - 1 / theirs_b - 1 / their_control)
""",
        {"most_tests": 1},
    ),
    "the scored double left out of the fit, and one control mean on both sides": (
        "honest",
        """
def honest(x, y, doubles, seed=0):
    control = x[y == "control"].mean(0)
    change = {c: x[y == c].mean(0) - control for c in np.unique(y)}
    sums = {d: sum(change[gene] for gene in d.split("+")) for d in doubles}
    found = {}
    for d in doubles:
        others = [other for other in doubles if other != d]
        train = np.stack([sums[o] for o in others]), np.stack([change[o] for o in others])
        scale, shared = fit(*train)
        found[d] = scale * sums[d] + shared, change[d]
    return found
""",
        {"leak_tests": 2},
    ),
    "controls in halves, and the scored double still in the fit": (
        "honest",
        """
def honest(x, y, doubles, seed=0):
    controls = np.random.default_rng(seed).permutation(np.flatnonzero(y == "control"))
    ours, theirs = x[controls[::2]].mean(0), x[controls[1::2]].mean(0)
    change = {c: x[y == c].mean(0) - ours for c in np.unique(y)}
    sums = np.stack([sum(change[gene] for gene in d.split("+")) for d in doubles])
    scale, shared = fit(sums, np.stack([change[d] for d in doubles]))
    return {
        d: (scale * s + shared, x[y == d].mean(0) - theirs)
        for d, s in zip(doubles, sums, strict=True)
    }
""",
        {"leak_tests": 2},
    ),
    "halves of every condition, and each double learns from its own other half": (
        "honest",
        """
def honest(x, y, doubles, seed=0):
    own, half = np.random.default_rng(seed), np.zeros(len(y), int)
    for c in np.unique(y):
        cells = own.permutation(np.flatnonzero(y == c))
        half[cells[::2]] = 1
    change = []
    for k in (0, 1):
        mean = {c: x[(y == c) & (half == k)].mean(0) for c in np.unique(y)}
        change.append({c: value - mean["control"] for c, value in mean.items()})
    sums = np.stack([sum(change[0][gene] for gene in d.split("+")) for d in doubles])
    scale, shared = fit(sums, np.stack([change[0][d] for d in doubles]))
    return {d: (scale * s + shared, change[1][d]) for d, s in zip(doubles, sums, strict=True)}
""",
        {"leak_tests": 2},
    ),
    "no fit, no leak: the plain sum of two changes": (
        "honest",
        """
def honest(x, y, doubles, seed=0):
    controls = np.random.default_rng(seed).permutation(np.flatnonzero(y == "control"))
    ours, theirs = x[controls[::2]].mean(0), x[controls[1::2]].mean(0)
    return {
        d: (sum(x[y == g].mean(0) - ours for g in d.split("+")), x[y == d].mean(0) - theirs)
        for d in doubles
    }
""",
        {"method_tests": 2},
    ),
    "doubles counted as independent, though they share genes": (
        "variance",
        """
def variance(pairs, n_seeds, sd_seed, sd_gene, sd_double, sd_rest):
    D = len(pairs)
    of_double = 2 * sd_gene**2 + sd_double**2
    return sd_seed**2 / n_seeds + of_double / D + sd_rest**2 / (n_seeds * D)
""",
        {"variance_tests": 2},
    ),
    "more seeds make everything smaller": (
        "variance",
        """
def variance(pairs, n_seeds, sd_seed, sd_gene, sd_double, sd_rest):
    D = len(pairs)
    genes = sd_gene**2 * (np.bincount(pairs.ravel()) ** 2).sum() / D**2
    return (sd_seed**2 + genes + sd_double**2 / D + sd_rest**2 / D) / n_seeds
""",
        {"variance_tests": 2},
    ),
    "the rest forgotten: seeds and doubles are all there is": (
        "variance",
        """
def variance(pairs, n_seeds, sd_seed, sd_gene, sd_double, sd_rest):
    D = len(pairs)
    genes = sd_gene**2 * (np.bincount(pairs.ravel()) ** 2).sum() / D**2
    return sd_seed**2 / n_seeds + genes + sd_double**2 / D
""",
        {"variance_tests": 2},
    ),
    "what goes, in place of what is left": (
        "left",
        """
of_doubles = variance(**{**study, "sd_seed": 0.0, "sd_rest": 0.0})
left = float(1 - of_doubles / variance(**study))
""",
        {"left_tests": 1},
    ),
    "the share of the standard deviation": (
        "left",
        """
of_doubles = variance(**{**study, "sd_seed": 0.0, "sd_rest": 0.0})
left = float(np.sqrt(of_doubles / variance(**study)))
""",
        {"left_tests": 1},
    ),
    "more seeds average all but the seeds' own part": (
        "left",
        """
times = np.bincount(study["pairs"].ravel())
kept = study["sd_gene"] ** 2 * (times**2).sum() / 24**2 + study["sd_double"] ** 2 / 24
kept = kept + study["sd_rest"] ** 2 / (24 * study["n_seeds"])
left = float(kept / (kept + study["sd_seed"] ** 2 / study["n_seeds"]))
""",
        {"left_tests": 1},
    ),
}
