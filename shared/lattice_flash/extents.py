"""Bulk segments: blobs and large bodies, raw, written as they arrive. A head with a nonce is before the first one that
each start writes into a segment; the record that names a body repeats it.

Each open writer has a segment for itself, so bodies are never interleaved; a finished writer's segment takes the next
body. A body exists once a record of the log names it: what was written for nothing is dead space.
"""

from lattice_core.compat import const
from lattice_core.errors import StorageError, StorageFull

from .layout import EXTENT_HEAD_BYTES, extent_head, padded
from .segments import BULK

_BLOCK_BYTES = const(4096)
_WRITERS = const(8)


class Extents:
    def __init__(self, segments):
        self.segments = segments
        self.geometry = segments.geometry
        self._nearly_full = self.geometry.segment_bytes - _BLOCK_BYTES  # such a segment takes no further body
        self.moves = 0  # counts compactions: bodies look their address up again
        self.reserved = 0  # promised to open writers and not yet written
        self.batch_bytes = 0  # written since the last commit
        self.lost = False  # a write failed and took bodies with it that may be named in the open batch
        self.pins = {}  # slot: writers and unadopted bodies in it, and whoever else reads there
        self.emptied = {}  # slots that take no further bodies
        self._open = {}  # slot: file open for appending
        self._busy = {}  # slot: where the bodies end that were complete when the one being written there was begun
        self._dirty = {}  # slots with unsynced bytes

    def writer(self, size):
        """A writer for a body of at most `size` bytes; the caller has checked the room."""
        if len(self._busy) >= _WRITERS:
            raise StorageError("more than %d large bodies at once" % _WRITERS)
        slot = self._choose(size)
        self._busy[slot] = self.segments.sizes[slot]
        begun = False
        try:
            self._align(slot)
            self._begin_section(slot)
            begun = True
        finally:
            if not begun:
                self.finish(slot)
        self.pin(slot)
        self.reserved += size
        return ExtentWriter(self, slot, size)

    def _choose(self, size):
        """The fullest segment that takes another body; a body longer than one gets one for itself."""
        best = -1
        segments = self.segments
        if size < self.geometry.segment_bytes:
            for slot in segments.of_kind(BULK):
                if segments.sizes[slot] >= self._nearly_full or slot in self._busy or slot in self.emptied:
                    continue
                if best < 0 or segments.sizes[slot] > segments.sizes[best]:
                    best = slot
        if best < 0:
            best, self._open[best] = segments.create(BULK)
        elif best not in self._open:
            self._open[best] = segments.append_to(best)
        return best

    def _align(self, slot):
        """Bodies begin at multiples of 4, wherever the one before them was cut short."""
        size = self.segments.sizes[slot]
        if padded(size) != size:
            self.write(slot, bytes(padded(size) - size))

    def _begin_section(self, slot):
        """What an earlier start wrote behind the end of the segment, and never synced, may still be on the chip."""
        segments = self.segments
        if not segments.sections[slot]:
            nonce = segments.nonces.take()
            self.write(slot, extent_head(nonce, segments.seed))
            segments.sections[slot] = nonce

    def write(self, slot, data):
        if slot not in self._open:
            raise StorageError("the flash failed while this body was written")
        self._dirty[slot] = True
        done = False
        try:
            self.segments.files.write(self._open[slot], data)
            done = True
        finally:
            if not done:
                self._poison(slot)
        self.batch_bytes += len(data)
        self.segments.grow(slot, len(data))

    def _poison(self, slot):
        """littlefs failed in the middle of a write or a sync: what it still has of the segment counts and nothing else,
        and nothing more is written there."""
        self.emptied[slot] = True
        whole = self._busy.get(slot, self.segments.sizes[slot])  # up to here bodies were complete
        self._dirty.pop(slot, None)
        try:
            self.segments.files.close(self._open.pop(slot))
        except StorageError:
            pass  # it is measured
        self.segments.sizes[slot] = 0  # if not even that can be done
        try:
            self.segments.measure_segment(slot)
        except StorageError:
            self.lost = True
        if self.segments.sizes[slot] < whole:
            self.lost = True

    def holds(self, address, size):
        """False when a body was lost by a failed write."""
        return self.geometry.offset_of(address) + size <= self.segments.sizes[self.geometry.slot_of(address)]

    def finish(self, slot):
        """The writer of a segment is done: it is free for the next."""
        del self._busy[slot]

    def give_up(self, slot, start, size):
        """A body is for nobody. A segment that never held anything else goes at once, and its room comes back: the
        next attempt may need it."""
        if start > EXTENT_HEAD_BYTES or slot in self.pins or slot in self._busy:
            return
        if self.segments.sizes[slot] <= start + padded(size) and not self.segments.live[slot]:
            try:
                self.remove(slot)
            except StorageError:
                pass  # it stays a dead segment

    def sync(self):
        """Makes all bodies durable."""
        if self.lost:
            raise StorageError("the flash failed while content was written")
        self.batch_bytes = 0
        for slot in list(self._open):
            self.sync_slot(slot)
            if slot not in self._busy and (len(self._open) > 1 or self.segments.sizes[slot] >= self._nearly_full):
                self.segments.files.close(self._open.pop(slot))

    def rolled_back(self):
        """What the batch named is forgotten; bodies that are held by nobody's record stay where they are."""
        self.batch_bytes = 0
        self.lost = False

    def unsynced(self):
        return len(self._dirty) > 0

    def sync_slot(self, slot):
        if slot in self._dirty:
            done = False
            try:
                self.segments.files.sync(self._open[slot])
                done = True
            finally:
                if not done:
                    self._poison(slot)
            del self._dirty[slot]
            self.segments.forget_reader(slot)

    def close_to_new(self, slot):
        """The segment is about to be emptied: it takes no further bodies."""
        self.emptied[slot] = True

    def pin(self, slot):
        """The segment stays, even when nothing in it is alive."""
        self.pins[slot] = self.pins.get(slot, 0) + 1

    def unpin(self, slot):
        left = self.pins.get(slot, 0) - 1  # `abandon` may have taken all pins
        if left > 0:
            self.pins[slot] = left
        else:
            self.pins.pop(slot, None)

    def abandon(self):
        """Nobody writes or holds a body that no record names: gives up what was left open."""
        self._busy.clear()
        self.reserved = 0
        self.pins.clear()

    def dead(self):
        """Segments that nothing refers to."""
        segments = self.segments
        return [slot for slot in segments.of_kind(BULK) if not segments.live[slot] and slot not in self.pins]

    def remove(self, slot):
        self._dirty.pop(slot, None)
        if slot in self._open:
            self.segments.files.close(self._open.pop(slot))
        self.segments.remove(slot)
        self.emptied.pop(slot, None)


