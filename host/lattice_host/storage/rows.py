"""The ordered state tables of one store in SQLite, write-behind."""

from lattice_core.errors import StorageError
from lattice_core.storage.contract import ROW_KEY_BYTES, ROW_VALUE_BYTES, TABLE_DATA, TABLES

from . import mending
from .own_rows import OwnRows

_ROW_OVERHEAD_BYTES = 64  # about what the index and the row header add
_PAGE_ROWS = 256


class _Scan:
    """Where an iterator is, and whether a row ahead of it has changed since it read its page."""

    def __init__(self, last):
        self.last = last
        self.stale = False


class StateRows:
    """`row`, `put_row` and `rows` of lattice_core.storage.contract.Store."""

    def __init__(self, storage, store_number):
        self._storage = storage
        self._database = storage.database
        self._store = store_number
        self.suspects = []  # (table, key) of rows that were found damaged
        self.own = None if storage.own is None else OwnRows(self._database, store_number, storage.own)
        self.forget()

    def forget(self):
        """Drops what is pending, after a rollback."""
        self._pending = {table: {} for table in TABLES}  # key -> value or None
        self._scans = {table: [] for table in TABLES}  # of iterators under way

    def row(self, table, key):
        pending = self._pending[table]
        if key in pending:
            return pending[key]
        row = self._database.one(
            "SELECT value FROM state WHERE store = ? AND kind = ? AND key = ?", (self._store, table, key)
        )
        return None if row is None else self._opened(table, key, row[0])

    def _opened(self, table, key, stored):
        """The value of a row without its sum; one bit that has flipped is put right. StorageError when it is more."""
        value = mending.opened(table, key, stored)
        if value is not None:
            return value
        self.suspects.append((table, key))
        value = mending.mended(table, key, stored)
        if value is None:
            raise StorageError(
                "%s: a row of the state is damaged in it; what follows from the log is worked out from it anew now: "
                "try again, and see `store verify`" % self._database.path,
                "damaged",
            )
        return value

    def damaged(self):
        """[(table, key)] of rows with more than one wrong bit: each row is read, and what can be put right is, in the
        open transaction."""
        self.flush()
        damaged = []
        rows = self._database.all("SELECT kind, key, value FROM state WHERE store = ?", (self._store,))
        for table, key, stored in rows:
            try:
                value = self._opened(table, key, stored)
            except StorageError:
                damaged.append((table, key))
                continue
            if stored[: -mending.SUM_BYTES] != value or stored[len(value) :] != mending.sum_of(table, key, value):
                self._storage.note_mended("a row of the state had a wrong bit")
                if not self._database.read_only:
                    self.put_row(table, key, value)
        return damaged

    def put_row(self, table, key, value):
        if len(key) > ROW_KEY_BYTES:
            raise ValueError("row key of %d bytes, at most %d fit" % (len(key), ROW_KEY_BYTES))
        if value is None:
            self._storage.count(len(key) + 1)  # a full disk takes deletions
        else:
            if len(value) > ROW_VALUE_BYTES:
                raise ValueError("row value of %d bytes, at most %d fit" % (len(value), ROW_VALUE_BYTES))
            self._storage.note(len(key) + len(value) + _ROW_OVERHEAD_BYTES)
            value = bytes(value)
        self._pending[table][bytes(key)] = value
        for scan in self._scans[table]:
            if scan.last is None or key > scan.last:
                scan.stale = True

    def rows(self, table, prefix=b"", after=None):
        scan = _Scan(after)
        scans = self._scans[table]
        scans.append(scan)
        try:
            while True:
                self._flush_table(table)
                scan.stale = False
                page = self._page(table, prefix, scan.last)
                for key, stored in page:
                    scan.last = key
                    yield key, self._opened(table, key, stored)
                    if scan.stale:
                        break  # something ahead has changed
                else:
                    if len(page) < _PAGE_ROWS:
                        return
        finally:
            if scan in scans:  # a rollback may have dropped it
                scans.remove(scan)

    def _page(self, table, prefix, last):
        where, values = "key >= ?", [self._store, table, prefix]
        if last is not None and last >= prefix:
            where, values[2] = "key > ?", last
        end = _after(prefix)
        if end is not None:
            where += " AND key < ?"
            values.append(end)
        statement = "SELECT key, value FROM state WHERE store = ? AND kind = ? AND %s ORDER BY key LIMIT %d"
        return self._database.all(statement % (where, _PAGE_ROWS), values)

    def flush(self):
        """Moves what is pending into the table, in the open transaction."""
        for table in TABLES:
            self._flush_table(table)

    def _flush_table(self, table):
        pending = self._pending[table]
        if not pending or self._database.read_only:
            return  # what a reader has worked out is seen by `row`, and forgotten with it
        self._database.begin()
        kept = [
            (self._store, table, key, value + mending.sum_of(table, key, value))
            for key, value in pending.items()
            if value is not None
        ]
        if len(kept) < len(pending):
            gone = [(self._store, table, key) for key, value in pending.items() if value is None]
            self._database.many("DELETE FROM state WHERE store = ? AND kind = ? AND key = ?", gone)
        self._database.many("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?)", kept)
        if table == TABLE_DATA and self.own is not None:
            self.own.note(pending.items())
        pending.clear()


def _after(prefix):
    """Smallest key greater than all that start with `prefix`; None when there is none."""
    stripped = prefix.rstrip(b"\xff")
    return stripped[:-1] + bytes((stripped[-1] + 1,)) if stripped else None
