"""The indexes in one file, so that a full stick boots fast: everything up to a position of the log.

The file is written beside the old one and renamed over it; a file that is damaged is not used, and the whole log is
read instead. Written in pieces while nothing else happens: the first change after its start makes it void.
"""

from array import array
from binascii import crc32
from struct import calcsize, pack, unpack

from lattice_core.compat import const
from lattice_core.errors import StorageError

from .record_pair import packed, unpacked
from .segments import FOLDER

NAME = FOLDER + "/index"
_NEW = FOLDER + "/index.new"
_MAGIC = b"LNX1"
# magic, batch, log segment number, offset in it, stores, records, bytes of these, nonce, bound of the reserved nonces
_HEAD = "<4sIIIBBxxIII"
_STORE = "<16s32s"  # id, head
_PIECE_BYTES = const(3072)
_PAGES_ROWS = const(176)  # a store's unused rows at the ends of its pages
_BESIDES_BYTES = const(8192)


class _Void(Exception):
    """The file is cut short or damaged."""


class Checkpoint:
    def __init__(self, storage):
        self.storage = storage
        self.position = (0, 0)  # log segment number, offset
        self.bytes = 0  # that the next one takes, about
        self.void = False  # the file is not to be used: the log is damaged where it points

    def measure(self):
        """Works out how much the next one takes."""
        storage = self.storage
        rows = storage.blob_index.count
        for store in storage.stores():
            rows += store.items.count + store.floats.count + store.chains.count() + _PAGES_ROWS
        self.bytes = (8 + storage.blob_index.tag_bytes) * rows + 4 * storage.row_index.count + _BESIDES_BYTES

    # -- writing -----------------------------------------------------------------------------------------------------
    def steps(self):
        """Writes the file, yielding after each piece. The caller stops it when the storage changes in between."""
        storage = self.storage
        files = storage.files
        self.make_room()
        position = (storage.log.number, storage.log.base if storage.log.slot >= 0 else 1 << 30)
        file = files.open(_NEW, "wb")
        crc = 0
        waiting = 0
        try:
            for piece in self._pieces(position):
                files.write(file, piece)
                crc = crc32(piece, crc)
                waiting += len(piece)
                if waiting >= _PIECE_BYTES:
                    waiting = 0
                    yield
            files.write(file, pack("<I", crc))
        finally:
            files.close(file)
        yield
        files.rename(_NEW, NAME)
        self.position = position
        storage.segments.stale = True

    def make_room(self):
        """Gives up the old file where there is no room for two: boots are slow until the new one is there."""
        if self.storage.segments.free < self.bytes + _BESIDES_BYTES and self.storage.files.size(NAME) >= 0:
            self.storage.files.remove(NAME)
            self.position = (0, 0)
            self.storage.segments.free += self.bytes
            self.storage.segments.stale = True

    def remove(self):
        """It cannot be used any more."""
        self.void = False
        if self.storage.files.size(NAME) >= 0:
            self.storage.files.remove(NAME)
        self.position = (0, 0)

    def reach(self):
        """(log segment number, offset) up to which the file on flash goes, whether it is good or not."""
        files = self.storage.files
        if files.size(NAME) < 0:
            return 0, 0
        file = files.open(NAME, "rb")
        try:
            return _Reader(files, file).take(_HEAD)[2:4]
        except (_Void, StorageError):
            return 0, 0
        finally:
            files.close(file)

    def _pieces(self, position):
        storage = self.storage
        stores = storage.stores()
        records = packed(storage.records)
        nonces = storage.segments.nonces
        nonce = nonces.take()
        yield pack(
            _HEAD,
            _MAGIC,
            storage.batch,
            position[0],
            position[1],
            len(stores),
            len(storage.records),
            len(records),
            nonce,
            nonces.bound,
        )
        yield records
        for store in stores:
            yield pack(_STORE, store.id, store.head)
            for items in (store.items, store.floats, store.chains.rows):
                for piece in _items_pieces(items):
                    yield piece
        for piece in _items_pieces(storage.blob_index):
            yield piece
        keys = storage.row_index
        yield pack("<I", keys.count)
        for number in range(len(keys.pages)):
            yield bytes(keys.pages[number][: keys.fills[number]])
        yield bytes(storage.segments.live)

    # -- reading -----------------------------------------------------------------------------------------------------
    def load(self):
        """Fills the cleared indexes; (log segment number, offset) from which the log goes on. (0, 0) without a file."""
        files = self.storage.files
        self.position = (0, 0)
        if self.void or files.size(NAME) < 0:
            return self.position
        file = files.open(NAME, "rb")
        try:
            self.position = self._read(_Reader(files, file))
        except _Void:
            self.position = (0, 0)
            self.storage.clear()
        finally:
            files.close(file)
        return self.position

    def _read(self, reader):
        storage = self.storage
        magic, batch, number, offset, stores, records, records_bytes, nonce, bound = reader.take(_HEAD)
        if magic != _MAGIC:
            raise _Void()
        storage.records = unpacked(reader.take("%ds" % records_bytes)[0], 0, records)
        for at in range(stores):
            store_id, head = reader.take(_STORE)
            storage.apply_store(at, store_id)
            store = storage.numbered(at)
            for items in (store.items, store.floats, store.chains.rows):
                _load_items(reader, items)
            store.head = head
            store.count = store.items.count
        _load_items(reader, storage.blob_index)
        for _ in range(reader.take("<I")[0]):
            storage.row_index.append(reader.take("<I")[0])
        live = storage.segments.live
        reader.into(live)
        if not reader.ends_well():
            raise _Void()
        storage.batch = batch
        storage.segments.nonces.note_used(nonce)
        storage.segments.nonces.note_bound(bound)
        return number, offset


def _items_pieces(items):
    yield pack("<II", items.count, items.alive)
    for number in range(len(items.addresses)):
        yield bytes(items.addresses[number])
        yield bytes(items.prefixes[number])
        yield bytes(items.tags[number])


def _load_items(reader, items):
    count, alive = reader.take("<II")
    items.clear()
    rows = items.page_rows
    for _ in range((count + rows - 1) // rows):
        items.addresses.append(reader.into(array("I", bytes(4 * rows))))
        items.prefixes.append(reader.into(array("I", bytes(4 * rows))))
        items.tags.append(reader.into(array(items.tag_code, bytes(items.tag_bytes * rows))))
    items.count = count
    items.alive = alive
    items.loaded()


class _Reader:
    """Reads a file from its start and sums it up."""

    def __init__(self, files, file):
        self.files = files
        self.file = file
        self.offset = 0
        self.crc = 0

    def take(self, format):
        size = calcsize(format)
        data = self.files.read(self.file, self.offset, size)
        if len(data) != size:
            raise _Void()
        self._count(data, size)
        return unpack(format, data)

    def into(self, column):
        view = memoryview(column)
        size = len(bytes(column))
        if self.files.readinto(self.file, self.offset, view) != size:
            raise _Void()
        self._count(column, size)
        return column

    def _count(self, data, size):
        self.crc = crc32(data, self.crc)
        self.offset += size

    def ends_well(self):
        crc = self.crc
        try:
            return self.take("<I")[0] == crc
        except StorageError:
            return False
