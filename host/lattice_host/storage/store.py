"""One store in SQLite (lattice_core.storage.contract.Store): intentions, witness log and chains.

State tables and blobs are in rows.py and blobs.py, sums over ranges of hashes in fingerprints.py.

Write-behind: what an ingest step adds is kept in dicts and goes to the tables with executemany, at commit or
when a query over a range needs it. Single look-ups ask the dicts first. Chains stand in memory: one entry an author.
"""

from lattice_core.errors import ProtocolError, StorageError
from lattice_core.model.intention import from_body
from lattice_core.seams import BytesBody
from lattice_core.storage.chains import length_at
from lattice_core.storage.contract import ZERO
from lattice_core.weaver.index import RangeIndex

from ..crypto import blake3_digest
from .blobs import SqlBlobs
from .bodies import body_bytes
from .chains import SqlChains
from .fingerprints import SqliteNodes
from .mending import columns_differ, ends_differ, log_is_good, mend_columns
from .rows import StateRows

_ROW_OVERHEAD_BYTES = 64  # about what indexes and row headers add
_PAGE_ROWS = 1024
_MONTH_MS = 30 * 86400000
_UNPLACED = (0, 0, 0, 0, None)  # sequence, author number, position, wall_ms, head of a floating intention


class SqliteStore:
    def __init__(self, storage, number, store_id):
        self.id = store_id
        self._storage = storage
        self._database = storage.database
        self._number = number
        self._nodes = SqliteNodes(self._database, number)
        self._index = RangeIndex(self._nodes)
        self._chains = SqlChains(self._database, number)
        self.authors, self.chain, self.newest_authors = self._chains.authors, self._chains.chain, self._chains.newest
        self._state = StateRows(storage, number)
        self.own_rows = self._state.own
        self.row, self.put_row, self.rows = self._state.row, self._state.put_row, self._state.rows
        blobs = SqlBlobs(storage, number)
        self.has_blob, self.put_blob, self.blob = blobs.has_blob, blobs.put_blob, blobs.blob
        self.drop_blob, self.blobs = blobs.drop_blob, blobs.blobs
        self.suspects = []  # hashes of intentions that were found damaged
        self.suspect_rows = self._state.suspects
        self.reload()
        self.ends_differ = ends_differ(self._database, number)
        if self.ends_differ:
            self.mend_columns()

    def mend_columns(self, only_when_damaged=False):
        """Works out from the bodies and the heads of the log what stands beside them, and commits that. False when that
        cannot be done. Nothing may be pending."""
        if self._database.read_only:
            return False
        if only_when_damaged and not columns_differ(self._database, self._number) and self._chains_are_good():
            return False
        done = mend_columns(self._database, self._number, self.id, self._index.add)
        if done:
            self._index.flush()
            self._database.commit()
            self._storage.note_mended("columns of the log were worked out anew from its bodies and heads")
        self.reload()
        return done

    def reload(self):
        """Everything from the tables; what was pending is forgotten."""
        row = self._database.one("SELECT count, head, first FROM store WHERE n = ?", (self._number,))
        self.count, self.head, self.first_sequence = row
        self._absent = None  # the hash that `has` has just missed: who asks will put it
        self._arrived = {}  # hash -> Intention not yet in the table
        self._placed = {}  # hash -> (sequence, author number, position, wall_ms, head) not yet in the table
        self._sequences = {}  # sequence -> hash of those
        self._positions = {}  # (author number, position) -> hash of those
        self._state.forget()
        self._index.forget()
        self._chains.load()

    # -- intentions ---------------------------------------------------------------------------------------

    def has(self, hash):
        if hash in self._arrived or self._find(hash) is not None:
            return True
        self._absent = hash
        return False

    def _find(self, hash):
        """(sequence,) of an intention in the table, or None."""
        return self._database.one("SELECT sequence FROM intention WHERE store = ? AND hash = ?", (self._number, hash))

    def put(self, intention, absent=False):
        hash = intention.hash
        if not absent and hash != self._absent and self.has(hash):
            return
        self._storage.note(intention.body.size + 3 * _ROW_OVERHEAD_BYTES)
        self._absent = None
        self._arrived[hash] = intention

    def get(self, hash):
        arrived = self._arrived.get(hash)
        if arrived is not None:
            return arrived
        row = self._database.one(
            "SELECT body, signature FROM intention WHERE store = ? AND hash = ?", (self._number, hash)
        )
        if row is None:
            return None
        try:
            if blake3_digest(row[0]) == hash:
                return from_body(BytesBody(row[0]), hash, row[1])
            error = "its bytes have another hash"
        except (ProtocolError, TypeError) as found:
            error = str(found)
        self.suspects.append(hash)
        raise StorageError(
            "%s: the write %s is damaged in it (%s); `sync` with somebody who has it brings it again"
            % (self._database.path, hash.hex()[:16], error),
            "damaged",
        )

    def mend(self, intention):
        hash = intention.hash
        if hash in self._arrived:
            self._arrived[hash] = intention
            return
        self._storage.write(
            "UPDATE intention SET body = ?, signature = ? WHERE store = ? AND hash = ?",
            (body_bytes(intention.body), bytes(intention.signature), self._number, hash),
            intention.body.size + _ROW_OVERHEAD_BYTES,
        )

    def drop(self, hash):
        if self.witness_sequence(hash):
            raise ValueError("a witnessed intention stays")
        if self._arrived.pop(hash, None) is not None:
            return
        self._storage.write(
            "DELETE FROM intention WHERE store = ? AND hash = ? AND sequence = 0",
            (self._number, hash),
            _ROW_OVERHEAD_BYTES,
        )

    def floating(self):
        rows = self._database.all(
            "SELECT hash FROM intention WHERE store = ? AND sequence = 0 ORDER BY n", (self._number,)
        )
        stored = [hash for (hash,) in rows if hash not in self._placed]
        return stored + [hash for hash in self._arrived if hash not in self._placed]

    # -- witness log and chains ---------------------------------------------------------------------------

    def witness(self, hash, wall_ms, head):
        self._storage.note(3 * _ROW_OVERHEAD_BYTES)
        number, position = self._chains.advance(self._author_of(hash), hash, self.count + 1)
        self.count += 1
        self.head = head
        self._placed[hash] = (self.count, number, position, _signed(wall_ms), head)
        self._sequences[self.count] = hash
        self._positions[number, position] = hash
        self._index.add(hash)

    def _author_of(self, hash):
        intention = self.get(hash)
        if intention is None:
            raise ValueError("witness of an intention that is not stored")
        return intention.author

    def witness_sequence(self, hash):
        placed = self._placed.get(hash)
        if placed is not None:
            return placed[0]
        if hash in self._arrived:
            return 0
        row = self._find(hash)
        return 0 if row is None else row[0]

    def witness_at(self, sequence):
        hash = self._sequences.get(sequence)
        if hash is not None:
            return hash, _unsigned(self._placed[hash][3])
        hash, wall_ms = self._witnessed(sequence, "hash, wall_ms")
        return hash, _unsigned(wall_ms)

    def witness_author(self, sequence):
        hash = self._sequences.get(sequence)
        number = self._witnessed(sequence, "author")[0] if hash is None else self._placed[hash][1]
        return self._chains.author(number)

    def head_at(self, sequence):
        hash = self._sequences.get(sequence)
        return self._witnessed(sequence, "head")[0] if hash is None else self._placed[hash][4]

    def _witnessed(self, sequence, columns):
        if not 1 <= sequence <= self.count:
            raise ValueError("no witness record %d, there are %d" % (sequence, self.count))
        return self._present(
            "SELECT " + columns + " FROM intention WHERE store = ? AND sequence = ?", (self._number, sequence)
        )

    def _present(self, statement, values):
        """The row that must be there."""
        row = self._database.one(statement, values)
        if row is None:
            raise self._lacking()
        return row

    def _lacking(self):
        self.suspect_rows.append((None, b""))
        return StorageError("%s lacks intentions that it has counted: it is damaged" % self._database.path, "damaged")

    def witness_log(self, after=0):
        while after < self.count:
            self.flush()
            page = self._database.all(
                "SELECT sequence, hash, author, wall_ms FROM intention "
                "WHERE store = ? AND sequence > ? ORDER BY sequence LIMIT %d" % _PAGE_ROWS,
                (self._number, max(after, 0)),
            )
            if not page:
                raise self._lacking()
            for sequence, hash, number, wall_ms in page:
                if sequence != after + 1:
                    raise self._lacking()
                after = sequence
                yield sequence, hash, self._chains.author(number), _unsigned(wall_ms)

    def chain_at(self, author, position):
        number = self._chains.number_of(author, position)
        hash = self._positions.get((number, position))
        if hash is not None:
            return hash
        return self._present(
            "SELECT hash FROM intention WHERE store = ? AND author = ? AND position = ?",
            (self._number, number, position),
        )[0]

    def chain_base(self, author):
        row = self._database.one(
            "SELECT base, base_hash, base_stamp FROM author WHERE store = ? AND key = ?", (self._number, author)
        )
        return (0, ZERO, 0) if row is None else row

    def position(self, hash):
        placed = self._placed.get(hash)
        if placed is not None:
            return self._chains.author(placed[1]), placed[2]
        row = self._database.one(
            "SELECT author, position FROM intention WHERE store = ? AND hash = ? AND sequence > 0", (self._number, hash)
        )
        return None if row is None else (self._chains.author(row[0]), row[1])

    def length_at(self, author, sequence):
        return length_at(self, author, sequence)

    def pinned(self, hash):
        statement = "SELECT count(*) FROM intention WHERE store = ? AND hash = ? AND mask IS NOT NULL"
        return self._database.one(statement, (self._number, hash))[0] > 0

    # -- ranges of witnessed hashes, for the reference's reconciliation -------------------------------------

    def range_summary(self, start, end):
        """(count, XOR of 32 bytes) of the witnessed hashes in [start, end); O(log n). `end` None: to the last."""
        self.flush()
        return self._index.summary(start, end)

    def range_hashes(self, start, end, limit):
        """The first `limit` witnessed hashes in [start, end), ascending."""
        self.flush()
        return self._nodes.between(start, end, limit)

    # -- write-behind -----------------------------------------------------------------------------------------

    def flush(self):
        """Moves everything pending into the tables, in the open transaction."""
        self._state.flush()
        if self._arrived or self._placed:
            self._database.begin()
            self._flush_intentions()
            self._chains.flush()
        self._index.flush()

    def _flush_intentions(self):
        arrived, placed = self._arrived, self._placed
        self._database.many(
            "INSERT INTO intention (store, hash, sequence, author, position, wall_ms, head, signature, body) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    self._number,
                    hash,
                    *placed.get(hash, _UNPLACED),
                    bytes(intention.signature),
                    body_bytes(intention.body),
                )
                for hash, intention in arrived.items()
            ],
        )
        late = [(*place, self._number, hash) for hash, place in placed.items() if hash not in arrived]
        self._database.many(
            "UPDATE intention SET sequence = ?, author = ?, position = ?, wall_ms = ?, head = ? "
            "WHERE store = ? AND hash = ?",
            late,
        )
        self._note_stamps(placed)
        self._database.run("UPDATE store SET count = ?, head = ? WHERE n = ?", (self.count, self.head, self._number))
        for pending in (arrived, placed, self._sequences, self._positions):
            pending.clear()

    def _note_stamps(self, placed):
        """Months of 30 days: what lies between two stamps of one month is no gap that anybody asks for."""
        months = {}
        for place in placed.values():
            wall_ms = _unsigned(place[3])
            first, last = months.get(wall_ms // _MONTH_MS, (wall_ms, wall_ms))
            months[wall_ms // _MONTH_MS] = (min(first, wall_ms), max(last, wall_ms))
        self._database.many(
            "INSERT INTO stamped VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET first = min(first, excluded.first), "
            "last = max(last, excluded.last)",
            [(month, _signed(first), _signed(last)) for month, (first, last) in months.items()],
        )

    def damaged_rows(self):
        """[(table, key)] of rows that cannot be put right by themselves. Reads all; what can be put right is."""
        return self._state.damaged()

    def _chains_are_good(self):
        """Each entry of the log follows from the one before, and stands in its author's chain. Reads all."""
        return log_is_good(self._database, self._number, self.id)

    def check(self):
        """StorageError unless the fingerprints add up to what is witnessed and the rows fit their sums."""
        self.flush()
        if columns_differ(self._database, self._number):
            raise StorageError("%s: columns of its log do not say what its counts do" % self._database.path, "damaged")
        damaged = len(self._state.damaged())
        if damaged:
            raise StorageError("%s: rows of the state are damaged: %d" % (self._database.path, damaged))
        self._nodes.check()


def _signed(wall_ms):
    """SQLite's integers end at 2^63 - 1, stamps at 2^64 - 1."""
    return wall_ms - (1 << 64) if wall_ms >> 63 else wall_ms


def _unsigned(wall_ms):
    return wall_ms & 0xFFFFFFFFFFFFFFFF
