"""`weaver.store.Storage` on flash: the transaction, its commit, and getting everything back at boot.

    storage = FlashStorage(vfs)      # a VfsLfs2; reads the checkpoint and the tail of the log
    …
    storage.commit()                 # bodies synced, log synced with its mark, then the records' copy
    storage.idle()                   # one small piece of housekeeping; True while there is more
"""

from lattice_core.errors import StorageError, StorageFull
from lattice_core.seams import BytesBody
from lattice_core.weaver.store import RECORD_NAME_BYTES, RECORD_VALUE_BYTES, RECORDS

from . import layout
from .bulk import BulkBody
from .contents import Contents, Memory
from .housekeeping import Housekeeping
from .intentions import INLINE_BYTES
from .log import BATCH_BYTES

# What stays free, besides room for the next checkpoint, by who may still write: littlefs copies on write, and
# compaction needs room to make room. Content leaves the most, so that a stick full of files still takes writes.
FLOOR_ROWS_BYTES = 40960
FLOOR_INTENTIONS_BYTES = 73728
FLOOR_BLOBS_BYTES = 106496
_STORES = 64
# What stores and indexes may take of the heap together: an open store 5 KB, an intention, an author and a blob 10 bytes
# each, a key 5. The firmware itself has 241 KB after its first session; 110 KB are left to the largest one.
MEMORY_BYTES = 145000
_STORE_BYTES = 5000
_ENTRY_BYTES = 10
_KEY_BYTES = 5
INDEX_MARGIN_BYTES = 8000  # for the rows of an intention that is begun
_PUT_BYTES = 20  # what one call may add at most: an intention and its author
_COPY_BYTES = 4096


def _none():
    return 0


