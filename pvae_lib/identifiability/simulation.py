"""A small world with known latents, so that what a model recovers can be measured.

    zι = λιι zι + nι;   zν = Λνι(e) zι + Λνν(e) zν + nν,   nν ~ N(μν(e), diag βν(e))
    x  = standardise(g(zι, zν)) + noise,  g a narrow-to-wide LeakyReLU network

The paper gives only the sizes (Table 1: x 500-d, zν 4, zι 7, u 12-d; 3,000 + 1,000 cells). Every
other choice here is ours and an argument of `WorldConfig`. Generator A is `WorldConfig()`;
generator B, `WorldConfig.independent()`, has no Λ at all, so that zν = nν.
"""

from dataclasses import dataclass, replace

import numpy as np

from pvae_lib.exceptions import InputError

LEAK = 0.2  # of the mixing's LeakyReLU
MU_RANGE = 2.0  # μν(e) ~ U(−2, 2)
SD_RANGE = (0.3, 2.0)  # √βν(e) ~ U(.3, 2)
WEIGHT_RANGE = (0.2, 1.0)  # |Λνν| ~ U(.2, 1), random signs


@dataclass(frozen=True)
class WorldConfig:
    """Every option of the generator.

    edge_probability, edges_at_least: the shared support of Λνν. `edge_probability=0` with
        `edges_at_least=0` leaves zν without edges.
    background_density, background_weight: how often zι drives zν, and the scale of Λνι.
    cuts_per_row: how many environments cut each zν,i from all its parents. With 1, environments
        1-4 cut rows 0-3; with 2, environments 5-8 do so again.
    cut_background: a cut removes the row of Λνι too ("all its parents" includes zι).
    variance_change: βν differs between environments; otherwise one βν for all.
    redraw_weights: Λ's weights are redrawn in every environment; otherwise shared.
    mean_shift: μν differs between environments; otherwise 0.
    confounded_controls: the background of a perturbed cell depends on its environment by this
        much (standard deviations of zι), which breaks the invariance that the model assumes.
    invertible_mixing: False drops zν's last coordinate before mixing: g is no longer injective.
    """

    d_nu: int = 4
    d_iota: int = 7
    n_genes: int = 500
    n_environments: int = 12
    n_train: int = 3000
    n_test: int = 1000
    edge_probability: float = 0.5
    edges_at_least: int = 1
    background_density: float = 0.5
    background_weight: float = 0.5
    cuts_per_row: int = 1
    cut_background: bool = True
    variance_change: bool = True
    redraw_weights: bool = True
    mean_shift: bool = True
    confounded_controls: float = 0.0
    invertible_mixing: bool = True
    mixing_widths: tuple[int, ...] = (64, 128)
    noise: float = 0.1

    def __post_init__(self) -> None:
        if self.cuts_per_row * self.d_nu > self.n_environments - 1:
            raise InputError(
                f"cuts_per_row={self.cuts_per_row} needs {self.cuts_per_row * self.d_nu} perturbed "
                f"environments and there are {self.n_environments - 1}: lower it or raise "
                "n_environments."
            )
        widths = (self.d_nu + self.d_iota, *self.mixing_widths, self.n_genes)
        if sorted(widths) != list(widths):
            raise InputError(
                f"The mixing must not narrow, and its widths are {widths}: with fewer units than "
                "inputs no layer is invertible. Raise n_genes or shrink mixing_widths."
            )
        possible = self.d_nu * (self.d_nu - 1) // 2
        if self.edges_at_least > possible or (self.edges_at_least and not self.edge_probability):
            raise InputError(
                f"edges_at_least={self.edges_at_least} cannot be drawn with d_nu={self.d_nu} and "
                f"edge_probability={self.edge_probability}: at most {possible} edges, and a "
                "probability above 0."
            )

    @classmethod
    def independent(cls, **changes) -> "WorldConfig":
        """Generator B: no edges and no drive from zι, so the components of zν are independent."""
        return replace(
            cls(edge_probability=0.0, edges_at_least=0, background_density=0.0), **changes
        )


