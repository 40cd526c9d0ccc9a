"""The authors' witnessed chains of one store: in memory, one entry an author, and as rows."""

from lattice_core.errors import StorageError
from lattice_core.storage.contract import ZERO


class _Chain:
    __slots__ = ("length", "newest", "number", "tip")

    def __init__(self, number, length, tip, newest):
        self.number = number  # of the author in this store, in order of the first intention, from 1
        self.length = length
        self.tip = tip
        self.newest = newest  # sequence of the tip


class SqlChains:
    """Empty until `load`."""

    def __init__(self, database, store_number):
        self._database = database
        self._store = store_number
        self._chains = {}
        self._keys = []  # author's number - 1 -> author
        self._by_age = {}  # author -> None, the newest tip last
        self._moved = set()

    def load(self):
        """From the table; what moved since the last `flush` is forgotten."""
        rows = self._database.all(
            "SELECT key, n, length, tip, newest FROM author WHERE store = ? ORDER BY n", (self._store,)
        )
        self._chains = {key: _Chain(*rest) for key, *rest in rows}
        self._keys = [row[0] for row in rows]
        self._by_age = dict.fromkeys(row[0] for row in sorted(rows, key=lambda row: row[4]))
        self._moved = set()

    def advance(self, author, hash, sequence):
        """The author's chain has a new tip. Returns (author's number, position of the tip)."""
        chain = self._chains.get(author)
        if chain is None:
            self._keys.append(author)
            chain = self._chains[author] = _Chain(len(self._keys), 0, ZERO, 0)
        chain.length += 1
        chain.tip = hash
        chain.newest = sequence
        self._by_age.pop(author, None)
        self._by_age[author] = None
        self._moved.add(author)
        return chain.number, chain.length

    def authors(self):
        return list(self._keys)

    def author(self, number):
        if not 1 <= number <= len(self._keys):
            raise StorageError(
                "%s names an author that it does not have: it is damaged; `store verify` works it out anew"
                % self._database.path,
                "damaged",
            )
        return self._keys[number - 1]

    def chain(self, author):
        """(length, tip)"""
        chain = self._chains.get(author)
        return (0, ZERO) if chain is None else (chain.length, chain.tip)

    def number_of(self, author, position):
        """The author's number; ValueError when the chain has no such position."""
        chain = self._chains.get(author)
        if chain is None or not 1 <= position <= chain.length:
            raise ValueError("no position %d in this author's chain" % position)
        return chain.number

    def newest(self, count):
        newest = []
        for author in reversed(self._by_age):
            if len(newest) >= count:
                break
            newest.append(author)
        return newest

    def flush(self):
        """Writes the chains that moved, in the open transaction."""
        rows = []
        for author in self._moved:
            chain = self._chains[author]
            rows.append((self._store, chain.number, author, chain.length, chain.tip, chain.newest))
        self._database.many(
            "INSERT INTO author (store, n, key, length, tip, newest) VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET length = excluded.length, tip = excluded.tip, newest = excluded.newest",
            rows,
        )
        self._moved.clear()