class FlashStorage(Contents):
    commit_bytes = BATCH_BYTES
    may_lose = True  # records, and goes on with the others; `salvaged` is True then
    index_margin = INDEX_MARGIN_BYTES

    medium = "this stick"

    def __init__(self, vfs, memory=None):
        """`memory`: a `Memory` that the caller took from the heap while that was fresh."""
        Contents.__init__(self, vfs, Memory() if memory is None else memory)
        self.open_stores = _none  # a function that counts them
        self._entries_left = 0  # that surely fit, before the indexes are counted again
        self._mount()
        self.housekeeping = Housekeeping(self)
        self._behind = None
        self.commit()

    @property
    def hurt(self):
        """True once a record of the log was found damaged while it was used: what is left is found by a new start."""
        return self.slots.hurt

    # -- records ---------------------------------------------------------------------------------------------------
    def record(self, name):
        return self.records.get(bytes(name))

    def put_record(self, name, value):
        name = bytes(name)
        if len(name) > RECORD_NAME_BYTES:
            raise ValueError("record name too long")
        if value is not None and len(value) > RECORD_VALUE_BYTES:
            raise ValueError("record value too long")
        if value is not None and name not in self.records and len(self.records) >= RECORDS:
            raise ValueError("too many records")
        head = bytes((value is not None, len(name)))
        self.log.append(layout.RECORD, (head, name, b"" if value is None else value))
        self.changed()
        self._set_record(name, None if value is None else bytes(value))

    # -- stores ----------------------------------------------------------------------------------------------------
    def store_ids(self):
        return [store.id for store in self.stores()]

    def store(self, store_id):
        store_id = bytes(store_id)
        store = self._by_id.get(store_id)
        if store is not None:
            return store
        if len(store_id) != 16:
            raise ValueError("a store id has 16 bytes")
        number = len(self._by_number)
        if number >= _STORES:
            raise StorageFull("this stick holds at most %d stores" % _STORES)
        self.need_row(32)
        if self.memory_bytes() + _STORE_BYTES > MEMORY_BYTES:
            raise StorageFull("no room for another store: the stick's memory holds no more")
        self.log.append(layout.STORE, (bytes([number]), store_id))
        self.changed()
        self.apply_store(number, store_id)
        return self._by_id[store_id]

    # -- transaction -------------------------------------------------------------------------------------------------
    def changed(self):
        self._dirty = True
        self.version += 1

    def is_dirty(self):
        return self._dirty

    def commit(self):
        if not self._dirty:
            return
        self.bulk.sync()
        self.log.commit(self.batch + 1)
        self.batch += 1
        if self._records_changed:
            self._save_records()
        self._dirty = False
        self.checkpoint.measure()
        try:
            self.measure_space()
            self.housekeeping.after_commit()
            self.measure_space()
        except StorageError as error:
            self.rollback()
            self._behind = error  # the batch is durable: `idle` tells what failed behind it

    def rollback(self):
        if not (self._dirty or self.log.failed or self.bulk.lost or self.files.torn):
            return
        if self.files.torn:
            self._dirty = True
            raise StorageError("the flash failed in the middle of a change: everything must start anew from it")
        self.version += 1
        loaded = False
        try:
            self.log.abort()
            self.bulk.rolled_back()
            self._load()
            loaded = True
        finally:
            self._dirty = not loaded  # what failed in the middle is still to be done

    def pending(self):
        # Bodies do not wait in RAM: four times as many of them make a batch.
        return self.log.batch_bytes + (self.bulk.batch_bytes >> 2) if self._dirty else 0

    def idle(self):
        """One piece of housekeeping of at most about one erase; True while there is more to do."""
        error = self._behind
        if error is not None:
            self._behind = None
            raise error
        return self.housekeeping.step()

    def abandon_bodies(self):
        """The caller has dropped all body writers, and all bodies that it has not put: their room is free again."""
        self.housekeeping.stop()
        self.bulk.abandon()

    # -- space ---------------------------------------------------------------------------------------------------------
    def _left(self, floor):
        return self.slots.free - floor - self.checkpoint.bytes - self.log.fill - self.bulk.reserved

    def room(self):
        return max(self._left(FLOOR_INTENTIONS_BYTES), 0)

    def usage(self):
        """(bytes for data, bytes of them used) for people; what must stay free is not counted."""
        self.slots.stale = True
        self.measure_space()
        total = self.slots.total - FLOOR_INTENTIONS_BYTES - self.checkpoint.bytes
        return total, total - self.room()

    def measure_space(self):
        """Brings the free space up to date when that is due and can be done."""
        if self.slots.stale and not (self._dirty or self.bulk.unsynced()):
            self.slots.measure()

    def to_write(self, body):
        return 0 if isinstance(body, BulkBody) and body.size > INLINE_BYTES else body.size

    def need_intention(self, count):
        self._need(count, FLOOR_INTENTIONS_BYTES)

    def need_row(self, count):
        self._need(count, FLOOR_ROWS_BYTES)

    def _need(self, count, floor):
        if count > self._left(floor):
            raise StorageFull("no room for %d bytes: %d are free on this stick" % (count, self.room()))

    def memory_bytes(self):
        """What stores and indexes take of the heap, as far as it grows with what is stored."""
        entries = self.blob_items.count
        for store in self._by_number.values():
            entries += store.items.count + store.floats.count + store.chains.count()
        return entries * _ENTRY_BYTES + self.keys.count * _KEY_BYTES + self.open_stores() * _STORE_BYTES

    def need_index(self, margin=0):
        """StorageFull when there is no heap for another entry and `margin` bytes. Counted when it may be short, not
        each time."""
        if self._entries_left * _PUT_BYTES <= margin:
            left = MEMORY_BYTES - self.memory_bytes()
            self._entries_left = max(left // _PUT_BYTES, 1)
            if left <= margin:
                raise StorageFull("no room for more intentions: the stick's memory holds no longer lists of them")
        self._entries_left -= 1

    def body_writer(self, size, content=False):
        self._need(size, FLOOR_BLOBS_BYTES if content else FLOOR_INTENTIONS_BYTES)
        return self.bulk.writer(size)

    def in_bulk(self, body, content=False):
        """`body` in a bulk segment: itself when it is there, else a copy that no record names yet."""
        if isinstance(body, BulkBody):
            return body
        writer = self.body_writer(body.size, content)
        try:
            return self._copied(body, writer)
        except StorageError:
            writer.discard()
            raise

    def _copied(self, body, writer):
        if isinstance(body, BytesBody):
            writer.write(body.data)
            return writer.body()
        for at in range(0, body.size, _COPY_BYTES):
            writer.write(body.read(at, min(_COPY_BYTES, body.size - at)))
        return writer.body()
