"""`storage.contract.Storage` on flash: the transaction, its commit, and getting everything back at boot.

storage = FlashStorage(vfs, crypto.random)  # a VfsLfs2; reads the checkpoint and the tail of the log
…
storage.commit()                 # bodies synced, log synced with its mark, then the records' copy
storage.idle()                   # one small piece of compaction; True while there is more
"""

from lattice_core.compat import const
from lattice_core.errors import ProtocolError, StorageError, StorageFull
from lattice_core.model import ops
from lattice_core.seams import BytesBody
from lattice_core.storage.contract import RECORD_NAME_BYTES, RECORD_VALUE_BYTES, RECORDS

from . import layout
from .compaction import Compaction
from .extents import ExtentBody
from .flash_index import FlashIndex, Memory
from .geometry import STICK
from .intentions import INLINE_BYTES
from .log import BATCH_BYTES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# What stays free, besides room for the next checkpoint, by who may still write: littlefs copies on write, and
# compaction needs room to make room. Content leaves the most, so that a stick full of files still takes writes.
FLOOR_ROWS_BYTES = 40960
FLOOR_INTENTIONS_BYTES = 73728
FLOOR_BLOBS_BYTES = 106496
# What data and content leave besides, of the flash and of the indexes, so that a limit never decides who is let in: all
# of it to what owners of the stick write into a root store, half of it to what anybody writes there about membership.
RESERVE_BYTES = 32768
RESERVE_INDEX_BYTES = 3000
FOR_DATA = 0
FOR_MEMBERSHIP = 1
FOR_OWNERS = 2
_STORES = const(128)
_STORE_BYTES = const(5000)
_ENTRY_BYTES = const(10)
_KEY_BYTES = const(5)
_ROW_TO_KEY = const(12)  # a row has at least so many times the bytes that its key takes of the heap
INDEX_MARGIN_BYTES = 8000  # for the rows of an intention that is begun
_PUT_BYTES = const(20)  # what one call may add at most: an intention and its author
_COPY_BYTES = const(4096)


def _none():
    return 0


def _is_membership(intention):
    try:
        return ops.split(intention.ops())[0] == ops.LEG_SYSTEM
    except ProtocolError:
        return False


