"""The blobs of one store: content in bulk segments, one record of the log for each, 10 bytes of heap."""

from struct import pack, unpack_from

from lattice_core.errors import StorageError
from lattice_core.seams import BytesBody

from . import layout
from .extents import ExtentBody
from .hash_index import prefix_of
from .layout import EMPTY, HEADER_BYTES


class Blobs:
    def __init__(self, storage, number):
        self.storage = storage
        self.log = storage.log
        self.items = storage.blob_index  # of all stores; tag: number of the store
        self.number = number

    def find(self, hash):
        """Row of a blob, -1 when this store has none of that name."""
        items = self.items
        prefix = prefix_of(hash)
        index = items.find(prefix)
        while index >= 0:
            address = items.address(index)
            if address != EMPTY and items.tag(index) == self.number and self._hash(address) == hash:
                return index
            index = items.find(prefix, index + 1)
        return -1

    def _hash(self, address):
        return self.log.read_at(address, HEADER_BYTES + layout.BLOB_HASH_AT, 32)

    def has_blob(self, hash):
        return self.find(hash) >= 0

    def put_blob(self, hash, body):
        present = self.has_blob(hash)
        if not present:
            self.storage.need_index(self.storage.index_margin)
        if not isinstance(body, ExtentBody):
            if present:
                return
            if isinstance(body, (bytes, bytearray, memoryview)):
                body = BytesBody(body)
            body = self.storage.in_extent(body, True)
        body.adopt(self._where(bytes(hash)))
        if not present:
            head = pack(layout.BLOB_HEAD, self.number, body.address, body.size, body.nonce)
            self.apply_blob(self.log.append(layout.BLOB, (head, hash)), hash)
            self.storage.changed()

    def apply_blob(self, address, hash):
        index = self.find(hash)
        self._live(address, 1)
        if index >= 0:  # compaction has moved the record or the content
            self._live(self.items.address(index), -1)
            self.items.move(index, address)
        else:
            self.items.add(address, prefix_of(hash), self.number)

    def _live(self, address, sign):
        live = self.storage.segments.live
        slot_of = self.storage.geometry.slot_of
        at, size, _ = self.extent(address)
        live[slot_of(address)] += sign * layout.record_bytes(layout.BLOB_HASH_AT + 32)
        live[slot_of(at)] += sign * layout.padded(size)

    def extent(self, address):
        """(address, size, nonce) of the content."""
        return unpack_from(layout.BLOB_HEAD, self.log.read_at(address, HEADER_BYTES, layout.BLOB_HASH_AT), 0)[1:]

    def _where(self, hash):
        def where():
            index = self.find(hash)
            if index < 0:
                raise StorageError("flash: a blob was dropped while it was read")
            found = self.extent(self.items.address(index))
            return found[0], found[2]

        return where

    def blob(self, hash):
        index = self.find(hash)
        if index < 0:
            return None
        at, size, nonce = self.extent(self.items.address(index))
        return ExtentBody(self.storage.extents, at, size, nonce, self._where(bytes(hash)))

    def drop_blob(self, hash):
        index = self.find(hash)
        if index >= 0:
            self.log.append(layout.UNBLOB, (bytes([self.number]), hash))
            self.storage.changed()
            self.apply_unblob(index)

    def apply_unblob(self, index):
        self._live(self.items.address(index), -1)
        self.items.remove(index)

    def apply_unblobbed(self, hash):
        index = self.find(hash)
        if index >= 0:
            self.apply_unblob(index)

    def blobs(self):
        items = self.items
        index = 0
        while index < items.count:
            address = items.address(index)
            if address != EMPTY and items.tag(index) == self.number:
                yield self._hash(address), self.extent(address)[1]
            index += 1
