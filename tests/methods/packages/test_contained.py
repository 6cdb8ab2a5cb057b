"""What a package does to global state is undone."""

import logging
import random
import sys
import warnings

import numpy as np
import pytest
import torch

from pvae_lib.methods.packages.contained import contained


def draws():
    return random.random(), np.random.random(), torch.rand(1).item()


def test_draws_inside_follow_the_seed_and_leave_those_outside_alone():
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    expected = draws()
    inside = []
    for seed in (0, 0, 1):
        random.seed(5), np.random.seed(5), torch.manual_seed(5)
        with contained(seed, "a peer"):
            inside.append(draws())
        assert draws() == expected
    assert inside[0] == inside[1]
    assert not set(inside[0]) & set(inside[2])
    with contained(0, "another purpose"):
        assert not set(inside[0]) & set(draws())


def test_it_is_quiet_and_puts_all_back_when_a_package_fails(capsys):
    level = logging.getLogger("scvi").level
    filters = list(warnings.filters)
    with pytest.raises(RuntimeError), contained(0, "a peer"):
        print("to stdout")
        print("to stderr", file=sys.stderr)
        warnings.warn("a warning", stacklevel=1)
        warnings.filterwarnings("error")
        raise RuntimeError
    assert capsys.readouterr() == ("", "")
    assert logging.getLogger("scvi").level == level
    assert list(warnings.filters) == filters
