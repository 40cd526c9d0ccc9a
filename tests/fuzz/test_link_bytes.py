"""Any bytes into a link, in any state of either role: nothing raises, and a stranger changes nothing."""

import random

import pytest

from lattice_core.errors import ProtocolError
from lattice_core.link.hello import Collector, TransportParameters, parse_body
from lattice_core.link.link import SERIAL, Link
from lattice_core.link.mux import LinkConnection
from sim.link_run import FastRng
from support.fake_line import LinkPair
from support.link_states import hostile, snapshot, states

PIECES = 1500


@pytest.mark.parametrize("pipe", [SERIAL, 244, 20])
def test_hostile_bytes_in_every_state(pipe):
    for seed, desk in enumerate(states(pipe)):
        rng = FastRng(seed)
        before = snapshot(desk)
        known = desk.b.connection
        recorded = []
        for _ in range(PIECES):
            data = hostile(rng, desk, recorded)
            for target in (desk.b, desk.a):
                target.receive(data, desk.now)
                packet = target.send(desk.now)
                if packet is not None and len(recorded) < 30:
                    recorded.append(bytes(packet))
            desk.now += rng.below(30)
            desk.a.deadline_ms(desk.now)
        after = snapshot(desk)
        assert (before[0], before[2:]) == (after[0], after[2:])
        assert known is None or not known._accepted


def test_a_line_cut_into_any_slices():
    """The same bytes, one by one or many at once, give the same connection."""
    for seed in range(20):
        rng = FastRng(seed)
        desk = LinkPair(rng, SERIAL)
        queue = {True: b"", False: b""}
        for _ in range(4000):
            for link, back in ((desk.a, True), (desk.b, False)):
                packet = link.send(desk.now)
                if packet is not None:
                    queue[back] += bytes(packet)
            for link, coming in ((desk.b, True), (desk.a, False)):
                count = rng.below(1 + min(len(queue[coming]), 40 if seed % 2 else 4000))
                link.receive(queue[coming][:count], desk.now)
                queue[coming] = queue[coming][count:]
            desk.now += rng.below(2)
            if desk.a.connection is not None and desk.b.connection is not None:
                break
        assert desk.a.connection is not None, seed
        assert desk.b.connection is not None, seed
        assert desk.a.counters.damaged == desk.b.counters.damaged == 0


def test_any_message_of_a_proven_peer_is_taken_or_refused():
    rng = random.Random(3)
    parameters = TransportParameters(1, 1, 4, 1024, b"peer")
    refused = 0
    for _ in range(20000):
        connection = LinkConnection(b"a" * 32, b"b" * 32, bool(rng.getrandbits(1)), parameters, parameters, 1000, {})
        for _ in range(rng.randrange(3)):
            connection.open_stream().write(rng.randbytes(rng.randrange(200)))
            connection.fill(memoryview(bytearray(998)))
        message = bytearray(rng.randbytes(rng.randrange(1, 60)))
        for place in range(0, len(message), rng.randrange(3, 12)):
            message[place] = rng.choice((1, 0x11, 0x21, 0x31, 0x41, 0x71, 2, 3, 4, 5))
            message[place + 1 : place + 3] = bytes((rng.randrange(6), 0))[: max(0, len(message) - place - 1)]
        try:
            connection.message(memoryview(message))
        except ProtocolError:
            refused += 1
        assert len(connection._all) <= 8
    assert 1000 < refused < 20000


def test_any_hello_is_understood_or_not():
    rng = random.Random(4)
    for _ in range(20000):
        parse_body(rng.randbytes(rng.randrange(50)))
        Collector().take(memoryview(rng.randbytes(rng.randrange(50))))


def test_strangers_cannot_make_a_silent_stick_talk():
    rng = random.Random(5)
    stick = Link(LinkPair(FastRng(1)).crypto, b"s" * 32, False, SERIAL, b"1", 0)
    for now in range(3000):
        stick.receive(rng.randbytes(rng.randrange(200)), now)
        assert stick.send(now) is None
