"""Plausible wrong answers: what is wrong → (the answer's cell, its source, what it loses)."""

WRONG = {
    "the smallest value of a cell is always one count": (
        "recover",
        """
def recover(x):
    if x.min() < 0:
        raise ValueError("no counts")
    scaled = np.expm1(x.astype(float))
    counts = scaled / np.where(scaled > 0, scaled, np.inf).min(1, keepdims=True)
    if np.abs(counts - np.rint(counts)).max() > 0.02:
        raise ValueError("no counts")
    return np.rint(counts).astype(int)
""",
        {"recover_tests": 2},
    ),
    "divided by the smallest value and rounded": (
        "recover",
        """
def recover(x):
    if x.min() < 0:
        raise ValueError("no counts")
    scaled = np.expm1(x.astype(float))
    return np.rint(scaled / np.where(scaled > 0, scaled, np.inf).min(1, keepdims=True)).astype(int)
""",
        {"recover_tests": 2, "refuse_tests": 1},
    ),
    "rounded to whole numbers, whatever comes in": (
        "recover",
        """
def recover(x):
    counts = np.zeros(x.shape, int)
    for row, cell in zip(counts, np.expm1(np.abs(x).astype(float)), strict=True):
        some = cell > 0
        guesses = [cell[some] / cell[some].min() * least for least in range(1, 200)]
        row[some] = np.rint(min(guesses, key=lambda g: np.abs(g - np.rint(g)).max().round(2)))
    return counts
""",
        {"refuse_tests": 1},
    ),
    "the sum over the genes at hand": (
        "total",
        "total = recover(one[None])[0].sum()",
        {"total_tests": 1},
    ),
    "what every cell was scaled to": (
        "total",
        "total = 10_000",
        {"total_tests": 1},
    ),
    "the same cell of the first file": (
        "total",
        "total = twin.total_counts[cell]",
        {"total_tests": 1},
    ),
    "a neighbour's number": (
        "total",
        """
screen_n, _ = prepare(student + 2)
total = screen_n.total_counts[int(np.random.default_rng(student + 1).integers(1_000))]
""",
        {"total_tests": 1},
    ),
    "every hyphen separates": (
        "condition",
        """
def condition(label, library):
    genes = [p for p in label.split("-") if not re.fullmatch(r"NegCtrl\\d+", p)]
    known = {part for name in library for part in name.split("-")}
    ambiguous = "-".join(genes) in library and len(genes) > 1 and set(genes) <= set(library)
    if ambiguous or not set(genes) <= known or len(set(genes)) != len(genes) or len(genes) > 2:
        raise ValueError(label)
    return "+".join(sorted(genes)) or "control"
""",
        {"condition_tests": 2, "unreadable_tests": 1},
    ),
    "the longest name first, and never back": (
        "condition",
        """
def condition(label, library):
    rest, genes = label, []
    while rest:
        for name in sorted(library, key=len, reverse=True):
            if rest == name or rest.startswith(name + "-"):
                genes.append(name)
                rest = rest[len(name) + 1 :]
                break
        else:
            control = re.match(r"NegCtrl\\d+(-|$)", rest)
            if control is None:
                raise ValueError(label)
            rest = rest[control.end() :]
    return "+".join(sorted(genes)) or "control"
""",
        {"condition_tests": 2, "unreadable_tests": 1},
    ),
    "the first reading that fits": (
        "condition",
        """
def condition(label, library):
    parts = label.split("-")
    for cut in range(len(parts), 0, -1):  # the longest name first
        guides = ["-".join(part) for part in (parts[:cut], parts[cut:]) if part]
        genes = [g for g in guides if not re.fullmatch(r"NegCtrl\\d+", g)]
        if set(genes) <= set(library) and len(set(genes)) == len(genes):
            return "+".join(sorted(genes)) or "control"
    raise ValueError(label)
""",
        {"unreadable_tests": 1},
    ),
    "no spread between cells that escaped and cells that did not": (
        "standard_error",
        """
def standard_error(mu, f, phi, e, n, n0):
    mean = mu * ((1 - e) * f + e)
    variance = mean + phi * mean**2
    return np.sqrt(variance / mean**2 / n + (1 / mu + phi) / n0)
""",
        {"standard_error_tests": 2},
    ),
    "the controls' own error forgotten": (
        "standard_error",
        """
def standard_error(mu, f, phi, e, n, n0):
    mean = mu * ((1 - e) * f + e)
    variance = mean + phi * mu**2 * ((1 - e) * f**2 + e) + mu**2 * e * (1 - e) * (f - 1) ** 2
    return np.sqrt(variance / n) / mean
""",
        {"standard_error_tests": 2},
    ),
    "escaped cells cost their number, and leave the effect as it is": (
        "n_cells",
        """
tolerable = np.log(f) / (norm.ppf(0.975) + norm.ppf(0.8))
enough = [n for n in range(2, 20_000) if standard_error(mu, f, phi, 0, n, n0) <= tolerable]
n_cells = int(np.ceil(enough[0] / (1 - e)))
""",
        {"n_cells_tests": 1},
    ),
    "the effect in the cells where the guide works": (
        "n_cells",
        """
tolerable = np.log(f) / (norm.ppf(0.975) + norm.ppf(0.8))
n_cells = next(n for n in range(2, 20_000) if standard_error(mu, f, phi, e, n, n0) <= tolerable)
""",
        {"n_cells_tests": 1},
    ),
    "the cells where the guide works, not those that carry it": (
        "n_cells",
        """
tolerable = np.log((1 - e) * f + e) / (norm.ppf(0.975) + norm.ppf(0.8))
enough = [n for n in range(2, 20_000) if standard_error(mu, f, phi, e, n, n0) <= tolerable]
n_cells = int(np.ceil(enough[0] * (1 - e)))
""",
        {"n_cells_tests": 1},
    ),
    "called with probability one half: the power forgotten": (
        "n_cells",
        """
tolerable = np.log((1 - e) * f + e) / norm.ppf(0.975)
n_cells = next(n for n in range(2, 20_000) if standard_error(mu, f, phi, e, n, n0) <= tolerable)
""",
        {"n_cells_tests": 1},
    ),
}
