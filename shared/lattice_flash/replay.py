"""Reading the log again: at boot, and to drop what a transaction changed.

Only batches that end with a COMMIT count. A record that is damaged is passed over: the next intact one is searched for,
and what was in between is noted in `damaged`. The file system changes a file at a sync, all of it or nothing, so a log
never ends in a torn record on a chip; where it does (an ordinary file system keeps what was never synced) nothing
intact is behind it, and the open batch is void like any that has no COMMIT.
"""

from binascii import crc32
from struct import unpack_from

from lattice_core.compat import const
from lattice_core.errors import StorageError

from . import layout
from .layout import HEADER_BYTES, intact, record_bytes
from .records import actions, newer
from .segments import LOG

_BLOCK_BYTES = const(4096)
_ABORT_BYTES = const(8)  # no other record is so short


class Window:
    """The buffer that scans read through: taken once, while the heap is fresh. It holds the longest record."""

    BYTES = 4352

    def __init__(self):
        self.buffer = bytearray(self.BYTES)
        self.view = memoryview(self.buffer)
        self.owner = None  # whose bytes are in it


def scan(segments, slot, offset, damaged=None):
    """Yields (offset, kind, payload) of each intact record from `offset` on. What is not intact is appended to
    `damaged`, (slot, first byte, end), before the record behind it is given.

    A payload is valid until the next step. Scans may be nested: the outer one reads its window again.
    """
    window = segments.window
    me = [slot]
    at = size = 0  # position in the window, bytes in it
    while True:
        if window.owner is not me:
            window.owner = me
            offset += at
            at = 0
            size = _fill(segments, slot, offset)
        address = offset + at
        found = intact(window.view[:size], at, segments.seed if address else 0)
        if found is None:
            if at:
                window.owner = None
                continue
            end = segments.sizes[slot]
            if address >= end:
                return
            behind = _next_intact(segments, slot, address + 4, end)
            if damaged is not None:
                damaged.append((slot, address, behind))
            if behind == end:
                return
            offset = behind
            continue
        kind, length = found
        start = at + HEADER_BYTES
        at += record_bytes(length)
        yield address, kind, window.view[start : start + length]


def _fill(segments, slot, offset):
    """Reads a window from `offset` on, or what can be read of its first block; returns how many bytes."""
    view = segments.window.view
    try:
        return segments.readinto(slot, offset, view)
    except StorageError:
        segments.forget_reader(slot)
    try:
        return segments.readinto(slot, offset, view[: _BLOCK_BYTES - offset % _BLOCK_BYTES])
    except StorageError:
        segments.forget_reader(slot)
        return 0


