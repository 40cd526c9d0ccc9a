"""What a program reads from a log store and appends to it (docs/reference/03-state-machines.md §4)."""

from ..model import ops
from ..seams import BytesBody
from ..storage.contract import TABLE_DATA
from . import kvtable
from .log import row_key, wall_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..model.intention import Intention
    from ..seams import Body
    from ..storage.contract import Store
    from .registry import Viewable


class LogEntry:
    """One entry: `key` (its row key), `wall_ms`, `author`, `hash` of its intention; `content()` gives its bytes."""

    def __init__(self, store: "Store", key: bytes, row: bytes):
        self._store = store
        self._head = kvtable.winner(row)
        self.key = key
        self.wall_ms = wall_of(key)
        self.author = self._head.author
        self.hash = self._head.hash

    def content(self) -> "Body":
        """The content as a `Body`."""
        return kvtable.value_of(self._store, self._head) or BytesBody(b"")


class LogView:
    """Reads and appends of one open log store."""

    def __init__(self, replica: "Viewable"):
        self._store = replica.store
        self._weaver = replica.weaver

    def append(self, content: bytes, now_ms: int) -> "Intention":
        """Appends an entry; returns the intention. Own stamps rise within a store, so no two own entries collide."""
        return self._weaver.submit(ops.app(content), [], now_ms)

    def entries(
        self, from_ms: int = 0, to_ms: "int | None" = None, after: "bytes | None" = None, limit: "int | None" = None
    ) -> "Iterator[LogEntry]":
        """Iterates over the entries by time: from `from_ms` (included) to `to_ms` (not included), at most `limit`.
        `after`: the row key of the entry to continue after."""
        behind = row_key(from_ms - 1, b"\xff" * 32) if from_ms > 0 else None
        if after is not None and (behind is None or after > behind):
            behind = after
        for key, row in self._store.rows(TABLE_DATA, b"", behind):
            if (limit is not None and limit <= 0) or (to_ms is not None and wall_of(key) >= to_ms):
                return
            yield LogEntry(self._store, key, row)
            if limit is not None:
                limit -= 1

    def tail(self, count: int, from_ms: int = 0, to_ms: "int | None" = None) -> "list[LogEntry]":
        """The last `count` entries of `entries`, in the same order."""
        found = []
        for entry in self.entries(from_ms, to_ms) if count else ():
            if len(found) == count:
                found.pop(0)
            found.append(entry)
        return found

    def arrived(self, cursor: int) -> "Iterator[tuple[int, LogEntry]]":
        """Iterates over (cursor, entry) of the entries that this node has witnessed after `cursor`, in that order: late
        ones come last, whatever their time. The first cursor is 0; `store.count` is the one of now."""
        for sequence, hash, author, _ in self._store.witness_log(cursor):
            intention = self._weaver.read(hash)
            if intention is None:
                continue
            key = row_key(intention.wall_ms, author)
            row = self._store.row(TABLE_DATA, key)
            if row is not None and kvtable.winner(row).hash == hash:
                yield sequence, LogEntry(self._store, key, row)
