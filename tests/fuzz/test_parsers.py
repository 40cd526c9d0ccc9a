"""Any bytes into any parser raise ProtocolError or nothing, and readers of the same bytes agree."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fuzz.parsers import PARSERS, TABLES, corpus
from lattice_core.errors import ProtocolError

MUTATIONS = 4000
CORPUS = corpus()


def survives(name: str, data: bytes) -> bool:
    """True when the parser accepted the bytes. Anything but a ProtocolError fails the test."""
    try:
        PARSERS[name](data)
    except ProtocolError:
        return False
    return True


@pytest.mark.parametrize("name", PARSERS)
@settings(max_examples=300, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.binary(max_size=300))
def test_any_bytes(name: str, data: bytes) -> None:
    survives(name, data)


def mutated(rng: random.Random) -> bytes:
    """A valid message with a few bytes changed, cut, doubled, or joined with another."""
    data = bytearray(rng.choice(CORPUS))
    for _ in range(rng.randint(0, 4)):
        place = rng.randint(0, len(data))
        change = rng.randrange(5)
        if change == 0 and place < len(data):
            data[place] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256), data[place] ^ 1 << rng.randrange(8)))
        elif change == 1:
            del data[place:]
        elif change == 2:
            data[place:place] = data[: rng.randint(0, 40)]
        elif change == 3:
            data[place:place] = rng.choice(CORPUS)[: rng.randint(0, 60)]
        else:
            del data[place : place + rng.randint(1, 3)]
    return bytes(data)


@pytest.mark.parametrize("name", PARSERS)
def test_mutated_messages(name: str) -> None:
    rng = random.Random(name)
    accepted = 0
    for _ in range(MUTATIONS):
        data = mutated(rng)
        if name == "by_table":
            data = bytes([rng.randrange(len(TABLES))]) + data
        accepted += survives(name, data)
    if name != "read_token_text":  # a changed token fails its checksum
        assert accepted, "no mutation was accepted: they are too coarse to reach the inner checks"
