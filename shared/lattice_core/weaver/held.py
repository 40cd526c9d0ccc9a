"""Held chains: what a node holds of each author without a gap (docs/reference/nano-reconcile.md §1).

The held chain of an author is its witnessed chain and the floating intentions that link to it one after the other. It
is what reconciliation between Nano peers compares: what only waits for a dep need not be sent again.
"""

from ..storage.contract import ZERO


class Held:
    """The held chains of one store, read from storage and from what floats."""

    def __init__(self, store, floating, read=None):
        self._store = store
        self._floating = floating
        self._read = read or store.get  # of an intention: None where it is damaged

    def authors(self):
        """All authors with a held chain."""
        return list(self.each_author())

    def each_author(self):
        """Iterates over the same: as a list they take 68 bytes of a stick's heap each."""
        for author in getattr(self._store, "each_author", self._store.authors)():
            yield author
        for author in self._waiting_authors():
            if self._store.chain(author)[0] == 0:
                yield author

    def _waiting_authors(self):
        """Authors with floating intentions that link to what is witnessed, the newest last."""
        found = []
        seen = set()
        for prev, author in self._floating.links():
            if author not in seen and prev == self._store.chain(author)[1]:
                seen.add(author)
                found.append(author)
        return found

    def chain(self, author):
        """(length, tip) of the held chain; (0, ZERO) when there is none."""
        length, tip = self._store.chain(author)
        if self._floating.count:
            for link in self._links(author, tip):
                tip = link
                length += 1
        return length, tip

    def _links(self, author, tip):
        """Hashes of the floating intentions that follow `tip`, in chain order."""
        while True:
            tip = self._floating.next_in_chain(tip, author)
            if tip is None:
                return
            yield tip

    def at(self, author, position):
        """Hash of the `position`-th intention of the held chain, from 1. ValueError outside of it."""
        length, tip = self._store.chain(author)
        if position <= length:
            return self._store.chain_at(author, position)
        for hash in self._links(author, tip):
            length += 1
            if length == position:
                return hash
        raise ValueError("the held chain has no such position")

    def newest(self, count):
        """At most `count` authors whose held chains changed last, about in that order."""
        newest = self._waiting_authors()[-count:] if count else []
        newest.reverse()
        for author in self._store.newest_authors(count):
            if len(newest) < count and author not in newest:
                newest.append(author)
        return newest

    def gaps(self):
        """[(missing hash, witnessed tip of the author, author), …] of floating intentions whose `store_prev` is not
        stored."""
        found = []
        seen = set()
        for prev, author in self._floating.links():
            if prev != ZERO and (prev, author) not in seen and not self._store.has(prev):
                seen.add((prev, author))
                found.append((prev, self._store.chain(author)[1], author))
        return found

    def after(self, plan):
        """Iterates over the intentions of the plan's authors beyond the position it gives for each: the witnessed ones
        in witness order, so that deps come first, then those that float.

        `plan`: {author: position}, or what reads like it; its `numbers()` is then a map from its authors to numbers.
        What is witnessed while this runs may or may not be among them.
        """
        starts = plan.numbers() if hasattr(plan, "numbers") else {}
        broken = set()  # authors of whom one was damaged: what follows is of no use without it
        first = 0
        store = self._store
        for author in plan:
            if plan[author] < store.chain(author)[0]:
                sequence = store.witness_sequence(store.chain_at(author, plan[author] + 1))
                starts[author] = sequence
                if not first or sequence < first:
                    first = sequence
        floating = self._floating_after(plan)
        if first:
            for sequence, hash, author, _ in store.witness_log(first - 1):
                start = starts.get(author)
                if start is not None and sequence >= start and author not in broken:
                    intention = self._read(hash)
                    if intention is None:
                        broken.add(author)
                    else:
                        yield intention
        for hash in floating:
            intention = self._read(hash)
            if intention is not None and intention.author not in broken:
                yield intention

    def _floating_after(self, plan):
        """Hashes of the floating part of `after`, chain by chain."""
        found = []
        if self._floating.count:
            for author in plan:
                length, tip = self._store.chain(author)
                for hash in self._links(author, tip):
                    length += 1
                    if length > plan[author]:
                        found.append(hash)
        return found
