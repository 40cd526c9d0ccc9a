"""What a weaver remembers of what it did not take: refused hashes (bounded, in memory) and forks (on disk).

A fork is two intentions of one author with the same `store_prev`. Each replica keeps the side it saw first and refuses
the other: relaying both would stall the reference for ever. The evidence is kept so that people can judge.
"""

from ..limits import REFUSED_ITEMS
from ..storage.contract import TABLE_META

_FORK = b"fork/"


class Refused:
    """Hashes refused lately, with the reason in words. The oldest are forgotten."""

    def __init__(self):
        self._reasons = {}
        self._order = []

    def add(self, hash, reason):
        if hash not in self._reasons:
            self._order.append(hash)
            if len(self._order) > REFUSED_ITEMS:
                del self._reasons[self._order.pop(0)]
        self._reasons[hash] = reason

    def get(self, hash):
        """The reason, or None."""
        return self._reasons.get(hash)

    def forget(self, hash):
        if hash in self._reasons:
            del self._reasons[hash]
            self._order.remove(hash)


def mark_fork(store, author, prev, held, other):
    """Marks an author who has signed both `held`, which is stored here, and `other` on top of `prev`. Returns False
    when this author is marked already: the first evidence is kept."""
    if store.row(TABLE_META, _FORK + author) is not None:
        return False
    store.put_row(TABLE_META, _FORK + author, prev + held + other)
    return True


def is_marked(store, author):
    """True when the author is known to have forked its chain here."""
    return store.row(TABLE_META, _FORK + author) is not None


def forks(store):
    """Iterates over (author, hash held here, other hash, their store_prev)."""
    for key, value in store.rows(TABLE_META, _FORK):
        yield key[len(_FORK) :], value[32:64], value[64:96], value[:32]
