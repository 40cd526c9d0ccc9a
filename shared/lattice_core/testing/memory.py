"""Storage in memory: for tests and the simulator, and the model that the other storages are compared with.

A transaction is a list of undo steps: `rollback` plays it backwards, `commit` forgets it. `reopened` gives what a
process would find after a crash. Bytes are counted so that a full medium can be tried (`capacity`).
"""

from ..errors import StorageFull
from ..seams import BytesBody
from ..storage import contract
from ..storage.chains import length_at
from ..storage.contract import ZERO
from ..weaver.index import MemoryRanges, first_not_less

_ENTRY_BYTES = 160  # what a witness entry and its index cost elsewhere, about


class MemoryStorage:
    """`contract.Storage` in memory. `capacity` in bytes, None for no limit."""

    medium = "this node"

    def __init__(self, capacity=None):
        self.capacity = capacity
        self.commits = 0
        self._used = 0
        self._pending = 0
        self._undo = None
        self._records = {}
        self._stores = {}
        self._order = []

    # -- records ---------------------------------------------------------------------------------------------
    def record(self, name):
        return self._records.get(bytes(name))

    def put_record(self, name, value):
        name = bytes(name)
        if len(name) > contract.RECORD_NAME_BYTES:
            raise ValueError("record name too long")
        if value is None:
            self._set(self._records, name, None)
            return
        if len(value) > contract.RECORD_VALUE_BYTES:
            raise ValueError("record value too long")
        if name not in self._records and len(self._records) >= contract.RECORDS:
            raise ValueError("too many records")
        self._charge(len(name) + len(value))
        self._set(self._records, name, bytes(value))

    # -- stores ----------------------------------------------------------------------------------------------
    def store_ids(self):
        return list(self._order)

    def store(self, store_id):
        store_id = bytes(store_id)
        found = self._stores.get(store_id)
        if found is None:
            if len(store_id) != 16:
                raise ValueError("a store id has 16 bytes")
            self._charge(_ENTRY_BYTES)
            found = MemoryStore(self, store_id)
            self._set(self._stores, store_id, found)
            self._order.append(store_id)
            self._later((self._order.pop,))
        return found

    # -- transaction -----------------------------------------------------------------------------------------
    def commit(self):
        if self._undo is not None:
            self.commits += 1
        self._undo = None
        self._pending = 0

    def rollback(self):
        while self._undo is not None:
            step, self._undo = self._undo
            step[0](*step[1:])
        self._pending = 0

    def pending(self):
        return self._pending

    def room(self):
        return 1 << 29 if self.capacity is None else max(self.capacity - self._used, 0)

    def body_writer(self, size, content=False):
        if size > self.room():
            raise StorageFull("no room for %d bytes" % size)
        return _MemoryWriter(self)

    def to_write(self, body):
        return body.size

    def reopened(self):
        """What a new process finds after this one crashed: only what was committed. Ends this object."""
        self.rollback()
        fresh = MemoryStorage(self.capacity)
        fresh._used = self._used
        fresh._records = self._records
        fresh._order = self._order
        for store_id in self._order:
            fresh._stores[store_id] = MemoryStore(fresh, store_id, self._stores[store_id])
        return fresh

    # -- used by the stores ------------------------------------------------------------------------------------
    def _charge(self, count):
        """Counts bytes about to be written. StorageFull, before anything changed, when they do not fit."""
        if self.capacity is not None and self._used + count > self.capacity:
            raise StorageFull("no room for %d bytes" % count)
        self._used += count
        self._pending += count
        self._later((self._refund, count))

    def _later(self, step):
        """Notes an undo step, (function, arguments…). A linked list: it needs no large piece of a small heap."""
        self._undo = (step, self._undo)

    def _refund(self, count):
        self._used -= count

    def _free(self, count):
        self._used -= count
        self._later((self._refund, -count))

    def _set(self, mapping, key, value):
        """mapping[key] = value (None deletes), undoable."""
        self._later((_assign, mapping, key, mapping.get(key)))
        _assign(mapping, key, value)


def _assign(mapping, key, value):
    if value is None:
        mapping.pop(key, None)
    else:
        mapping[key] = value


