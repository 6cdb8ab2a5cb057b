import numpy as np
import scipy.sparse as sp
import scipy.stats
import torch

from pvae_lib.model.counts import CountDecoder, CountStart, nb_log_likelihood


def simulated(theta: float = 2.0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts (4000, 3) of genes that hold 1, 5 and 10 % of the total, totals, shares."""
    rng = np.random.default_rng(0)
    total, share = rng.lognormal(5, 0.4, 4000), np.array([0.01, 0.05, 0.1])
    mu = total[:, None] * share
    return rng.poisson(rng.gamma(theta, mu / theta)).astype(np.float32), total, share


def test_likelihood_is_scipys_but_for_a_term_of_the_counts():
    counts, total, share = simulated()
    mu, theta = total[:50, None] * share, np.array([0.5, 2.0, 90.0])
    expected = scipy.stats.nbinom.logpmf(counts[:50], theta, theta / (theta + mu))
    expected = expected + scipy.special.gammaln(counts[:50] + 1)
    as_tensors = [torch.from_numpy(a) for a in (counts[:50].astype(float), np.log(mu), theta)]
    np.testing.assert_allclose(nb_log_likelihood(*as_tensors), expected.sum(1), rtol=1e-6)


def test_the_start_finds_shares_and_dispersion():
    counts, total, share = simulated()
    start = CountStart.of(sp.csr_matrix(counts), total)
    np.testing.assert_allclose(np.exp(start.log_share), [*share, 0.84], rtol=0.05)
    np.testing.assert_allclose(np.exp(start.log_theta), 2, rtol=0.35)


def test_a_decoder_starts_at_the_shares_and_leaves_room_for_the_other_genes():
    share = np.array([0.01, 0.05, 0.1, 0.84], np.float32)
    decoder = CountDecoder(2, 5, 1, CountStart(np.log(share), np.zeros(3, np.float32)))
    with torch.no_grad():
        decoder.f_dec[-1].weight.zero_()
        mu = decoder(torch.randn(7, 2), torch.full((7, 1), 50.0)).exp()
    np.testing.assert_allclose(mu, np.tile(50 * share[:3], (7, 1)), rtol=1e-5)
    assert torch.equal(decoder.theta(), torch.ones(3))