@dataclass(frozen=True)
class World:
    """Cells and their whole truth. Rows: the training cells, then the test cells.

    x, x_control (n, n_genes): a cell and its counterfactual control (same zι, fresh nν from
        environment 0, fresh gene noise). environment (n,), 0 is the control; u (n, E) one-hot.
    z_nu_control (n, d_nu), z_iota_control (n, d_iota): latents of x_control, in the units of z_nu
        and z_iota. z_iota_control differs from z_iota only where `confounded_controls` is above 0.
    z_nu, n_nu (n, d_nu), z_iota, n_iota (n, d_iota): standardised over cells; the parameters
        Lambda_nu_nu (E, d_nu, d_nu), Lambda_nu_iota (E, d_nu, d_iota), mu_nu, beta_nu (E, d_nu)
        are in the same units, so that zν = Λνι zι + Λνν zν + nν holds cell by cell.
    support (d_nu, d_nu) bool: j → i at [i, j]. cuts (E, d_nu) bool: rows without parents.
    """

    config: WorldConfig
    x: np.ndarray
    x_control: np.ndarray
    environment: np.ndarray
    z_nu: np.ndarray
    z_iota: np.ndarray
    z_nu_control: np.ndarray
    z_iota_control: np.ndarray
    n_nu: np.ndarray
    n_iota: np.ndarray
    Lambda_nu_nu: np.ndarray
    Lambda_nu_iota: np.ndarray
    mu_nu: np.ndarray
    beta_nu: np.ndarray
    support: np.ndarray
    cuts: np.ndarray

    @property
    def u(self) -> np.ndarray:
        """One-hot environments (n, E) float32; the control has its own column, as in the paper."""
        return np.eye(self.config.n_environments, dtype=np.float32)[self.environment]

    @property
    def train(self) -> slice:
        return slice(0, self.config.n_train)

    @property
    def test(self) -> slice:
        return slice(self.config.n_train, self.config.n_train + self.config.n_test)


