import numpy as np

from pvae_lib.programs.labels import best_number_of_groups, groups, label, oriented


def test_a_program_is_named_by_what_moves_it_most_in_its_own_units():
    effect = np.array([[3.0, 0.1], [-1.0, -0.4]])
    readout = np.zeros((2, 30))
    readout[0, 7], readout[1, 3] = -5.0, 1.0
    names = label(effect, np.array([1.0, 0.1]), readout, ("A", "B"))
    assert list(names.target) == ["A", "B"] and list(names.sign) == [1, -1]
    assert names.genes[0, 0] == 7 and names.genes[1, 0] == 3


def test_orientation_undoes_a_flip_of_a_latent():
    rng = np.random.default_rng(0)
    weights, effect = np.tril(rng.standard_normal((4, 4)), -1), rng.standard_normal((6, 4))
    flip = np.array([1, -1, -1, 1])
    conditions, sd = tuple("ABCDEF"), np.ones(4)
    here = label(effect, sd, np.zeros((4, 9)), conditions)
    there = label(effect * flip, sd, np.zeros((4, 9)), conditions)
    flipped = weights * flip[:, None] * flip
    np.testing.assert_allclose(oriented(weights, here), oriented(flipped, there))
    assert not np.allclose(weights, flipped)


def test_groups_find_planted_ones_and_their_number():
    rng = np.random.default_rng(0)
    truth = np.repeat(np.arange(4), 5)
    effects = np.eye(4)[truth] * 10 + rng.standard_normal((20, 4)) * 0.1
    found = groups(effects, 4)
    assert len(set(zip(truth, found, strict=True))) == len(set(found)) == 4
    assert best_number_of_groups(effects)[0] == 4
    assert len(set(groups(effects))) == 7
