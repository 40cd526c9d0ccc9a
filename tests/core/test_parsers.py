"""Damaged messages into every parser of wire and model: ProtocolError or nothing, the same on every interpreter.

Small enough for the stick; the long run is tests/fuzz.
"""

from lattice_core.errors import ProtocolError
from lattice_core.model import intention as intentions
from lattice_core.model import ops, snapshot, token, witness
from lattice_core.model.identity import Identity
from lattice_core.model.token import InviteToken
from lattice_core.seams import BytesBody
from lattice_core.wire import base58, messages, reference_messages, scan, utf8
from lattice_core.wire.fields import body_fields, fields
from support import Rng, crypto

ROUNDS = 400
# BLAKE3 over all verdicts of `test_verdicts`, computed once on CPython: no interpreter may change a verdict.
VERDICTS = "0a866ac4518c8953f79e2d99d6f1c09dfbbeee6acb3e178052116bc4324d8b0b"


def valid_messages():
    identity = Identity(crypto(), b"\x01" * 32)
    batch = ops.system_batch([ops.peer_name(b"k" * 32, "n\u00e4me"), ops.child_add(b"c" * 16, "notes", "core:kvstore")])
    made = intentions.create(crypto(), identity, 1000, 0, b"s" * 16, intentions.ZERO, [b"d" * 32], batch)
    signed = intentions.signed(made)
    content = witness.content_encode(b"s" * 16, made.hash, 1700000000000, bytes(32))
    return (
        batch,
        ops.app(messages.KvPayload.encode({"ops": [{"put": {"key": b"k", "value": b"v"}}, {"delete": {"key": b"x"}}]})),
        made.body_bytes(),
        signed,
        witness.record_sign(identity, crypto(), content),
        reference_messages.PeerMessage.encode(
            {"bootstrap_response": {"intentions": [messages.SignedIntention.decode(signed)]}}
        ),
        InviteToken.encode({"store_id": b"s" * 16, "inviter_pubkey": b"i" * 32, "listed_keys": [b"l" * 32]}),
        snapshot.encode(crypto(), b"s" * 16, {snapshot.DATA: [(b"k", b"v")]})[:-32],
    )


def read_ops(data):
    body = BytesBody(data)
    leg, segments = ops.split(body)
    if leg == ops.LEG_SYSTEM:
        for operation in ops.system_operations(body, segments):
            ops.system_operation(body, operation)


def read_body(data):
    intentions.from_body(BytesBody(data), bytes(32), b"")


def read_token(data):
    token.parse(crypto(), base58.check_encode(token.VERSION, data, crypto()))


def read_snapshot(data):
    snapshot.decode(crypto(), data[8:24], data + crypto().blake3_digest(data))


PARSERS = (
    lambda data: list(fields(data)),
    lambda data: list(body_fields(BytesBody(data))),
    lambda data: scan.check(reference_messages.PeerMessage, BytesBody(data)),
    reference_messages.PeerMessage.decode,
    messages.UniversalOp.decode,
    read_ops,
    lambda data: intentions.parse(crypto(), data),
    read_body,
    lambda data: intentions.parse_signed(crypto(), data),
    lambda data: witness.content_parse(witness.record_parse(data)[0]),
    read_token,
    read_snapshot,
    utf8.decode,
)


def damaged(rng, sources):
    data = bytearray(rng.choice(sources))
    for _ in range(rng.below(4)):
        place = rng.below(len(data))
        change = rng.below(3)
        if change == 0:
            data[place] = rng.choice((0, 0x80, 0xFF, rng.below(256), data[place] ^ (1 << rng.below(8))))
        elif change == 1:
            data = data[: place + 1]
        else:
            data = data[:place] + rng.choice(sources)[: rng.below(40)] + data[place:]
    return bytes(data)


def verdict(parser, data):
    try:
        parser(data)
        return 1
    except ProtocolError:
        return 0


def test_verdicts():
    rng = Rng(81)
    sources = valid_messages()
    hasher = crypto().blake3()
    accepted = 0
    for _ in range(ROUNDS):
        data = damaged(rng, sources)
        verdicts = bytes([verdict(parser, data) for parser in PARSERS])
        assert verdicts[0] == verdicts[1]
        assert verdicts[2] == verdicts[3]
        assert verdicts[4] == verdicts[5]
        assert verdicts[6] == verdicts[7]
        accepted += sum(verdicts)
        hasher.update(verdicts)
    assert accepted > ROUNDS
    assert hasher.digest().hex() == VERDICTS
