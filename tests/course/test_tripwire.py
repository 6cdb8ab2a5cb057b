"""What an answer may not do, and what is left over from working on it and may stay."""

import pytest

from pvae_lib.course.tripwire import trips


@pytest.mark.parametrize(
    "source",
    [
        "np.mean?",
        "?np.mean",
        "np.mean??",
        "%matplotlib inline",
        "%timeit -n 10 -r3 f(x)",
        "%%timeit\nf(x)",
        "t = %timeit -o f(x)",
        "%whos",
        "import numpy as np\nnp.mean([1])",
        "no python at all",
    ],
)
def test_what_does_no_harm_passes(source):
    assert list(trips(source)) == []


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import os.path", "imports os.path"),
        ("from urllib import request", "imports urllib"),
        ("open('x')", "uses open"),
        ("!ls", "uses a ! or % command"),
        ("files = !ls", "uses a ! or % command"),
        ("%%bash\nls", "uses a ! or % command"),
        ("%run other.py", "uses a ! or % command"),
        ("get_ipython().system('ls')", "uses a ! or % command"),
        ("np.mean?\n!ls", "uses a ! or % command"),
        ("%timeit -n 1 open('x')", "uses open"),
        ("%%time\nimport os", "imports os"),
        ("%timeit !ls", "uses a ! or % command"),
        ("%timeit ) unread", "uses a ! or % command"),
        ("student = 3", "sets student"),
        ("%time student = 3", "sets student"),
    ],
)
def test_what_may_not_be_is_named(source, words):
    assert words in list(trips(source, kept=("student",)))
