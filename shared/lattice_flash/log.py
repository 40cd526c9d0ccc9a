"""The log: where records are appended. One segment is open at a time; its unsynced end is a buffer in RAM.

Reading from a littlefs file that is being written makes littlefs copy a block, so what is not yet synced is read from
the buffer, and what is synced through a file of its own (segments.py). The buffer is written out in pieces of one block
as it fills: no call takes longer than one erase and its programs, besides `sync`.
"""

from struct import pack

from lattice_core.errors import StorageError

from . import layout
from .filesystem import INTERRUPTS
from .layout import HEADER_BYTES, intact, record_bytes, seal
from .segments import LOG

BATCH_BYTES = 11776  # when a commit is due
BUFFER_BYTES = 12288  # a batch and what went over it; a longer one is synced in two parts
_BLOCK_BYTES = 4096
_SHORT_BYTES = 240  # most records


class Log:
    def __init__(self, segments, buffer):
        self.segments = segments
        self.geometry = segments.geometry
        self.files = segments.files
        self.buffer = buffer
        self.view = memoryview(self.buffer)
        self.slot = -1  # open segment, -1: none
        self.number = 0  # of the newest segment, in the order of writing
        self.base = 0  # synced bytes of the segment
        self.fill = 0  # bytes of the buffer, which starts at base
        self._kept = 0  # of them what no abort takes away: the head of the segment or section, an ABORT
        self._written = 0  # of them handed to littlefs
        self._file = None
        self._unmarked = False  # synced records of the open batch lie before the buffer
        self.batch_bytes = 0  # appended since the last mark
        self.numbers = {}  # slot: number of its segment
        self.failed = False  # an operation of littlefs failed half way: nothing is written until `abort`
        self._abort_first = False  # an earlier batch ended without a mark
        self._section_first = False  # an earlier start has written in the segment

    def open(self, slot, number, size, unmarked):
        """Goes on in an existing segment."""
        self.slot = slot
        self.number = number
        self.base = size
        self._file = None
        self._abort_first = unmarked
        self._section_first = True

    def seal_segment(self):
        """The next record starts a new segment (the end of this one is damaged, or it is to be compacted)."""
        if self.fill:
            self._spill()
        file = self._file
        self._file = None
        self.slot = -1
        if file is not None:
            self.files.close(file)

    def forget(self, slot):
        """Deletes a segment that nothing needs any more."""
        self.segments.remove(slot)
        del self.numbers[slot]

    def dirty(self):
        return self.fill > self._kept or self._unmarked

    # -- appending ---------------------------------------------------------------------------------------------
    def append(self, kind, parts):
        """Appends one record made of `parts`; returns its address."""
        length = 0
        for part in parts:
            length += len(part)
        if self._abort_first:
            if self.slot >= 0:
                self._put(layout.ABORT, (), 0)
                self._kept = self.fill  # also when what follows is aborted before any of it is written
            self._abort_first = False
        return self._put(kind, parts, length)

    def _put(self, kind, parts, length):
        if self.failed or self.files.torn:
            raise StorageError("the flash failed: what was not committed is lost")
        total = record_bytes(length)
        if self.slot < 0 or self.base + self.fill + total > self.geometry.segment_bytes:
            self._roll()
        elif self._section_first:
            self._begin_section()
            return self._put(kind, parts, length)
        if self.fill + total > len(self.buffer):
            self._spill()
        start = self.fill
        view = self.view
        at = start + HEADER_BYTES
        for part in parts:
            view[at : at + len(part)][:] = part
            at += len(part)
        self.fill = start + total
        while at < self.fill:
            view[at] = 0
            at += 1
        seal(self.buffer, start, kind, length, 0 if kind == layout.SEGMENT else self.segments.seed)
        self.batch_bytes += total
        self._write_blocks(start)
        return self.geometry.address_at(self.slot, self.base + start)

    def _write_blocks(self, end):
        while end - self._written >= _BLOCK_BYTES:
            self._write(self._written + _BLOCK_BYTES)

    def _write(self, end):
        self.failed = True
        try:
            if self._file is None:
                self._file = self.segments.append_to(self.slot)
            self.files.write(self._file, self.view[self._written : end])
        except INTERRUPTS:
            self.files.torn = True
            raise
        self._written = end
        self.failed = False

    def _spill(self):
        """Writes and syncs the buffer, without a mark."""
        if self._written < self.fill:
            self._write(self.fill)
        self.failed = True
        try:
            self.files.sync(self._file)
        except INTERRUPTS:
            self.files.torn = True
            raise
        self.failed = False
        self.segments.grow(self.slot, self.fill)
        self.segments.forget_reader(self.slot)
        self.base += self.fill
        self.fill = self._kept = self._written = 0
        self._unmarked = True

    def _roll(self):
        before = self._end_before()
        nonce = self.segments.nonces.take()
        if self.slot >= 0:
            self.seal_segment()
        self.number += 1
        self.slot, self._file = self.segments.create(LOG)
        self.numbers[self.slot] = self.number
        self.base = 0
        self._section_first = False
        head = pack(
            layout.SEGMENT_HEAD,
            layout.SEGMENT_MAGIC,
            self.number,
            self.segments.seed,
            before,
            self.geometry.shift,
            nonce,
        )
        self._put(layout.SEGMENT, (head,), len(head))
        self._kept = self.fill

    def _end_before(self):
        """What is behind the last mark of the segment before, for the head of a new one."""
        if self._abort_first or (self.slot < 0 and self.numbers):
            return layout.VOID
        return layout.GOES_ON if self.dirty() else layout.NOTHING

    def _begin_section(self):
        """What follows in the segment bears a nonce of its own: of what an earlier start wrote there, and never synced,
        something may still be on the chip."""
        nonce = self.segments.nonces.take()
        self._section_first = False
        self._put(layout.SECTION, (pack("<I", nonce),), 4)
        self._kept = self.fill

    # -- ends of a batch -----------------------------------------------------------------------------------------
    def commit(self, batch):
        """Marks and syncs everything appended so far."""
        bound = self.segments.nonces.ahead()
        self._put(layout.COMMIT, (pack(layout.MARK, batch, bound),), 8)
        self._spill()
        self.segments.nonces.note_bound(bound)
        self._unmarked = False
        self.batch_bytes = 0

    def abort(self):
        """Makes everything since the last mark void."""
        self.batch_bytes = 0
        if self.failed:
            self._recover()
        elif self._unmarked or self._written:
            self._abort_first = True
            self._unmarked = False
        else:
            self.fill = self._kept

    def _recover(self):
        """After a failure: what littlefs has of the segment counts, and the next record starts another one, whose head
        says that the batch does not go on."""
        file, slot = self._file, self.slot
        self._file = None
        self.slot = -1
        self.base = self.fill = self._kept = self._written = 0
        self._unmarked = self._abort_first = self.failed = False
        if file is not None:
            try:
                self.files.close(file)
            except StorageError:
                pass  # it is measured
        self.segments.measure_segment(slot)
        if not self.segments.sizes[slot]:
            self.forget(slot)

    # -- reading and changing what is not yet written ------------------------------------------------------------
    def read_at(self, address, skip, count):
        """`count` bytes from `skip` bytes behind an address, synced or not."""
        if self.geometry.slot_of(address) == self.slot:
            at = self.geometry.offset_of(address) + skip - self.base
            if at >= 0:
                return bytes(self.view[at : at + count])
        return self.segments.read_at(address, skip, count)

    def payload(self, address):
        """The payload of the record at an address, checked; in one read where it is short."""
        record = self.read_record(address, _SHORT_BYTES)
        end = HEADER_BYTES + (record[4] | record[5] << 8 | record[6] << 16)
        if end > len(record):
            record = self.read_record(address, end)
        if intact(memoryview(record), 0, self.segments.seed) is None:
            self.segments.hurt = True
            raise StorageError(
                "flash: the record at %d of segment %d is damaged"
                % (self.geometry.offset_of(address), self.geometry.slot_of(address)),
                "damaged",
            )
        return record[HEADER_BYTES:end]

    def read_record(self, address, count):
        """At most `count` bytes from an address on: fewer at the end of the log."""
        if self.geometry.slot_of(address) == self.slot:
            at = self.geometry.offset_of(address) - self.base
            if at >= 0:
                return bytes(self.view[at : min(at + count, self.fill)])
        return self.segments.read_some(self.geometry.slot_of(address), self.geometry.offset_of(address), count)

    def record_size(self, address):
        head = self.read_at(address, 4, 3)
        return record_bytes(head[0] | head[1] << 8 | head[2] << 16)

    def release(self, address):
        """The record at an address is no longer pointed to."""
        self.segments.live[self.geometry.slot_of(address)] -= self.record_size(address)

    def patch(self, address, skip, values):
        """Overwrites `values` (bytes) in the payload of a record that littlefs does not have yet. False otherwise."""
        at = self.geometry.offset_of(address) - self.base
        if self.geometry.slot_of(address) != self.slot or at < self._written:
            return False
        head = at + HEADER_BYTES + skip
        self.view[head : head + len(values)][:] = values
        seal(self.buffer, at, self.buffer[at + 7], self.record_length(at), self.segments.seed)
        return True

    def record_length(self, at):
        buffer = self.buffer
        return buffer[at + 4] | buffer[at + 5] << 8 | buffer[at + 6] << 16
