"""What the log says is there: the indexes of all stores, and how they are read back at boot and at a rollback."""

from lattice_core.errors import StorageError

from .checkpoint import Checkpoint
from .extents import Extents
from .filesystem import FileSystem
from .layout import HEADER_BYTES
from .log import BUFFER_BYTES, Log
from .record_pair import RecordPair
from .replay import Replay, Window, check_extents, find_damage, first_batch, head_of
from .row_index import RowIndex
from .segments import BULK, FREE, LOG, Segments
from .store import FlashStore

_BLOB_ROWS = 128
_KEYS_CACHED = 32


class Memory:
    """The large buffers of a storage."""

    def __init__(self):
        self.batch = bytearray(BUFFER_BYTES)
        self.window = Window()


class FlashIndex:
    """The indexes. `numbered` and `apply_*` are for the replay."""

    def __init__(self, vfs, random, memory, geometry):
        self.geometry = geometry
        self.files = FileSystem(vfs)
        self.record_pair = RecordPair(self.files)
        self.segments = Segments(self.files, memory.window, self.record_pair.nonces, geometry)
        self.log = Log(self.segments, memory.batch)
        self.extents = Extents(self.segments)
        self.checkpoint = Checkpoint(self)
        self.row_index = RowIndex(self.key_of)
        self.blob_index = geometry.index(_BLOB_ROWS)
        self.damage = ""  # what was found wrong at boot, in words
        self.damaged = []  # slots of log segments with damage in them: what is alive there is to be written again
        self.salvaged = False  # the log has lost records somewhere: what follows from it is to be worked out anew
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
        self._random = random

    def stores(self):
        """All stores in order of creation."""
        return [self._by_number[number] for number in range(len(self._by_number))]

    # -- boot and rollback -----------------------------------------------------------------------------------------
    def _mount(self):
        """Reads everything first: what a newer version has written stops the start before anything is changed."""
        self.segments.scan()
        empty = []
        headless = []
        for slot in self.segments.of_kind(LOG):
            if not self.segments.sizes[slot]:
                empty.append(slot)
                continue
            head = head_of(self.segments, slot)
            if head is None:
                headless.append(slot)
            else:
                self.log.numbers[slot], self.segments.seed, nonce = head
                self.segments.nonces.note_used(nonce)
        self.record_pair.load()
        if not self.segments.seed:
            self.segments.seed = self.record_pair.seed or int.from_bytes(self._random(4), "little") >> 2 | 1
        self.record_pair.seed = self.segments.seed
        for slot in self.segments.of_kind(BULK):
            check_extents(self.segments, slot)
        for slot in headless:
            self._number_headless(slot)
        self._void_checkpoint_over_damage()
        replay = self._load()
        self.segments.nonces.start()
        for slot in empty:
            self.segments.remove(slot)
        if self.checkpoint.void:
            self.checkpoint.remove()
        if replay.end is not None:
            slot, offset, good = replay.end
            self.log.number = self.log.numbers[slot]
            if good:
                self.log.open(slot, self.log.number, offset, bool(replay.ranges))
        elif self.log.numbers:
            self.log.number = max(self.log.numbers.values())
        if self._records_changed:
            self._save_records()

    def _number_headless(self, slot):
        """A segment whose head is damaged: the numbers of its batches tell which one it was."""
        batch = first_batch(self.segments, slot)
        before = 0
        numbers = self.log.numbers
        for other in list(numbers):
            if numbers[other] > before and first_batch(self.segments, other) <= batch:
                before = numbers[other]
        if batch and before + 1 not in numbers.values():
            numbers[slot] = before + 1
        else:
            self.damage = "the head of log segment %d is damaged" % slot
            self.salvaged = True

    def _void_checkpoint_over_damage(self):
        """The checkpoint names addresses in the log: with damage among them all of it is read again."""
        number, offset = self.checkpoint.reach()
        damaged = []
        for slot in self.log.numbers:
            if self.log.numbers[slot] <= number:
                damaged += find_damage(self.segments, slot, offset if self.log.numbers[slot] == number else 1 << 30)
        self.checkpoint.void = len(damaged) > 0

    def _load(self):
        """Everything from the checkpoint and the log, as of the last commit."""
        self.clear()
        number, offset = self.checkpoint.load()
        self._load_records()
        replay = Replay(self)
        replay.batch = self.batch
        replay.run(number, offset)
        if len(self._by_id) != len(self._by_number) or max(self._by_number, default=-1) >= len(self._by_number):
            raise StorageError("the records that name the stores are damaged", "damaged")
        self.salvaged = self.salvaged or len(replay.damaged) > 0
        self.damaged = []
        for slot, _, _ in replay.damaged:
            if slot not in self.damaged:
                self.damaged.append(slot)
        waiting = 0
        for store in self._by_number.values():
            waiting += store.settle()
        self._report(replay, waiting)
        for slot in range(len(self.segments.live)):
            if self.segments.kinds[slot] == FREE:
                self.segments.live[slot] = 0
        self.batch = max(replay.batch, self._records_batch)
        self.checkpoint.measure()
        return replay

    def _load_records(self):
        """The newest of checkpoint and copies; the log then goes over them. Without damage the copies are newest."""
        self._records_batch = self.batch
        batch, records = self.record_pair.load()
        if batch >= self.batch:
            self._records_batch, self.records = batch, records

    def _report(self, replay, waiting):
        if self.record_pair.damaged and not self.records:
            raise StorageError("no good copy of the records is left: the identity of this stick is lost", "damaged")
        if self.record_pair.damaged:
            self._records_changed = True  # written anew
        if replay.damaged:
            self.damage = (
                "the log was damaged in %d addresses, the first in segment %d at %d; the rest of it is read"
                % (
                    len(replay.damaged),
                    replay.damaged[0][0],
                    replay.damaged[0][1],
                )
            )
            if waiting:
                self.damage += "; %d intentions wait for one that was lost" % waiting
        elif self._records_batch > replay.batch:
            self.damage = "the log ends at batch %d, before batch %d" % (replay.batch, self._records_batch)

    def clear(self):
        """Forgets the indexes, before they are loaded again."""
        for store in self._objects.values():
            store.clear()
        self._by_number = {}
        self._by_id = {}
        self.row_index.clear()
        self.blob_index.clear()
        self._key_cache.clear()
        live = self.segments.live
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

    def _save_records(self):
        self.record_pair.save(self.batch, self.records)
        self._records_batch = self.batch
        self._records_changed = False

    # -- for the indexes -----------------------------------------------------------------------------------------------
    def key_of(self, address):
        """Sort key (store, table, key) of the row at an address."""
        cache = self._key_cache
        key = cache.get(address)
        if key is None:
            payload = self.log.read_record(address, HEADER_BYTES + 3 + 64)
            end = HEADER_BYTES + 3 + payload[HEADER_BYTES]
            if end > len(payload):
                payload = self.log.read_record(address, end)
            key = payload[HEADER_BYTES + 1 : end]
            if len(cache) >= _KEYS_CACHED:
                cache.clear()
            cache[address] = key
        return key

    def forget_keys(self):
        """Addresses were given up: keys remembered for them are void."""
        self._key_cache.clear()

    def count_live(self, address):
        self.segments.live[self.geometry.slot_of(address)] += self.log.record_size(address)
