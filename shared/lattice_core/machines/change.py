"""One witnessed intention on its way into the tables: its ops where they lie, its rank, what it supersedes.

Small ops are read into memory once. Large ones stay in storage and are scanned through a window: an intention of
1 MiB is applied in the stick's heap.
"""

from ..compat import const
from ..limits import BODY_IN_MEMORY_BYTES
from ..model.events import note_event
from ..seams import BytesBody
from ..wire.fields import body_fields, fields
from . import kvtable

_FEW_DEPS = const(8)  # up to here a tuple is searched as fast as a set


class Change:
    """`body`: the intention's ops; every offset is one in them. `buf`: the same in memory, None when too large."""

    def __init__(self, store, crypto, intention, events):
        self.store = store
        self.crypto = crypto
        self.intention = intention
        self.events = events
        self.size = intention.ops_size
        self.removed = set()  # see root.py
        self.rank = kvtable.rank_of(intention)
        self.deps = _container(intention)
        if self.size <= BODY_IN_MEMORY_BYTES:
            self.buf = intention.ops_bytes()
            self.body = BytesBody(self.buf)
        else:
            self.buf = None
            self.body = intention.ops()

    def fields(self, start, end, depth=0):
        """The fields of the message at [start, end), as `wire.fields.fields` gives them."""
        if self.buf is not None:
            return fields(self.buf, start, end, depth)
        return body_fields(self.body, start, end, depth)

    def read(self, offset, size):
        """Bytes of the ops; only for few."""
        if self.buf is not None:
            return self.buf[offset : offset + size]
        return self.body.read(offset, size)

    def write(self, table, key, content, mark=0):
        """One write to one key. Returns the winner as `kvtable.write` does, None when it stands already."""
        return kvtable.write(self.store, self.crypto, table, key, self.rank, self.deps, content, mark)

    def written(self, table, key):
        """The head that this intention has written at `key` (bytes), None when it has not."""
        return kvtable.written(self.store, self.crypto, table, key, self.rank)

    def emit(self, event):
        """Notes an event for whoever watches."""
        note_event(self.events, event)


def _container(intention):
    count = intention.dep_count
    if count == 0:
        return ()
    if count == 1:
        return (intention.dep(0),)
    if count <= _FEW_DEPS:
        return tuple(intention.deps())
    return set(intention.deps())
