"""Count and XOR over any range of witnessed hashes in O(log n), kept in the transaction that witnesses them.

A tree by hex digits: the node of prefix p holds count and XOR of all hashes that start with p. A node with more
than `_LEAF_ITEMS` hashes is split: its up to 16 children are nodes too. So a sum below a bound needs the lower
siblings on the way down, and at the end one leaf's hashes from the index. Random hashes keep it balanced; a peer
who grinds equal prefixes makes the path at most 64 steps long.
"""

from lattice_core.errors import StorageError

_LEAF_ITEMS = 256  # a leaf is summed from the index in 0.1 ms; smaller ones cost every ingest more
_DIGITS = "0123456789abcdef"
HASH_HEX = 64


class Fingerprints:
    """Of one store. `hashes_between(low_hex, high_hex or None)` gives the witnessed hashes of a range, flushed ones."""

    def __init__(self, database, store_number, hashes_between):
        self._database = database
        self._store = store_number
        self._hashes_between = hashes_between
        self._added = []

    def add(self, hash):
        """The hash has just been witnessed."""
        self._added.append(hash)

    def forget(self):
        """After a rollback."""
        self._added.clear()

    def flush(self):
        """Writes what was added. The hashes themselves must be in the index already."""
        if not self._added:
            return
        added = sorted(hash.hex() for hash in self._added)
        self._added.clear()
        changed = []
        work = [("", added)]
        while work:
            prefix, hashes = work.pop()
            work.extend(self._grow(prefix, hashes, changed))
        self._database.many(
            "INSERT INTO fingerprint VALUES (?, ?, ?, ?, ?, ?) "
            "ON CONFLICT DO UPDATE SET count = excluded.count, sum = excluded.sum, split = excluded.split",
            changed,
        )

    def _grow(self, prefix, hashes, changed):
        """Adds sorted hex hashes to one node; gives (child prefix, its hashes) to go on with."""
        count, total, split = self._node(prefix)
        total ^= xor_hex(hashes)
        count += len(hashes)
        below = hashes if split else ()
        if not split and count > _LEAF_ITEMS and len(prefix) < HASH_HEX:
            split = 1
            below = [hash.hex() for hash in self._hashes_between(prefix, after_prefix(prefix))]
        changed.append((self._store, len(prefix), prefix, count, total.to_bytes(32, "big"), split))
        return group_by_digit(below, len(prefix))

    def _node(self, prefix):
        row = self._database.one(
            "SELECT count, sum, split FROM fingerprint WHERE store = ? AND depth = ? AND prefix = ?",
            (self._store, len(prefix), prefix),
        )
        if row is None:
            return 0, 0, 0
        return row[0], int.from_bytes(row[1], "big"), row[2]

    def below(self, bound_hex):
        """(count, XOR as int) of all witnessed hashes smaller than the 64 hex digits; None means all."""
        if bound_hex is None:
            count, total, _ = self._node("")
            return count, total
        count = total = 0
        for depth in range(HASH_HEX):
            prefix = bound_hex[:depth]
            node_count, _, split = self._node(prefix)
            if node_count == 0:
                return count, total
            if not split:
                rest = self._hashes_between(prefix, bound_hex)
                return count + len(rest), total ^ xor_hex(hash.hex() for hash in rest)
            for child_count, child_sum in self._children_below(prefix, bound_hex[depth]):
                count += child_count
                total ^= int.from_bytes(child_sum, "big")
        return count, total

    def _children_below(self, prefix, digit):
        return self._database.all(
            "SELECT count, sum FROM fingerprint WHERE store = ? AND depth = ? AND prefix >= ? AND prefix < ?",
            (self._store, len(prefix) + 1, prefix + "0", prefix + digit),
        )

    def check(self):
        """StorageError unless the root sums up to its children all the way down. Reads every node."""
        rows = self._database.all("SELECT prefix, count, sum, split FROM fingerprint WHERE store = ?", (self._store,))
        sums = {}
        for prefix, count, total, _ in rows:
            if prefix:
                old_count, old_total = sums.get(prefix[:-1], (0, 0))
                sums[prefix[:-1]] = (old_count + count, old_total ^ int.from_bytes(total, "big"))
        for prefix, count, total, split in rows:
            if split and sums.get(prefix) != (count, int.from_bytes(total, "big")):
                raise StorageError("fingerprints of prefix %r do not add up; the database is damaged" % prefix)


def xor_hex(hashes):
    total = 0
    for hash in hashes:
        total ^= int(hash, 16)
    return total


def after_prefix(prefix):
    """Smallest hex text greater than everything that starts with `prefix`; None when there is none."""
    stripped = prefix.rstrip("f")
    if not stripped:
        return None
    return stripped[:-1] + _DIGITS[int(stripped[-1], 16) + 1]


def group_by_digit(hashes, depth):
    """[(prefix one digit longer, hashes)] of sorted hex hashes with a common prefix of `depth` digits."""
    groups = {}
    for hash in hashes:
        groups.setdefault(hash[: depth + 1], []).append(hash)
    return list(groups.items())
