"""`core:kvstore`: keys and values (docs/reference/03-state-machines.md §3).

Applying walks a payload from its last operation to its first: of several operations on one key the last one counts,
for the others find it standing. A payload is decoded wholly before anything is written, and never held.
"""

from ..compat import const
from ..errors import ProtocolError
from ..storage.contract import ROW_KEY_BYTES, TABLE_DATA
from ..wire.fields import LENGTH, body_fields, fields, read_varint
from . import kvtable
from .keys import KEY_BYTES, KeyBuilder
from .registry import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .kv_view import KvView
    from .registry import Viewable

PUT = const(1)
DELETE = const(2)
_AT_ONCE = const(64)  # operations held at a time: more of them break a small heap into pieces
_SMALL_BYTES = const(256)
_ROW_BYTES = const(112)  # a row with one head beside its key, and what storage adds


def in_reverse(change, start, end, scan):
    """Iterates over what `scan(change, start, end)` yields, last to first, without holding it all.

    `scan` walks a message once and yields tuples of which the second item is the position behind the element, from
    which it can be started again: of a long message only every 64th position is remembered.
    """
    marks = []
    held = []
    mark = start
    for item in scan(change, start, end):
        if len(held) == _AT_ONCE:
            marks.append(mark)
            mark = held[-1][1]
            held = []
        held.append(item)
    while True:
        for at in range(len(held) - 1, -1, -1):
            yield held[at]
        if not marks:
            return
        behind = mark
        mark = marks.pop()
        held = list(scan(change, mark, behind))


def operations(change, start, end):
    """Iterates over the operations of the KvPayload at [start, end).

    Yields (kind, position behind it, key offset, key size, value offset, value size); kind 0 for an operation
    without a variant, but not for an empty one. ProtocolError where the payload does not decode.
    """
    for number, wire, offset, size in change.fields(start, end):
        if number == 1:
            if wire != LENGTH:
                raise _wrong_type()
            if size:
                yield _operation(change, offset, offset + size)


def _operation(change, start, end):
    """One operation. Of a payload that lies in storage a small one is read at once, a large one scanned."""
    source, scan, base = change.buf, fields, 0
    if source is None:
        source, scan = change.body, body_fields
        if end - start <= _SMALL_BYTES:
            source, scan, base = change.body.read(start, end - start), fields, start
    kind = key = key_size = value = value_size = 0
    for number, wire, offset, size in scan(source, start - base, end - base, 1):
        if number > DELETE:
            continue
        if wire != LENGTH:
            raise _wrong_type()
        if number != kind:
            kind = number
            key = key_size = value = value_size = 0
        for inner, inner_wire, at, count in scan(source, offset, offset + size, 2):
            if inner == 1:
                key, key_size = at, count
            elif inner == 2 and kind == PUT:
                value, value_size = at, count
            else:
                continue
            if inner_wire != LENGTH:
                raise _wrong_type()
    return kind, end, base + key, key_size, base + value, value_size


def _single_put(buf, at, end):
    """The operation of a payload that is one put and nothing else, written as everybody writes it; None for others.

    Nearly every payload is: this spares it three nested scans.
    """
    size = 0
    for level in range(3):  # KvPayload.ops, Operation.put, PutOp.key
        if at >= end or buf[at] != 0x0A:
            return None
        size, at = read_varint(buf, at + 1, end)
        if level < 2 and at + size != end:
            return None
    key, key_size = at, size
    at += size
    if at >= end or buf[at] != 0x12:
        return None
    size, at = read_varint(buf, at + 1, end)
    return (PUT, end, key, key_size, at, size) if at + size == end else None


def estimate(change, start, end, enough):
    """About how many bytes of rows the payload at [start, end) makes, counted up to `enough`. ProtocolError where it
    does not decode."""
    total = 0
    for kind, _, _, key_size, _, _ in operations(change, start, end):
        if kind:
            total += min(key_size, ROW_KEY_BYTES) + _ROW_BYTES
            if total > enough:
                break
    return total


def _wrong_type():
    return ProtocolError("a field of a key-value payload has the wrong type")


class KvMachine:
    """Applies `app_data` of a key-value store. Events: ("kv", store id, row key, deleted, hash of the winner)."""

    def __init__(self, keep=None):
        # Which keys to take: None for all, else a function of the row key (the root store's old payloads).
        self._keep = keep

    def apply(self, change, start, end):
        """Applies the payload at [start, end). ProtocolError before anything was written."""
        single = None if change.buf is None else _single_put(change.buf, start, end)
        if single is not None:
            self._apply_one(change, single)
            return
        for operation in in_reverse(change, start, end, operations):
            self._apply_one(change, operation)

    def _apply_one(self, change, operation):
        kind, _, key_at, key_size, value_at, value_size = operation
        if kind == PUT:
            content = kvtable.reference(value_at, value_size)
        elif kind == DELETE:
            content = kvtable.deleted()
        else:
            return
        if key_size <= KEY_BYTES:
            key = change.read(key_at, key_size)
        else:
            key = KeyBuilder(change.crypto).add_range(change.body, key_at, key_size).key()
            content = kvtable.with_key(content, key_at, key_size)
        if self._keep is not None and not self._keep(key):
            return
        head = change.write(TABLE_DATA, key, content)
        if head is not None:
            change.emit(("kv", change.store.id, key, kvtable.is_deleted(head), kvtable.hash_of(head)))


def _view(replica: "Viewable") -> "KvView":
    from .kv_view import KvView  # here: no stick needs it

    return KvView(replica)


KIND = Kind(KvMachine, _view, estimate)
