import numpy as np
import torch

from pvae_lib.learning.randomness import NormalNoise, generator, seeded_initialisation

CPU = torch.device("cpu")


def test_a_draw_depends_on_seed_purpose_and_counter_alone():
    first = generator(1, "order", 5).random(4)
    generator(1, "order", 6).random(1000)
    np.testing.assert_array_equal(generator(1, "order", 5).random(4), first)
    for other in (generator(2, "order", 5), generator(1, "noise", 5), generator(1, "order", 6)):
        assert not np.array_equal(other.random(4), first)


def test_noise_is_standard_normal_and_differs_between_steps():
    normal = NormalNoise(0, "noise", CPU)
    draws = torch.stack([normal(50, 20, step) for step in range(50)])
    assert draws.dtype == torch.float32
    torch.testing.assert_close(draws.mean(), torch.tensor(0.0), rtol=0, atol=0.02)
    torch.testing.assert_close(draws.var(), torch.tensor(1.0), rtol=0, atol=0.03)
    correlation = torch.corrcoef(draws.reshape(50, -1)).fill_diagonal_(0)
    assert correlation.abs().max() < 0.2


def test_initialisation_leaves_the_global_generator_alone():
    state = torch.get_rng_state()
    with seeded_initialisation(3):
        a = torch.nn.Linear(4, 4).weight
    assert torch.equal(torch.get_rng_state(), state)
    with seeded_initialisation(3):
        assert torch.equal(torch.nn.Linear(4, 4).weight, a)
