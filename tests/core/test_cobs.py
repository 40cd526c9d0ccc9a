"""COBS by blocks: known encodings, round trips, hostile input."""

from lattice_core.link import cobs
from support import Rng

# The examples of Cheshire and Baker's encoding, as commonly listed.
KNOWN = (
    (b"", b"\x01"),
    (b"\0", b"\x01\x01"),
    (b"\0\0", b"\x01\x01\x01"),
    (b"\0\x11\0", b"\x01\x02\x11\x01"),
    (b"\x11\x22\0\x33", b"\x03\x11\x22\x02\x33"),
    (b"\x11\x22\x33\x44", b"\x05\x11\x22\x33\x44"),
    (b"\x11\0\0\0", b"\x02\x11\x01\x01\x01"),
    (bytes(range(1, 255)), b"\xff" + bytes(range(1, 255))),
    (b"\0" + bytes(range(1, 255)), b"\x01\xff" + bytes(range(1, 255))),
    (bytes(range(1, 256)), b"\xff" + bytes(range(1, 255)) + b"\x02\xff"),
    (bytes(range(2, 256)) + b"\0", b"\xff" + bytes(range(2, 256)) + b"\x01\x01"),
    (bytes(range(3, 256)) + b"\0\x01", b"\xfe" + bytes(range(3, 256)) + b"\x02\x01"),
)


def encode(data):
    out = bytearray(cobs.encoded_size(len(data)))
    end = cobs.encode(bytearray(data), len(data), memoryview(out), 0)
    return bytes(out[:end])


def decode(data):
    buf = bytearray(b"??" + data + b"!!")
    end = cobs.decode(memoryview(buf), 2, 2 + len(data))
    assert bytes(buf[-2:]) == b"!!"
    return None if end < 0 else bytes(buf[2:end])


def test_known_encodings():
    for plain, encoded in KNOWN:
        assert encode(plain) == encoded, plain
        assert decode(encoded) == plain, encoded


def test_round_trips_of_all_lengths():
    rng = Rng(1)
    for length in range(0, 1200, 7):
        data = rng.bytes(length)
        if length % 3 == 0:
            data = data.replace(b"\x01", b"\0").replace(b"\x02", b"\0")
        encoded = encode(data)
        assert b"\0" not in encoded
        assert len(encoded) <= cobs.encoded_size(length)
        assert decode(encoded) == data


def test_no_zero_at_all_is_the_longest():
    for length in (253, 254, 255, 507, 508, 509, 1024):
        data = b"\xaa" * length
        assert len(encode(data)) <= cobs.encoded_size(length)
        assert decode(encode(data)) == data


def test_a_block_beyond_the_end_is_refused():
    for bad in (b"\x02", b"\x05\x01\x02", b"\xff" + b"a" * 253, b"\x01\x01\x03\x01"):
        assert decode(bad) is None, bad


def test_any_bytes_decode_or_are_refused():
    rng = Rng(2)
    for _ in range(300):
        data = rng.bytes(rng.below(80)).replace(b"\0", b"\x07")
        plain = decode(data)
        assert plain is None or len(plain) <= len(data)
