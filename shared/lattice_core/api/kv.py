"""Group `kv`: keys and values of a store. Keys and values are bytes: text is UTF-8, anything else goes as hex."""

from ..compat import const
from ..errors import UsageError
from .plain import bytes_fields, bytes_of, bytes_text
from .rows import member_name
from .service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

SHOWN_BYTES = const(60)  # of a value in a list
LISTED = const(1000)


class KvService(Service):
    READS = ("get", "inspect", "list")

    def put(
        self,
        store: "str | None" = None,
        key: "str | None" = None,
        key_hex: "str | None" = None,
        value: "str | None" = None,
        value_hex: "str | None" = None,
    ) -> "dict[str, Any]":
        """Writes a value: {hash}."""
        kv = self._store(store).kv
        written = kv.put(bytes_of("key", key, key_hex), bytes_of("value", value, value_hex), self.now_ms())
        self._commit()
        return {"hash": written.hash.hex()}

    def delete(
        self, store: "str | None" = None, key: "str | None" = None, key_hex: "str | None" = None
    ) -> "dict[str, Any]":
        """Deletes a key: {hash}. UsageError when it has no value."""
        kv = self._store(store).kv
        name = bytes_of("key", key, key_hex)
        if kv.get(name) is None:
            raise UsageError("there is no value for %s" % bytes_text(name), "unknown_key")
        written = kv.delete(name, self.now_ms())
        self._commit()
        return {"hash": written.hash.hex()}

    def get(
        self, store: "str | None" = None, key: "str | None" = None, key_hex: "str | None" = None
    ) -> "dict[str, Any]":
        """{key, value, conflicted, conflicts}: the winner, and the heads that lost."""
        name = bytes_of("key", key, key_hex)
        entry = self._store(store).kv.inspect(name)
        if entry is None or entry.winner.deleted:
            raise UsageError(
                "there is no value for %s; `kv list` shows what there is" % bytes_text(name), "unknown_key"
            )
        data = bytes_fields("key", name)
        data.update(bytes_fields("value", _whole(entry.value())))
        data["conflicted"] = entry.conflicted
        losers = list(entry.heads())[1:] if entry.conflicted else []
        data["conflicts"] = [self._head(entry, head) for head in losers]
        return data

    def inspect(
        self, store: "str | None" = None, key: "str | None" = None, key_hex: "str | None" = None
    ) -> "dict[str, Any]":
        """{key, conflicted, heads}: every write of a key that stands, the winner first."""
        name = bytes_of("key", key, key_hex)
        entry = self._store(store).kv.inspect(name)
        if entry is None:
            raise UsageError("nobody has written %s" % bytes_text(name), "unknown_key")
        data = bytes_fields("key", name)
        data["conflicted"] = entry.conflicted
        data["heads"] = [self._head(entry, head) for head in entry.heads()]
        return data

    def list(
        self,
        store: "str | None" = None,
        prefix: str = "",
        prefix_hex: "str | None" = None,
        after: "str | None" = None,
        after_hex: "str | None" = None,
        limit: int = LISTED,
    ) -> "dict[str, Any]":
        """{keys, more}: keys in order, with the beginning of their values."""
        first = bytes_of("prefix", prefix if prefix_hex is None else None, prefix_hex)
        behind = None if after is None and after_hex is None else bytes_of("after", after, after_hex)
        rows = []
        more = False
        for entry in self._store(store).kv.list(first, behind, limit + 1):
            if len(rows) == limit:
                more = True
            else:
                rows.append(_row(entry))
        return {"keys": rows, "more": more}

    def _head(self, entry, head):
        row = {
            "author": head.author.hex(),
            "author_name": member_name(self.node, head.author),
            "wall_ms": head.wall_ms,
            "hash": head.hash.hex(),
            "deleted": head.deleted,
        }
        if not head.deleted:
            row.update(bytes_fields("value", _whole(entry.value_of(head))))
        return row


def _whole(body):
    return body.read(0, body.size)


def _row(entry):
    value = entry.value()
    start = value.read(0, min(value.size, SHOWN_BYTES))
    row = bytes_fields("key", entry.key)
    row.update({"size": value.size, "conflicted": entry.conflicted, "wall_ms": entry.winner.wall_ms})
    row.update(bytes_fields("value" if value.size <= SHOWN_BYTES else "value_start", start))
    return row