class MemoryStore:
    """`contract.Store` in memory."""

    first_sequence = 1

    def __init__(self, storage, store_id, source=None):
        self.id = store_id
        self.count = 0
        self.head = ZERO
        self._storage = storage
        self._intentions = {}
        self._floating = []
        self._sequences = {}
        self._ranges = None
        self._log = []  # (hash, author, wall_ms, head)
        self._chains = {}  # author: list of hashes
        self._authors = []
        self._last = {}  # author: sequence of its tip
        self._tables = {}
        self._blobs = {}
        for table in contract.TABLES:
            self._tables[table] = _Rows(storage)
        if source is not None:
            self._take_over(source)

    def _take_over(self, source):
        self.count = source.count
        self.head = source.head
        self._intentions = source._intentions
        self._floating = source._floating
        self._sequences = source._sequences
        self._log = source._log
        self._chains = source._chains
        self._authors = source._authors
        self._last = source._last
        self._blobs = source._blobs
        for table in contract.TABLES:
            self._tables[table].keys = source._tables[table].keys
            self._tables[table].values = source._tables[table].values

    # -- intentions --------------------------------------------------------------------------------------------
    def has(self, hash):
        return hash in self._intentions

    def put(self, intention, absent=False):
        hash = intention.hash
        if hash in self._intentions:
            return
        self._storage._charge(intention.body.size + len(intention.signature))
        self._storage._set(self._intentions, hash, intention)
        self._floating.append(hash)
        self._storage._later((self._floating.pop,))

    def get(self, hash):
        return self._intentions.get(hash)

    def mend(self, intention):
        self._storage._set(self._intentions, intention.hash, intention)

    def drop(self, hash):
        if hash in self._sequences:
            raise ValueError("a witnessed intention stays")
        intention = self._intentions.get(hash)
        if intention is None:
            return
        self._storage._free(intention.body.size + len(intention.signature))
        self._storage._set(self._intentions, hash, None)
        self._unfloat(hash)

    def _unfloat(self, hash):
        at = self._floating.index(hash)
        self._floating.pop(at)
        self._storage._later((self._floating.insert, at, hash))

    def floating(self):
        return list(self._floating)

    # -- witness log and chains ----------------------------------------------------------------------------------
    def witness(self, hash, wall_ms, head):
        intention = self._intentions[hash]
        author = intention.author
        storage = self._storage
        storage._charge(_ENTRY_BYTES)
        self._unfloat(hash)
        chain = self._chains.get(author)
        if chain is None:
            chain = []
            storage._set(self._chains, author, chain)
            self._authors.append(author)
            storage._later((self._authors.pop,))
        chain.append(hash)
        self._log.append((hash, author, wall_ms, head))
        storage._set(self._sequences, hash, self.count + 1)
        storage._set(self._last, author, self.count + 1)
        storage._later((self._unwitness, chain, self.count, self.head))
        self.count += 1
        self.head = head

    def _unwitness(self, chain, count, head):
        chain.pop()
        self._log.pop()
        self._ranges = None
        self.count = count
        self.head = head

    def witness_sequence(self, hash):
        return self._sequences.get(hash, 0)

    def _entry(self, sequence):
        if not 1 <= sequence <= self.count:
            raise ValueError("no such sequence")
        return self._log[sequence - 1]

    def witness_at(self, sequence):
        entry = self._entry(sequence)
        return entry[0], entry[2]

    def witness_author(self, sequence):
        return self._entry(sequence)[1]

    def witness_log(self, after=0):
        while after < self.count:
            hash, author, wall_ms, _ = self._log[after]
            after += 1
            yield after, hash, author, wall_ms

    def head_at(self, sequence):
        return self._entry(sequence)[3]

    def authors(self):
        return list(self._authors)

    def chain(self, author):
        chain = self._chains.get(author)
        return (len(chain), chain[-1]) if chain else (0, ZERO)

    def chain_at(self, author, position):
        chain = self._chains.get(author, ())
        if not 1 <= position <= len(chain):
            raise ValueError("no such position")
        return chain[position - 1]

    def chain_base(self, author):
        return 0, ZERO, 0

    def position(self, hash):
        sequence = self._sequences.get(hash, 0)
        if not sequence:
            return None
        author = self._log[sequence - 1][1]
        return author, length_at(self, author, sequence)

    def length_at(self, author, sequence):
        return length_at(self, author, sequence)

    def pinned(self, hash):
        return False

    def newest_authors(self, count):
        by_tip = sorted([(-self._last[author], author) for author in self._authors])
        return [author for _, author in by_tip[:count]]

    # -- ranges of witnessed hashes ------------------------------------------------------------------------------
    def range_summary(self, start, end):
        return self._followed().summary(start, end)

    def range_hashes(self, start, end, limit):
        return self._followed().hashes(start, end, limit)

    def _followed(self):
        if self._ranges is None:
            self._ranges = MemoryRanges()
        self._ranges.follow([entry[0] for entry in self._log])
        return self._ranges

    # -- tables ------------------------------------------------------------------------------------------------------
    def row(self, table, key):
        return self._tables[table].values.get(key)

    def put_row(self, table, key, value):
        if len(key) > contract.ROW_KEY_BYTES:
            raise ValueError("row key too long")
        if value is not None and len(value) > contract.ROW_VALUE_BYTES:
            raise ValueError("row value too long")
        self._tables[table].put(bytes(key), None if value is None else bytes(value))

    def rows(self, table, prefix=b"", after=None):
        return self._tables[table].scan(bytes(prefix), after)

    # -- blobs -------------------------------------------------------------------------------------------------------
    def has_blob(self, hash):
        return hash in self._blobs

    def put_blob(self, hash, body):
        if hash in self._blobs:
            return
        data = bytes(body) if isinstance(body, (bytes, bytearray, memoryview)) else body.read(0, body.size)
        self._storage._charge(len(data))
        self._storage._set(self._blobs, bytes(hash), data)

    def blob(self, hash):
        data = self._blobs.get(hash)
        return None if data is None else BytesBody(data)

    def drop_blob(self, hash):
        data = self._blobs.get(hash)
        if data is not None:
            self._storage._free(len(data))
            self._storage._set(self._blobs, hash, None)

    def blobs(self):
        for hash in list(self._blobs):
            data = self._blobs.get(hash)
            if data is not None:
                yield hash, len(data)


