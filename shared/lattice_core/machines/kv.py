"""`core:kvstore`: keys and values (docs/reference/03-state-machines.md §3).

Applying walks a payload from its last operation to its first: of several operations on one key the last one counts,
for the others find it standing. A payload is decoded wholly before anything is written, and never held.
"""

from ..compat import const
from ..errors import ProtocolError, UsageError
from ..limits import DEPS
from ..model import ops
from ..storage.contract import ROW_KEY_BYTES, TABLE_DATA
from ..wire.fields import LENGTH, body_fields, fields, read_varint
from ..wire.messages import KvPayload
from . import kvlist, kvtable
from .keys import KEY_BYTES, KeyBuilder, row_key

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


class Kv:
    """Reads and writes of one open key-value store. `handle` gives its `store` and `weaver`."""

    def __init__(self, handle):
        self._store = handle.store
        self._weaver = handle.weaver
        self._crypto = handle.weaver.crypto

    # -- reading -----------------------------------------------------------------------------------------------------

    def get(self, key):
        """The `kvlist.Entry` of a key (its `value()` is a Body), None when nobody wrote it or its deletion wins."""
        entry = self.inspect(key)
        return None if entry is None or entry.winner.deleted else entry

    def inspect(self, key):
        """The `kvlist.Entry` of a key, deleted or not; None when nobody has written it."""
        at = row_key(self._crypto, key)
        row = self._store.row(TABLE_DATA, at)
        return None if row is None else kvlist.Entry(self._store, self._crypto, at, row, bytes(key))

    def list(self, prefix=b"", after=None, limit=None, deleted=False):
        """Iterates over the entries with a prefix in ascending order of keys, from the first key greater than `after`,
        at most `limit`. Deletions only with `deleted`."""
        if limit is not None and limit <= 0:
            return
        for entry in kvlist.entries(self._store, self._crypto, prefix, after):
            if entry.winner.deleted and not deleted:
                continue
            yield entry
            if limit is not None:
                limit -= 1
                if limit == 0:
                    return

    # -- writing -----------------------------------------------------------------------------------------------------

    def put(self, key, value, now_ms):
        """Writes one key; returns the intention. UsageError for an empty key or a value that is too large."""
        return self.batch([(key, value)], now_ms)

    def delete(self, key, now_ms):
        """Deletes one key, absent or not; returns the intention."""
        return self.batch([(key, None)], now_ms)

    def batch(self, operations, now_ms, deps=None):
        """Writes several keys at once, [(key, value or None for a deletion), …]; returns the intention. Of several
        operations on one key the last counts. `deps`: what it supersedes, all that stands there without it."""
        if not operations:
            raise UsageError("a batch without operations")
        last = {}
        for number, operation in enumerate(operations):
            if not operation[0]:
                raise UsageError("a key must not be empty")
            last[bytes(operation[0])] = number
        kept = [operations[number] for number in sorted(last.values())]
        payload = KvPayload.encode({"ops": [_message(key, value) for key, value in kept]})
        if deps is None:
            deps = self.deps_for([key for key, _ in kept])
        return self._weaver.submit(ops.app(payload), deps, now_ms)

    def deps_for(self, keys):
        """The heads of these keys, each once: what a write of them supersedes."""
        deps = []
        for key in keys:
            for head in kvtable.heads(self._store, self._crypto, TABLE_DATA, row_key(self._crypto, key)):
                if len(deps) < DEPS and head.hash not in deps:
                    deps.append(head.hash)
        return deps


def _message(key, value):
    if value is None:
        return {"delete": {"key": bytes(key)}}
    return {"put": {"key": bytes(key), "value": bytes(value)}}
