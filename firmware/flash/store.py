"""One store on flash: the contract of weaver/store.py on top of the log and the indexes in RAM.

`apply_*` change the indexes for a record that stands in the log; the running store and the replay at boot both use
them, so what is found after a power cut is what was there before.
"""

from struct import pack, unpack_from

from lattice_core.weaver.store import ZERO

from . import layout
from .blobs import Blobs
from .intentions import Intentions
from .items import prefix_of
from .layout import EMPTY, HEADER_BYTES
from .tables import Tables


class FlashStore(Intentions):
    """`weaver.store.Store`."""

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

    # -- witness log and chains ----------------------------------------------------------------------------------
    def witness(self, hash, wall_ms, head):
        index = self._find(self.floats, hash)
        if index < 0:
            raise ValueError("not a floating intention")
        place = self.floats.place(index)
        by_reference = self.log.read_at(place, HEADER_BYTES + 1, 1)[0]
        fields = pack(layout.INTENTION_HEAD, self.number, by_reference, self.count + 1, wall_ms) + head
        if not self.log.patch(place, 0, fields):
            payload = memoryview(self.log.payload(place))
            self._live(place, -1)
            place = self.log.append(layout.INTENTION, (fields, payload[len(fields) :]))
            self._live(place, 1)
        self.storage.changed()
        self._unfloat(index)
        self._append(place, hash, self.log.read_at(place, HEADER_BYTES + layout.AUTHOR_AT, 32), head)

    def _append(self, place, hash, author, head):
        self.items.append(place, prefix_of(hash), 0)
        self.count = self.items.count
        self.items.retag(self.count - 1, self.chains.advance(author, self.count))
        self.head = head

    def apply_intention(self, place, payload):
        """Replays a record: a new floating intention, a witnessed one, or one that compaction has moved."""
        _, _, sequence, _ = unpack_from(layout.INTENTION_HEAD, payload, 0)
        hash = bytes(payload[layout.HASH_AT : layout.SIGNATURE_AT])
        self._live(place, 1)
        if sequence == 0:
            index = self._find(self.floats, hash)
            if index >= 0:
                self._live(self.floats.place(index), -1)
                self.floats.move(index, place)
            else:
                self.floats.append(place, prefix_of(hash), 0)
            return
        index = self._find(self.floats, hash)
        if index >= 0:
            self.apply_drop(index)
        if sequence <= self.items.count:
            old = self.items.place(sequence - 1)
            if old != EMPTY:
                self._live(old, -1)
            self.items.set(sequence - 1, place, prefix_of(hash), self.items.tag(sequence - 1))
            return
        while self.items.count < sequence - 1:  # moved ones come later, or are lost
            self.items.append(EMPTY, EMPTY, 0)
        self.items.append(place, prefix_of(hash), 0)

    def settle(self):
        """After a replay: chains, count and head from the rows; what stands behind a gap is not held any more."""
        items = self.items
        sequence = self.count
        while sequence < items.count and items.place(sequence) != EMPTY:
            place = items.place(sequence)
            sequence += 1
            author = self._author_at(sequence)
            number = self.chains.advance(author, sequence)
            items.retag(sequence - 1, number)
            self.head = self.log.read_at(place, HEADER_BYTES + layout.HEAD_AT, 32)
        lost = items.count - sequence
        self._forget_behind(sequence)
        self.count = sequence
        return lost

    def _forget_behind(self, count):
        items = self.items
        for index in range(count, items.count):
            if items.place(index) != EMPTY:
                self._live(items.place(index), -1)
        items.cut(count)

    def write_cut(self):
        """Says in the log that what stood behind the gap is gone: it may come again in another order."""
        self.log.append(layout.CUT, (pack(layout.CUT_RECORD, self.number, self.count),))
        self.storage.changed()

    def apply_cut(self, count):
        self._forget_behind(count)
        if count < self.count:
            self.chains.clear()  # settle builds them again
            self.count = 0

    def witness_sequence(self, hash):
        return self._find(self.items, hash) + 1

    def _place_at(self, sequence):
        if not 1 <= sequence <= self.count:
            raise ValueError("no such sequence")
        return self.items.place(sequence - 1)

    def witness_at(self, sequence):
        data = self.log.read_at(self._place_at(sequence), HEADER_BYTES, layout.SIGNATURE_AT)
        return data[layout.HASH_AT :], unpack_from(layout.INTENTION_HEAD, data, 0)[3]

    def witness_author(self, sequence):
        self._place_at(sequence)
        return self.chains.author(self.items.tag(sequence - 1))

    def witness_log(self, after=0):
        while after < self.count:
            after += 1
            hash, wall_ms = self.witness_at(after)
            yield after, hash, self.chains.author(self.items.tag(after - 1)), wall_ms

    def head_at(self, sequence):
        return self.log.read_at(self._place_at(sequence), HEADER_BYTES + layout.HEAD_AT, 32)

    def authors(self):
        return [self.chains.author(number) for number in range(self.chains.count())]

    def chain(self, author):
        number = self.chains.number(author)
        if number < 0:
            return 0, ZERO
        return self.chains.length(number), self._hash(self.items.place(self.chains.tip(number) - 1))

    def chain_at(self, author, position):
        number = self.chains.number(author)
        if number < 0 or not 1 <= position <= self.chains.length(number):
            raise ValueError("no such position")
        if position == self.chains.length(number):
            return self._hash(self.items.place(self.chains.tip(number) - 1))
        return self._hash(self.items.place(self.items.nth_tag(number, position - 1)))

    def newest_authors(self, count):
        return [self.chains.author(number) for number in self.chains.newest(count)]
