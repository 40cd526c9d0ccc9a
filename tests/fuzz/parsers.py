"""Every parser of wire and model as a function of bytes, and valid messages to mutate."""

import json
import pathlib
from collections.abc import Callable

from lattice_core.errors import ProtocolError
from lattice_core.files import chunks, cid, entry
from lattice_core.machines import kv
from lattice_core.model import intention as intentions
from lattice_core.model import ops, snapshot, token, witness
from lattice_core.seams import BytesBody
from lattice_core.sync.common.tasks import Task
from lattice_core.sync.nano import table as tips_table
from lattice_core.sync.reference import framing
from lattice_core.wire import base58, messages, nano_messages, reference_messages, scan, utf8
from lattice_core.wire.fields import body_fields, fields
from lattice_core.wire.protobuf import Message
from lattice_host import crypto

VECTORS = pathlib.Path(__file__).parent.parent / "vectors"
MESH_TABLES = [
    table for source in (messages, reference_messages) for table in vars(source).values() if isinstance(table, Message)
]
TABLES = MESH_TABLES + [table for table in vars(nano_messages).values() if isinstance(table, Message)]


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
    payload: bytes | None = b""
    while payload is not None:
        task = Task(framing.read_frame(stream))
        task.step(0)
        if task.error is not None:
            raise task.error
        payload = task.result


def by_table(data: bytes) -> None:
    """Decoding and checking give the same verdict; what decodes, encodes to something that decodes the same."""
    table = TABLES[data[0] % len(TABLES)] if data else reference_messages.PeerMessage
    message = data[1:]
    checked = _outcome(lambda: scan.check(table, BytesBody(message)) or "well formed")
    values = _outcome(lambda: table.decode(message))
    if checked is None or table in MESH_TABLES:  # Nano's own tables limit their lists, which only decoding looks at
        assert (checked is None) == (values is None), f"{table.name}: decode and check disagree"
    values = table.decode(message)
    assert table.decode(table.encode(values)) == values


def scanned(data: bytes) -> None:
    expected = _outcome(lambda: list(fields(data)))
    assert _outcome(lambda: list(body_fields(BytesBody(data)))) == expected
    if expected is None:
        raise ProtocolError("no fields")


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


class Payload:
    """What `machines.kv` reads operations from."""

    def __init__(self, buf: bytes):
        self.buf = buf

    def fields(self, start: int, end: int, depth: int = 0) -> object:
        return fields(self.buf, start, end, depth)


def _shown(data: bytes, kind: int, _: int, key: int, key_bytes: int, value: int, value_bytes: int) -> dict:
    """An operation that was read where it lies, as the table shows it."""
    if kind == kv.PUT:
        return {"put": {"key": data[key : key + key_bytes], "value": data[value : value + value_bytes]}}
    return {"delete": {"key": data[key : key + key_bytes]}}


def kv_operations(data: bytes) -> None:
    """The key-value machine reads a payload where it lies; the table decodes it. Both see the same."""
    decoded = _outcome(lambda: messages.KvPayload.decode(data)["ops"])
    walked = _outcome(lambda: list(kv.operations(Payload(data), 0, len(data))))
    assert (walked is None) == (decoded is None), "the machine and the table disagree"
    single = _outcome(lambda: kv._single_put(data, 0, len(data)))
    shown = [_shown(data, *seen) for seen in walked or [] if seen[0]]
    assert shown == [operation for operation in decoded or [] if operation], "empty operations do nothing, others all"
    assert single is None or [single] == walked
    backwards = list(kv.in_reverse(Payload(data), 0, len(data), kv.operations))
    assert backwards[::-1] == walked


def file_entry(data: bytes) -> None:
    entry.parse(BytesBody(data))


def chunk_list(data: bytes) -> None:
    for _ in chunks.ListReader(BytesBody(data)).entries():
        pass


def content_id(data: bytes) -> None:
    codec, digest = cid.parse(data)
    assert cid.make(codec, digest) == data


def chain_entries(data: bytes) -> None:
    parts: list[bytes] = []
    for identity, position, tag in tips_table.read_entries(data):
        tips_table.put_entry(parts, identity, position, tag.to_bytes(tips_table.TAG_BYTES, "little"))
    assert list(tips_table.read_entries(b"".join(parts))) == list(tips_table.read_entries(data))


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
        read_frames,
        kv_operations,
        file_entry,
        chunk_list,
        content_id,
        chain_entries,
    )
}


def files_and_chains() -> "list[bytes]":
    """Nano's own: file entries, a chunk list, content ids, chain entries, key-value payloads."""
    names = cid.make(cid.RAW, bytes(32)), cid.make(cid.LIST, bytes(range(32)))
    found = [*names]
    for name, size, inline in ((names[0], 100, None), (names[1], 1 << 20, None), (b"", 3, b"abc")):
        values = {"name": "a file", "mode": 0o644, "cid": name, "modified_at": 1, "size": size, "inline": inline}
        found.append(messages.DirEntry.encode(values))
    entries = b"".join(bytes([number]) * 32 + (9000 + number).to_bytes(8, "little") for number in range(5))
    found.append(chunks.ChunkList.encode({"size": 5 * 9000 + 10, "entries": entries, "hash": bytes(32)}))
    parts: list[bytes] = []
    for position in (0, 1, 300, 70000):
        tips_table.put_entry(parts, b"1234", position, b"123456")
    found.append(b"".join(parts))
    put = {"put": {"key": b"key", "value": b"value"}}
    for operations in ([put], [put, {"delete": {"key": b"x"}}, {}] * 3):
        found.append(messages.KvPayload.encode({"ops": operations}))
    return found


def corpus() -> "list[bytes]":
    """Valid messages of every kind, from the vector files."""
    wire = json.loads((VECTORS / "wire.json").read_text())
    found = [bytes.fromhex(case["bytes"]) for case in wire["peer_messages"] + wire["peer_message_decode"]]
    found += [bytes.fromhex(case["ops"]) for case in wire["ops"]]
    found += [bytes.fromhex(case["bytes"])[:-32] for case in wire["snapshots"]]
    found += [case["token"].encode() for case in wire["invite_parse"]]
    found += files_and_chains()
    found += [base58.decode(case["token"])[1:-4] for case in wire["invite_tokens"]]
    intention = json.loads((VECTORS / "intention.json").read_text())
    found += [bytes.fromhex(case["bytes"]) for case in intention["proto"] + intention["decode"][:40]]
    records = json.loads((VECTORS / "witness.json").read_text())
    found += [bytes.fromhex(case["record"]) for case in records["verify"]]
    return [message for message in found if len(message) < 4000]
