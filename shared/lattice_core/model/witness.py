"""Witness records: a node's own chained log of what it has accepted (docs/reference/01-data-model.md §3).

A record is a signed WitnessContent; the BLAKE3 of a content is the `prev_hash` of the next one. Contents are signed
and hashed as bytes, so they are written exactly like the reference writes them.
"""

from ..errors import ProtocolError
from ..wire.messages import WitnessContent, WitnessRecord
from ..wire.protobuf import varint


def content_encode(store_id, intention_hash, wall_ms, prev_hash):
    """The WitnessContent bytes; a wall time of 0 is not written."""
    wall = b"\x18" + varint(wall_ms) if wall_ms else b""
    return b"".join((b"\x0a\x10", store_id, b"\x12\x20", intention_hash, wall, b"\x22\x20", prev_hash))


def content_decode(content):
    """(store_id, intention hash, wall_ms, prev_hash) as they stand, of any length."""
    values = WitnessContent.decode(content)
    return values["store_id"], values["intention_hash"], values["wall_time"], values["prev_hash"]


def content_parse(content):
    """Like `content_decode`; ProtocolError unless the lengths are right."""
    result = content_decode(content)
    if len(result[0]) != 16 or len(result[1]) != 32 or len(result[3]) != 32:
        raise ProtocolError("a witness content with a field of the wrong length")
    return result


def head_of(crypto, content):
    """The content hash: what the next record chains to."""
    return crypto.blake3_digest(content)


def record_sign(identity, crypto, content):
    """The WitnessRecord of a content, signed."""
    signature = identity.sign(crypto.blake3_digest(content))
    return b"".join((b"\x0a", varint(len(content)), content, b"\x12\x40", signature))


def record_parse(record):
    """(content, signature) of a WitnessRecord, nothing verified; ProtocolError unless the signature has 64 bytes."""
    values = WitnessRecord.decode(record)
    if len(values["signature"]) != 64:
        raise ProtocolError("a witness record's signature has %d bytes" % len(values["signature"]))
    return values["content"], values["signature"]


def record_verify(crypto, public, record):
    """The content bytes of a record that `public` has signed; ProtocolError otherwise. (Strict, not the
    reference's plain verification: docs/differences.md.)"""
    content, signature = record_parse(record)
    if not crypto.ed25519_verify(public, crypto.blake3_digest(content), signature):
        raise ProtocolError("a witness record's signature is wrong")
    return content
