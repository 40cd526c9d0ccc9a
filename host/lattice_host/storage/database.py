"""One SQLite connection in WAL mode: durable commits, and errors in the core's own types."""

import os
import sqlite3

from lattice_core.errors import StorageError, StorageFull

from .schema import PAGE_BYTES

PRIVATE_MODE = 0o600
_CACHE_KIB = 65536
_WAL_BYTES = 32 * 1024 * 1024  # the log is folded into the file when it passes this


class Database:
    """Statements as plain calls. A transaction begins with the first write and ends with `commit`/`rollback`.

    The lock is exclusive for as long as the file is open: the data directory belongs to one process (lock.py),
    and reads outside a transaction then need no lock of their own.
    """

    def __init__(self, path):
        self.path = path
        _make_private(path)
        try:
            self._connection = sqlite3.connect(path, timeout=2, isolation_level=None, cached_statements=256)
        except sqlite3.Error as error:
            raise _explained(path, error) from error
        try:
            self._set_up()
        except StorageError:
            self._connection.close()
            raise

    def _set_up(self):
        self.run("PRAGMA locking_mode = EXCLUSIVE")
        self.run("PRAGMA page_size = %d" % PAGE_BYTES)
        mode = self.one("PRAGMA journal_mode = WAL")[0]
        if mode != "wal":
            raise StorageError(
                "%s: SQLite has no write-ahead log here (it answered %r); is this a network disk?" % (self.path, mode)
            )
        self.run("PRAGMA synchronous = FULL")
        self.run("PRAGMA cache_size = -%d" % _CACHE_KIB)
        self.run("PRAGMA wal_autocheckpoint = %d" % (_WAL_BYTES // PAGE_BYTES))
        self.run("PRAGMA journal_size_limit = %d" % (2 * _WAL_BYTES))

    def run(self, statement, values=()):
        try:
            return self._connection.execute(statement, values)
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error

    def many(self, statement, rows):
        try:
            self._connection.executemany(statement, rows)
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error

    def one(self, statement, values=()):
        """First row or None."""
        try:
            return self._connection.execute(statement, values).fetchone()
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error

    def all(self, statement, values=()):
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error

    def in_transaction(self):
        return self._connection.in_transaction

    def begin(self):
        if not self._connection.in_transaction:
            self.run("BEGIN IMMEDIATE")

    def commit(self):
        if self._connection.in_transaction:
            self.run("COMMIT")

    def rollback(self):
        if self._connection.in_transaction:
            self.run("ROLLBACK")

    def close(self):
        """What was not committed is dropped."""
        self._connection.close()


def _make_private(path):
    """Nobody else may read the file, nor what SQLite makes beside it: that gets the same mode."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_MODE)
        try:
            if os.fstat(descriptor).st_mode & 0o077:
                os.fchmod(descriptor, PRIVATE_MODE)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise StorageError(
            "%s may not be written (%s); check who owns the data directory" % (path, error.strerror)
        ) from error


def _explained(path, error):
    """The core's error for one of SQLite's, with the likely cause and the next step."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return StorageFull("no room on the disk of %s; nothing of this step was stored" % path)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageError("%s is in use by another program; end that one first" % path)
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StorageError(
            "%s is damaged (%s); move the whole data directory away, identity.key too, `join` with a new invite to get "
            "the data back from a peer, and revoke the old identity there" % (path, error)
        )
    if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return StorageError("%s may not be written (%s); check who owns the data directory" % (path, error))
    if primary == sqlite3.SQLITE_IOERR:
        return StorageError("the disk failed while %s was used (%s)" % (path, error))
    return StorageError("%s: %s" % (path, error))
