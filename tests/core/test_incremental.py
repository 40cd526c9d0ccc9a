"""wire.incremental: a message in pieces, cut anywhere, is what it is whole."""

from lattice_core.errors import ProtocolError
from lattice_core.wire.fields import LENGTH, VARINT, fields, varint
from lattice_core.wire.incremental import BEGIN, END, FIELD, PIECE, SMALL_BYTES, Scanner
from lattice_core.wire.reference_messages import IntentionResponse
from support import Rng, raises

h = bytes.fromhex


def events_of(data, pieces, enter=None):
    """All events of a message fed in pieces of these sizes, the pieces of a large value joined."""
    scanner = Scanner(len(data), enter)
    events = []
    pos = 0
    while pos < len(data) or not pos:
        count = pieces(len(data) - pos)
        for what, number, value in scanner.feed(data[pos : pos + count]):
            if what == PIECE:
                events[-1][2].extend(value)
            else:
                large = what == BEGIN and number not in (enter or {})
                events.append([what, number, bytearray() if large else value])
        pos += count
        if not data:
            break
    scanner.finish()
    return [tuple(event) for event in events]


def events_of_fields(data):
    """The same from the whole message."""
    events = []
    for number, wire, value, size in fields(data):
        if wire == VARINT:
            events.append((FIELD, number, value))
        elif size <= SMALL_BYTES:
            events.append((FIELD, number, data[value : value + size]))
        else:
            events.append((BEGIN, number, data[value : value + size]))
            events.append((END, number, 0))
    return events


def outcome(function, *arguments):
    try:
        return function(*arguments)
    except ProtocolError:
        return "malformed"


def random_message(rng):
    """Fields of all kinds, groups too."""
    parts = []
    for _ in range(rng.below(7)):
        number = rng.below(20) + 1
        wire = rng.choice((0, 1, 2, 2, 2, 3, 5))
        parts.append(varint(number << 3 | wire))
        if wire == 0:
            parts.append(varint(rng.below(2**64)))
        elif wire == LENGTH:
            size = rng.choice((0, 1, 5, SMALL_BYTES, SMALL_BYTES + 1, 300))
            parts.append(varint(size) + rng.bytes(size))
        elif wire == 3:
            parts.append(h("0801") + varint(number << 3 | 4))
        else:
            parts.append(rng.bytes(8 if wire == 1 else 4))
    return b"".join(parts)


def test_any_cut_gives_the_events_of_the_whole():
    rng = Rng(71)

    def some(left):
        return rng.below(min(left, 60)) + 1

    for _ in range(60):
        data = random_message(rng)
        expected = events_of_fields(data)
        assert events_of(data, lambda left: left) == expected
        if data:
            assert events_of(data, lambda left: 1) == expected
            assert events_of(data, some) == expected


def test_damaged_messages_are_refused_like_whole_ones():
    rng = Rng(72)
    for _ in range(150):
        data = bytearray(random_message(rng))
        for _ in range(rng.below(3) + 1):
            if data:
                data[rng.below(len(data))] = rng.choice((rng.below(256), 0, 0x80, 0xFF))
        data = bytes(data)
        assert outcome(events_of, data, lambda left: left) == outcome(events_of_fields, data)


def test_messages_are_read_through():
    body = bytes(range(200)) * 2
    message = {
        "store_id": b"\xaa" * 16,
        "done": True,
        "intentions": [
            {"intention_borsh": body, "signature": b"s" * 64},
            {"intention_borsh": b"", "signature": b""},
            {"intention_borsh": b"small"},
        ],
    }
    data = IntentionResponse.encode(message)
    for piece in (1, 7, 100, len(data)):
        events = events_of(data, lambda left, piece=piece: min(piece, left), {3: {}})
        assert events[:2] == [(FIELD, 1, b"\xaa" * 16), (FIELD, 2, 1)]
        first = events[2]
        assert first[:2] == (BEGIN, 3)
        assert events[3] == (BEGIN, 1, body)
        assert events[4] == (END, 1, 0)
        assert events[5:] == [
            (FIELD, 2, b"s" * 64),
            (END, 3, 0),
            (BEGIN, 3, 0),
            (END, 3, 0),
            (BEGIN, 3, 7),
            (FIELD, 1, b"small"),
            (END, 3, 0),
        ]


def test_inner_fields_end_within_their_message():
    raises(ProtocolError, events_of, h("1a020aff") + b"x" * 20, lambda left: left, {3: {}})
    raises(ProtocolError, events_of, h("1a0108"), lambda left: left, {3: {}})
    raises(ProtocolError, events_of, h("1a010b0c"), lambda left: left, {3: {}})


def test_more_bytes_than_the_message_has():
    scanner = Scanner(2)
    raises(ProtocolError, list, scanner.feed(h("080108")))


def test_done():
    scanner = Scanner(4)
    assert list(scanner.feed(h("0801"))) == [(FIELD, 1, 1)]
    assert not scanner.done()
    raises(ProtocolError, scanner.finish)
    assert list(scanner.feed(h("10"))) == []
    assert list(scanner.feed(h("05"))) == [(FIELD, 2, 5)]
    assert scanner.done()
    scanner.finish()


def test_depth_is_limited():
    group = b"\x0b" * 101
    raises(ProtocolError, events_of, group, lambda left: left)
    enter = {}
    enter[1] = enter
    inner = b""
    for _ in range(101):
        inner = b"\x0a" + varint(len(inner)) + inner
    raises(ProtocolError, events_of, inner, lambda left: left, enter)
