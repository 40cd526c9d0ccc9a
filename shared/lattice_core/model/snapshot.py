"""Snapshots: the three tables of a store as one checked byte string (docs/reference/02-weaver.md, "Snapshot").

"LATS", version, store id, then records `type ‖ key length ‖ key ‖ value length ‖ value` with keys ascending within
a table, an end mark, and the BLAKE3 of everything before it.
"""

from ..compat import const
from ..errors import ProtocolError
from ..wire.borsh import u32, u64

DATA = const(1)
META = const(2)
SYSTEM = const(3)
_TABLES = (DATA, META, SYSTEM)
_MAGIC = b"LATS"
_VERSION = const(1)
_HEAD_BYTES = const(24)
_END = b"\x00"


def encode(crypto, store_id, tables):
    """The bytes of {DATA: rows, META: rows, SYSTEM: rows}; rows are (key, value) pairs in any order."""
    parts = [_MAGIC, _VERSION.to_bytes(4, "little"), store_id]
    for table in _TABLES:
        mark = bytes((table,))
        for key, value in sorted(tables.get(table, ())):
            parts += (mark, len(key).to_bytes(8, "little"), key, len(value).to_bytes(8, "little"), value)
    parts.append(_END)
    data = b"".join(parts)
    return data + crypto.blake3_digest(data)


def decode(crypto, store_id, data):
    """The tables of a snapshot of this store; ProtocolError when it is damaged or another store's."""
    size = len(data) - 32
    if size < _HEAD_BYTES + 1 or data[:4] != _MAGIC or u32(data, 4) != _VERSION:
        raise ProtocolError("not a snapshot of version %d" % _VERSION)
    if crypto.blake3_digest(data[:size]) != data[size:]:
        raise ProtocolError("the snapshot is damaged: its checksum is wrong", "damaged")
    if data[8:24] != store_id:
        raise ProtocolError("the snapshot is of another store")
    tables = {DATA: [], META: [], SYSTEM: []}
    pos = _HEAD_BYTES
    while pos < size and data[pos]:
        if data[pos] not in tables:
            raise ProtocolError("a snapshot record of type %d" % data[pos])
        rows = tables[data[pos]]
        key, pos = _counted(data, pos + 1, size)
        value, pos = _counted(data, pos, size)
        rows.append((key, value))
    if pos != size - 1:
        raise ProtocolError("the snapshot does not end where it should")
    return tables


def _counted(data, pos, end):
    """(bytes, position behind) of a u64-counted byte string."""
    if end - pos < 8:
        raise ProtocolError("a snapshot record is cut off")
    count = u64(data, pos)
    pos += 8
    if count > end - pos:
        raise ProtocolError("a snapshot record is cut off")
    return bytes(data[pos : pos + count]), pos + count
