"""Every parser of wire and model as a function of bytes, and valid messages to mutate."""

import json
import pathlib
from collections.abc import Callable

from lattice_core.errors import ProtocolError
from lattice_core.model import intention as intentions
from lattice_core.model import ops, snapshot, token, witness
from lattice_core.seams import BytesBody
from lattice_core.sync.tasks import Task
from lattice_core.wire import base58, borsh, framing, messages, scan, utf8
from lattice_core.wire.fields import body_fields, fields
from lattice_core.wire.incremental import Scanner
from lattice_core.wire.protobuf import Message
from lattice_host import crypto

VECTORS = pathlib.Path(__file__).parent.parent / "vectors"
TABLES = [table for table in vars(messages).values() if isinstance(table, Message)]


class Arrived:
    """A stream on which everything has arrived."""

    error = None

    def __init__(self, data: bytes):
        self.data = data

    def read(self, count: int) -> bytes:
        piece, self.data = self.data[:count], self.data[count:]
        return piece

    def at_end(self) -> bool:
        return not self.data


def read_frames(data: bytes) -> None:
    stream = Arrived(data)
    payload: "bytes | None" = b""
    while payload is not None:
        task = Task(framing.read_frame(stream))
        task.step(0)
        if task.error is not None:
            raise task.error
        payload = task.result


def by_table(data: bytes) -> None:
    """Decoding and checking give the same verdict; what decodes, encodes to something that decodes the same."""
    table = TABLES[data[0] % len(TABLES)] if data else messages.PeerMessage
    message = data[1:]
    checked = _outcome(lambda: scan.check(table, BytesBody(message)) or "well formed")
    values = _outcome(lambda: table.decode(message))
    assert (checked is None) == (values is None), f"{table.name}: decode and check disagree"
    values = table.decode(message)
    assert table.decode(table.encode(values)) == values


def scanned(data: bytes) -> None:
    expected = _outcome(lambda: list(fields(data)))
    assert _outcome(lambda: list(body_fields(BytesBody(data)))) == expected
    scanner = Scanner(len(data))
    try:
        for start in range(0, len(data), 5):
            for _ in scanner.feed(data[start : start + 5]):
                pass
        scanner.finish()
    except ProtocolError:
        assert expected is None, "the scanner refuses what fields accepts"
        raise
    assert expected is not None, "the scanner accepts what fields refuses"


def _outcome(function: "Callable[[], object]") -> object:
    """None for a ProtocolError."""
    try:
        return function()
    except ProtocolError:
        return None


def parse_intention(data: bytes) -> None:
    expected = _outcome(lambda: intentions.parse(crypto, data).hash)
    read = _outcome(lambda: intentions.from_body(BytesBody(data), crypto.blake3_digest(data), b"").hash)
    assert read == expected
    intention = intentions.parse(crypto, data)
    values = (intention.author, intention.wall_ms, intention.counter, intention.store_id, intention.store_prev)
    assert intentions.encode_body(*values, list(intention.deps()), intention.ops_bytes()) == data


def parse_signed(data: bytes) -> None:
    intention = intentions.parse_signed(crypto, data)
    assert intentions.parse_signed(crypto, intentions.signed(intention)).hash == intention.hash


def read_ops(data: bytes) -> None:
    body = BytesBody(data)
    decoded = _outcome(lambda: messages.UniversalOp.decode(data))
    assert (_outcome(lambda: ops.split(body)) is None) == (decoded is None), "split and decode disagree"
    leg, segments = ops.split(body)
    if leg == ops.LEG_SYSTEM:
        for operation in ops.system_operations(body, segments):
            ops.system_operation(body, operation)


def read_record(data: bytes) -> None:
    content, _ = witness.record_parse(data)
    witness.content_parse(content)


def read_token(data: bytes) -> None:
    token.parse(crypto, base58.check_encode(token.VERSION, data, crypto))


def read_token_text(data: bytes) -> None:
    token.parse(crypto, data.decode("latin-1"))


def read_snapshot(data: bytes) -> None:
    """Also under a right checksum, so that the records are read."""
    snapshot.decode(crypto, data[8:24], data + crypto.blake3_digest(data))


def read_text(data: bytes) -> None:
    text = utf8.decode(data)
    assert text.encode() == data


def read_vector(data: bytes) -> None:
    borsh.vector(data, 0, len(data), 32)


PARSERS = {
    function.__name__: function
    for function in (
        by_table,
        scanned,
        parse_intention,
        parse_signed,
        read_ops,
        read_record,
        read_token,
        read_token_text,
        read_snapshot,
        read_text,
        read_vector,
        read_frames,
    )
}


def corpus() -> "list[bytes]":
    """Valid messages of every kind, from the vector files."""
    wire = json.loads((VECTORS / "wire.json").read_text())
    found = [bytes.fromhex(case["bytes"]) for case in wire["peer_messages"] + wire["peer_message_decode"]]
    found += [bytes.fromhex(case["ops"]) for case in wire["ops"]]
    found += [bytes.fromhex(case["bytes"])[:-32] for case in wire["snapshots"]]
    found += [case["token"].encode() for case in wire["invite_parse"]]
    found += [base58.decode(case["token"])[1:-4] for case in wire["invite_tokens"]]
    intention = json.loads((VECTORS / "intention.json").read_text())
    found += [bytes.fromhex(case["bytes"]) for case in intention["proto"] + intention["decode"][:40]]
    records = json.loads((VECTORS / "witness.json").read_text())
    found += [bytes.fromhex(case["record"]) for case in records["verify"]]
    return [message for message in found if len(message) < 4000]
