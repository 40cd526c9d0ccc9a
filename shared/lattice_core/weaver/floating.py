"""What floats: intentions that wait for a predecessor or a dep, bounded in number and bytes.

Each entry waits for one thing at a time, its *blocker*: the first of `store_prev` and deps that is not witnessed. Only
when that is witnessed the entry is looked at again, so a dep is read from storage once per change and not once per
intention that arrives. Parallel lists: a search in them is one call.
"""

from ..compat import const
from ..limits import FLOATING_BYTES, FLOATING_ITEMS

AUTHORS_NAMED = const(32)


class Floating:
    """The floating intentions of one store, in order of arrival, as a stick holds them. A computer's storage brings
    `roomy.RoomyFloating`, which is used alike."""

    def __init__(self):
        self.count = 0
        self.bytes = 0
        self.hashes = []
        self.authors = []
        self.prevs = []
        self.blockers = []
        self._sizes = []
        self._listed = []

    def add(self, intention, blocker, listed):
        """Appends an intention that waits for `blocker`. `listed`: a peer says that it has witnessed it."""
        self.count += 1
        self.bytes += intention.body.size
        self.hashes.append(intention.hash)
        self.authors.append(intention.author)
        self.prevs.append(intention.store_prev)
        self.blockers.append(blocker)
        self._sizes.append(intention.body.size)
        self._listed.append(listed)

    def remove(self, hash):
        """Forgets one."""
        at = self.hashes.index(hash)
        self.count -= 1
        self.bytes -= self._sizes[at]
        for column in (self.hashes, self.authors, self.prevs, self.blockers, self._sizes, self._listed):
            column.pop(at)

    def wait_for(self, hash, blocker):
        """Lets an entry wait for something else."""
        self.blockers[self.hashes.index(hash)] = blocker

    def mark_listed(self, hash):
        """A peer says that it has witnessed this one: it is never evicted."""
        if hash in self.hashes:
            self._listed[self.hashes.index(hash)] = True

    def links(self):
        """Iterates over (store_prev, author) of all, the oldest first."""
        return zip(self.prevs, self.authors)

    def unlisted(self):
        """Hashes of those that no peer has listed."""
        return [hash for hash, listed in zip(self.hashes, self._listed) if not listed]

    def by_author(self):
        """[(author, intentions, bytes, what the oldest of them waits for), …], at most 32 authors."""
        found = {}
        for at in range(self.count):
            author = self.authors[at]
            _, count, size, blocker = found.get(author, (author, 0, 0, self.blockers[at]))
            if blocker in self.hashes:  # is here itself, and waits: what is behind it is asked for
                blocker = self.blockers[at]
            if author in found or len(found) < AUTHORS_NAMED:
                found[author] = (author, count + 1, size + self._sizes[at], blocker)
        return [found[author] for author in found]

    def waiting_for(self, blocker):
        """Hashes of the entries with this blocker, oldest first."""
        return self._matching(self.blockers, blocker)

    def siblings(self, prev, author):
        """Hashes of the entries that follow `prev` in this author's chain, oldest first."""
        return [hash for hash in self._matching(self.prevs, prev) if self.authors[self.hashes.index(hash)] == author]

    def next_in_chain(self, prev, author):
        """Hash of the oldest entry that follows `prev` in this author's chain, or None."""
        found = self.siblings(prev, author)
        return found[0] if found else None

    def _matching(self, column, value):
        found = []
        if value not in column:
            return found
        at = -1
        for _ in range(column.count(value)):
            at = column.index(value, at + 1)
            found.append(self.hashes[at])
        return found

    def victims(self, size):
        """Hashes to evict so that `size` more bytes fit: the oldest that nobody has listed. None when those do not
        suffice: what a peer has listed was acknowledged and stays. A single one of any size always fits.
        """
        items = self.count + 1 - FLOATING_ITEMS
        excess = self.bytes + size - FLOATING_BYTES
        victims = []
        for at in range(self.count):
            if items <= 0 and excess <= 0:
                break
            if not self._listed[at]:
                victims.append(self.hashes[at])
                items -= 1
                excess -= self._sizes[at]
        enough = items <= 0 and (excess <= 0 or len(victims) == self.count)
        return victims if enough else None