class FlashStorage(FlashIndex):
    commit_bytes = BATCH_BYTES
    may_lose = True  # records, and goes on with the others; `salvaged` is True then
    index_margin = INDEX_MARGIN_BYTES

    medium = "this stick"
    purpose = FOR_DATA  # of what is being written

    def __init__(self, vfs, random, memory=None, geometry=STICK):
        """`random(count)`: bytes from the system's generator, for a chip that is written for the first time. `memory`:
        a `Memory` that the caller took from the heap while that was fresh."""
        FlashIndex.__init__(self, vfs, random, Memory() if memory is None else memory, geometry)
        self.open_stores: Callable[[], int] = _none  # a function that counts them
        self.is_owner: Callable[[bytes], bool] | None = (
            None  # a function: True for the key of an owner who is not revoked
        )
        self._entries_left = 0  # that surely fit, before the indexes are counted again
        self._mount()
        self.compaction = Compaction(self)
        self._behind = None
        self.commit()

    @property
    def hurt(self):
        """True once a record of the log was found damaged while it was used: what is left is found by a new start."""
        return self.segments.hurt

    @property
    def must_roll_back(self):
        """True when an operation of the flash failed half way: nothing is written any more before `rollback`."""
        return self.log.failed or self.extents.lost or self.files.torn

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
        self.need_store()
        self.log.append(layout.STORE, (bytes([number]), store_id))
        self.changed()
        self.apply_store(number, store_id)
        return self._by_id[store_id]

    def need_store(self):
        """StorageFull when there is no heap for another open store."""
        if self._memory_for_stores() < _STORE_BYTES:
            raise StorageFull("no room for another store: the stick's memory holds no more")

    def _memory_for_stores(self):
        return self.geometry.memory_bytes - RESERVE_INDEX_BYTES - self.memory_bytes()

    def room_for_stores(self):
        return min(self.room(), self._memory_for_stores())

    # -- transaction -------------------------------------------------------------------------------------------------
    def changed(self):
        self._dirty = True
        self.version += 1

    def is_dirty(self):
        return self._dirty

    def commit(self):
        if not self._dirty:
            return
        self.extents.sync()
        self.log.commit(self.batch + 1)
        self.batch += 1
        if self._records_changed:
            self._save_records()
        self._dirty = False
        self.checkpoint.measure()
        try:
            self.measure_space()
            self.compaction.after_commit()
            self.measure_space()
        except StorageError as error:
            self.rollback()
            self._behind = error  # the batch is durable: `idle` tells what failed behind it

    def rollback(self):
        if not (self._dirty or self.must_roll_back):
            return
        if self.files.torn:
            self._dirty = True
            raise StorageError("the flash failed in the middle of a change: everything must start anew from it")
        self.version += 1
        loaded = False
        try:
            self.log.abort()
            self.extents.rolled_back()
            self._load()
            loaded = True
        finally:
            self._dirty = not loaded  # what failed in the middle is still to be done

    def pending(self):
        # Bodies do not wait in RAM: four times as many of them make a batch.
        return self.log.batch_bytes + (self.extents.batch_bytes >> 2) if self._dirty else 0

    def idle(self):
        """One piece of compaction of at most about one erase; True while there is more to do."""
        error = self._behind
        if error is not None:
            self._behind = None
            raise error
        if self.files.torn:
            raise StorageError("the flash failed in the middle of a change: everything must start anew from it")
        return self.compaction.step()

    def note_end(self):
        """Notes in a copy of the records how far the log goes, when nothing else is to be done: should the log's folder
        fall back to its older block, that is then noticed whoever wrote what is lost."""
        if self.batch > self._records_batch and not self._dirty:
            try:
                self._save_records()
            except StorageFull:
                self._records_batch = self.batch  # not before the next commit

    def abandon_bodies(self):
        """The caller has dropped all body writers, and all bodies that it has not put: their room is free again."""
        self.compaction.stop()
        self.extents.abandon()

    # -- space ---------------------------------------------------------------------------------------------------------
    def write_for(self, intention):
        """What is written from now on follows from this intention of a root store; None: from others. True when an
        owner of the stick has written it."""
        self.purpose = FOR_DATA
        if intention is not None:
            if self.is_owner is not None and self.is_owner(intention.author):
                self.purpose = FOR_OWNERS
            elif intention.ops_size <= INLINE_BYTES and _is_membership(intention):
                self.purpose = FOR_MEMBERSHIP
        return self.purpose == FOR_OWNERS

    def _reserved(self, reserve):
        return reserve if self.purpose == FOR_DATA else 0 if self.purpose == FOR_OWNERS else reserve >> 1

    def _left(self, floor):
        used = self.checkpoint.bytes + self.log.fill + self.extents.reserved
        return self.segments.free - floor - self._reserved(RESERVE_BYTES) - used

    def room(self):
        return max(self._left(self._floor()), 0)

    def _floor(self):
        return FLOOR_INTENTIONS_BYTES if self.purpose == FOR_DATA else FLOOR_ROWS_BYTES

    def usage(self):
        """(bytes for data, bytes of them used) for people; what must stay free is not counted."""
        self.segments.stale = True
        self.measure_space()
        total = self.segments.total - FLOOR_INTENTIONS_BYTES - RESERVE_BYTES - self.checkpoint.bytes
        return total, total - self.room()

    def measure_space(self):
        """Brings the free space up to date when that is due and can be done."""
        if self.segments.stale and not (self._dirty or self.extents.unsynced()):
            self.segments.measure()

    def to_write(self, body):
        return 0 if isinstance(body, ExtentBody) and body.size > INLINE_BYTES else body.size

    def need_intention(self, count):
        self._need(count, self._floor())

    def need_row(self, count):
        self._need(count, FLOOR_ROWS_BYTES)

    def need_rows(self, size):
        self._need(size, self._floor())
        self.need_index(size // _ROW_TO_KEY)

    def _need(self, count, floor):
        if count > self._left(floor):
            raise StorageFull("no room for %d bytes: %d are free on this stick" % (count, self.room()))

    def memory_bytes(self):
        """What stores and indexes take of the heap, as far as it grows with what is stored."""
        entries = self.blob_index.count
        for store in self._by_number.values():
            entries += store.items.count + store.floats.count + store.chains.count()
        return entries * _ENTRY_BYTES + self.row_index.count * _KEY_BYTES + self.open_stores() * _STORE_BYTES

    def need_index(self, margin=0):
        """StorageFull when there is no heap for another entry and `margin` bytes. Counted when it may be short, not
        each time."""
        if self._entries_left * _PUT_BYTES <= margin:
            left = self.geometry.memory_bytes - self.memory_bytes()
            self._entries_left = max((left - RESERVE_INDEX_BYTES) // _PUT_BYTES, 1)
            if left - self._reserved(RESERVE_INDEX_BYTES) <= margin:
                raise StorageFull("no room for more intentions: the stick's memory holds no longer lists of them")
        self._entries_left -= 1

    def rows_margin(self, intention):
        """What must be left of the heap for the rows of an intention."""
        return INDEX_MARGIN_BYTES if self.purpose == FOR_DATA else min(INDEX_MARGIN_BYTES, intention.ops_size)

    def body_writer(self, size, content=False):
        self._need(size, FLOOR_BLOBS_BYTES if content else FLOOR_INTENTIONS_BYTES)
        return self.extents.writer(size)

    def in_extent(self, body, content=False):
        """`body` in a bulk segment: itself when it is there, else a copy that no record names yet."""
        if isinstance(body, ExtentBody):
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
