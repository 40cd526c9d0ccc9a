"""One SQLite connection in WAL mode: durable commits, and errors in the core's own types."""

import errno
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing
from urllib.parse import quote

from lattice_core.errors import StorageError, StorageFull

from .schema import PAGE_BYTES

PRIVATE_MODE = 0o600
_CACHE_KIB = 65536
_NOT_WRITABLE = (errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EPERM)
_NO_SHARED_MEMORY = (
    sqlite3.SQLITE_IOERR_SHMOPEN,
    sqlite3.SQLITE_IOERR_SHMSIZE,
    sqlite3.SQLITE_IOERR_SHMMAP,
    sqlite3.SQLITE_IOERR_SHMLOCK,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
)
_WAL_BYTES = 32 * 1024 * 1024  # the log is folded into the file when it passes this


class Database:
    """Statements as plain calls. A transaction begins with the first write and ends with `commit`/`rollback`.

    One process writes at a time (lock.py); others may read beside it. `beside_writer`: what was committed when the
    file was opened is read until it is closed, whatever a writer does meanwhile. `read_only`: of a disk that cannot be
    written; nobody writes there.
    """

    def __init__(self, path, read_only=False, beside_writer=False):
        self.path = path
        self._copy = None
        self.read_only = read_only or beside_writer
        if beside_writer:
            self._open_beside_writer()
            return
        if read_only:
            self._open_to_read()
            return
        _make_private(path)
        self._connection = self._connected(path)
        try:
            if not self._may_be_shared():
                self._connection.close()
                self._connection = self._connected(path)
                self.run("PRAGMA locking_mode = EXCLUSIVE")
            self._set_up()
        except StorageError:
            self._connection.close()
            raise

    def _may_be_shared(self):
        """False on a file system without the shared memory that readers beside a writer need, as on a network: the
        file is then of one process for as long as that has it open."""
        try:
            self._connection.execute("PRAGMA page_size = %d" % PAGE_BYTES)
            mode = self._connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
            self._connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        except sqlite3.Error as error:
            if error.sqlite_errorcode in _NO_SHARED_MEMORY or error.sqlite_errorcode & 0xFF in _NO_SHARED_MEMORY:
                return False
            raise _explained(self.path, error) from error
        return mode == "wal"

    def _open_beside_writer(self):
        self._connection = self._connected("file:%s?mode=ro" % quote(os.fsencode(self.path)), uri=True)
        try:
            self.run("PRAGMA cache_size = -%d" % _CACHE_KIB)
            self.run("PRAGMA query_only = ON")
            self.run("BEGIN")
            self.one("SELECT count(*) FROM sqlite_schema")  # what is read from now on is as it is now
        except StorageError:
            self._connection.close()
            raise

    def _connected(self, path, uri=False):
        try:
            return sqlite3.connect(path, timeout=2, isolation_level=None, cached_statements=256, uri=uri)
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error

    def _open_to_read(self):
        """SQLite reads a database with a write-ahead log only where it may write beside it, or when it is told that
        nothing changes; then it does not look into the log. A log that was left by a crash is read in a copy."""
        path = self.path
        if os.path.exists(path + "-wal") and os.path.getsize(path + "-wal"):
            self._copy, path = _copied(path)
        self._connection = self._connected("file:%s?mode=ro&immutable=1" % quote(os.fsencode(path)), uri=True)
        self.run("PRAGMA query_only = ON")

    def _set_up(self):
        self.run("PRAGMA page_size = %d" % PAGE_BYTES)
        mode = self.one("PRAGMA journal_mode = WAL")[0]
        if mode != "wal":
            raise StorageError(
                "%s: SQLite has no write-ahead log here (it answered %r); is this a network disk?" % (self.path, mode),
                "no_access",
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
        if not self.read_only and self._connection.in_transaction:
            self.run("ROLLBACK")

    def close(self):
        """What was not committed is dropped."""
        self._connection.close()
        if self._copy is not None:
            self._copy.cleanup()


def may_write(path):
    """False when the disk of the file is read-only, or full: SQLite then cannot even make its log."""
    try:
        with tempfile.TemporaryFile(dir=os.path.dirname(path)) as probe:
            probe.write(bytes(PAGE_BYTES))
            probe.flush()
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE_MODE))
    except OSError as error:
        return error.errno not in _NOT_WRITABLE or not os.path.exists(path)
    return True


def _copied(path):
    """(folder that goes away, path in it): database and log, the log folded into the file."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="lattice-host-", ignore_cleanup_errors=True)
        copy = os.path.join(folder.name, "node.db")
        for end in ("", "-wal"):
            shutil.copyfile(path + end, copy + end)
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    except (OSError, sqlite3.Error) as error:
        raise StorageError(
            "%s was left in the middle of a write, and its disk is read-only or full: it can be read once it was "
            "opened where there is room (a copy of it could not be made: %s)" % (path, error),
            "not_readable_here",
        ) from error
    return folder, copy


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
            "%s may not be written (%s); check who owns the data directory" % (path, error.strerror),
            "no_access",
        ) from error


def _explained(path, error):
    """The core's error for one of SQLite's, with the likely cause and the next step."""
    code = getattr(error, "sqlite_errorcode", None)
    primary = None if code is None else code & 0xFF
    if primary == sqlite3.SQLITE_FULL:
        return StorageFull("no room on the disk of %s; nothing of this step was stored" % path)
    if primary in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return StorageError("%s is in use by another program; end that one first" % path, "in_use")
    if primary in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return StorageError(
            "%s is damaged (%s); move the whole data directory away, identity.key too, `join` with a new invite to get "
            "the data back from a peer, and revoke the old identity there" % (path, error),
            "damaged",
        )
    if primary == sqlite3.SQLITE_READONLY:
        return StorageError(
            "%s cannot be written (%s): its disk is full or read-only; what needs no writing works" % (path, error),
            "no_access",
        )
    if primary in (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM):
        return StorageError(
            "%s may not be written (%s); check who owns the data directory" % (path, error), "no_access"
        )
    if primary == sqlite3.SQLITE_IOERR:
        return StorageError("the disk failed while %s was used (%s)" % (path, error), "disk_failed")
    return StorageError("%s: %s" % (path, error))
