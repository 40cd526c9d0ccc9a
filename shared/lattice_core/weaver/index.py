"""Count and XOR over any range of witnessed hashes in O(log n), for the reference's reconciliation (hosts only).

A tree by hex digits: the node of prefix p holds count and XOR of all hashes that begin with p. A node with more than
LEAF_ITEMS hashes is split: its up to 16 children are nodes too. So the sum below a bound takes the lower siblings on
the way down, and at the end one leaf's hashes from the sorted index. Random hashes keep it balanced; somebody who
grinds equal beginnings makes the way at most 64 steps long. The nodes live where the store keeps them: rows in SQLite,
a dict in memory.
"""

from ..compat import const

LEAF_ITEMS = const(256)  # a leaf is summed from the index in 0.1 ms; smaller ones cost every ingest more
HASH_DIGITS = const(64)
_DIGITS = "0123456789abcdef"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    class Nodes(Protocol):
        """Where the nodes are kept. Sums are integers."""

        def get(self, prefix: str) -> "tuple[int, int, bool]":
            """(count, sum, is split); (0, 0, False) when there is none."""
            ...

        def put(self, nodes: "list[tuple[str, int, int, bool]]") -> None:
            """Writes (prefix, count, sum, is split)."""
            ...

        def below(self, prefix: str, digit: str) -> "Iterable[tuple[int, int]]":
            """(count, sum) of the children of `prefix` whose digit is smaller."""
            ...

        def hashes(self, low: str, high: "str | None") -> "list[bytes]":
            """The witnessed hashes in [low, high), ascending: hex digits, the rest zeros; `high` None: to the last."""
            ...


class RangeIndex:
    def __init__(self, nodes):
        self._nodes = nodes
        self._added = []

    def add(self, hash):
        """The hash has just been witnessed."""
        self._added.append(hash)

    def forget(self):
        """Drops what was added since the last `flush`, after a rollback."""
        self._added = []

    def flush(self):
        """Puts what was added into the nodes. `nodes.hashes` must know it already."""
        if not self._added:
            return
        changed = []
        work = [("", sorted([hash.hex() for hash in self._added]))]
        self._added = []
        while work:
            prefix, hashes = work.pop()
            self._grow(prefix, hashes, changed, work)
        self._nodes.put(changed)

    def _grow(self, prefix, hashes, changed, work):
        """Adds hex hashes to one node; what its children get goes to `work`."""
        count, total, split = self._nodes.get(prefix)
        count += len(hashes)
        total ^= _xor(hashes)
        below = hashes if split else ()
        if not split and count > LEAF_ITEMS and len(prefix) < HASH_DIGITS:
            split = True
            below = [hash.hex() for hash in self._nodes.hashes(prefix, _after(prefix))]
        changed.append((prefix, count, total, split))
        groups = {}
        for hash in below:
            groups.setdefault(hash[: len(prefix) + 1], []).append(hash)
        work.extend(groups.items())

    def summary(self, start, end):
        """(count, XOR as 32 bytes) of the hashes in [start, end); `end` None: to the last."""
        self.flush()
        if end is not None and end <= start:
            return 0, bytes(32)
        high_count, high_sum = self._below(None if end is None else end.hex())
        low_count, low_sum = self._below(start.hex())
        return high_count - low_count, (high_sum ^ low_sum).to_bytes(32, "big")

    def _below(self, bound):
        """(count, sum) of all hashes smaller than 64 hex digits; None: of all."""
        nodes = self._nodes
        if bound is None:
            return nodes.get("")[:2]
        count = total = 0
        for depth in range(HASH_DIGITS):
            prefix = bound[:depth]
            here, _, split = nodes.get(prefix)
            if not here:
                break
            if not split:
                rest = nodes.hashes(prefix, bound)
                return count + len(rest), total ^ _xor([hash.hex() for hash in rest])
            for child_count, child_sum in nodes.below(prefix, bound[depth]):
                count += child_count
                total ^= child_sum
        return count, total


class MemoryRanges:
    """The index of a log in memory. It only grows: after a rollback make a new one."""

    def __init__(self):
        self._nodes = MemoryNodes()
        self._index = RangeIndex(self._nodes)
        self._seen = 0

    def follow(self, hashes):
        """Takes the hashes of the log that were not seen yet."""
        for at in range(self._seen, len(hashes)):
            self._nodes.insert(hashes[at])
            self._index.add(hashes[at])
        self._seen = len(hashes)

    def summary(self, start, end):
        return self._index.summary(start, end)

    def hashes(self, start, end, limit):
        return self._nodes.between(start, end)[:limit]


class MemoryNodes:
    """Nodes and hashes in memory."""

    def __init__(self):
        self._nodes = {}
        self._hashes = []  # ascending

    def insert(self, hash):
        self._hashes.insert(first_not_less(self._hashes, hash), hash)

    def get(self, prefix):
        return self._nodes.get(prefix, (0, 0, False))

    def put(self, nodes):
        for prefix, count, total, split in nodes:
            self._nodes[prefix] = (count, total, split)

    def below(self, prefix, digit):
        found = []
        for other in _DIGITS:
            if other == digit:
                break
            found.append(self.get(prefix + other)[:2])
        return found

    def hashes(self, low, high):
        return self.between(_padded(low), None if high is None else _padded(high))

    def between(self, start, end):
        """The hashes in [start, end), ascending; `end` None: to the last."""
        hashes = self._hashes
        return hashes[first_not_less(hashes, start) : len(hashes) if end is None else first_not_less(hashes, end)]


def first_not_less(ordered, bound):
    """Index of the first item of an ascending list that is not less than `bound` (MicroPython has no bisect)."""
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) >> 1
        if ordered[middle] < bound:
            low = middle + 1
        else:
            high = middle
    return low


def _xor(hashes):
    total = 0
    for hash in hashes:
        total ^= int(hash, 16)
    return total


def _after(prefix):
    """The smallest hex text greater than everything that begins with `prefix`; None when there is none."""
    stripped = prefix.rstrip("f")
    if not stripped:
        return None
    return stripped[:-1] + _DIGITS[_DIGITS.index(stripped[-1]) + 1]


def _padded(digits):
    """32 bytes that begin with these hex digits."""
    return bytes.fromhex(digits + "0" * (HASH_DIGITS - len(digits)))
