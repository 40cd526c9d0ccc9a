"""model.witness: chained, signed records."""

from lattice_core.errors import ProtocolError
from lattice_core.model import witness
from lattice_core.model.identity import Identity
from lattice_core.wire.messages import WitnessContent, WitnessRecord
from support import Rng, crypto, raises

STORE = b"\xaa" * 16


def test_contents_are_written_like_the_table_says():
    rng = Rng(31)
    for wall_ms in (0, 1, 127, 128, 1_700_000_000_000, 2**64 - 1):
        hash, prev = rng.bytes(32), rng.bytes(32)
        content = witness.content_encode(STORE, hash, wall_ms, prev)
        by_table = {"store_id": STORE, "intention_hash": hash, "wall_time": wall_ms, "prev_hash": prev}
        assert content == WitnessContent.encode(by_table)
        assert witness.content_parse(content) == (STORE, hash, wall_ms, prev)


def test_records_verify_for_their_signer_only():
    identity, other = Identity(crypto(), b"\x01" * 32), Identity(crypto(), b"\x02" * 32)
    content = witness.content_encode(STORE, b"h" * 32, 5, bytes(32))
    record = witness.record_sign(identity, crypto(), content)
    assert record == WitnessRecord.encode(
        {"content": content, "signature": identity.sign(witness.head_of(crypto(), content))}
    )
    assert witness.record_verify(crypto(), identity.public, record) == content
    raises(ProtocolError, witness.record_verify, crypto(), other.public, record)
    for place in range(0, len(record), 7):
        changed = bytearray(record)
        changed[place] ^= 1
        raises(ProtocolError, witness.record_verify, crypto(), identity.public, bytes(changed))


def test_fields_of_wrong_lengths():
    for store_id, hash, prev in ((b"", b"h" * 32, bytes(32)), (STORE, b"h" * 31, bytes(32)), (STORE, b"h" * 32, b"")):
        content = WitnessContent.encode(
            {"store_id": store_id, "intention_hash": hash, "wall_time": 1, "prev_hash": prev}
        )
        raises(ProtocolError, witness.content_parse, content)
        assert witness.content_decode(content) == (store_id, hash, 1, prev)
    raises(ProtocolError, witness.record_parse, WitnessRecord.encode({"content": b"x", "signature": bytes(63)}))


def test_heads_chain():
    first = witness.content_encode(STORE, b"a" * 32, 1, bytes(32))
    second = witness.content_encode(STORE, b"b" * 32, 2, witness.head_of(crypto(), first))
    assert witness.content_parse(second)[3] == crypto().blake3_digest(first)
