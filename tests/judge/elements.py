"""Sets of numbered elements, as reconcile.json gives them: element i is an intention that follows from i alone.

All hashes lie in one bytearray, their order in an array, and a set is a bit for each: nothing grows, and two sets of
3,000 fit into the stick's heap.
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
        self.count = count
        self._table = bytearray(32 * count)
        for number in range(count):
            self._table[32 * number : 32 * number + 32] = crypto.blake3_digest(self.body(number))
        self._order = array("H", sorted(range(count), key=self.hash))

    def body(self, number):
        suffix = number.to_bytes(4, "little")
        author = self.crypto.blake3_digest(self.label + suffix)
        return encode_body(author, number, 0, self.store_id, ZERO, (), suffix)

    def hash(self, number):
        return bytes(self._table[32 * number : 32 * number + 32])

    def between(self, start, end):
        """The numbers of all elements in [start, end), by hash."""
        for at in range(self._find(start), self._find(end)):
            yield self._order[at]

    def number(self, hash):
        """The number of an element, None when there is none."""
        at = self._find(hash)
        if at < len(self._order) and self.hash(self._order[at]) == hash:
            return self._order[at]
        return None

    def _find(self, hash):
        """How many are smaller."""
        low, high = 0, len(self._order)
        while low < high:
            middle = (low + high) >> 1
            if self.hash(self._order[middle]) < hash:
                low = middle + 1
            else:
                high = middle
        return low


class Element:
    """What a session looks at of an intention."""

    signature = bytes(64)

    def __init__(self, body):
        self.body = BytesBody(body)


class ElementSet:
    """The elements of some index ranges: the `items` of a session, without a store."""

    def __init__(self, elements, ranges):
        self.elements = elements
        self._bits = bytearray(elements.count // 8 + 1)
        for first, behind in ranges:
            for number in range(first, behind):
                self._add(number)

    def _add(self, number):
        self._bits[number >> 3] |= 1 << (number & 7)

    def _has(self, number):
        return self._bits[number >> 3] >> (number & 7) & 1

    def range_summary(self, start, end):
        total = count = 0
        for number in self.elements.between(start, end):
            if self._has(number):
                count += 1
                total ^= int.from_bytes(self.elements.hash(number), "big")
        return count, total.to_bytes(32, "big")

    def range_hashes(self, start, end, limit):
        found = []
        for number in self.elements.between(start, end):
            if self._has(number):
                if len(found) == limit:
                    break
                found.append(self.elements.hash(number))
        return found

    def commit(self):
        """Nothing here needs a disk."""

    def wanted(self, hash):
        number = self.elements.number(hash)
        return number is None or not self._has(number)

    def get(self, hash):
        return None if self.wanted(hash) else Element(self.elements.body(self.elements.number(hash)))

    def take(self, entries):
        for entry in entries:
            body = entry["intention_borsh"]
            number = int.from_bytes(body[-4:], "little")
            expect(body == self.elements.body(number), "an intention that is no element")
            self._add(number)
        return len(entries)
