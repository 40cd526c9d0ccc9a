"""Making room and keeping boots fast: dead bodies, mostly dead segments, the checkpoint.

Work is cut into pieces of about one erase, done between transactions (`step`), or some of them at the end of a commit
when room is short: as many as outrun what a batch adds, and never so many that a peer would think the stick gone. A
log segment is deleted only after a checkpoint that no longer needs it.
"""

from lattice_core.compat import const
from lattice_core.errors import StorageError, StorageFull

from . import layout
from .extents import ExtentBody
from .layout import EMPTY
from .records import actions
from .replay import can_go, scan
from .segments import BULK, LOG

_PIECE_BYTES = const(3500)
_TIGHT_BYTES = const(262144)  # above all floors: compaction starts while there is room for it
_MARGIN_BYTES = const(24576)  # littlefs' own, while a segment is copied
_SEGMENTS_PER_CHECKPOINT = const(2)
_STEPS_AT_ONCE = const(16)  # pieces done in one commit: a batch of 16 KiB adds 5, and a victim is dead by a quarter
_STEPS_IN_NEED = const(32)  # while less than half of _TIGHT_BYTES is free


class Compaction:
    def __init__(self, storage):
        self.storage = storage
        self._job = None
        self._busy = False
        self._indivisible = False  # the job writes a checkpoint, which the next change would make void
        self._unreadable = 0  # a bit for each log segment with something alive that could not be read: they stay
        self._stuck = 0  # free bytes with which the last job found no room: it is not tried again with less

    def stop(self):
        """Gives up the job that is under way; it begins again from its start."""
        job = self._job
        self._job = None
        if job is not None:
            try:
                job.close()
            except StorageError:
                pass  # of a file that is written anew

    def step(self):
        """One piece of work; True while there is more. Nothing happens inside a transaction."""
        if self.storage.is_dirty() or self._busy:
            return False
        if self._job is None:
            self._job = self._next_job()
            if self._job is None:
                self.storage.measure_space()
                return False
        self._busy = True
        try:
            next(self._job)
        except StopIteration:
            self._job = None
        except StorageError as error:
            self._job = None
            self._stuck = self.storage.segments.free  # a failure of the medium is not tried again and again, either
            self.storage.rollback()
            if not isinstance(error, StorageFull):
                raise
        finally:
            self._busy = False
        self.storage.measure_space()
        return True

    def after_commit(self):
        """Gives back what a commit left dead; compacts when room is short."""
        if self._busy:
            return
        self._remove_dead()
        in_need = self.storage.segments.free < _TIGHT_BYTES // 2 + self.storage.checkpoint.bytes
        for _ in range(_STEPS_IN_NEED if in_need else _STEPS_AT_ONCE):
            if not self._tight() or not self.step():
                break
        while self._indivisible and self.step():
            pass

    def _remove_dead(self):
        for slot in self.storage.extents.dead():
            self.storage.extents.remove(slot)

    def _tight(self):
        return self.storage.segments.free < _TIGHT_BYTES + self.storage.checkpoint.bytes

    def _next_job(self):
        self._remove_dead()
        if self.storage.segments.free <= self._stuck:
            return None
        self._stuck = 0
        for slot in self.storage.damaged:
            first = self._first_to_go(slot)
            if first >= 0:
                return self._compact_log(first)
        victim = self._victim()
        if victim >= 0 and self.storage.segments.kinds[victim] == LOG:
            victim = self._first_to_go(victim)
        if victim >= 0:
            return self._compact(victim)
        storage = self.storage
        if storage.log.number - storage.checkpoint.position[0] >= _SEGMENTS_PER_CHECKPOINT:
            return self._write_checkpoint()
        return None

    def _first_to_go(self, slot):
        """The log segment that is to be compacted before, or instead of, one that a replay needs (`can_go`): the oldest
        of a run of such. -1 when there is no room for it."""
        storage = self.storage
        numbers = storage.log.numbers
        while True:
            if not self._closed(slot) or storage.segments.live[slot] + _MARGIN_BYTES > storage.segments.free:
                return -1
            before = [other for other in numbers if numbers[other] == numbers[slot] - 1]
            if not before or can_go(storage.segments, slot):
                return slot
            slot = before[0]

    def _victim(self):
        """The closed segment with most to gain, -1 when none is worth it."""
        segments = self.storage.segments
        share = 4 if self._tight() else 2  # at least a quarter or half of it dead
        best, most = -1, 8192
        most_bytes = self.storage.geometry.segment_bytes
        for slot in segments.of_kind(LOG) + segments.of_kind(BULK):
            dead = segments.sizes[slot] - segments.live[slot]
            if segments.live[slot] + _MARGIN_BYTES > segments.free:
                continue
            if slot in self.storage.extents.emptied and segments.sizes[slot] < most_bytes and self._closed(slot):
                return slot  # a write has failed there
            if dead > most and dead * share >= segments.sizes[slot] and self._closed(slot):
                best, most = slot, dead
        return best

    def _closed(self, slot):
        storage = self.storage
        if storage.segments.kinds[slot] == BULK:
            return slot not in storage.extents.pins
        return slot != storage.log.slot and slot in storage.log.numbers and not self._unreadable >> slot & 1

    def _write_checkpoint(self):
        """Until one was written that nothing has changed under."""
        storage = self.storage
        self._indivisible = True
        try:
            while True:
                version = storage.version
                steps = storage.checkpoint.steps()
                try:
                    for _ in steps:
                        yield
                        if storage.version != version:
                            break
                    else:
                        return
                finally:
                    steps.close()  # when this job is closed, too: here nothing ends with its last reference
        finally:
            self._indivisible = False

    def _compact(self, slot):
        if self.storage.segments.kinds[slot] == BULK:
            return self._compact_bulk(slot)
        return self._compact_log(slot)

    # -- log segments ------------------------------------------------------------------------------------------------
    def _compact_log(self, slot):
        storage = self.storage
        numbers = storage.log.numbers
        oldest = min(numbers.values()) == numbers[slot]
        copied = 0
        for at, kind, payload in scan(storage.segments, slot, 0):
            if actions(kind)[1](storage, storage.geometry.address_at(slot, at), payload, oldest):
                self._copy(kind, payload)
                copied += len(payload)
                if copied > _PIECE_BYTES:
                    copied = 0
                    storage.commit()
                    yield
        storage.commit()
        if storage.segments.live[slot]:
            self._unreadable |= 1 << slot
            return
        yield from self._write_checkpoint()
        storage.log.forget(slot)
        storage.forget_keys()
        if slot in storage.damaged:
            storage.damaged.remove(slot)

    def _copy(self, kind, payload):
        storage = self.storage
        apply, _, carry = actions(kind)
        payload = carry(storage, payload)
        address = storage.log.append(kind, (payload,))
        storage.changed()
        apply(storage, address, payload, storage.batch)

    # -- bulk segments -----------------------------------------------------------------------------------------------
    def _compact_bulk(self, slot):
        """Between two pieces others write, drop and roll back: the pin keeps the segment, indexes may get shorter."""
        extents = self.storage.extents
        extents.close_to_new(slot)
        extents.pin(slot)
        try:
            yield from self._move_blobs(slot)
            for store in self.storage.stores():
                yield from self._move_intentions(store, store.items, slot)
                yield from self._move_intentions(store, store.floats, slot)
            extents.moves += 1
        finally:
            extents.unpin(slot)
        if not self.storage.segments.live[slot] and slot not in extents.pins:
            extents.remove(slot)

    def _move_blobs(self, slot):
        storage = self.storage
        items = storage.blob_index
        index = 0
        while index < items.count:
            address = items.address(index)
            if address != EMPTY:
                store = storage.numbered(items.tag(index))
                if storage.geometry.slot_of(store.contents.extent(address)[0]) == slot:
                    yield from self._move_blob(store, address)
            index += 1

    def _move_intentions(self, store, rows, slot):
        index = 0
        while index < rows.count:
            address = rows.address(index)
            if address != EMPTY and store.refers_to(address, slot):
                yield from self._move_intention(store, address)
            index += 1

    def _move_blob(self, store, address):
        storage = self.storage
        at, size, nonce = store.contents.extent(address)
        moved = yield from self._move_body(at, size, nonce)
        payload = bytearray(storage.log.payload(address))
        layout.put_u32(payload, 4, moved.address)
        layout.put_u32(payload, 12, moved.nonce)
        self._copy_if_unchanged(layout.BLOB, payload, address)
        moved.adopt(None)
        storage.commit()

    def _move_intention(self, store, address):
        at, size, nonce = store.reference(address)
        moved = yield from self._move_body(at, size, nonce)
        payload = bytearray(self.storage.log.payload(address))
        layout.put_u32(payload, layout.REFERENCE_AT, moved.address)
        layout.put_u32(payload, layout.REFERENCE_AT + 8, moved.nonce)
        self._copy_if_unchanged(layout.INTENTION, payload, address)
        moved.adopt(None)
        self.storage.commit()

    def _copy_if_unchanged(self, kind, payload, address):
        """Others may have written between two pieces: what was dropped meanwhile is not brought back."""
        if actions(kind)[1](self.storage, address, payload, True):
            self._copy(kind, payload)

    def _move_body(self, at, size, nonce):
        """Copies a body into another segment, piece by piece."""
        storage = self.storage
        source = ExtentBody(storage.extents, at, size, nonce, lambda: (at, nonce))  # it stays until it is moved
        writer = storage.extents.writer(size)
        try:
            for offset in range(0, size, _PIECE_BYTES):
                writer.write(source.read(offset, min(_PIECE_BYTES, size - offset)))
                yield
            return writer.body()
        except BaseException:  # also when the compaction is closed in the middle
            writer.discard()
            raise
