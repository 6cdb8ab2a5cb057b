"""Plausible wrong answers: what is wrong → (the answer's cell, its source, what it loses)."""

WRONG = {
    "a clamp as a push to the right mean: the parents still drive the program": (
        "clamped",
        """
def clamped(Lambda_nu_nu, Lambda_nu_iota, mu_nu, beta_nu, i, c):
    A_inverse = np.linalg.inv(np.eye(len(mu_nu)) - Lambda_nu_nu)
    mean = A_inverse @ mu_nu
    mean = mean + A_inverse[:, i] * (c - mean[i])
    enters = Lambda_nu_iota @ Lambda_nu_iota.T + np.diag(beta_nu)
    return mean, A_inverse @ enters @ A_inverse.T
""",
        {"clamped_tests": 2},
    ),
    "the background no longer varies: only the noise is left in the covariance": (
        "clamped",
        """
def clamped(Lambda_nu_nu, Lambda_nu_iota, mu_nu, beta_nu, i, c):
    others = (np.arange(len(mu_nu)) != i).astype(float)
    A_inverse = np.linalg.inv(np.eye(len(mu_nu)) - others[:, None] * Lambda_nu_nu)
    enters = np.diag(beta_nu * others)
    return A_inverse @ np.where(others, mu_nu, c), A_inverse @ enters @ A_inverse.T
""",
        {"clamped_tests": 2},
    ),
    "the background still drives the program that is held": (
        "clamped",
        """
def clamped(Lambda_nu_nu, Lambda_nu_iota, mu_nu, beta_nu, i, c):
    others = (np.arange(len(mu_nu)) != i).astype(float)
    A_inverse = np.linalg.inv(np.eye(len(mu_nu)) - others[:, None] * Lambda_nu_nu)
    enters = Lambda_nu_iota @ Lambda_nu_iota.T + np.diag(beta_nu * others)
    return A_inverse @ np.where(others, mu_nu, c), A_inverse @ enters @ A_inverse.T
""",
        {"clamped_tests": 2},
    ),
    "right, but written into the arrays that it was given": (
        "clamped",
        """
def clamped(Lambda_nu_nu, Lambda_nu_iota, mu_nu, beta_nu, i, c):
    Lambda_nu_nu[i], Lambda_nu_iota[i], mu_nu[i], beta_nu[i] = 0, 0, c, 0
    A_inverse = np.linalg.inv(np.eye(len(mu_nu)) - Lambda_nu_nu)
    enters = Lambda_nu_iota @ Lambda_nu_iota.T + np.diag(beta_nu)
    return A_inverse @ mu_nu, A_inverse @ enters @ A_inverse.T
""",
        {"clamped_tests": 2},
    ),
    "the clamp's variance over the push's": (
        "ratio",
        """
A_inverse = np.linalg.inv(np.eye(5) - layer["Lambda_nu_nu"])
push = float(c - (A_inverse @ layer["mu_nu"])[1])
enters = layer["Lambda_nu_iota"] @ layer["Lambda_nu_iota"].T + np.diag(layer["beta_nu"])
pushed = A_inverse @ enters @ A_inverse.T
keep = np.diag([1.0, 0, 1, 1, 1])
cut = np.linalg.inv(np.eye(5) - keep @ layer["Lambda_nu_nu"]) @ keep
ratio = float((cut @ enters @ cut.T)[-1, -1] / pushed[-1, -1])
""",
        {"ratio_tests": 1},
    ),
    "a neighbour's ratio": (
        "ratio",
        """
push = float(c - np.linalg.solve(np.eye(5) - layer["Lambda_nu_nu"], layer["mu_nu"])[1])
own = np.random.default_rng([student + 1, 0])
weights = own.uniform(0.5, 1.0, (5, 5)) * own.choice([-1, 1], (5, 5))
neighbour = {"Lambda_nu_nu": np.tril(weights, -1), "Lambda_nu_iota": own.standard_normal((5, 2))}
neighbour |= {"mu_nu": own.standard_normal(5), "beta_nu": own.uniform(0.1, 0.5, 5)}
A_inverse = np.linalg.inv(np.eye(5) - neighbour["Lambda_nu_nu"])
enters = neighbour["Lambda_nu_iota"] @ neighbour["Lambda_nu_iota"].T + np.diag(neighbour["beta_nu"])
pushed = A_inverse @ enters @ A_inverse.T
keep = np.diag([1.0, 0, 1, 1, 1])
cut = np.linalg.inv(np.eye(5) - keep @ neighbour["Lambda_nu_nu"]) @ keep
ratio = float(pushed[-1, -1] / (cut @ enters @ cut.T)[-1, -1])
""",
        {"ratio_tests": 1},
    ),
    "the shift that is wanted, as if the program's mean were its noise's": (
        "ratio",
        """
push = float(c - layer["mu_nu"][1])
A_inverse = np.linalg.inv(np.eye(5) - layer["Lambda_nu_nu"])
enters = layer["Lambda_nu_iota"] @ layer["Lambda_nu_iota"].T + np.diag(layer["beta_nu"])
pushed = A_inverse @ enters @ A_inverse.T
ratio = float(pushed[-1, -1] / clamped(**layer, i=1, c=c)[1][-1, -1])
""",
        {"ratio_tests": 1},
    ),
    "one draw of noise for the whole batch": (
        "terms",
        """
def terms(mu, log_sigma, mu_control, log_sigma_control):
    z = mu + log_sigma.exp() * torch.randn(mu.shape[-1])
    kl = kl_divergence(Normal(mu, log_sigma.exp()), Normal(0.0, 1.0)).sum(-1).mean()
    return {"z": z, "kl": kl, "alignment": (mu - mu_control).square().sum(-1).mean()}
""",
        {"sample_tests": 1},
    ),
    "half the logarithm: read as one of the variance, in the sample as before": (
        "terms",
        """
def terms(mu, log_sigma, mu_control, log_sigma_control):
    z = mu + (log_sigma / 2).exp() * torch.randn_like(mu)
    kl = kl_divergence(Normal(mu, log_sigma.exp()), Normal(0.0, 1.0)).sum(-1).mean()
    return {"z": z, "kl": kl, "alignment": (mu - mu_control).square().sum(-1).mean()}
""",
        {"sample_tests": 1},
    ),
    "nats a dimension, not a cell": (
        "terms",
        """
def terms(mu, log_sigma, mu_control, log_sigma_control):
    z = Normal(mu, log_sigma.exp()).rsample()
    kl = kl_divergence(Normal(mu, log_sigma.exp()), Normal(0.0, 1.0)).mean()
    return {"z": z, "kl": kl, "alignment": (mu - mu_control).square().sum(-1).mean()}
""",
        {"terms_tests": 2},
    ),
    "samples aligned in place of means": (
        "terms",
        """
def terms(mu, log_sigma, mu_control, log_sigma_control):
    z = Normal(mu, log_sigma.exp()).rsample()
    z_control = Normal(mu_control, log_sigma_control.exp()).rsample()
    kl = kl_divergence(Normal(mu, log_sigma.exp()), Normal(0.0, 1.0)).sum(-1).mean()
    return {"z": z, "kl": kl, "alignment": (z - z_control).square().sum(-1).mean()}
""",
        {"terms_tests": 2},
    ),
    "no noise at all: the mean as the sample": (
        "terms",
        """
def terms(mu, log_sigma, mu_control, log_sigma_control):
    z = mu
    kl = kl_divergence(Normal(mu, log_sigma.exp()), Normal(0.0, 1.0)).sum(-1).mean()
    return {"z": z, "kl": kl, "alignment": (mu - mu_control).square().sum(-1).mean()}
""",
        {"sample_tests": 1},
    ),
    "the alignment of a dimension, not of a pair": (
        "terms",
        """
def terms(mu, log_sigma, mu_control, log_sigma_control):
    z = Normal(mu, log_sigma.exp()).rsample()
    kl = kl_divergence(Normal(mu, log_sigma.exp()), Normal(0.0, 1.0)).sum(-1).mean()
    return {"z": z, "kl": kl, "alignment": (mu - mu_control).square().mean()}
""",
        {"terms_tests": 2},
    ),
    "no alignment": (
        "terms",
        """
def terms(mu, log_sigma, mu_control, log_sigma_control):
    z = Normal(mu, log_sigma.exp()).rsample()
    kl = kl_divergence(Normal(mu, log_sigma.exp()), Normal(0.0, 1.0)).sum(-1).mean()
    return {"z": z, "kl": kl, "alignment": torch.zeros(())}
""",
        {"terms_tests": 2},
    ),
    "nats of the widths alone: where the means lie costs nothing": (
        "terms",
        """
def terms(mu, log_sigma, mu_control, log_sigma_control):
    z = Normal(mu, log_sigma.exp()).rsample()
    kl = 0.5 * ((2 * log_sigma).exp() - 1 - 2 * log_sigma).sum(-1).mean()
    return {"z": z, "kl": kl, "alignment": (mu - mu_control).square().sum(-1).mean()}
""",
        {"terms_tests": 2},
    ),
    "the half before the KL forgotten": (
        "nats",
        """
def nats(variances, w, n_genes, reduction="mean"):
    s = w * (n_genes if reduction == "mean" else 1)
    return float(0.5 * np.log(np.maximum(np.asarray(variances) / s, 1)).sum())
""",
        {"nats_tests": 3},
    ),
    "the capacity of a channel: no component is ever given up": (
        "nats",
        """
def nats(variances, w, n_genes, reduction="mean"):
    s = w / 2 * (n_genes if reduction == "mean" else 1)
    return float(0.5 * np.log1p(np.asarray(variances) / s).sum())
""",
        {"nats_tests": 3},
    ),
    "as if the error were summed over genes": (
        "collapse",
        "w_collapse = float(2 * spectrum[0])",
        {"collapse_tests": 1},
    ),
    "where one nat is left, which is not an empty code": (
        "collapse",
        """
weights = np.geomspace(1e-4, 1, 20_001)
w_collapse = float(weights[[nats(spectrum, w, 400) < 1 for w in weights]][0])
""",
        {"collapse_tests": 1},
    ),
    "the half before the KL forgotten, with no function to blame": (
        "collapse",
        "w_collapse = float(spectrum[0] / 400)",
        {"collapse_tests": 1},
    ),
    "where the *first* component goes: the smallest variance": (
        "collapse",
        "w_collapse = float(2 * spectrum[-1] / 400)",
        {"collapse_tests": 1},
    ),
    "a neighbour's weight": (
        "collapse",
        """
neighbour, _ = make_twin(config, seed=student + 1)
theirs = neighbour.dense(np.flatnonzero(~neighbour.is_control)).astype(float)
w_collapse = float(2 * np.linalg.eigvalsh(np.cov(theirs.T))[-1] / 400)
""",
        {"collapse_tests": 1},
    ),
}
