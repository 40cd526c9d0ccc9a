"""model.intention: bodies in memory and in storage, envelopes, and what is no intention."""

from lattice_core.errors import ProtocolError, UsageError
from lattice_core.model import intention as intentions
from lattice_core.model.identity import Identity, generate
from lattice_core.seams import BytesBody
from lattice_core.wire.messages import SignedIntention
from support import Rng, crypto, raises

h = bytes.fromhex
STORE = b"\xaa" * 16


class ElsewhereBody:
    """A body that is not in memory; remembers the largest piece that was read."""

    def __init__(self, data):
        self._data = data
        self.size = len(data)
        self.largest = 0

    def read(self, offset, count):
        assert offset >= 0
        assert offset + count <= self.size
        self.largest = max(self.largest, count)
        return self._data[offset : offset + count]


def sample(rng, deps=2, ops=b"ops"):
    identity = Identity(crypto(), rng.bytes(32))
    wall_ms, prev = rng.below(2**64), rng.bytes(32)
    given = [rng.bytes(32) for _ in range(deps)]
    return intentions.create(crypto(), identity, wall_ms, 0, STORE, prev, given, ops)


def reencode(read):
    head = (read.author, read.wall_ms, read.counter, read.store_id, read.store_prev)
    return intentions.encode_body(*head, list(read.deps()), read.ops_bytes())


def test_known_bytes():
    body = intentions.encode_body(b"\x01" * 32, 1000, 5, STORE, bytes(32), [], h("01020304"))
    parsed = intentions.parse(crypto(), body)
    assert parsed.hash == h("684d58827a11317975266005e214665f5c0d599f0b5b4f2d9f3e9c56dbcdd30a")
    deps = [b"\x11" * 32, b"\x22" * 32]
    body = intentions.encode_body(b"\x01" * 32, 1000, 5, STORE, bytes(32), deps, h("01020304"))
    parsed = intentions.parse(crypto(), body)
    assert parsed.hash == h("5473a41a01e54bb9ee010c2d79fc56709929f29eb7db8e1f515bdc6aaa2881e8")
    assert list(parsed.deps()) == deps
    assert parsed.dep(1) == deps[1]
    assert parsed.stamp() == (1000, 5)
    assert parsed.ops_bytes() == h("01020304")
    assert parsed.ops().read(1, 2) == h("0203")


def test_known_signature():
    identity = Identity(crypto(), b"\x2a" * 32)
    assert identity.public == h("197f6b23e16c8532c6abc838facd5ea789be0c76b2920334039bfa8b3d368d61")
    made = intentions.create(crypto(), identity, 1000, 0, STORE, intentions.ZERO, [], h("010203"))
    assert made.hash == h("68a563cf2903d3ac85bf9e8b8f17e89ab604ed315c41841881a58b607ccd6456")
    assert made.signature.hex()[:32] == "8d83176667dc1ad5760ff21da2d62849"
    assert intentions.verify(crypto(), made)
    signed = intentions.signed(made)
    assert signed == b"\x0a\x68" + made.body_bytes() + b"\x12\x40" + made.signature
    assert len(signed) == intentions.signed_size(104) == 172


def test_own_deps_are_sorted_and_kept():
    made = intentions.create(
        crypto(), Identity(crypto(), bytes(32)), 1, 0, STORE, intentions.ZERO, [b"b" * 32, b"a" * 32, b"b" * 32], b""
    )
    assert list(made.deps()) == [b"a" * 32, b"b" * 32, b"b" * 32]


def test_decode_and_encode_are_inverse():
    rng = Rng(21)
    for deps in (0, 1, 15, 16, 17, 40):
        made = sample(rng, deps, rng.bytes(rng.below(50)))
        read = intentions.parse_signed(crypto(), intentions.signed(made))
        assert (read.hash, read.signature, list(read.deps())) == (made.hash, made.signature, list(made.deps()))
        assert reencode(read) == made.body_bytes()


