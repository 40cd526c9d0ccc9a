"""Intentions of one store that a file gives, as a set that sessions reconcile and as a store that answers requests."""

from judge.cases import expect, same
from judge.open_peer import OpenPeer
from lattice_core.sync.reference.replica import parse


class KnownSet:
    """Those of `context.state["known"]` whose hashes are `held`. Also a handle, its store, and what pages go into."""

    def __init__(self, context, store_id, held):
        self.id = store_id
        self.peer = OpenPeer(context)
        self.store = self
        self.taken = []  # as they came
        self.held_back = 0
        self._known = context.state["known"]
        self._held = sorted([hash for hash in held if self._known[hash].store_id == store_id])

    def hashes(self):
        return list(self._held)

    def _in_range(self, start, end):
        return [hash for hash in self._held if start <= hash < end]

    def range_summary(self, start, end):
        total = 0
        found = self._in_range(start, end)
        for hash in found:
            total ^= int.from_bytes(hash, "big")
        return len(found), total.to_bytes(32, "big")

    def range_hashes(self, start, end, limit):
        return self._in_range(start, end)[:limit]

    def commit(self):
        """Nothing here needs a disk."""

    def wanted(self, hash):
        return hash not in self._held

    def get(self, hash):
        return self._known[hash] if hash in self._held else None

    def take(self, entries):
        return self.take_parsed([parse(self.peer.node.crypto, entry) for entry in entries])

    def take_parsed(self, items):
        for item in items:
            expect(item.hash in self._known, "an intention that the file does not list")
            same("store", item.store_id, self.id)
            self.taken.append(item)
            if item.hash not in self._held:
                self._held.append(item.hash)
        self._held.sort()
        return len(items)

    def put_row(self, table, key, value):
        """Where the next page begins is not asked here."""