class ExtentWriter:
    """`storage.contract.BodyWriter` on flash."""

    def __init__(self, extents, slot, limit):
        self.extents = extents
        self.slot = slot
        self.start = extents.segments.sizes[slot]
        self.size = 0
        self.limit = limit
        self._body = None

    def write(self, data):
        if self.size + len(data) > self.limit:
            raise StorageFull("more than the %d bytes that were announced" % self.limit)
        self.extents.write(self.slot, data)
        self.extents.reserved -= len(data)
        self.size += len(data)

    def body(self):
        address = self.extents.geometry.address_at(self.slot, self.start)
        if not self.extents.holds(address, self.size):
            raise StorageError("the flash failed while this body was written")
        self.extents.reserved -= self.limit - self.size
        self.limit = self.size
        self.extents.finish(self.slot)
        nonce = self.extents.segments.sections[self.slot]
        self.slot = -1
        self._body = ExtentBody(self.extents, address, self.size, nonce, None)
        return self._body

    def discard(self):
        if self.slot >= 0:
            slot = self.slot
            self.slot = -1
            self.extents.unpin(slot)
            self.extents.reserved -= self.limit - self.size
            self.extents.finish(slot)
            self.extents.give_up(slot, self.start, self.size)
        elif self._body is not None:
            self._body.adopt(None)  # by nobody: dead space


class ExtentBody:
    """A `Body` in a bulk segment. After a compaction `where()` tells its address and nonce; None while not adopted."""

    def __init__(self, extents, address, size, nonce, where):
        self.extents = extents
        self.address = address
        self.size = size
        self.nonce = nonce  # of the section it lies in, as its record names it
        self.where = where
        self.adopted = where is not None
        self._moves = extents.moves

    def read(self, offset, count):
        extents = self.extents
        if self._moves != extents.moves and self.where is not None:
            self.address, self.nonce = self.where()
            self._moves = extents.moves
        if offset + count > self.size:
            raise StorageError("read behind the end of a body of %d bytes" % self.size)
        if not count:
            return b""
        slot = extents.geometry.slot_of(self.address)
        extents.sync_slot(slot)
        return extents.segments.read(slot, extents.geometry.offset_of(self.address) + offset, count)

    def adopt(self, where):
        """A record of the log names it now (or nobody ever will): the writer's claim on the segment ends."""
        if self.adopted:
            return
        geometry = self.extents.geometry
        slot, start = geometry.slot_of(self.address), geometry.offset_of(self.address)
        if where is not None and not self.extents.holds(self.address, self.size):
            raise StorageError("the flash failed before this body was stored")
        self.adopted = True
        self.where = where
        self.extents.unpin(slot)
        if where is None:
            self.extents.give_up(slot, start, self.size)
