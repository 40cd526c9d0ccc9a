"""`log.*`: entries of a log store, in the order of their time or in that of their arrival."""

from ..compat import const
from ..errors import ProtocolError, StorageError, UsageError
from ..machines.log import row_key
from ..machines.registry import TYPE_LOG
from . import typed
from .plain import Names, bytes_fields, bytes_of, from_hex, hex_of
from .service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ..machines.log_view import LogEntry, LogView
    from ..node.replica import Replica

READ_ENTRIES = const(1000)  # in one answer, when nothing else is asked for
TAIL_ENTRIES = const(10)
ANSWER_BYTES = const(4194304)  # content in one answer; a larger entry comes alone
_HASH_BYTES = const(32)


class LogService(Service):
    """Log stores.

    An entry is {`wall_ms`, `author`, `author_name`, `hash`, `size`, and its content as `value` when it is UTF-8, else
    as `value_hex`}; `problem` in the place of the content where it cannot be read. `store`: a name, or the beginning of
    an id; None for the only log store.
    """

    READS = ("read", "tail", "follow")

    def append(
        self, store: "str | None" = None, value: "str | None" = None, value_hex: "str | None" = None
    ) -> "dict[str, Any]":
        """Appends an entry, durable when this returns: {`hash`, `wall_ms`}. UsageError for an empty one, which no node
        would store, and for one that is too large."""
        content = bytes_of("value", value, value_hex)
        if not content:
            raise UsageError("an empty entry is stored nowhere: give it a value", "bad_value")
        view = self._view(self._replica(store))
        now_ms = self.now_ms()
        with self.node.journal.write(now_ms):
            written = view.append(content, now_ms)
        return {"hash": hex_of(written.hash), "wall_ms": written.wall_ms}

    def read(
        self,
        store: "str | None" = None,
        from_ms: int = 0,
        to_ms: "int | None" = None,
        after: "str | None" = None,
        limit: int = READ_ENTRIES,
    ) -> "dict[str, Any]":
        """Entries by time, from `from_ms` (included) to `to_ms` (not included), after the entry with the hash `after`:
        {`entries`, `more`}. At most `limit`, and about ANSWER_BYTES of content."""
        replica = self._replica(store)
        behind = None if after is None else self._key_of(replica, after)
        found = self._view(replica).entries(from_ms, to_ms, behind, limit + 1)
        rows, more = self._rows(found, limit)
        return {"entries": rows, "more": more}

    def tail(
        self,
        store: "str | None" = None,
        from_ms: int = 0,
        to_ms: "int | None" = None,
        limit: int = TAIL_ENTRIES,
    ) -> "dict[str, Any]":
        """The last `limit` entries of those that `read` would give, in the same order: {`entries`, `more`}; `more` when
        their content was too much for one answer, and the last of them are left out."""
        rows, more = self._rows(iter(self._view(self._replica(store)).tail(limit, from_ms, to_ms)), limit)
        return {"entries": rows, "more": more}

    def follow(
        self,
        store: "str | None" = None,
        cursor: "int | None" = None,
        from_ms: int = 0,
        to_ms: "int | None" = None,
        limit: int = READ_ENTRIES,
    ) -> "dict[str, Any]":
        """Entries in the order in which this node has witnessed them, after `cursor`: {`entries`, `cursor`, `more`}.
        Ask again with the new cursor. 0 is the beginning, None the end: then the first answer is only a cursor."""
        replica = self._replica(store)
        end = replica.store.count
        if cursor is None:
            return {"entries": [], "cursor": end, "more": False}
        if not 0 <= cursor <= end:
            raise UsageError(
                "the log of this store ends at %d, the cursor %d is of another copy: begin again" % (end, cursor),
                "lost_cursor",
            )
        arrived = _Arrived(self._view(replica), cursor, from_ms, to_ms)
        rows, more = self._rows(arrived, limit)
        return {"entries": rows, "cursor": arrived.before if more else max(end, arrived.cursor), "more": more}

    def _replica(self, store) -> "Replica":
        return typed.find(self.node, store, TYPE_LOG)

    def _view(self, replica) -> "LogView":
        return replica.view_as(TYPE_LOG)

    def _key_of(self, replica, digits):
        """The row key of the entry with a hash."""
        hash = from_hex(digits, "after")
        item = replica.weaver.read(hash) if len(hash) == _HASH_BYTES else None
        if item is None:
            raise UsageError("no entry has the hash %s" % digits, "unknown_entry")
        return row_key(item.wall_ms, item.author)

    def _rows(self, entries: "Iterator[LogEntry] | _Arrived", limit: int) -> "tuple[list[dict[str, Any]], bool]":
        """(rows, whether there are more) of the first entries."""
        names = Names(self.node)
        rows = []
        size = 0
        for entry in entries:
            row = self._row(entry, names)
            size += row["size"]
            if len(rows) >= limit or (rows and size > ANSWER_BYTES):
                return rows, True
            rows.append(row)
        return rows, False

    def _row(self, entry, names):
        row = {
            "wall_ms": entry.wall_ms,
            "author": hex_of(entry.author),
            "author_name": names.of(entry.author),
            "hash": hex_of(entry.hash),
            "size": 0,
        }
        try:
            body = entry.content()
            content = body.read(0, body.size)
        except (StorageError, ProtocolError) as error:
            row["problem"] = str(error)
            return row
        row["size"] = len(content)
        row.update(bytes_fields("value", content))
        return row


class _Arrived:
    """Iterates over entries as they have arrived. `cursor`: of the last one given; `before`: the one before."""

    def __init__(self, view: "LogView", cursor: int, from_ms: int, to_ms: "int | None"):
        self.cursor = self.before = cursor
        self._found = view.arrived(cursor)
        self._from_ms = from_ms
        self._to_ms = to_ms

    def __iter__(self):
        for sequence, entry in self._found:
            if entry.wall_ms < self._from_ms or (self._to_ms is not None and entry.wall_ms >= self._to_ms):
                continue
            self.before = self.cursor
            self.cursor = sequence
            yield entry
