"""The intentions of one store: where each lies, by hash. Base of `FlashStore`, which adds the witness log.

A large body lies in a bulk segment, named by the intention's record; any other is in the record.
"""

from struct import pack, unpack_from

from lattice_core.compat import const
from lattice_core.errors import StorageError, StorageFull
from lattice_core.model.intention import from_body
from lattice_core.seams import BytesBody
from lattice_core.storage.contract import ZERO

from . import layout
from .chains import Chains
from .extents import ExtentBody
from .hash_index import prefix_of
from .layout import EMPTY, HEADER_BYTES

INLINE_BYTES = 4096  # larger bodies lie in bulk segments
_ITEM_ROWS = const(64)
_FLOATING_ROWS = const(16)
_ROOM_BESIDES_BYTES = const(512)  # rows and records that usually follow an intention


class Intentions:
    """`number` is the store's in all records."""

    def __init__(self, storage, number, store_id):
        self.id = store_id
        self.number = number
        self.storage = storage
        self.log = storage.log
        self.items = storage.geometry.index(_ITEM_ROWS)  # row: witness sequence - 1; tag: chain
        self.floats = storage.geometry.index(_FLOATING_ROWS)  # in order of arrival
        self.chains = Chains(self._author_at, storage.geometry.index)
        self.count = 0
        self.head = ZERO

    def clear(self):
        """Forgets the indexes, before they are loaded again."""
        self.items.clear()
        self.floats.clear()
        self.chains.clear()
        self.count = 0
        self.head = ZERO

    def _find(self, items, hash):
        """Row of an intention in `items`, -1 when it is not there."""
        prefix = prefix_of(hash)
        index = items.find(prefix)
        while index >= 0:
            address = items.address(index)
            if address != EMPTY and self._hash(address) == hash:
                return index
            index = items.find(prefix, index + 1)
        return -1

    def _hash(self, address):
        return self.log.read_at(address, HEADER_BYTES + layout.HASH_AT, 32)

    def _author_at(self, sequence):
        return self.log.read_at(self.items.address(sequence - 1), HEADER_BYTES + layout.AUTHOR_AT, 32)

    def address_of(self, hash):
        """Location of a stored intention, EMPTY when there is none."""
        index = self._find(self.items, hash)
        if index >= 0:
            return self.items.address(index)
        index = self._find(self.floats, hash)
        return self.floats.address(index) if index >= 0 else EMPTY

    def has(self, hash):
        return self.address_of(hash) != EMPTY

    def put(self, intention, absent=False):
        body = intention.body
        inline = body.size <= INLINE_BYTES
        if self.has(intention.hash):
            if isinstance(body, ExtentBody):
                body.adopt(self._where(intention.hash))
            return
        self.storage.need_intention(self.storage.to_write(body) + _ROOM_BESIDES_BYTES)
        self.storage.need_index(self.storage.rows_margin(intention))
        geometry = self.storage.geometry
        if self.count + self.floats.alive >= geometry.sequences:
            raise StorageFull("a store holds at most %d intentions on this stick" % geometry.sequences)
        if self.chains.count() >= geometry.chains and self.chains.number(intention.author) < 0:
            raise StorageFull("a store has at most %d authors on this stick" % geometry.chains)
        if inline:
            data = body.read(0, body.size)
            if isinstance(body, ExtentBody):
                body.adopt(None)
        else:
            stored = self.storage.in_extent(body)
            stored.adopt(self._where(intention.hash))
            data = intention.author + pack(layout.BODY_REFERENCE, stored.address, stored.size, stored.nonce)
        head = pack(layout.INTENTION_HEAD, self.number, 0 if inline else 1, 0, 0)
        address = self.log.append(layout.INTENTION, (head, ZERO, intention.hash, intention.signature, data))
        self.storage.changed()
        self._live(address, 1)
        self.floats.append(address, prefix_of(intention.hash), 0)

    def _where(self, hash):
        """A function that tells where the body of an intention lies now: address, nonce."""

        def where():
            address = self.address_of(hash)
            if address == EMPTY:
                raise StorageError("flash: an intention was dropped while it was read")
            found = self.reference(address)
            return found[0], found[2]

        return where

    def reference(self, address):
        """(address, size, nonce) of a body in a bulk segment."""
        data = self.log.read_at(address, HEADER_BYTES + layout.REFERENCE_AT, 12)
        return unpack_from(layout.BODY_REFERENCE, data, 0)

    def refers_to(self, address, slot):
        """Whether the body of the intention at an address lies in that bulk segment."""
        by_reference = self.log.read_at(address, HEADER_BYTES + 1, 1) == b"\x01"
        return by_reference and self.storage.geometry.slot_of(self.reference(address)[0]) == slot

    def _live(self, address, sign):
        """Counts an intention's bytes in or out, its body in a bulk segment included."""
        live = self.storage.segments.live
        slot_of = self.storage.geometry.slot_of
        live[slot_of(address)] += sign * self.log.record_size(address)
        if self.log.read_at(address, HEADER_BYTES + 1, 1) == b"\x01":
            at, size, _ = self.reference(address)
            live[slot_of(at)] += sign * layout.padded(size)

    def get(self, hash):
        address = self.address_of(hash)
        if address == EMPTY:
            return None
        payload = self.log.payload(address)
        signature = payload[layout.SIGNATURE_AT : layout.AUTHOR_AT]
        if payload[1]:
            at, size, nonce = unpack_from(layout.BODY_REFERENCE, payload, layout.REFERENCE_AT)
            body = ExtentBody(self.storage.extents, at, size, nonce, self._where(bytes(hash)))
        else:
            body = BytesBody(payload[layout.AUTHOR_AT :])
        return from_body(body, bytes(hash), signature)

    def drop(self, hash):
        index = self._find(self.floats, hash)
        if index < 0:
            if self._find(self.items, hash) >= 0:
                raise ValueError("a witnessed intention stays")
            return
        self.log.append(layout.DROP, (bytes([self.number]), hash))
        self.storage.changed()
        self.apply_drop(index)

    def apply_drop(self, index):
        self._live(self.floats.address(index), -1)
        self._unfloat(index)

    def apply_dropped(self, hash):
        index = self._find(self.floats, hash)
        if index >= 0:
            self.apply_drop(index)
        elif self.gaps():
            self._leave_old_row(hash, 0)  # it had lost what it stood on, and floated

    def gaps(self):
        """How many sequences of the witness log are without an intention: those of the damaged ones, and of those that
        waited for a damaged one and were witnessed anew when it had come again."""
        return self.items.count - self.items.alive

    def _leave_old_row(self, hash, sequence):
        """The record that comes last counts: it may give the intention another sequence, or none."""
        index = self._find(self.items, hash)
        if index >= 0 and index != sequence - 1:
            self._live(self.items.address(index), -1)
            self.items.void(index)

    def _unfloat(self, index):
        floats = self.floats
        floats.remove(index)
        if floats.count > 2 * floats.alive + _FLOATING_ROWS:
            floats.squeeze()

    def floating(self):
        floats = self.floats
        addresses = [floats.address(index) for index in range(floats.count)]
        return [self._hash(address) for address in addresses if address != EMPTY]