class _Rows:
    """One ordered table: sorted keys beside a dict."""

    def __init__(self, storage):
        self.storage = storage
        self.keys = []
        self.values = {}

    def put(self, key, value):
        old = self.values.get(key)
        if value is None and old is None:
            return
        grown = (0 if value is None else len(key) + len(value)) - (0 if old is None else len(key) + len(old))
        if grown > 0:
            self.storage._charge(grown)
        else:
            self.storage._free(-grown)
        self.storage._later((self._place, key, old))
        self._place(key, value)

    def _place(self, key, value):
        present = key in self.values
        if value is None:
            if present:
                del self.values[key]
                self.keys.pop(first_not_less(self.keys, key))
        else:
            if not present:
                self.keys.insert(first_not_less(self.keys, key), key)
            self.values[key] = value

    def scan(self, prefix, after):
        """Rows from the first one with the prefix and behind `after`; goes on correctly when rows change."""
        at = first_not_less(self.keys, prefix) if after is None or after < prefix else self._behind(after, 0)
        keys = self.keys
        while at < len(keys):
            key = keys[at]
            if key[: len(prefix)] != prefix:
                return
            yield key, self.values[key]
            at = self._behind(key, at)

    def _behind(self, key, guess):
        """Index of the first key greater than `key`; `guess` is where `key` was a moment ago."""
        keys = self.keys
        if guess < len(keys) and keys[guess] == key:
            return guess + 1
        at = first_not_less(self.keys, key)
        return at + 1 if at < len(keys) and keys[at] == key else at


class _MemoryWriter:
    def __init__(self, storage):
        self._storage = storage
        self._data = bytearray()

    def write(self, data):
        if len(self._data) + len(data) > self._storage.room():
            raise StorageFull("no room for %d bytes" % (len(self._data) + len(data)))
        self._data.extend(data)

    def body(self):
        data = self._data
        self._data = bytearray()
        return BytesBody(bytes(data))

    def discard(self):
        self._data = bytearray()
