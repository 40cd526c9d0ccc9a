"""Reading the log again: at boot, and to drop what a transaction changed.

Only batches that end with a COMMIT count. A segment is read up to its first damaged record; what follows in it is
lost, and so is a batch that ran through it.
"""

from struct import unpack_from

from . import layout
from .layout import SEGMENT_BYTES, intact, location, record_bytes
from .slots import LOG


class Window:
    """The buffer that scans read through: taken once, while the heap is fresh. It holds the longest record."""

    BYTES = 4352

    def __init__(self):
        self.buffer = bytearray(self.BYTES)
        self.view = memoryview(self.buffer)
        self.owner = None  # whose bytes are in it


def scan(slots, slot, offset):
    """Yields (offset, kind, payload) of each record from `offset` on; stops at the first one that is not intact.

    A payload is valid until the next step. Scans may be nested: the outer one reads its window again.
    """
    window = slots.window
    me = [slot]
    at = size = 0  # position in the window, bytes in it
    while True:
        if window.owner is not me:
            window.owner = me
            offset += at
            at = 0
            size = slots.readinto(slot, offset, window.view)
        found = intact(window.view[:size], at)
        if found is None:
            if at == 0:
                return
            window.owner = None
            continue
        kind, length = found
        start = at + layout.HEADER_BYTES
        place = offset + at
        at += record_bytes(length)
        yield place, kind, window.view[start : start + length]


def number_of(slots, slot):
    """Number of a log segment, -1 when its head is damaged."""
    head = slots.read_some(slot, 0, 64)
    found = intact(memoryview(head), 0)
    if found is None or found[0] != layout.SEGMENT:
        return -1
    magic, number, _ = unpack_from(layout.SEGMENT_HEAD, head, layout.HEADER_BYTES)
    return number if magic == layout.SEGMENT_MAGIC else -1


class Replay:
    """Applies the log from a position on. Afterwards: where it ends, and what was wrong."""

    def __init__(self, storage):
        self.storage = storage
        self.slots = storage.slots
        self.batch = 0  # of the last COMMIT
        self.damaged = []  # (slot, offset) of the first bad record of a segment
        self.ranges = []  # [slot, first, end] of the open batch
        self.end = None  # (slot, offset, intact) of the last segment

    def run(self, number, offset):
        """From `offset` of segment `number` on, then every segment with a greater number."""
        numbers = self.storage.log.numbers
        order = sorted([(numbers[slot], slot) for slot in self.slots.of_kind(LOG) if slot in numbers])
        for found, slot in order:
            if found >= number:
                self._segment(slot, offset if found == number else 0)

    def _segment(self, slot, offset):
        first = end = offset
        ranges = self.ranges
        for at, kind, payload in scan(self.slots, slot, offset):
            end = at + record_bytes(len(payload))
            if kind == layout.COMMIT:
                ranges.append((slot, first, at))
                self._commit(unpack_from("<I", payload, 0)[0])
                first = end
            elif kind == layout.ABORT:
                del ranges[:]
                first = end
            elif kind == layout.SEGMENT:
                if not payload[8]:
                    del ranges[:]
                first = end
        if first < end:
            ranges.append((slot, first, end))
        good = end == self.slots.sizes[slot]
        if not good:
            self.damaged.append((slot, end))
            if end < SEGMENT_BYTES:
                del ranges[:]
        self.end = (slot, end, good)

    def _commit(self, batch):
        self.batch = batch
        for slot, first, end in self.ranges:
            for at, kind, payload in scan(self.slots, slot, first):
                if at >= end:
                    break
                self._apply(kind, location(slot, at), payload, batch)
        del self.ranges[:]

    def _apply(self, kind, place, payload, batch):
        storage = self.storage
        if kind == layout.STORE:
            storage.apply_store(payload[0], bytes(payload[1:17]))
        elif kind == layout.INTENTION:
            storage.numbered(payload[0]).apply_intention(place, payload)
        elif kind == layout.ROW or kind == layout.UNROW:
            end = 3 + payload[0]
            tables = storage.numbered(payload[1]).tables
            found = storage.keys.find(bytes(payload[1:end]))
            if kind == layout.ROW:
                tables.apply_row(found, place)
            elif found[2]:
                tables.apply_unrow(found)
        elif kind == layout.BLOB:
            storage.numbered(payload[0]).contents.apply_blob(place, bytes(payload[layout.BLOB_HASH_AT :]))
        elif kind == layout.DROP:
            storage.numbered(payload[0]).apply_dropped(bytes(payload[1:]))
        elif kind == layout.UNBLOB:
            storage.numbered(payload[0]).contents.apply_unblobbed(bytes(payload[1:]))
        elif kind == layout.CUT:
            number, count = unpack_from(layout.CUT_RECORD, payload, 0)
            storage.numbered(number).apply_cut(count)
        elif kind == layout.RECORD:
            end = 2 + payload[1]
            storage.apply_record(bytes(payload[2:end]), bytes(payload[end:]) if payload[0] else None, batch)
