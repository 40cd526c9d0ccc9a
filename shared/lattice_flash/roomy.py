"""Indexes for a machine with memory: dicts beside the columns, so that no search reads them all. Not for a stick.

The same log then takes 1 GiB in a folder and a million intentions (`make campaign-folder`).
"""

from bisect import bisect_left, insort

from .geometry import Geometry
from .hash_index import HashIndex
from .layout import EMPTY

_PAGES = 64  # pages are so many times as long


class RoomyIndex(HashIndex):
    """`HashIndex` with tags of 32 bits. A list of rows for each prefix, old ones included, and for each tag."""

    tag_code = "I"
    tag_bytes = 4

    def __init__(self, page_rows):
        HashIndex.__init__(self, _PAGES * page_rows)

    def clear(self):
        HashIndex.clear(self)
        self._by_prefix = {}
        self._by_tag = {}
        self._removed = []

    def append(self, address, prefix, tag):
        fresh = self.count
        if fresh == len(self.addresses) * self.page_rows:
            self._add_page()
        self._by_tag.setdefault(self.tag(fresh), []).append(fresh)  # what the page has there, until `set`
        return HashIndex.append(self, address, prefix, tag)

    def set(self, index, address, prefix, tag):
        rows = self._by_prefix.setdefault(prefix, [])
        if index not in rows:
            insort(rows, index)
        self._tagged(index, tag)
        HashIndex.set(self, index, address, prefix, tag)

    def retag(self, index, tag):
        self._tagged(index, tag)
        HashIndex.retag(self, index, tag)

    def _tagged(self, index, tag):
        old = self.tag(index)
        if old != tag:
            rows = self._by_tag[old]
            del rows[bisect_left(rows, index)]
            if not rows:
                del self._by_tag[old]
            insort(self._by_tag.setdefault(tag, []), index)

    def find(self, prefix, start=0):
        for index in self._by_prefix.get(prefix, ()):
            if index >= start and self.prefixes[index // self.page_rows][index % self.page_rows] == prefix:
                return index
        return -1

    def nth_tag(self, tag, nth):
        rows = self._by_tag.get(tag, ())
        return rows[nth] if nth < len(rows) else -1

    def count_tags(self, tag, end):
        return bisect_left(self._by_tag.get(tag, ()), end)

    def add(self, address, prefix, tag):
        while self._removed:
            index = self._removed.pop()
            if index < self.count and self.address(index) == EMPTY:
                self.set(index, address, prefix, tag)
                self.alive += 1
                return index
        return self.append(address, prefix, tag)

    def remove(self, index):
        self._removed.append(index)
        HashIndex.remove(self, index)

    def squeeze(self):
        HashIndex.squeeze(self)
        self.loaded()

    def loaded(self):
        self._by_prefix = {}
        self._by_tag = {}
        self._removed = []
        for index in range(self.count):
            prefix = self.prefixes[index // self.page_rows][index % self.page_rows]
            self._by_prefix.setdefault(prefix, []).append(index)
            self._by_tag.setdefault(self.tag(index), []).append(index)


def folder(segment_bytes=1 << 20, segments=2048, sequences=1 << 24):
    """The geometry of a log in a folder; by default of 2 GiB, room for compaction included."""
    return Geometry(segment_bytes, segments, sequences, 65534, 1 << 40, RoomyIndex)
