"""The intention: one signed write, named by the BLAKE3 of its body (docs/reference/01-data-model.md §2).

The body is kept as the bytes that came: the encoding is a bijection, so decoding and encoding again would give the
same. Small bodies lie in memory, large ones where storage wrote them; the ops are never copied here.
"""

from struct import pack, unpack_from

from ..errors import ProtocolError, UsageError
from ..seams import BytesBody, SliceBody
from ..wire.borsh import u32
from ..wire.messages import SignedIntention
from ..wire.protobuf import varint

ZERO = bytes(32)
HEAD_BYTES = 97  # before the deps
_HEAD = "<32sQI16s32sBI"
_FRAME_BYTES = 101  # without deps and ops
_DIGEST_WINDOW = 4096
_DEPS_AT_ONCE = 16


class Intention:
    """`author`, `store_id` (16), `store_prev`, `hash`: bytes; `signature`: 64 bytes, or b"" when not signed.

    `body` is a `seams.Body`; its ops lie at `ops_offset` and have `ops_size` bytes.
    """

    __slots__ = (
        "author",
        "body",
        "counter",
        "dep_count",
        "hash",
        "ops_offset",
        "ops_size",
        "signature",
        "store_id",
        "store_prev",
        "wall_ms",
    )

    def __init__(self, head, hash, signature, body, ops_offset, ops_size):
        self.author, self.wall_ms, self.counter, self.store_id, self.store_prev, _, self.dep_count = head
        self.hash = hash
        self.signature = signature
        self.body = body
        self.ops_offset = ops_offset
        self.ops_size = ops_size

    def dep(self, index):
        """The `index`-th dep, from 0."""
        if not 0 <= index < self.dep_count:
            raise UsageError("dep %d of %d" % (index, self.dep_count))
        return self.body.read(HEAD_BYTES + 32 * index, 32)

    def deps(self):
        """Iterates over the deps, 32 bytes each, as they stand in the body (not always sorted, not always unique)."""
        index = 0
        while index < self.dep_count:
            count = min(_DEPS_AT_ONCE, self.dep_count - index)
            piece = self.body.read(HEAD_BYTES + 32 * index, 32 * count)
            for start in range(0, 32 * count, 32):
                yield piece[start : start + 32]
            index += count

    def ops(self):
        """The ops as a `Body`."""
        return SliceBody(self.body, self.ops_offset, self.ops_size)

    def ops_bytes(self):
        """The ops in memory: only for intentions known to be small."""
        return self.body.read(self.ops_offset, self.ops_size)

    def body_bytes(self):
        """The whole body in memory: only for intentions known to be small."""
        return self.body.read(0, self.body.size)

    def stamp(self):
        """(wall_ms, counter)"""
        return self.wall_ms, self.counter


def parse(crypto, body, signature=b""):
    """The intention with these body bytes. ProtocolError unless they are exactly one intention."""
    size = len(body)
    if size < _FRAME_BYTES:
        raise _cut_off(size)
    head = unpack_from(_HEAD, body, 0)
    ops_offset = _ops_offset(head, size)
    ops_size = u32(body, ops_offset - 4)
    if ops_offset + ops_size != size:
        raise _wrong_size(size, ops_offset + ops_size)
    return Intention(head, crypto.blake3_digest(body), signature, BytesBody(body), ops_offset, ops_size)


def from_body(body, hash, signature):
    """The same for a body that lies in storage; `hash` was computed while it was written there."""
    size = body.size
    if size < _FRAME_BYTES:
        raise _cut_off(size)
    head = unpack_from(_HEAD, body.read(0, HEAD_BYTES), 0)
    ops_offset = _ops_offset(head, size)
    ops_size = u32(body.read(ops_offset - 4, 4), 0)
    if ops_offset + ops_size != size:
        raise _wrong_size(size, ops_offset + ops_size)
    return Intention(head, hash, signature, body, ops_offset, ops_size)


def _ops_offset(head, size):
    """Where the ops begin, by the number of deps."""
    if head[5]:
        raise ProtocolError("an intention with condition %d" % head[5])
    offset = _FRAME_BYTES + 32 * head[6]
    if size < offset:
        raise _cut_off(size)
    return offset


def encode_body(author, wall_ms, counter, store_id, store_prev, deps, ops):
    """The body bytes; deps as given."""
    head = pack(_HEAD, author, wall_ms, counter, store_id, store_prev, 0, len(deps))
    return b"".join((head, b"".join(deps), len(ops).to_bytes(4, "little"), ops))


def create(crypto, identity, wall_ms, counter, store_id, store_prev, deps, ops):
    """A signed local intention; its deps are sorted."""
    body = encode_body(identity.public, wall_ms, counter, store_id, store_prev, sorted(deps), ops)
    intention = parse(crypto, body)
    intention.signature = identity.sign(intention.hash)
    return intention


def verify(crypto, intention):
    """True when the author's signature is good (strict)."""
    return crypto.ed25519_verify(intention.author, intention.hash, intention.signature)


# -- SignedIntention: field 1 the body, field 2 the signature ---------------------------------------------------------


def signed(intention):
    """The SignedIntention message of a small intention."""
    return b"".join((signed_head(intention.body.size), intention.body_bytes(), b"\x12\x40", intention.signature))


def signed_head(body_size):
    """What stands before the body in a SignedIntention; behind it come 12 40 and the signature."""
    return b"\x0a" + varint(body_size)


def signed_size(body_size):
    """How many bytes the SignedIntention of a body has."""
    return len(signed_head(body_size)) + body_size + 66


def parse_signed(crypto, buf):
    """The intention in a SignedIntention message, its signature not yet verified."""
    body, signature = split_signed(buf)
    return parse(crypto, body, signature)


def split_signed(buf):
    """(body bytes, signature of 64 bytes) of a SignedIntention message."""
    size = len(buf)
    # Nearly every message is written like this: body first, its length in two bytes, then the signature.
    if size > 69 and buf[0] == 0x0A and buf[1] > 127 and buf[2] < 128:
        end = 3 + (buf[1] & 127 | buf[2] << 7)
        if end + 66 == size and buf[end] == 0x12 and buf[end + 1] == 0x40:
            return bytes(buf[3:end]), bytes(buf[end + 2 :])
    values = SignedIntention.decode(buf)
    signature = values["signature"]
    if len(signature) != 64:
        raise ProtocolError("a signature of %d bytes" % len(signature))
    return values["intention_borsh"], signature


def _cut_off(size):
    return ProtocolError("an intention is cut off after %d bytes" % size)


def _wrong_size(size, expected):
    return ProtocolError("an intention of %d bytes says that it has %d" % (size, expected))


def digest_of(crypto, body):
    """BLAKE3 of a `Body`, read through a window."""
    hasher = crypto.blake3()
    offset = 0
    while offset < body.size:
        count = min(_DIGEST_WINDOW, body.size - offset)
        hasher.update(body.read(offset, count))
        offset += count
    return hasher.digest()
