"""Storage of one node in one SQLite file (lattice_core.storage.contract.Storage)."""

import os

from lattice_core.errors import StorageError, StorageFull
from lattice_core.storage.contract import RECORD_NAME_BYTES, RECORD_VALUE_BYTES, RECORDS
from lattice_core.weaver.roomy import RoomyFloating

from . import own_rows
from .bodies import MemoryBodyWriter
from .database import Database
from .schema import PAGE_BYTES, prepare
from .store import SqliteStore

_RESERVE_BYTES = 32 * 1024 * 1024  # left free on the disk, so that commits and the write-ahead log always fit


class SqliteStorage:
    """`path` is created when absent. What was not committed when the process ends is gone, nothing else.

    `limit_bytes`: the file never grows beyond it; None leaves only the disk's own limit. `read_only`: nothing is
    written, and every attempt to is a StorageError. `own`: the node's public key, where it is known.
    `beside_writer`: as `read_only`, while another process may write: what it has committed by now is read.
    """

    commit_bytes = 1 << 20  # what arrives is committed in batches of this size, or after BATCH_MS
    new_floating = RoomyFloating

    def __init__(self, path, limit_bytes=None, read_only=False, own=None, beside_writer=False):
        self.path = os.fspath(path)
        self.database = Database(self.path, read_only, beside_writer)
        self._limit_bytes = limit_bytes
        self._stores = {}  # id -> SqliteStore, in order of creation
        self._pending_bytes = 0
        self.mended = []  # what was damaged and put right, in words
        try:
            prepare(self.database)
            self.own = own_rows.prepare(self.database, own)
            for number, store_id in self.database.all("SELECT n, id FROM store ORDER BY n"):
                self._stores[store_id] = SqliteStore(self, number, store_id)
        except StorageError:
            self.database.close()
            raise
        if limit_bytes is not None:
            self.database.one("PRAGMA max_page_count = %d" % (limit_bytes // PAGE_BYTES))
        self._room = self._free_bytes()

    @property
    def medium(self):
        reserve = "%d MiB of it stay free for what is under way" % (_RESERVE_BYTES >> 20)
        return "the disk of %s (%s)" % (self.path, reserve if self._limit_bytes is None else "its limit is set")

    # -- node records -----------------------------------------------------------------------------------

    def record(self, name):
        row = self.database.one("SELECT value FROM record WHERE name = ?", (name,))
        return None if row is None else row[0]

    def put_record(self, name, value):
        if value is None:
            self.write("DELETE FROM record WHERE name = ?", (name,), len(name))
            return
        if len(name) > RECORD_NAME_BYTES or len(value) > RECORD_VALUE_BYTES:
            raise ValueError("record too long: name %d, value %d bytes" % (len(name), len(value)))
        if self.record(name) is None and self.database.one("SELECT count(*) FROM record")[0] >= RECORDS:
            raise ValueError("more than %d records" % RECORDS)
        self.write("INSERT OR REPLACE INTO record VALUES (?, ?)", (name, bytes(value)), len(name) + len(value))

    # -- stores -------------------------------------------------------------------------------------------

    def store_ids(self):
        return list(self._stores)

    def store(self, store_id):
        store_id = bytes(store_id)
        store = self._stores.get(store_id)
        if store is None:
            if len(store_id) != 16:
                raise ValueError("a store id has 16 bytes, not %d" % len(store_id))
            statement = "INSERT INTO store (id, count, head) VALUES (?, 0, zeroblob(32))"
            number = self.write(statement, (store_id,), len(store_id)).lastrowid
            store = self._stores[store_id] = SqliteStore(self, number, store_id)
        return store

    def stamps(self, after_ms):
        """Wall times after `after_ms`, ascending: of each month the first and the last in any witness log."""
        statement = "SELECT first, last FROM stamped WHERE last > ? ORDER BY month"
        for first, last in self.database.all(statement, (after_ms,)):
            if first > after_ms:
                yield first
            yield last

    # -- the transaction ------------------------------------------------------------------------------------

    def write(self, statement, values, size):
        """One statement in the open transaction; `size` bytes (about) are added."""
        self.database.begin()
        self._pending_bytes += size
        return self.database.run(statement, values)

    def count(self, size):
        """The next commit writes `size` more bytes (about)."""
        self._pending_bytes += size

    def note(self, size):
        """The same, or StorageFull when they do not fit. Before anything is changed."""
        if size > self._room - self._pending_bytes:
            left = max(0, self._room - self._pending_bytes)
            raise StorageFull("no room on %s for %d bytes, %d are left: free some space" % (self.medium, size, left))
        self._pending_bytes += size

    def commit(self):
        if not self._pending_bytes and (self.database.read_only or not self.database.in_transaction()):
            return
        self.database.begin()
        for store in self._stores.values():
            store.flush()
        self.database.commit()
        self._pending_bytes = 0
        self._room = self._free_bytes()

    def rollback(self):
        self.database.rollback()
        self._pending_bytes = 0
        kept = {store_id for (store_id,) in self.database.all("SELECT id FROM store")}
        for store_id in [store_id for store_id in self._stores if store_id not in kept]:
            del self._stores[store_id]
        for store in self._stores.values():
            store.reload()

    def pending(self):
        return self._pending_bytes

    def room(self):
        return max(0, self._room - self._pending_bytes)

    def body_writer(self, size, content=False):
        return MemoryBodyWriter(size, self.room())

    def to_write(self, body):
        return body.size

    def close(self):
        """Drops what was not committed and lets the file go."""
        self.database.close()

    def note_mended(self, words):
        if words not in self.mended:
            self.mended.append(words)

    # -- health -------------------------------------------------------------------------------------------

    def check(self):
        """SQLite's own check of every page and index, then the fingerprints. StorageError in words. Reads all."""
        findings = [text for (text,) in self.database.all("PRAGMA integrity_check(10)")]
        if findings != ["ok"]:
            raise StorageError("%s is damaged: %s" % (self.path, "; ".join(findings)), "damaged")
        for store in self._stores.values():
            store.check()

    def _free_bytes(self):
        try:
            disk = os.statvfs(os.path.dirname(self.path) or ".")
        except OSError as error:
            raise StorageError("the disk of %s cannot be asked for its free space (%s)" % (self.path, error)) from error
        free = disk.f_bavail * disk.f_frsize - _RESERVE_BYTES
        if self._limit_bytes is None:
            return free
        used, unused = (self.database.one("PRAGMA " + name)[0] for name in ("page_count", "freelist_count"))
        return min(free, self._limit_bytes - (used - unused) * PAGE_BYTES)
