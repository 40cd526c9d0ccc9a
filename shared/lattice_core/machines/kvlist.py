"""Lists of a key-value store in the order of whole keys, whatever their length.

Rows come in the order of row keys. Those of shortened keys (`keys.py`) that begin alike lie together but in the order
of their hashes: such a group is put in order by selecting the next greater key again and again, reading the keys where
they lie. That is slow for many long keys that begin alike, takes no memory, and is rare.
"""

from ..compat import const
from ..seams import BytesBody
from ..storage.contract import TABLE_DATA
from . import kvtable
from .keys import KEY_BYTES

_WINDOW = const(256)
_BEHIND_GROUP = b"\xff" * 32
KEY_IN_MEMORY_BYTES = const(4096)


class Entry:
    """One key: `winner` (a kvtable.Head), `conflicted`; the value with `value()`, concurrent writes with `heads()`.

    `key`: the whole key; of one over KEY_IN_MEMORY_BYTES only its beginning, and then `key_body()` gives it.
    """

    def __init__(self, store, crypto, row_key, row, key=None):
        self._store = store
        self._crypto = crypto
        self.row_key = row_key
        self.winner = kvtable.winner(row)
        self.conflicted = kvtable.conflicted(row)
        self.key = row_key if key is None else key
        if key is None and self.winner.key_at is not None:
            body = self.key_body()
            self.key = body.read(0, min(body.size, KEY_IN_MEMORY_BYTES))

    def key_body(self):
        """The whole key as a `Body`."""
        return kvtable.key_of(self._store, self.winner, self.row_key)

    def value(self):
        """The winner's value as a `Body`, None when it is a deletion."""
        return kvtable.value_of(self._store, self.winner)

    def heads(self):
        """Iterates over all writes that stand, the winner first; `kvtable.value_of` gives their values."""
        return kvtable.heads(self._store, self._crypto, TABLE_DATA, self.row_key)

    def value_of(self, head):
        """The value of one of the heads."""
        return kvtable.value_of(self._store, head)


def entries(store, crypto, prefix, after):
    """Iterates over the entries whose keys begin with `prefix` and are greater than `after`, ascending."""
    prefix = bytes(prefix)
    row_after = after
    if after is not None and len(after) > KEY_BYTES:
        # In the middle of a group of shortened keys: its rest first.
        stem = after[:KEY_BYTES]
        for entry in _group(store, crypto, stem, prefix, after):
            yield entry
        row_after = stem + _BEHIND_GROUP
    while True:
        group = None
        for row_key, row in store.rows(TABLE_DATA, prefix[:KEY_BYTES], row_after):
            if len(row_key) > KEY_BYTES:
                group = row_key[:KEY_BYTES]
                break
            if row_key[: len(prefix)] == prefix:
                yield Entry(store, crypto, row_key, row)
        if group is None:
            return
        for entry in _group(store, crypto, group, prefix, None):
            yield entry
        row_after = group + _BEHIND_GROUP


def _group(store, crypto, stem, prefix, after):
    """The entries of the shortened keys that begin with `stem`, in the order of whole keys."""
    last = None if after is None else BytesBody(after)
    while True:
        best = best_key = None
        for row_key, row in store.rows(TABLE_DATA, stem):
            if len(row_key) <= KEY_BYTES:
                continue
            key = kvtable.key_of(store, kvtable.winner(row), row_key)
            if last is not None and compare(key, last) <= 0:
                continue
            if best is None or compare(key, best_key) < 0:
                best, best_key = (row_key, row), key
        if best is None:
            return
        last = best_key
        if _begins_with(best_key, prefix):
            yield Entry(store, crypto, best[0], best[1])


def _begins_with(body, prefix):
    return body.size >= len(prefix) and body.read(0, len(prefix)) == prefix


def compare(first, second):
    """-1, 0 or 1: the order of two bodies as bytes."""
    offset = 0
    common = min(first.size, second.size)
    while offset < common:
        count = min(_WINDOW, common - offset)
        one, two = first.read(offset, count), second.read(offset, count)
        if one != two:
            return -1 if one < two else 1
        offset += count
    if first.size == second.size:
        return 0
    return -1 if first.size < second.size else 1
