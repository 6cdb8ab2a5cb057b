"""Optional packages: present, or one message with the command that installs them."""

import json

import pytest

from pvae_lib.exceptions import InputError
from pvae_lib.extras import has_extra, load_extra


def test_an_installed_package_is_imported():
    assert has_extra("json") and load_extra("json", "none") is json


def test_a_missing_package_gives_the_command():
    assert not has_extra("no_such_package")
    with pytest.raises(InputError, match=r"no_such_package.*pip install.*'\.\[peers\]'"):
        load_extra("no_such_package.part", "peers")
