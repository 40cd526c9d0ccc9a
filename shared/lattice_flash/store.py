"""One store on flash: the contract of storage/contract.py on top of the log and the indexes in RAM.

`apply_*` change the indexes for a record that stands in the log; the running store and the replay at boot both use
them, so what is found after a power cut is what was there before.
"""

from struct import pack, unpack_from

from lattice_core.errors import ProtocolError, StorageError
from lattice_core.storage.contract import ZERO

from . import layout
from .blobs import Blobs
from .hash_index import VOID, prefix_of
from .intentions import Intentions
from .layout import EMPTY, HEADER_BYTES
from .tables import Tables


class FlashStore(Intentions):
    """`storage.contract.Store`."""

    first_sequence = 1  # a record 16 will raise it

    def __init__(self, storage, number, store_id):
        Intentions.__init__(self, storage, number, store_id)
        self.tables = Tables(storage, number)
        self.contents = Blobs(storage, number)
        self.row = self.tables.row
        self.put_row = self.tables.put_row
        self.rows = self.tables.rows
        self.has_blob = self.contents.has_blob
        self.put_blob = self.contents.put_blob
        self.blob = self.contents.blob
        self.drop_blob = self.contents.drop_blob
        self.blobs = self.contents.blobs

    def mend(self, intention):
        index = self._find(self.items, intention.hash)
        address = self.items.address(index) if index >= 0 else self.address_of(intention.hash)
        payload = self.log.payload(address)
        body = self.storage.in_extent(intention.body) if payload[1] else intention.body
        if payload[1]:
            body.adopt(self._where(intention.hash))
            data = intention.author + pack(layout.BODY_REFERENCE, body.address, body.size, body.nonce)
        else:
            data = body.read(0, body.size)
        parts = (payload[: layout.SIGNATURE_AT], intention.signature, data)
        address = self.log.append(layout.INTENTION, parts)
        self.storage.changed()
        self.apply_intention(address, b"".join(parts))

    # -- witness log and chains ----------------------------------------------------------------------------------
    def witness(self, hash, wall_ms, head):
        index = self._find(self.floats, hash)
        if index < 0:
            raise ValueError("not a floating intention")
        address = self.floats.address(index)
        by_reference = self.log.read_at(address, HEADER_BYTES + 1, 1)[0]
        fields = pack(layout.INTENTION_HEAD, self.number, by_reference, self.count + 1, wall_ms) + head
        if not self.log.patch(address, 0, fields):
            payload = memoryview(self.log.payload(address))
            self._live(address, -1)
            address = self.log.append(layout.INTENTION, (fields, payload[len(fields) :]))
            self._live(address, 1)
        self.storage.changed()
        self._unfloat(index)
        self._append(address, hash, self.log.read_at(address, HEADER_BYTES + layout.AUTHOR_AT, 32), head)

    def _append(self, address, hash, author, head):
        self.items.append(address, prefix_of(hash), 0)
        self.count = self.items.count
        self.items.retag(self.count - 1, self.chains.advance(author, self.count))
        self.head = head

    def apply_intention(self, address, payload):
        """Replays a record: a new floating intention, a witnessed one, or one that compaction has moved."""
        _, _, sequence, _ = unpack_from(layout.INTENTION_HEAD, payload, 0)
        hash = bytes(payload[layout.HASH_AT : layout.SIGNATURE_AT])
        self._live(address, 1)
        if self.gaps():
            self._leave_old_row(hash, sequence)
        if sequence == 0:
            index = self._find(self.floats, hash)
            if index >= 0:
                self._live(self.floats.address(index), -1)
                self.floats.move(index, address)
            else:
                self.floats.append(address, prefix_of(hash), 0)
            return
        index = self._find(self.floats, hash)
        if index >= 0:
            self.apply_drop(index)
        if sequence <= self.items.count:
            old = self.items.address(sequence - 1)
            if old != EMPTY:
                self._live(old, -1)
            self.items.fill(sequence - 1, address, prefix_of(hash), self.items.tag(sequence - 1))
            return
        while self.items.count < sequence - 1:  # moved ones come later, or are lost
            self.items.append(EMPTY, EMPTY, VOID)
        self.items.append(address, prefix_of(hash), 0)

    def settle(self):
        """After a replay: chains, count and head from the rows. Where some are lost, what needs a lost one floats again
        until that has come back. Returns how many do."""
        items = self.items
        sequence = self.count
        whole = sequence == items.count or not self.gaps()
        waiting = 0
        while sequence < items.count:
            address = items.address(sequence)
            sequence += 1
            if address == EMPTY:
                continue
            if not whole and not self._stands(address, sequence):
                waiting += 1
                continue
            author = self._author_at(sequence)
            number = self.chains.advance(author, sequence)
            items.retag(sequence - 1, number)
            self.head = self.log.read_at(address, HEADER_BYTES + layout.HEAD_AT, 32)
        self.count = sequence
        return waiting

    def _stands(self, address, sequence):
        """True when all that a witnessed intention needs is witnessed before it. Otherwise its row is emptied and it
        floats; one that cannot be read any more is lost."""
        items = self.items
        hash = self._hash(address)
        try:
            intention = self.get(hash)
            if intention is None:
                raise StorageError("entry %d of the witness log was lost to damage" % sequence, "damaged")
            good = intention.store_prev == self.chain(intention.author)[1]
            for dep in intention.deps():
                good = good and (dep == ZERO or 0 <= self._find(items, dep) < sequence - 1)
        except (ProtocolError, StorageError):
            self._live(address, -1)
            items.void(sequence - 1)
            return False
        if not good:
            prefix = prefix_of(hash)
            items.void(sequence - 1)
            self.floats.append(address, prefix, 0)
        return good

    def floats_again(self, payload):
        """True for the record of an intention that was witnessed and lost what it stood on."""
        hash = bytes(payload[layout.HASH_AT : layout.SIGNATURE_AT])
        return unpack_from(layout.INTENTION_HEAD, payload, 0)[2] > 0 and self._find(self.floats, hash) >= 0

    def witness_sequence(self, hash):
        return self._find(self.items, hash) + 1

    def _address_at(self, sequence):
        if not 1 <= sequence <= self.count:
            raise ValueError("no such sequence")
        address = self.items.address(sequence - 1)
        if address == EMPTY:
            raise StorageError("entry %d of the witness log was lost to damage" % sequence, "damaged")
        return address

    def witness_at(self, sequence):
        data = self.log.read_at(self._address_at(sequence), HEADER_BYTES, layout.SIGNATURE_AT)
        return data[layout.HASH_AT :], unpack_from(layout.INTENTION_HEAD, data, 0)[3]

    def witness_author(self, sequence):
        self._address_at(sequence)
        return self.chains.author(self.items.tag(sequence - 1))

    def witness_log(self, after=0):
        while after < self.count:
            after += 1
            if self.items.address(after - 1) == EMPTY:
                continue
            hash, wall_ms = self.witness_at(after)
            yield after, hash, self.chains.author(self.items.tag(after - 1)), wall_ms

    def head_at(self, sequence):
        return self.log.read_at(self._address_at(sequence), HEADER_BYTES + layout.HEAD_AT, 32)

    def authors(self):
        return list(self.each_author())

    def each_author(self):
        """Iterates over `authors`."""
        for number in range(self.chains.count()):
            yield self.chains.author(number)

    def chain(self, author):
        number = self.chains.number(author)
        if number < 0:
            return 0, ZERO
        return self.chains.length(number), self._hash(self.items.address(self.chains.tip(number) - 1))

    def chain_at(self, author, position):
        number = self.chains.number(author)
        if number < 0 or not 1 <= position <= self.chains.length(number):
            raise ValueError("no such position")
        if position == self.chains.length(number):
            return self._hash(self.items.address(self.chains.tip(number) - 1))
        return self._hash(self.items.address(self.items.nth_tag(number, position - 1)))

    def chain_base(self, author):
        return 0, ZERO, 0  # a record 14 will name it

    def position(self, hash):
        sequence = self.witness_sequence(hash)
        if not sequence:
            return None
        number = self.items.tag(sequence - 1)
        return self.chains.author(number), self.items.count_tags(number, sequence)

    def length_at(self, author, sequence):
        number = self.chains.number(author)
        return 0 if number < 0 else self.items.count_tags(number, min(sequence, self.count))

    def pinned(self, hash):
        return False  # a record 13 will say so

    def newest_authors(self, count):
        return [self.chains.author(number) for number in self.chains.newest(count)]
