"""The nodes of a store's range index (lattice_core.weaver.index) as rows, changed in the transaction that witnesses."""

from lattice_core.errors import StorageError
from lattice_core.weaver.index import HASH_DIGITS

_BEHIND_ALL = b"\xff" * 33


class SqliteNodes:
    def __init__(self, database, store_number):
        self._database = database
        self._store = store_number

    def get(self, prefix):
        row = self._database.one(
            "SELECT count, sum, split FROM fingerprint WHERE store = ? AND depth = ? AND prefix = ?",
            (self._store, len(prefix), prefix),
        )
        return (0, 0, False) if row is None else (row[0], int.from_bytes(row[1], "big"), bool(row[2]))

    def put(self, nodes):
        self._database.many(
            "INSERT INTO fingerprint VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET count = excluded.count, sum = excluded.sum, split = excluded.split",
            [
                (self._store, len(prefix), prefix, count, total.to_bytes(32, "big"), int(split))
                for prefix, count, total, split in nodes
            ],
        )

    def below(self, prefix, digit):
        rows = self._database.all(
            "SELECT count, sum FROM fingerprint WHERE store = ? AND depth = ? AND prefix >= ? AND prefix < ?",
            (self._store, len(prefix) + 1, prefix + "0", prefix + digit),
        )
        return [(count, int.from_bytes(total, "big")) for count, total in rows]

    def hashes(self, low, high):
        return self.between(_padded(low), None if high is None else _padded(high), -1)

    def between(self, start, end, limit):
        """The first `limit` (-1: all) witnessed hashes in [start, end), ascending; `end` None: to the last."""
        rows = self._database.all(
            "SELECT hash FROM intention WHERE store = ? AND hash >= ? AND hash < ? AND sequence > 0 "
            "ORDER BY hash LIMIT ?",
            (self._store, start, _BEHIND_ALL if end is None else end, limit),
        )
        return [hash for (hash,) in rows]

    def check(self):
        """StorageError unless every split node is the sum of its children and the root counts the log."""
        rows = self._database.all("SELECT prefix, count, sum, split FROM fingerprint WHERE store = ?", (self._store,))
        sums = {}
        for prefix, count, total, _ in rows:
            if prefix:
                old_count, old_total = sums.get(prefix[:-1], (0, 0))
                sums[prefix[:-1]] = (old_count + count, old_total ^ int.from_bytes(total, "big"))
        for prefix, count, total, split in rows:
            if split and sums.get(prefix) != (count, int.from_bytes(total, "big")):
                raise StorageError(
                    "fingerprints of prefix %r do not add up; the database is damaged" % prefix, "damaged"
                )
        witnessed = self._database.one("SELECT count FROM store WHERE n = ?", (self._store,))[0]
        if self.get("")[0] != witnessed:
            raise StorageError("fingerprints count %d intentions of %d" % (self.get("")[0], witnessed), "damaged")


def _padded(digits):
    """32 bytes that begin with these hex digits."""
    return bytes.fromhex(digits.ljust(HASH_DIGITS, "0"))