def test_every_cut_and_every_tail_is_refused():
    body = sample(Rng(22), 1, b"0123").body_bytes()
    for cut in range(len(body)):
        raises(ProtocolError, intentions.parse, crypto(), body[:cut])
        raises(ProtocolError, intentions.from_body, ElsewhereBody(body[:cut]), bytes(32), bytes(64))
    raises(ProtocolError, intentions.parse, crypto(), body + b"\x00")
    raises(ProtocolError, intentions.from_body, ElsewhereBody(body + b"\x00"), bytes(32), bytes(64))


def test_unknown_conditions_and_impossible_lengths():
    body = bytearray(sample(Rng(23), 0, b"").body_bytes())
    for offset, value in ((92, 1), (92, 255), (96, 0xFF), (100, 0xFF)):
        wrong = bytearray(body)
        wrong[offset] = value
        raises(ProtocolError, intentions.parse, crypto(), bytes(wrong))
        raises(ProtocolError, intentions.from_body, ElsewhereBody(bytes(wrong)), bytes(32), bytes(64))


def test_a_large_body_is_read_in_small_pieces():
    rng = Rng(24)
    made = sample(rng, 40, bytes(20000))
    body = ElsewhereBody(made.body_bytes())
    read = intentions.from_body(body, made.hash, made.signature)
    assert (read.author, read.store_prev, read.ops_size) == (made.author, made.store_prev, 20000)
    assert list(read.deps()) == list(made.deps())
    assert read.dep(39) == made.dep(39)
    assert intentions.verify(crypto(), read)
    assert body.largest <= 512
    assert read.ops().read(0, 4) == bytes(4)
    raises(UsageError, read.dep, 40)


def test_envelopes_in_other_forms_are_read_alike():
    made = sample(Rng(25), 2, bytes(100))
    body, signature = made.body_bytes(), made.signature
    plain = intentions.signed(made)
    reordered = b"\x12\x40" + signature + plain[: len(plain) - 66]
    padded = b"\x0a" + bytes([len(body) & 127 | 128, len(body) >> 7 | 128, 0]) + body + b"\x12\x40" + signature
    unknown = plain + b"\x1a\x02hi"
    twice = b"\x0a\x01x" + plain
    for message in (plain, reordered, padded, unknown, twice, memoryview(bytearray(plain))):
        read = intentions.parse_signed(crypto(), message)
        assert (read.hash, read.signature) == (made.hash, signature)
        assert isinstance(read.body.data, bytes)
        assert isinstance(read.signature, bytes)
    table = SignedIntention.encode({"intention_borsh": body, "signature": signature})
    assert table == plain


def test_signatures_of_other_lengths_are_refused():
    body = sample(Rng(26)).body_bytes()
    for size in (0, 63, 65):
        message = SignedIntention.encode({"intention_borsh": body, "signature": bytes(size)})
        raises(ProtocolError, intentions.parse_signed, crypto(), message)


def test_a_changed_bit_fails_verification():
    rng = Rng(27)
    made = sample(rng)
    for _ in range(10):
        body = bytearray(made.body_bytes())
        place = rng.choice((0, 5, 33, 41, 50, 61, 100, len(body) - 1))
        body[place] ^= 1 << rng.below(8)
        changed = intentions.parse(crypto(), bytes(body), made.signature)
        assert changed.hash != made.hash
        assert not intentions.verify(crypto(), changed)
    assert not intentions.verify(crypto(), intentions.parse(crypto(), made.body_bytes()))


def test_identities():
    raises(UsageError, Identity, crypto(), bytes(31))
    first, second = generate(crypto()), generate(crypto())
    assert first.public != second.public
    assert len(first.seed) == 32


def test_bytes_body_gives_exactly_what_was_asked():
    body = BytesBody(memoryview(bytearray(b"0123456789")))
    assert body.size == 10
    assert body.read(3, 4) == b"3456"
