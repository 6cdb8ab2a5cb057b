"""How far two clouds of cells are apart: E-distance and MMD.

Both are made of the same three means over pairs: within one cloud, within the other, between
them. `within` and `between` compute those means once, so that the pairs of true cells, which
every method shares, are never computed twice.
"""

from dataclasses import dataclass

import numpy as np

N_KERNELS = 10
SMALLEST_BANDWIDTH = 31.25  # b_i = 31.25 · 2^i: inherited from Discrepancy-VAE's MMD


@dataclass(frozen=True)
class PairMeans:
    """Means over pairs of cells: Euclidean distance, and the sum of ten Gaussian kernels."""

    distance: float
    kernel: float


# A cloud that is one point: all distances 0, every kernel 1.
POINT = PairMeans(0.0, float(N_KERNELS))


def squared_distances(a: np.ndarray, b: np.ndarray | None = None) -> np.ndarray:
    """Squared Euclidean distances, (n, genes) and (m, genes) to (n, m).

    By one matrix product in the precision of the input. Cells are centred first: norms then have
    the size of distances, and little is lost where they cancel.
    """
    centre = a.mean(axis=0)
    a = a - centre
    if b is None:
        # numpy sees A @ A.T and does half the work
        norms = np.einsum("ij,ij->i", a, a)
        squares = norms[:, None] + norms - 2 * (a @ a.T)
        np.fill_diagonal(squares, 0)
    else:
        b = b - centre
        squares = np.einsum("ij,ij->i", a, a)[:, None] + np.einsum("ij,ij->i", b, b)
        squares -= 2 * (a @ b.T)
    return np.maximum(squares, 0, out=squares)


def kernel_sums(squares: np.ndarray) -> np.ndarray:
    """Sum of ten Gaussian kernels exp(−d²/b), b = 31.25 · 2^i, of squared distances.

    One exponential for the widest kernel; each square of it is the next narrower one.
    """
    kernel = np.exp(squares * (-1.0 / (SMALLEST_BANDWIDTH * 2 ** (N_KERNELS - 1))))
    total = kernel.copy()
    for _ in range(N_KERNELS - 1):
        np.square(kernel, out=kernel)
        total += kernel
    return total


def within(cells: np.ndarray, source: np.ndarray | None = None) -> PairMeans:
    """Means over all pairs of *different* cells of one (n, genes) cloud, n ≥ 2.

    Parameters
    ----------
    cells
        (n, genes).
    source
        (n,) which control cell each cell was predicted from. Pairs from one and the same control
        are left out, as a cell's pair with itself is: they lie close because the control was drawn
        twice, which would be read as a narrower cloud where controls are few. NaN where a single
        control is behind all cells.
    """
    squares = squared_distances(cells)
    distances, kernels = np.sqrt(squares), kernel_sums(squares)
    same = np.eye(len(cells), dtype=bool) if source is None else source[:, None] == source
    pairs = same.size - np.count_nonzero(same)
    if pairs == 0:
        return PairMeans(float("nan"), float("nan"))
    return PairMeans(*(float(_sum_outside(v, same)) / pairs for v in (distances, kernels)))


def _sum_outside(values: np.ndarray, left_out: np.ndarray) -> float:
    values[left_out] = 0
    return values.sum(dtype=np.float64)


def between(a: np.ndarray, b: np.ndarray) -> PairMeans:
    """Means over all pairs of one cell of (n, genes) and one of (m, genes)."""
    squares = squared_distances(a, b)
    return PairMeans(
        float(np.sqrt(squares).mean(dtype=np.float64)),
        float(kernel_sums(squares).mean(dtype=np.float64)),
    )


def e_distance(across: PairMeans, within_x: PairMeans, within_y: PairMeans) -> float:
    """E-distance 2E‖x−y‖ − E‖x−x'‖ − E‖y−y'‖ of two clouds.

    Unsquared Euclidean distance and means over pairs of different cells: unbiased, so two
    samples of one distribution read 0 on average and can read below it. As in pertpy since it
    went Euclidean; scperturb squares the distance.
    """
    return 2 * across.distance - within_x.distance - within_y.distance


def mmd_unbiased(across: PairMeans, within_x: PairMeans, within_y: PairMeans) -> float:
    """Unbiased squared maximum mean discrepancy (sum of ten kernels) of two clouds."""
    return within_x.kernel + within_y.kernel - 2 * across.kernel


def mmd_biased(
    across: PairMeans, within_x: PairMeans, within_y: PairMeans, batch: int = 32
) -> float:
    """Biased squared MMD of batches of `batch` cells, averaged over *all* such batches.

    The biased estimator keeps each cell's kernel with itself, N_KERNELS / batch of its mean. Its
    average over every way to draw the batches has this closed form, so none need be drawn.
    Two samples of one distribution read well above 0: compare it with the same number for two
    halves of the real cells. Source: the paper's MMD, in batches of 32, from Discrepancy-VAE.
    """
    itself = 2 * N_KERNELS - within_x.kernel - within_y.kernel
    return mmd_unbiased(across, within_x, within_y) + itself / batch
