"""A growing table of small rows in RAM: address (u32), hash prefix (30 bits), tag (u16). 10 bytes of heap a row.

Rows live in pages, so that growing never copies and never needs a large piece of heap. Three columns per page, each an
array, so that a search is one pass over plain numbers. A search that scans every prefix costs 5 instructions a row:
10,000 rows are 0.3 ms on the stick, which a hash table (2 to 4 more bytes a row) would not be worth.
"""

from array import array

from lattice_core.compat import const

from .columns import column_find
from .layout import EMPTY

VOID = const(0xFFFF)  # tag of a row that holds nothing


def prefix_of(hash):
    """The first 30 bits (little-endian) of a hash: a small integer of the interpreter."""
    return hash[0] | hash[1] << 8 | hash[2] << 16 | (hash[3] & 0x3F) << 24


class HashIndex:
    tag_code = "H"
    tag_bytes = 2

    def __init__(self, page_rows):
        self.page_rows = page_rows
        self.clear()

    def clear(self):
        self.count = 0
        self.alive = 0  # rows that are not EMPTY
        self.addresses = []
        self.prefixes = []
        self.tags = []

    def append(self, address, prefix, tag):
        """Index of the new row."""
        index = self.count
        if index == len(self.addresses) * self.page_rows:
            self._add_page()
        self.count = index + 1
        self.set(index, address, prefix, tag)
        if address != EMPTY:
            self.alive += 1
        return index

    def _add_page(self):
        rows = self.page_rows
        self.addresses.append(array("I", bytes(4 * rows)))
        self.prefixes.append(array("I", bytes(4 * rows)))
        self.tags.append(array(self.tag_code, bytes(self.tag_bytes * rows)))

    def loaded(self):
        """The columns were read from a checkpoint."""

    def fill(self, index, address, prefix, tag):
        """Sets a row that may be empty."""
        if self.address(index) == EMPTY:
            self.alive += 1
        self.set(index, address, prefix, tag)

    def void(self, index):
        """Empties a row for good; the others keep their numbers."""
        self.set(index, EMPTY, EMPTY, VOID)
        self.alive -= 1

    def set(self, index, address, prefix, tag):
        page = index // self.page_rows
        at = index % self.page_rows
        self.addresses[page][at] = address
        self.prefixes[page][at] = prefix
        self.tags[page][at] = tag

    def address(self, index):
        return self.addresses[index // self.page_rows][index % self.page_rows]

    def tag(self, index):
        return self.tags[index // self.page_rows][index % self.page_rows]

    def move(self, index, address):
        """Sets the address of a row."""
        self.addresses[index // self.page_rows][index % self.page_rows] = address

    def retag(self, index, tag):
        self.tags[index // self.page_rows][index % self.page_rows] = tag

    def find(self, prefix, start=0):
        """Index of the first row from `start` on with that prefix, -1 when there is none."""
        return self._find(self.prefixes, prefix, start, 0)

    def nth_tag(self, tag, nth):
        """Index of the `nth` (0-based) row with that tag, -1 when there are fewer."""
        return self._find(self.tags, tag, 0, nth)

    def count_tags(self, tag, end):
        """How many of the first `end` rows have that tag."""
        rows = self.page_rows
        found = 0
        for page in self.tags:
            if end <= 0:
                break
            found -= column_find(page, tag, 0, min(rows, end), rows) + 1
            end -= rows
        return found

    def _find(self, columns, value, start, nth):
        rows = self.page_rows
        page = start // rows
        at = start % rows
        left = self.count - page * rows
        while left > 0:
            hit = column_find(columns[page], value, at, rows if left > rows else left, nth)
            if hit >= 0:
                return page * rows + hit
            nth += hit + 1
            page += 1
            left -= rows
            at = 0
        return -1

    def add(self, address, prefix, tag):
        """Like append, but fills the room of a removed row where there is one."""
        if self.alive < self.count:
            index = self._find(self.addresses, EMPTY, 0, 0)
            if index >= 0:
                self.set(index, address, prefix, tag)
                self.alive += 1
                return index
        return self.append(address, prefix, tag)

    def remove(self, index):
        """Empties a row; the others keep their numbers. A table without rows gives its pages back."""
        self.move(index, EMPTY)
        self.alive -= 1
        if self.alive == 0:
            self.clear()

    def squeeze(self):
        """Closes the gaps of removed rows, keeping the order of the others."""
        to = 0
        for index in range(self.count):
            page = index // self.page_rows
            at = index % self.page_rows
            address = self.addresses[page][at]
            if address != EMPTY:
                self.set(to, address, self.prefixes[page][at], self.tags[page][at])
                to += 1
        self.count = to
        pages = (to + self.page_rows - 1) // self.page_rows
        for column in (self.addresses, self.prefixes, self.tags):
            del column[pages:]
