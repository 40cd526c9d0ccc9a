"""What a program reads from a key-value store and writes into it (docs/reference/03-state-machines.md §3.2)."""

from ..errors import UsageError
from ..limits import DEPS
from ..model import ops
from ..storage.contract import TABLE_DATA
from ..wire.messages import KvPayload
from . import kvlist, kvtable
from .keys import row_key
from .registry import TYPE_LOG

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from ..model.intention import Intention
    from .registry import Viewable


class KvView:
    """Reads and writes of one open key-value store."""

    def __init__(self, replica: "Viewable"):
        self._is_log = getattr(replica, "type", "") == TYPE_LOG
        self._store = replica.store
        self._weaver = replica.weaver
        self._crypto = replica.weaver.crypto

    # -- reading -----------------------------------------------------------------------------------------------------

    def get(self, key: bytes) -> "kvlist.Entry | None":
        """The `kvlist.Entry` of a key (its `value()` is a Body), None when nobody wrote it or its deletion wins."""
        entry = self.inspect(key)
        return None if entry is None or entry.winner.deleted else entry

    def inspect(self, key: bytes) -> "kvlist.Entry | None":
        """The `kvlist.Entry` of a key, deleted or not; None when nobody has written it."""
        at = row_key(self._crypto, key)
        row = self._store.row(TABLE_DATA, at)
        return None if row is None else kvlist.Entry(self._store, self._crypto, at, row, bytes(key))

    def list(
        self, prefix: bytes = b"", after: "bytes | None" = None, limit: "int | None" = None, deleted: bool = False
    ) -> "Iterator[kvlist.Entry]":
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

    def put(self, key: bytes, value: bytes, now_ms: int) -> "Intention":
        """Writes one key; returns the intention. UsageError for an empty key or a value that is too large."""
        return self.batch([(key, value)], now_ms)

    def delete(self, key: bytes, now_ms: int) -> "Intention":
        """Deletes one key, absent or not; returns the intention."""
        return self.batch([(key, None)], now_ms)

    def batch(
        self, operations: "Sequence[tuple[bytes, bytes | None]]", now_ms: int, deps: "list[bytes] | None" = None
    ) -> "Intention":
        """Writes several keys at once, [(key, value or None for a deletion), …]; returns the intention. Of several
        operations on one key the last counts. `deps`: what it supersedes, all that stands there without it."""
        if self._is_log:
            raise UsageError("this is a log: entries are appended, there are no keys and no files", "wrong_type")
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

    def deps_for(self, keys: "Iterable[bytes]") -> "list[bytes]":
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
