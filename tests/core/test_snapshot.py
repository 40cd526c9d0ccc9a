"""model.snapshot: tables and bytes."""

from lattice_core.errors import ProtocolError
from lattice_core.model import snapshot
from support import Rng, crypto, raises

STORE = b"\xaa" * 16


def sample():
    rng = Rng(61)
    rows = sorted([(rng.bytes(rng.below(5)) + bytes([n]), rng.bytes(rng.below(9))) for n in range(6)])
    return {snapshot.DATA: rows, snapshot.META: [(b"store_id", STORE)], snapshot.SYSTEM: []}


def test_round_trip_and_order():
    tables = sample()
    data = snapshot.encode(crypto(), STORE, tables)
    assert snapshot.decode(crypto(), STORE, data) == tables
    tables[snapshot.DATA].reverse()
    assert snapshot.encode(crypto(), STORE, tables) == data


def test_any_change_is_refused():
    data = snapshot.encode(crypto(), STORE, sample())
    for place in range(0, len(data), 5):
        changed = bytearray(data)
        changed[place] ^= 0x10
        raises(ProtocolError, snapshot.decode, crypto(), STORE, bytes(changed))
    for cut in range(0, len(data), 7):
        raises(ProtocolError, snapshot.decode, crypto(), STORE, data[:cut])
    raises(ProtocolError, snapshot.decode, crypto(), b"\xbb" * 16, data)


def resealed(data):
    return data + crypto().blake3_digest(data)


def test_a_right_checksum_over_wrong_records():
    head = b"LATS\x01\x00\x00\x00" + STORE
    for records in (
        b"",
        b"\x04\x00",
        b"\x01" + bytes(7),
        b"\x01" + b"\xff" * 8 + b"\x00",
        b"\x00\x00",
        b"\x02" + bytes(16),
    ):
        raises(ProtocolError, snapshot.decode, crypto(), STORE, resealed(head + records))
    assert snapshot.decode(crypto(), STORE, resealed(head + b"\x00"))[snapshot.DATA] == []
