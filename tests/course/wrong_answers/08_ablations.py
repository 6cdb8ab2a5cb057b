"""Plausible wrong answers: what is wrong → (the answer's cell, its source, what it loses)."""

WRONG = {
    "two error bars added up: what both settings share is counted": (
        "errors",
        """
def bar(S, D, sd):
    of_doubles = (sd["hard"] ** 2 + sd["taste"] ** 2) / D
    of_seeds = (sd["shared"] ** 2 + sd["fit"] ** 2) / S
    return np.sqrt(of_doubles + of_seeds + sd["rest"] ** 2 / (S * D))


def difference(S, D, sd, paired=True):
    return np.sqrt(2) * bar(S, D, sd)
""",
        {"difference_tests": 1},
    ),
    "every score independent, S times D of them": (
        "errors",
        """
def bar(S, D, sd):
    return np.sqrt(sum(size**2 for size in sd.values()) / (S * D))


def difference(S, D, sd, paired=True):
    kept = ["fit", "taste", "rest"] + ([] if paired else ["shared"])
    return np.sqrt(2 * sum(sd[name] ** 2 for name in kept) / (S * D))
""",
        {"bar_tests": 1, "difference_tests": 1},
    ),
    "a setting's own luck with a seed is forgotten": (
        "errors",
        """
def bar(S, D, sd):
    of_doubles = (sd["hard"] ** 2 + sd["taste"] ** 2) / D
    return np.sqrt(of_doubles + sd["shared"] ** 2 / S + sd["rest"] ** 2 / (S * D))


def difference(S, D, sd, paired=True):
    of_seeds = (sd["fit"] ** 2 + (0 if paired else sd["shared"] ** 2)) / S
    return np.sqrt(2 * (of_seeds + sd["taste"] ** 2 / D + sd["rest"] ** 2 / (S * D)))
""",
        {"bar_tests": 1},
    ),
    "a setting's own luck is averaged over the doubles, too": (
        "errors",
        """
def bar(S, D, sd):
    of_doubles = (sd["hard"] ** 2 + sd["taste"] ** 2) / D
    beyond = (sd["fit"] ** 2 + sd["rest"] ** 2) / (S * D)
    return np.sqrt(of_doubles + sd["shared"] ** 2 / S + beyond)


def difference(S, D, sd, paired=True):
    of_seeds = (sd["fit"] ** 2 + (0 if paired else sd["shared"] ** 2)) / S
    return np.sqrt(2 * (of_seeds + sd["taste"] ** 2 / D + sd["rest"] ** 2 / (S * D)))
""",
        {"bar_tests": 1},
    ),
    "everything else is taken for nothing": (
        "errors",
        """
def bar(S, D, sd):
    of_doubles = (sd["hard"] ** 2 + sd["taste"] ** 2) / D
    return np.sqrt(of_doubles + (sd["shared"] ** 2 + sd["fit"] ** 2) / S)


def difference(S, D, sd, paired=True):
    of_seeds = (sd["fit"] ** 2 + (0 if paired else sd["shared"] ** 2)) / S
    return np.sqrt(2 * (of_seeds + sd["taste"] ** 2 / D))
""",
        {"bar_tests": 1, "difference_tests": 1},
    ),
    "enough seeds see anything": (
        "planned",
        """
per_seed = 2 * (sd["fit"] ** 2 + sd["rest"] ** 2 / 131)
seeds = int(np.ceil(per_seed / ((effect / 2) ** 2 - 2 * sd["taste"] ** 2 / 131)))
hopeless = 1e-9
""",
        {"planned_tests": 1},
    ),
    "more seeds as if they were more doubles": (
        "planned",
        """
one = 2 * (sd["fit"] ** 2 + (sd["taste"] ** 2 + sd["rest"] ** 2) / 131)
seeds = max(2, int(np.ceil(one / (effect / 2) ** 2)))
hopeless = 2 * np.sqrt(2 * sd["taste"] ** 2 / 5)
""",
        {"planned_tests": 1},
    ),
    "a neighbour's plan": (
        "planned",
        """
theirs, wanted = plan_of(student + 1)
per_seed = 2 * (theirs["fit"] ** 2 + theirs["rest"] ** 2 / 131)
seeds = int(np.ceil(per_seed / ((wanted / 2) ** 2 - 2 * theirs["taste"] ** 2 / 131)))
hopeless = 2 * np.sqrt(2 * theirs["taste"] ** 2 / 5)
""",
        {"planned_tests": 1},
    ),
    "two standard errors are 95 %, however few seeds": (
        "alarms",
        """
by_chance = 2 * stats.norm.sf(2)
wrong_rows = n_rows * by_chance
at_least_one = 1 - (1 - by_chance) ** n_rows
""",
        {"alarms_tests": 1},
    ),
    "Bonferroni, which calls too few": (
        "holm",
        """
def holm(p, alpha=0.05):
    return np.asarray(p) <= alpha / len(p)
""",
        {"holm_tests": 1},
    ),
    "Benjamini and Hochberg, which bound another error": (
        "holm",
        """
def holm(p, alpha=0.05):
    return stats.false_discovery_control(p) <= alpha
""",
        {"holm_tests": 1},
    ),
    "the steps do not end at the first that fails": (
        "holm",
        """
def holm(p, alpha=0.05):
    rank = np.argsort(np.argsort(p))
    return np.asarray(p) <= alpha / (len(p) - rank)
""",
        {"holm_tests": 1},
    ),
    "Sidak, for rows that are independent": (
        "holm",
        """
def holm(p, alpha=0.05):
    return np.asarray(p) <= 1 - (1 - alpha) ** (1 / len(p))
""",
        {"holm_tests": 1},
    ),
    "always at 5 %, whatever was asked for": (
        "holm",
        """
def holm(p, alpha=0.05):
    p = np.asarray(p)
    order = np.argsort(p)
    called = np.zeros(len(p), bool)
    passes = p[order] <= 0.05 / np.arange(len(p), 0, -1)
    called[order] = np.logical_and.accumulate(passes)
    return called
""",
        {"holm_tests": 1},
    ),
    "the smallest p-value is called number 0": (
        "holm",
        """
def holm(p, alpha=0.05):
    p = np.asarray(p)
    order = np.argsort(p)
    called = np.zeros(len(p), bool)
    passes = p[order] <= alpha / (len(p) + 1 - np.arange(len(p)))
    called[order] = np.logical_and.accumulate(passes)
    return called
""",
        {"holm_tests": 1},
    ),
    "not apart, so the same": (
        "same",
        """
def same(apart, margin):
    return stats.ttest_1samp(apart, 0).pvalue > 0.05
""",
        {"same_tests": 2},
    ),
    "the mean lies inside the margin, whatever its error": (
        "same",
        """
def same(apart, margin):
    return bool(abs(np.mean(apart)) < margin)
""",
        {"same_tests": 2},
    ),
    "the 95 % interval inside the margin: half as many as allowed": (
        "same",
        """
def same(apart, margin):
    error = np.std(apart, ddof=1) / np.sqrt(len(apart))
    return bool(abs(np.mean(apart)) + stats.t.ppf(0.975, len(apart) - 1) * error < margin)
""",
        {"same_tests": 2},
    ),
    "a test of the sizes, without their signs": (
        "same",
        """
def same(apart, margin):
    return bool(stats.ttest_1samp(np.abs(apart), margin, alternative="less").pvalue < 0.05)
""",
        {"same_tests": 2},
    ),
    "paired, but at the same number of epochs": (
        "effect_of_batch",
        """
def effect_of_batch(runs, small, large):
    wide = runs.pivot(index=["epochs", "seed"], columns="batch_size", values="nrmse")
    return float((wide[small] - wide[large]).mean())
""",
        {"steps_tests": 2, "diverged_tests": 1},
    ),
    "at the same steps, and means of whatever is left": (
        "effect_of_batch",
        """
def effect_of_batch(runs, small, large):
    runs = runs.assign(steps=runs["epochs"] * N_CELLS // runs["batch_size"])
    means = runs.groupby(["steps", "batch_size"])["nrmse"].mean().unstack()
    return float((means[small] - means[large]).mean())
""",
        {"diverged_tests": 1},
    ),
}
