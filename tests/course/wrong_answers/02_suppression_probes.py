"""Plausible wrong answers: what is wrong → (the answer's cell, its source, what it loses)."""

WRONG = {
    "the noise of an average falls with k, not with its root": (
        "accuracy",
        """
def accuracy(m, s, sigma, k=1):
    return norm.cdf(m / np.sqrt(s**2 + (sigma / k) ** 2))
""",
        {"accuracy_tests": 2},
    ),
    "95 % of the accuracy in place of 95 % of what is above chance": (
        "draws",
        """
q = norm.ppf(0.95 * norm.cdf(m / s))
draws = int(np.ceil(sigma**2 / ((m / q) ** 2 - s**2)))
""",
        {"draws_tests": 2},
    ),
    "any large number": (
        "draws",
        "draws = 5000",
        {"draws_tests": 2},
    ),
    "the nearest number, which may be too small": (
        "draws",
        """
q = norm.ppf(0.5 + 0.95 * (norm.cdf(m / s) - 0.5))
draws = int(sigma**2 / ((m / q) ** 2 - s**2))
""",
        {"draws_tests": 2},
    ),
    "a neighbour's number": (
        "draws",
        """
neighbour = np.random.default_rng(student + 1)
m_n, s_n = neighbour.uniform(0.01, 0.02, 2)
sigma_n = neighbour.uniform(0.9, 1.0)
q = norm.ppf(0.5 + 0.95 * (norm.cdf(m_n / s_n) - 0.5))
draws = int(np.ceil(sigma_n**2 / ((m_n / q) ** 2 - s_n**2)))
""",
        {"draws_tests": 2},
    ),
    "the colleague's probe as it is": (
        "honest",
        "honest = leaky",
        {"honest_noise_tests": 2, "honest_score_tests": 2},
    ),
    "genes chosen on all cells": (
        "honest",
        """
def honest(x, y, n_genes=20, folds=5, seed=0):
    x = x[:, np.argsort(f_classif(x, y)[0])[-n_genes:]]
    found = []
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(x, y):
        scaler = StandardScaler().fit(x[train])
        model = LogisticRegression(C=0.1, max_iter=500, class_weight="balanced")
        model.fit(scaler.transform(x[train]), y[train])
        found.append(balanced_accuracy_score(y[test], model.predict(scaler.transform(x[test]))))
    return float(np.mean(found))
""",
        {"honest_noise_tests": 2},
    ),
    "scaled on all cells": (
        "honest",
        """
def honest(x, y, n_genes=20, folds=5, seed=0):
    found = []
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(x, y):
        chosen = np.argsort(f_classif(x[train], y[train])[0])[-n_genes:]
        scaler = StandardScaler().fit(x[:, chosen])
        model = LogisticRegression(C=0.1, max_iter=500, class_weight="balanced")
        model.fit(scaler.transform(x[train][:, chosen]), y[train])
        called = model.predict(scaler.transform(x[test][:, chosen]))
        found.append(balanced_accuracy_score(y[test], called))
    return float(np.mean(found))
""",
        {"honest_noise_tests": 2},
    ),
    "balanced in the score alone": (
        "honest",
        """
def honest(x, y, n_genes=20, folds=5, seed=0):
    found = []
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(x, y):
        chosen = np.argsort(f_classif(x[train], y[train])[0])[-n_genes:]
        scaler = StandardScaler().fit(x[train][:, chosen])
        model = LogisticRegression(C=0.1, max_iter=500)
        model.fit(scaler.transform(x[train][:, chosen]), y[train])
        called = model.predict(scaler.transform(x[test][:, chosen]))
        found.append(balanced_accuracy_score(y[test], called))
    return float(np.mean(found))
""",
        {"honest_score_tests": 2},
    ),
    "balanced in training alone: the controls count most in the score": (
        "honest",
        """
def honest(x, y, n_genes=20, folds=5, seed=0):
    found = []
    for train, test in StratifiedKFold(folds, shuffle=True, random_state=seed).split(x, y):
        chosen = np.argsort(f_classif(x[train], y[train])[0])[-n_genes:]
        scaler = StandardScaler().fit(x[train][:, chosen])
        model = LogisticRegression(C=0.1, max_iter=500, class_weight="balanced")
        model.fit(scaler.transform(x[train][:, chosen]), y[train])
        called = model.predict(scaler.transform(x[test][:, chosen]))
        found.append(np.mean(called == y[test]))
    return float(np.mean(found))
""",
        {"honest_score_tests": 2},
    ),
    "invariant and responsive swapped": (
        "verdict",
        """
def verdict(mean, sd):
    z = mean + sd * np.random.default_rng(0).standard_normal(mean.shape)

    def read(target, metric):
        table = probe(z, target, seeds=(0,), folds=3)
        return table.loc[table["metric"] == metric, "value"].mean()

    u = read(y, "balanced_accuracy") > 0.35
    of_background = read(background, "r2") > 0.2
    names = [["collapsed", "responsive"], ["invariant", "entangled"]]
    return names[int(u)][int(of_background)]
""",
        {"verdict_tests": 2},
    ),
    "collapsed and entangled swapped": (
        "verdict",
        """
def verdict(mean, sd):
    z = mean + sd * np.random.default_rng(0).standard_normal(mean.shape)

    def read(target, metric):
        table = probe(z, target, seeds=(0,), folds=3)
        return table.loc[table["metric"] == metric, "value"].mean()

    u = read(y, "balanced_accuracy") > 0.35
    of_background = read(background, "r2") > 0.2
    names = [["entangled", "invariant"], ["responsive", "collapsed"]]
    return names[int(u)][int(of_background)]
""",
        {"verdict_tests": 2},
    ),
    "means probed in place of samples": (
        "verdict",
        """
def verdict(mean, sd):
    def read(target, metric):
        table = probe(mean, target, seeds=(0,), folds=3)
        return table.loc[table["metric"] == metric, "value"].mean()

    u = read(y, "balanced_accuracy") > 0.35
    of_background = read(background, "r2") > 0.2
    names = [["collapsed", "invariant"], ["responsive", "entangled"]]
    return names[int(u)][int(of_background)]
""",
        {"verdict_tests": 2},
    ),
}
