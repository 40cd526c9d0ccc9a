"""What floats on a computer: bounded like on a stick (floating.py), by the room that a computer has.

A session of the reference brings what is missing in the order of hashes, so nearly all of it floats until the last of
it is here: what a computer may have missed must have room. Every question is one look into a dict, whatever floats.
"""

from ..limits import FLOATING_BYTES_ROOMY, FLOATING_ITEMS_ROOMY
from .floating import AUTHORS_NAMED

_BYTES_OF_A_DEP = 512  # counted for each: every one that comes makes us look at the intention again


class RoomyFloating:
    """Used like `floating.Floating`."""

    def __init__(self):
        self.count = 0
        self.bytes = 0
        self.hashes = {}  # hash: _Waiting, in order of arrival
        self.authors = {}  # author: how many
        self._by_prev = {}  # store_prev: their hashes, as dicts that keep the order
        self._by_blocker = {}
        self._unlisted = {}
        self._arrived = 0

    def add(self, intention, blocker, listed):
        hash = intention.hash
        self._arrived += 1
        waiting = _Waiting(intention, blocker, self._arrived)
        self.count += 1
        self.bytes += waiting.weight
        self.hashes[hash] = waiting
        self.authors[waiting.author] = self.authors.get(waiting.author, 0) + 1
        self._by_prev.setdefault(waiting.prev, {})[hash] = None
        self._by_blocker.setdefault(blocker, {})[hash] = None
        if not listed:
            self._unlisted[hash] = None

    def remove(self, hash):
        waiting = self.hashes.pop(hash)
        self.count -= 1
        self.bytes -= waiting.weight
        left = self.authors.pop(waiting.author) - 1
        if left:
            self.authors[waiting.author] = left
        _take_out(self._by_prev, waiting.prev, hash)
        _take_out(self._by_blocker, waiting.blocker, hash)
        self._unlisted.pop(hash, None)

    def wait_for(self, hash, blocker):
        waiting = self.hashes[hash]
        _take_out(self._by_blocker, waiting.blocker, hash)
        waiting.blocker = blocker
        self._by_blocker.setdefault(blocker, {})[hash] = None

    def mark_listed(self, hash):
        self._unlisted.pop(hash, None)

    def links(self):
        return [(waiting.prev, waiting.author) for waiting in self.hashes.values()]

    def unlisted(self):
        return list(self._unlisted)

    def by_author(self):
        found = {}
        for waiting in self.hashes.values():
            _, count, size, blocker = found.get(waiting.author, (waiting.author, 0, 0, waiting.blocker))
            if blocker in self.hashes:
                blocker = waiting.blocker
            if count or len(found) < AUTHORS_NAMED:
                found[waiting.author] = (waiting.author, count + 1, size + waiting.size, blocker)
        return list(found.values())

    def waiting_for(self, blocker):
        return sorted(self._by_blocker.get(blocker, ()), key=self._arrival)

    def _arrival(self, hash):
        return self.hashes[hash].number

    def siblings(self, prev, author):
        return [hash for hash in self._by_prev.get(prev, ()) if self.hashes[hash].author == author]

    def next_in_chain(self, prev, author):
        for hash in self._by_prev.get(prev, ()):
            if self.hashes[hash].author == author:
                return hash
        return None

    def victims(self, size):
        items = self.count + 1 - FLOATING_ITEMS_ROOMY
        excess = self.bytes + size - FLOATING_BYTES_ROOMY
        victims = []
        for hash in self._unlisted:
            if items <= 0 and excess <= 0:
                break
            victims.append(hash)
            items -= 1
            excess -= self.hashes[hash].weight
        enough = items <= 0 and (excess <= 0 or len(victims) == self.count)
        return victims if enough else None


class _Waiting:
    __slots__ = ("author", "blocker", "number", "prev", "size", "weight")

    def __init__(self, intention, blocker, number):
        self.number = number
        self.author = intention.author
        self.prev = intention.store_prev
        self.blocker = blocker
        self.size = intention.body.size
        self.weight = self.size + intention.dep_count * _BYTES_OF_A_DEP


def _take_out(index, key, hash):
    hashes = index[key]
    del hashes[hash]
    if not hashes:
        del index[key]
