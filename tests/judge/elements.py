"""Sets of numbered elements, as reconcile.json gives them: element i is an intention that follows from i alone.

All hashes lie in one bytearray and a set is a sorted list of numbers: two sets of 3,000 fit into the stick's heap.
"""

from array import array

from judge.cases import expect
from lattice_core.model.intention import encode_body
from lattice_core.seams import BytesBody

ZERO = bytes(32)


class Elements:
    """The elements 0..count-1."""

    def __init__(self, crypto, label, store_id, count):
        self.crypto = crypto
        self.label = label.encode()
        self.store_id = store_id
        self._table = bytearray(32 * count)
        for number in range(count):
            self._table[32 * number : 32 * number + 32] = crypto.blake3_digest(self.body(number))

    def body(self, number):
        suffix = number.to_bytes(4, "little")
        author = self.crypto.blake3_digest(self.label + suffix)
        return encode_body(author, number, 0, self.store_id, ZERO, (), suffix)

    def hash(self, number):
        return bytes(self._table[32 * number : 32 * number + 32])


class Element:
    """What a session looks at of an intention."""

    signature = bytes(64)

    def __init__(self, body):
        self.body = BytesBody(body)


class ElementSet:
    """The elements of some index ranges: the `items` of a session, without a store."""

    def __init__(self, elements, ranges):
        self.elements = elements
        self.new = 0
        numbers = []
        for first, behind in ranges:
            numbers.extend(range(first, behind))
        self._sorted = array("H", sorted(numbers, key=elements.hash))

    def __len__(self):
        return len(self._sorted)

    def _find(self, hash, numbers=None):
        """How many are smaller."""
        if numbers is None:
            numbers = self._sorted
        low, high = 0, len(numbers)
        while low < high:
            middle = (low + high) >> 1
            if self.elements.hash(numbers[middle]) < hash:
                low = middle + 1
            else:
                high = middle
        return low

    def _number(self, hash):
        at = self._find(hash)
        if at < len(self._sorted) and self.elements.hash(self._sorted[at]) == hash:
            return self._sorted[at]
        return None

    def range_summary(self, start, end):
        total = 0
        first, behind = self._find(start), self._find(end)
        for at in range(first, behind):
            total ^= int.from_bytes(self.elements.hash(self._sorted[at]), "big")
        return max(behind - first, 0), total.to_bytes(32, "big")

    def range_hashes(self, start, end, limit):
        first, behind = self._find(start), self._find(end)
        return [self.elements.hash(number) for number in self._sorted[first : min(behind, first + limit)]]

    def commit(self):
        """Nothing here needs a disk."""

    def wanted(self, hash):
        return self._number(hash) is None

    def get(self, hash):
        number = self._number(hash)
        return None if number is None else Element(self.elements.body(number))

    def take(self, entries):
        numbers = list(self._sorted)
        for entry in entries:
            body = entry["intention_borsh"]
            number = int.from_bytes(body[-4:], "little")
            expect(body == self.elements.body(number), "an intention that is no element")
            hash = self.elements.hash(number)
            if self.wanted(hash):
                self.new += 1
                numbers.insert(self._find(hash, numbers), number)
        self._sorted = array("H", numbers)
        return len(entries)