def _next_intact(segments, slot, offset, end):
    """Offset of the first intact record from `offset` on, `end` when there is none."""
    window = segments.window
    window.owner = None
    view = window.view
    while offset + HEADER_BYTES <= end:
        size = _fill(segments, slot, offset)
        if size < HEADER_BYTES:
            offset = (offset // _BLOCK_BYTES + 1) * _BLOCK_BYTES
            continue
        at = 0
        while at + HEADER_BYTES <= size:
            behind = at + HEADER_BYTES + (view[at + 4] | view[at + 5] << 8 | view[at + 6] << 16)
            if 0 < view[at + 7] <= layout.KINDS and behind <= at + window.BYTES:
                if behind > size and at:
                    break  # look again with it at the beginning of the window
                if intact(view[:size], at, segments.seed) is not None:
                    return offset + at
            at += 4
        offset += at
    return end


def head_of(segments, slot):
    """(number, seed, nonce) of a log segment, None when its head is damaged."""
    try:
        head = segments.read_some(slot, 0, 64)
    except StorageError:
        return None
    found = intact(memoryview(head), 0, 0)
    if found is None or found[0] != layout.SEGMENT:
        return None
    magic = bytes(head[HEADER_BYTES : HEADER_BYTES + 4])
    if layout.is_newer(magic, layout.SEGMENT_MAGIC):
        raise newer("log segment %s" % magic.decode())
    if magic != layout.SEGMENT_MAGIC:
        return None
    _, number, seed, _, shift, nonce = unpack_from(layout.SEGMENT_HEAD, head, HEADER_BYTES)
    if shift != segments.geometry.shift:
        raise StorageError("the log has segments of %d bytes: it is for another kind of machine" % (4 << shift))
    return number, seed, nonce


def check_extents(segments, slot):
    """Looks at the head of a bulk segment. A damaged one does no harm: bodies are known by their hashes."""
    try:
        head = segments.read_some(slot, 0, layout.EXTENT_HEAD_BYTES)
    except StorageError:
        return
    if len(head) < layout.EXTENT_HEAD_BYTES:
        return
    magic, nonce, crc = unpack_from(layout.EXTENT_HEAD, head, 0)
    if crc32(head[:8], segments.seed) != crc:
        return
    if layout.is_newer(magic, layout.EXTENT_MAGIC):
        raise newer("bulk segment %s" % magic.decode())
    segments.nonces.note_used(nonce)


def first_batch(segments, slot):
    """Number of the first COMMIT in a segment, 0 when there is none."""
    for _, kind, payload in scan(segments, slot, 0):
        if kind == layout.COMMIT:
            return unpack_from("<I", payload, 0)[0]
    return 0


def can_go(segments, slot):
    """False when a replay needs a segment only to know that what is open at the end of the one before it is void. When
    a segment is gone, what is open before it counts: its batch ended with a COMMIT in the one that is gone."""
    head = segments.read_some(slot, 0, 64)
    found = intact(memoryview(head), 0, 0)
    if found is None or found[0] != layout.SEGMENT:
        return False
    before = head[HEADER_BYTES + layout.BEFORE_AT]
    if before != layout.GOES_ON:
        return before == layout.NOTHING
    damaged = []
    for _, kind, _ in scan(segments, slot, 0, damaged):
        if kind in (layout.COMMIT, layout.ABORT):
            return kind == layout.COMMIT and not damaged
    return False


def find_damage(segments, slot, end):
    """[(slot, first byte, end)] of what is damaged in a segment before `end`."""
    damaged = []
    for at, kind, _ in scan(segments, slot, 0, damaged):
        if at >= end:
            break
        actions(kind)
    return [item for item in damaged if item[1] < end]


class Replay:
    """Applies the log from a position on. Afterwards: where it ends, and what was wrong."""

    def __init__(self, storage):
        self.storage = storage
        self.segments = storage.segments
        self.batch = 0  # of the last COMMIT
        self.damaged = []  # (slot, first byte, end) of what was passed over
        self.ranges = []  # [slot, first, end] of the open batch
        self.end = None  # (slot, offset, intact) of the last segment
        self._hurt = False  # something was passed over in the open batch
        self._torn = False

    def run(self, number, offset):
        """From `offset` of segment `number` on, then every segment with a greater number."""
        numbers = self.storage.log.numbers
        order = sorted([(numbers[slot], slot) for slot in self.segments.of_kind(LOG) if slot in numbers])
        before = 0
        for found, slot in order:
            if found >= number:
                if before and found != before + 1 and self.ranges:
                    self._commit(self.batch + 1)  # the next one was compacted: `can_go`
                self._segment(slot, offset if found == number else 0)
                before = found
        if self._hurt and self.ranges:
            self._commit(self.batch + 1)  # what is damaged was its COMMIT

    def _segment(self, slot, offset):
        first = end = offset
        ranges = self.ranges
        before = seen = len(self.damaged)
        for at, kind, payload in scan(self.segments, slot, offset, self.damaged):
            if len(self.damaged) > seen:
                seen = len(self.damaged)
                if at - self.damaged[-1][1] == _ABORT_BYTES:
                    del ranges[:]
                    self._hurt = False
                    first = at
                else:
                    self._hurt = True
            end = at + record_bytes(len(payload))
            if kind == layout.COMMIT:
                number, bound = unpack_from(layout.MARK, payload, 0)
                self.segments.nonces.note_bound(bound)
                if number > self.batch:
                    ranges.append((slot, first, at))
                    self._commit(number)
                else:
                    self._stale(slot, at, end)
                first = end
            elif kind == layout.ABORT:
                del ranges[:]
                self._hurt = False
                first = end
            elif kind == layout.SEGMENT:
                if at == 0 and payload[layout.BEFORE_AT] != layout.GOES_ON:
                    del ranges[:]
                    self._hurt = False
                first = end
            elif kind == layout.SECTION:
                self.segments.nonces.note_used(unpack_from("<I", payload, 0)[0])
            else:
                actions(kind)  # nothing is applied of a log with a record that is not known
        if len(self.damaged) > seen:
            self._tail(slot)
        if first < end:
            ranges.append((slot, first, end))
        if self._torn:
            del ranges[:]
            self._hurt = self._torn = False
        self.end = (slot, end, len(self.damaged) == before and end == self.segments.sizes[slot])

    def _stale(self, slot, at, end):
        """A COMMIT of earlier times: the file system's own damage has brought back a block of a segment that is gone.
        Its records are nothing of this batch."""
        self.damaged.append((slot, at, end))
        del self.ranges[:]
        self._hurt = True

    def _tail(self, slot):
        """Nothing intact is behind the last damage. Cut short, it was never synced; else it counts like any other."""
        _, first, end = self.damaged[-1]
        head = self.segments.read_some(slot, first, HEADER_BYTES) if end - first >= HEADER_BYTES else b""
        kind = head[7] if len(head) == HEADER_BYTES else 0
        length = head[4] | head[5] << 8 | head[6] << 16 if kind else 0
        cut_short = 0 < kind <= layout.KINDS and kind != layout.COMMIT and first + record_bytes(length) > end
        if len(head) < HEADER_BYTES or cut_short:
            self.damaged.pop()
            self._torn = True
        else:
            self._hurt = True

    def _commit(self, batch):
        hurt = self._hurt
        self.batch = batch
        for slot, first, end in self.ranges:
            for at, kind, payload in scan(self.segments, slot, first):
                if at >= end:
                    break
                if not (hurt and kind == layout.RECORD):  # the copies have them
                    actions(kind)[0](self.storage, self.segments.geometry.address_at(slot, at), payload, batch)
        del self.ranges[:]
        self._hurt = False
