"""What an estimate scores without having learned anything: the lines every result stands beside."""

import numpy as np
import torch
from scipy.stats import ortho_group
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge

from pvae_lib.identifiability.recovery import mcc, shd
from pvae_lib.learning.randomness import seeded_initialisation
from pvae_lib.model import PerturbedVAE


def random_rotations(z_nu: np.ndarray, n: int, seed: int) -> np.ndarray:
    """MCC (n,) of the true zν (cells, d) turned by random rotations.

    The subspace is known perfectly and no component is: chance, for whoever finds the block.
    """
    rotations = ortho_group.rvs(z_nu.shape[1], size=n, random_state=np.random.default_rng(seed))
    return np.array([mcc(z_nu, z_nu @ rotation) for rotation in rotations])


def partly_found(rotations: np.ndarray, r2: float) -> np.ndarray:
    """What those MCCs of a whole block (n,) become where only R² = `r2` of it is found.

    What is missing is taken to be missing evenly: ẑν = (zν + e) R with Cov(e) a multiple of
    Cov(zν), which gives every direction of zν the same R² and shrinks every correlation by √R².
    Where it is one direction that is missing, random rotations score less.
    """
    return rotations * np.sqrt(np.clip(r2, 0.0, 1.0))


def environment_means(x: np.ndarray, environment: np.ndarray, fit_on: slice, d: int) -> np.ndarray:
    """(n, d): each cell replaced by its environment's mean expression, then d principal components.

    It knows which perturbation was applied and nothing about the cell.
    """
    e_fit, x_fit = environment[fit_on], x[fit_on]
    means = np.stack([x_fit[e_fit == e].mean(0) for e in range(int(environment.max()) + 1)])
    return PCA(d, svd_solver="full").fit_transform(means)[environment]


def principal_components(x: np.ndarray, fit_on: slice, d: int) -> np.ndarray:
    """(n, d): the first d principal components, fitted on some of the cells."""
    return PCA(d, svd_solver="randomized", random_state=0).fit(x[fit_on]).transform(x)


def untrained(model: PerturbedVAE, x: np.ndarray, u: np.ndarray, seed: int) -> dict:
    """z_nu (n, d_nu) and z_iota (n, d_iota) of a network of the same shape that saw no data."""
    with seeded_initialisation(seed):
        fresh = PerturbedVAE(model.config)
    found = fresh.embed(torch.as_tensor(x), torch.as_tensor(u))
    return {name: found[name].double().numpy() for name in ("z_nu", "z_iota")}


def supervised(x: np.ndarray, z: np.ndarray, fit_on: slice) -> np.ndarray:
    """(n, d): ridge regression from expression to the true latents, the ceiling of linear maps."""
    return Ridge(alpha=1.0).fit(x[fit_on], z[fit_on]).predict(x)


def random_graphs(support: np.ndarray, n: int, seed: int) -> np.ndarray:
    """SHD (n,) of random DAGs with the true number of edges: random order, random edges."""
    rng = np.random.default_rng(seed)
    d, n_edges = len(support), int(np.sum(support))
    rows, columns = np.tril_indices(d, -1)
    distances = []
    for _ in range(n):
        chosen = rng.choice(len(rows), n_edges, replace=False)
        graph = np.zeros((d, d), dtype=bool)
        graph[rows[chosen], columns[chosen]] = True
        order = rng.permutation(d)
        distances.append(shd(support, graph[np.ix_(order, order)]))
    return np.array(distances)


def empty_graph(support: np.ndarray) -> int:
    """SHD of the graph without edges: the number of true edges."""
    return shd(support, np.zeros_like(support))
