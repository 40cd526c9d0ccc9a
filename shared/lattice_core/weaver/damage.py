"""Witnessed intentions whose bytes are damaged where they lie: a row each, until a peer has brought the bytes again.

The chain that peers compare ends before the first of them, so they send the rest of it. What was projected from the
intention when it was good stays.
"""

from ..storage.contract import TABLE_META

_DAMAGED = b"damaged/"  # ‖ hash: author ‖ position in its chain u32


class Damaged:
    """Those of one store."""

    def __init__(self, store):
        self._store = store
        self._lowest = {}  # author: position of its first damaged intention
        for _, value in store.rows(TABLE_META, _DAMAGED):
            self._count(value)

    def _count(self, value):
        author, position = value[:32], int.from_bytes(value[32:], "big")
        self._lowest[author] = min(position, self._lowest.get(author, position))

    def any(self):
        return len(self._lowest) > 0

    def has(self, hash):
        return len(self._lowest) > 0 and self._store.row(TABLE_META, _DAMAGED + hash) is not None

    def note(self, hash):
        """Part of the open transaction."""
        found = self._store.position(hash)
        if found is not None and not self.has(hash):
            value = found[0] + found[1].to_bytes(4, "big")
            self._store.put_row(TABLE_META, _DAMAGED + hash, value)
            self._count(value)

    def mended(self, hash):
        self._store.put_row(TABLE_META, _DAMAGED + hash, None)
        self._lowest = {}
        for _, value in self._store.rows(TABLE_META, _DAMAGED):
            self._count(value)

    def whole(self, author, length):
        """How much of a chain of `length` stands before the first that is damaged."""
        lowest = self._lowest.get(author)
        return length if lowest is None or lowest > length else lowest - 1

    def withheld(self):
        """How many witnessed intentions are damaged, or stand behind one in its chain."""
        return sum([self._store.chain(author)[0] - self._lowest[author] + 1 for author in self._lowest])
