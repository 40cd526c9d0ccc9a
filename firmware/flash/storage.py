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
from .bulk import Bulk, BulkBody
from .checkpoint import Checkpoint
from .copies import Copies
from .files import Files
from .housekeeping import Housekeeping
from .items import Items
from .keys import Keys
from .layout import HEADER_BYTES, slot_of
from .log import BUFFER_BYTES, Log
from .replay import Replay, Window, number_of
from .slots import FREE, LOG, Slots
from .store import FlashStore

# What stays free, besides room for the next checkpoint, by who may still write: littlefs copies on write, and
# compaction needs room to make room. Content leaves the most, so that a stick full of files still takes writes.
FLOOR_ROWS_BYTES = 40960
FLOOR_INTENTIONS_BYTES = 73728
FLOOR_BLOBS_BYTES = 106496
_STORES = 64
_BLOB_ITEM_ROWS = 128
_COPY_BYTES = 4096
_KEYS_CACHED = 48


class Memory:
    """The large buffers of a storage."""

    def __init__(self):
        self.batch = bytearray(BUFFER_BYTES)
        self.window = Window()


class FlashStorage:
    def __init__(self, vfs, memory=None):
        """`memory`: a `Memory` that the caller took from the heap while that was fresh."""
        if memory is None:
            memory = Memory()
        self.files = Files(vfs)
        self.slots = Slots(self.files, memory.window)
        self.log = Log(self.slots, memory.batch)
        self.bulk = Bulk(self.slots)
        self.copies = Copies(self.files)
        self.checkpoint = Checkpoint(self)
        self.keys = Keys(self.key_of)
        self.blob_items = Items(_BLOB_ITEM_ROWS)
        self.damage = ""  # what was found wrong at boot, in words
        self.batch = 0
        self.version = 0  # changes with every change
        self._objects = {}
        self._by_id = {}
        self._by_number = {}
        self.records = {}
        self._records_changed = False
        self._records_batch = 0
        self._key_cache = {}
        self._dirty = False
        self._cut = []  # stores that lost intentions
        self._mount()
        self.housekeeping = Housekeeping(self)
        self.commit()

    # -- boot and rollback -----------------------------------------------------------------------------------------
    def _mount(self):
        self.slots.scan()
        for slot in self.slots.of_kind(LOG):
            if not self.slots.sizes[slot]:
                self.slots.remove(slot)
                continue
            number = number_of(self.slots, slot)
            if number < 0:
                self.damage = "the head of log segment %d is damaged" % slot
            else:
                self.log.numbers[slot] = number
        replay = self._load()
        if replay.end is not None:
            slot, offset, good = replay.end
            self.log.number = self.log.numbers[slot]
            if good:
                self.log.open(slot, self.log.number, offset, bool(replay.ranges))
        elif self.log.numbers:
            self.log.number = max(self.log.numbers.values())
        if self._records_changed:
            self._save_records()
        for store in self._cut:
            store.write_cut()

    def _load(self):
        """Everything from the checkpoint and the log, as of the last commit."""
        self.clear()
        number, offset = self.checkpoint.load()
        self._load_records()
        replay = Replay(self)
        replay.batch = self.batch
        replay.run(number, offset)
        if len(self._by_id) != len(self._by_number) or max(self._by_number, default=-1) >= len(self._by_number):
            raise StorageError("the records that name the stores are damaged")
        lost = 0
        for store in self._by_number.values():
            missing = store.settle()
            if missing:
                self._cut.append(store)
                lost += missing
        self._report(replay, lost)
        for slot in range(len(self.slots.live)):
            if self.slots.kinds[slot] == FREE:
                self.slots.live[slot] = 0
        self.batch = max(replay.batch, self._records_batch)
        self.checkpoint.measure()
        return replay

    def _load_records(self):
        """The newest of checkpoint and copies; the log then goes over them. Without damage the copies are newest."""
        self._records_batch = self.batch
        batch, records = self.copies.load()
        if batch >= self.batch:
            self._records_batch, self.records = batch, records

    def _report(self, replay, lost):
        if self.copies.damaged and not self.records:
            raise StorageError("no good copy of the records is left: the identity of this stick is lost")
        if self.copies.damaged:
            self._records_changed = True  # written anew
        if replay.damaged:
            self.damage = "the log is damaged in segment %d at %d" % replay.damaged[0]
        if lost:
            self.damage = "%d intentions behind a damaged one are not held any more" % lost
        elif self._records_batch > replay.batch:
            self.damage = "the log ends at batch %d, before batch %d" % (replay.batch, self._records_batch)

    def clear(self):
        """Forgets the indexes, before they are loaded again."""
        for store in self._objects.values():
            store.clear()
        self._by_number = {}
        self._by_id = {}
        self.keys.clear()
        self.blob_items.clear()
        self._key_cache.clear()
        live = self.slots.live
        for slot in range(len(live)):
            live[slot] = 0
        self.records = {}
        self._records_changed = False
        self._dirty = False
        self.batch = 0

    # -- what the replay finds -------------------------------------------------------------------------------------
    def numbered(self, number):
        """The store with that number in records."""
        store = self._by_number.get(number)
        if store is None:  # compaction has moved the record that names it behind this one
            store = self._by_number[number] = self._object(number, b"")
        return store

    def _object(self, number, store_id):
        """The same object for a store every time, before and after a rollback."""
        store = self._objects.get(number)
        if store is None or (store_id and store.id != store_id):
            store = self._objects[number] = FlashStore(self, number, store_id)
        return store

    def apply_store(self, number, store_id):
        store = self._by_number.get(number)
        if store is None:
            store = self._by_number[number] = self._object(number, store_id)
        store.id = store_id
        self._by_id[store_id] = store

    def apply_record(self, name, value, batch):
        if batch > self._records_batch:
            self._set_record(name, value)

    def _set_record(self, name, value):
        if value is None:
            self.records.pop(name, None)
        else:
            self.records[name] = value
        self._records_changed = True

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

    def _save_records(self):
        self.copies.save(self.batch, self.records)
        self._records_batch = self.batch
        self._records_changed = False

    # -- stores ----------------------------------------------------------------------------------------------------
    def store_ids(self):
        return [store.id for store in self.stores()]

    def stores(self):
        """All stores in order of creation."""
        return [self._by_number[number] for number in range(len(self._by_number))]

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
        self.measure_space()
        self.housekeeping.after_commit()
        self.measure_space()

    def rollback(self):
        if not self._dirty:
            return
        self.log.abort()
        self.version += 1
        self.bulk.batch_bytes = 0
        self._load()

    def pending(self):
        # Bodies do not wait in RAM: four times as many of them make a batch.
        return self.log.batch_bytes + (self.bulk.batch_bytes >> 2) if self._dirty else 0

    def idle(self):
        """One piece of housekeeping of at most about one erase; True while there is more to do."""
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

    def need_intention(self, count):
        self._need(count, FLOOR_INTENTIONS_BYTES)

    def need_row(self, count):
        self._need(count, FLOOR_ROWS_BYTES)

    def _need(self, count, floor):
        if count > self._left(floor):
            raise StorageFull("no room for %d bytes: %d are free on this stick" % (count, self.room()))

    def body_writer(self, size):
        self._need(size, FLOOR_BLOBS_BYTES)
        return self.bulk.writer(size)

    def in_bulk(self, body):
        """`body` in a bulk segment: itself when it is there, else a copy that no record names yet."""
        if isinstance(body, BulkBody):
            return body
        writer = self.body_writer(body.size)
        if isinstance(body, BytesBody):
            writer.write(body.data)
            return writer.body()
        for at in range(0, body.size, _COPY_BYTES):
            writer.write(body.read(at, min(_COPY_BYTES, body.size - at)))
        return writer.body()

    # -- for the indexes -----------------------------------------------------------------------------------------------
    def key_of(self, place):
        """Sort key (store, table, key) of the row at a location."""
        cache = self._key_cache
        key = cache.get(place)
        if key is None:
            payload = self.log.read_record(place, HEADER_BYTES + 3 + 64)
            end = HEADER_BYTES + 3 + payload[HEADER_BYTES]
            if end > len(payload):
                payload = self.log.read_record(place, end)
            key = payload[HEADER_BYTES + 1 : end]
            if len(cache) >= _KEYS_CACHED:
                cache.clear()
            cache[place] = key
        return key

    def forget_keys(self):
        """Locations were given up: keys remembered for them are void."""
        self._key_cache.clear()

    def count_live(self, place):
        self.slots.live[slot_of(place)] += self.log.record_size(place)
