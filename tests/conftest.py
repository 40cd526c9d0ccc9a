"""What holds for every test: none leaves a file in the checkout."""

import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
_IGNORED = ("build", "dist", "lattice_host.egg-info")


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left_in_the_checkout():
    before = _names()
    yield
    assert _names() <= before, "tests wrote into their working directory: %s" % sorted(map(repr, _names() - before))


def _names():
    return {path.name for path in ROOT.iterdir() if not path.name.startswith(".")} - set(_IGNORED)
