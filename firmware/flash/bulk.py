"""Bulk segments: blobs and large bodies, raw, written as they arrive.

Each open writer has a segment for itself, so bodies are never interleaved; a finished writer's segment takes the next
body. A body exists once a record of the log names it: what was written for nothing is dead space.
"""

from lattice_core.compat import const
from lattice_core.errors import StorageError, StorageFull

from .layout import SEGMENT_BYTES, location, offset_of, padded, slot_of
from .slots import BULK

_NEARLY_FULL = const(126976)  # a segment with less than a block left takes no further body
_WRITERS = const(8)


class Bulk:
    def __init__(self, slots):
        self.slots = slots
        self.moves = 0  # counts compactions: bodies look their place up again
        self.reserved = 0  # promised to open writers and not yet written
        self.batch_bytes = 0  # written since the last commit
        self.lost = False  # a write failed and took bodies with it that may be named in the open batch
        self.pins = {}  # slot: writers and unadopted bodies in it, and whoever else reads there
        self.emptied = {}  # slots that take no further bodies
        self._open = {}  # slot: file open for appending
        self._busy = {}  # slot: where the body begins that is being written there
        self._dirty = {}  # slots with unsynced bytes

    def writer(self, size):
        """A writer for a body of at most `size` bytes; the caller has checked the room."""
        if len(self._busy) >= _WRITERS:
            raise StorageError("more than %d large bodies at once" % _WRITERS)
        slot = self._choose(size)
        self._align(slot)
        self.pin(slot)
        self._busy[slot] = self.slots.sizes[slot]
        self.reserved += size
        return BulkWriter(self, slot, size)

    def _choose(self, size):
        """The fullest segment that takes another body; a body over 128 KiB gets one for itself."""
        best = -1
        slots = self.slots
        if size < SEGMENT_BYTES:
            for slot in slots.of_kind(BULK):
                if slots.sizes[slot] >= _NEARLY_FULL or slot in self._busy or slot in self.emptied:
                    continue
                if best < 0 or slots.sizes[slot] > slots.sizes[best]:
                    best = slot
        if best < 0:
            best, self._open[best] = slots.create(BULK)
        elif best not in self._open:
            self._open[best] = slots.append_to(best)
        return best

    def _align(self, slot):
        """Bodies begin at multiples of 4, wherever the one before them was cut short."""
        size = self.slots.sizes[slot]
        if padded(size) != size:
            self.write(slot, bytes(padded(size) - size))

    def write(self, slot, data):
        if slot not in self._open:
            raise StorageError("the flash failed while this body was written")
        self._dirty[slot] = True
        done = False
        try:
            self.slots.files.write(self._open[slot], data)
            done = True
        finally:
            if not done:
                self._poison(slot)
        self.batch_bytes += len(data)
        self.slots.grow(slot, len(data))

    def _poison(self, slot):
        """littlefs failed in the middle of a write or a sync: what it still has of the segment counts and nothing else,
        and nothing more is written there."""
        self.emptied[slot] = True
        whole = self._busy.get(slot, self.slots.sizes[slot])  # up to here bodies were complete
        self._dirty.pop(slot, None)
        try:
            self.slots.files.close(self._open.pop(slot))
        except StorageError:
            pass  # it is measured
        self.slots.sizes[slot] = 0  # if not even that can be done
        try:
            self.slots.measure_segment(slot)
        except StorageError:
            self.lost = True
        if self.slots.sizes[slot] < whole:
            self.lost = True

    def holds(self, place, size):
        """False when a body was lost by a failed write."""
        return offset_of(place) + size <= self.slots.sizes[slot_of(place)]

    def finish(self, slot):
        """The writer of a segment is done: it is free for the next."""
        del self._busy[slot]

    def give_up(self, slot, start, size):
        """A body is for nobody. A segment that never held anything else goes at once, and its room comes back: the
        next attempt may need it."""
        if start or slot in self.pins or slot in self._busy:
            return
        if self.slots.sizes[slot] <= padded(size) and not self.slots.live[slot]:
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
            if slot not in self._busy and (len(self._open) > 1 or self.slots.sizes[slot] >= _NEARLY_FULL):
                self.slots.files.close(self._open.pop(slot))

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
                self.slots.files.sync(self._open[slot])
                done = True
            finally:
                if not done:
                    self._poison(slot)
            del self._dirty[slot]
            self.slots.forget_reader(slot)

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
        slots = self.slots
        return [slot for slot in slots.of_kind(BULK) if not slots.live[slot] and slot not in self.pins]

    def remove(self, slot):
        self._dirty.pop(slot, None)
        if slot in self._open:
            self.slots.files.close(self._open.pop(slot))
        self.slots.remove(slot)
        self.emptied.pop(slot, None)


class BulkWriter:
    """`weaver.store.BodyWriter` on flash."""

    def __init__(self, bulk, slot, limit):
        self.bulk = bulk
        self.slot = slot
        self.start = bulk.slots.sizes[slot]
        self.size = 0
        self.limit = limit
        self._body = None

    def write(self, data):
        if self.size + len(data) > self.limit:
            raise StorageFull("more than the %d bytes that were announced" % self.limit)
        self.bulk.write(self.slot, data)
        self.bulk.reserved -= len(data)
        self.size += len(data)

    def body(self):
        place = location(self.slot, self.start)
        if not self.bulk.holds(place, self.size):
            raise StorageError("the flash failed while this body was written")
        self.bulk.reserved -= self.limit - self.size
        self.limit = self.size
        self.bulk.finish(self.slot)
        self.slot = -1
        self._body = BulkBody(self.bulk, place, self.size, None)
        return self._body

    def discard(self):
        if self.slot >= 0:
            slot = self.slot
            self.slot = -1
            self.bulk.unpin(slot)
            self.bulk.reserved -= self.limit - self.size
            self.bulk.finish(slot)
            self.bulk.give_up(slot, self.start, self.size)
        elif self._body is not None:
            self._body.adopt(None)  # by nobody: dead space


class BulkBody:
    """A `Body` in a bulk segment. `where()` tells its location again after a compaction; None while not adopted."""

    def __init__(self, bulk, place, size, where):
        self.bulk = bulk
        self.place = place
        self.size = size
        self.where = where
        self.adopted = where is not None
        self._moves = bulk.moves

    def read(self, offset, count):
        bulk = self.bulk
        if self._moves != bulk.moves and self.where is not None:
            self.place = self.where()
            self._moves = bulk.moves
        if offset + count > self.size:
            raise StorageError("read behind the end of a body of %d bytes" % self.size)
        if not count:
            return b""
        slot = slot_of(self.place)
        bulk.sync_slot(slot)
        return bulk.slots.read(slot, offset_of(self.place) + offset, count)

    def adopt(self, where):
        """A record of the log names it now (or nobody ever will): the writer's claim on the segment ends."""
        if self.adopted:
            return
        slot, start = slot_of(self.place), offset_of(self.place)
        if where is not None and not self.bulk.holds(self.place, self.size):
            raise StorageError("the flash failed before this body was stored")
        self.adopted = True
        self.where = where
        self.bulk.unpin(slot)
        if where is None:
            self.bulk.give_up(slot, start, self.size)
