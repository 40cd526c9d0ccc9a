"""A link in each of its states, and hostile input for it."""

from lattice_core.link import hello
from support import Rng
from support.fake_line import LinkPair


# -- any bytes, in any state ----------------------------------------------------------------------------------------
def snapshot(desk):
    """What a stranger's bytes must not change."""
    b = desk.b
    return (b.local, b.closed, b.counters.connections, b._exchange.parameters.firmware)


def states(pipe):
    """Worlds in which b is in each of its states (and a in some of its own)."""
    yield LinkPair(Rng(1), pipe)
    for steps in range(1, 9):
        desk = LinkPair(Rng(1), pipe)
        for _ in range(steps):
            desk._flush(desk.a, desk.to_b)
            desk.now += 1
            desk._deliver(desk.to_b, desk.b)
            if steps % 2:
                desk._flush(desk.b, desk.to_a)
                desk.now += 1
                desk._deliver(desk.to_a, desk.a)
        yield desk
    desk = LinkPair(Rng(1), pipe)
    desk.connect()
    desk.b.connection.open_stream().write(b"secret")
    desk.exchange()
    yield desk
    desk.b.close("closing")
    desk.b.send(desk.now)
    yield desk


def hostile(rng, desk, recorded):
    """Bytes of a stranger: noise, changed frames, well-formed packets with wrong content."""
    choice = rng.below(6)
    if choice == 0:
        return rng.bytes(rng.below(300))
    if choice == 1 and recorded:
        data = bytearray(rng.choice(recorded))
        for _ in range(1 + rng.below(3)):
            data[rng.below(len(data))] = rng.below(256)
        return bytes(data)
    if choice == 2 and recorded:
        return rng.choice(recorded)
    body = rng.bytes(rng.below(60))
    if choice == 3:
        packets = hello.parts(1 + rng.below(1 << 31), rng.below(3), b"\x01\x01" + body, desk.b._pipe.packet_bytes)
        return b"".join([bytes(desk.b._pipe.wrap(packet)) for packet in packets[:1]])
    session = desk.b._channel
    number = session.number if session is not None else 1
    length = min(len(body), desk.b._pipe.packet_bytes - 10)
    slot = bytearray(100)
    slot[6 : 6 + length] = body[:length]
    fields = (rng.below(16), rng.below(256), rng.below(65536) if rng.below(2) else rng.below(9), rng.below(9))
    return bytes(desk.b._pipe.seal(slot, length, fields[0], fields[1], fields[2], fields[3], number, None, 0))