def make_world(config: WorldConfig, seed: int) -> World:
    """Draw a world: mechanisms, cells, counterfactual controls. The same seed, the same world."""
    rng = np.random.default_rng(seed)
    n, n_environments = config.n_train + config.n_test, config.n_environments
    support, cuts = _support(config, rng), _cuts(config)
    Lambda_nu_nu, Lambda_nu_iota = _weights(config, support, cuts, rng)
    mu_nu = rng.uniform(-MU_RANGE, MU_RANGE, (n_environments, config.d_nu)) * config.mean_shift
    sd_nu = rng.uniform(*SD_RANGE, (n_environments, config.d_nu))
    if not config.variance_change:
        sd_nu = np.repeat(sd_nu[:1], n_environments, axis=0)

    environment = np.concatenate(
        [
            rng.permutation(np.arange(size) % n_environments)
            for size in (config.n_train, config.n_test)
        ]
    )
    z_iota, n_iota = _background(config, n, rng)
    offsets = rng.standard_normal((n_environments, config.d_iota)) * config.confounded_controls
    z_iota_factual = z_iota + offsets[environment] - offsets[0]

    def respond(e: np.ndarray, z_iota: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        n_nu = mu_nu[e] + sd_nu[e] * rng.standard_normal((n, config.d_nu))
        driven = n_nu + np.einsum("nij,nj->ni", Lambda_nu_iota[e], z_iota)
        A = np.eye(config.d_nu) - Lambda_nu_nu[e]
        return np.linalg.solve(A, driven[..., None])[..., 0], n_nu

    z_nu, n_nu = respond(environment, z_iota_factual)
    z_nu_control, _ = respond(np.zeros_like(environment), z_iota)
    mean_nu, scale_nu = z_nu.mean(0), z_nu.std(0)
    mean_iota, scale_iota = z_iota_factual.mean(0), z_iota_factual.std(0)
    mix = _mixing(config, rng)

    def standardise(z_nu: np.ndarray, z_iota: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return (z_nu - mean_nu) / scale_nu, (z_iota - mean_iota) / scale_iota

    latents, latents_control = standardise(z_nu, z_iota_factual), standardise(z_nu_control, z_iota)
    genes, genes_control = mix(*latents), mix(*latents_control)
    mean_x, scale_x = genes.mean(0), genes.std(0)

    def measure(clean: np.ndarray) -> np.ndarray:
        x = (clean - mean_x) / scale_x + config.noise * rng.standard_normal(clean.shape)
        return x.astype(np.float32)

    # The structural equations, rewritten for the standardised latents.
    shift = np.einsum("eij,j->ei", Lambda_nu_iota, mean_iota)
    shift -= mean_nu - np.einsum("eij,j->ei", Lambda_nu_nu, mean_nu)
    return World(
        config=config,
        x=measure(genes),
        x_control=measure(genes_control),
        environment=environment,
        z_nu=latents[0],
        z_iota=latents[1],
        z_nu_control=latents_control[0],
        z_iota_control=latents_control[1],
        n_nu=(n_nu + shift[environment]) / scale_nu,
        n_iota=n_iota,
        Lambda_nu_nu=Lambda_nu_nu * scale_nu / scale_nu[:, None],
        Lambda_nu_iota=Lambda_nu_iota * scale_iota / scale_nu[:, None],
        mu_nu=(mu_nu + shift) / scale_nu,
        beta_nu=(sd_nu / scale_nu) ** 2,
        support=support,
        cuts=cuts,
    )


def _support(config: WorldConfig, rng: np.random.Generator) -> np.ndarray:
    """A strictly lower-triangular mask, redrawn until it has `edges_at_least` edges."""
    while True:
        drawn = rng.random((config.d_nu, config.d_nu)) < config.edge_probability
        support = np.tril(drawn, -1)
        if support.sum() >= config.edges_at_least:
            return support


def _cuts(config: WorldConfig) -> np.ndarray:
    """Environment 1 cuts row 0, environment 2 row 1, …, `cuts_per_row` times over."""
    cuts = np.zeros((config.n_environments, config.d_nu), dtype=bool)
    for k in range(config.cuts_per_row * config.d_nu):
        cuts[1 + k, k % config.d_nu] = True
    return cuts


def _weights(
    config: WorldConfig, support: np.ndarray, cuts: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Λνν (E, d_nu, d_nu) and Λνι (E, d_nu, d_iota) on their supports, with the cuts applied."""
    n_drawn = config.n_environments if config.redraw_weights else 1
    shape_nu, shape_iota = (n_drawn, *support.shape), (n_drawn, config.d_nu, config.d_iota)
    signs = rng.choice([-1.0, 1.0], shape_nu)
    Lambda_nu_nu = signs * rng.uniform(*WEIGHT_RANGE, shape_nu) * support
    from_iota = rng.random((config.d_nu, config.d_iota)) < config.background_density
    Lambda_nu_iota = config.background_weight * rng.standard_normal(shape_iota) * from_iota
    kept = ~cuts[..., None]
    kept_iota = kept if config.cut_background else np.ones_like(kept)
    return Lambda_nu_nu * kept, Lambda_nu_iota * kept_iota


def _background(
    config: WorldConfig, n: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """zι (n, d_iota) from a linear SCM with standard normal noise nι, the same in every cell."""
    d = config.d_iota
    signs = rng.choice([-1.0, 1.0], (d, d))
    lambda_iota = np.tril(
        signs * rng.uniform(*WEIGHT_RANGE, (d, d)) * (rng.random((d, d)) < 0.5), -1
    )
    n_iota = rng.standard_normal((n, d))
    return np.linalg.solve(np.eye(d) - lambda_iota, n_iota.T).T, n_iota


def _mixing(config: WorldConfig, rng: np.random.Generator):
    """g: (zν, zι) → genes, a LeakyReLU network whose matrices have orthonormal columns."""
    widths = (config.d_nu + config.d_iota, *config.mixing_widths, config.n_genes)
    matrices = [
        np.linalg.qr(rng.standard_normal((wide, narrow)))[0]
        for narrow, wide in zip(widths[:-1], widths[1:], strict=True)
    ]

    def mix(z_nu: np.ndarray, z_iota: np.ndarray) -> np.ndarray:
        if not config.invertible_mixing:
            z_nu = np.concatenate([z_nu[:, :-1], np.zeros((len(z_nu), 1))], 1)
        h = np.concatenate([z_nu, z_iota], 1)
        for matrix in matrices[:-1]:
            h = h @ matrix.T
            h = np.where(h > 0, h, LEAK * h)
        return h @ matrices[-1].T

    return mix
