"""Blobs of one store as rows in SQLite: measured faster than files (docs/decisions.md, "Host storage")."""

from lattice_core.seams import BytesBody

from .bodies import body_bytes

_ROW_OVERHEAD_BYTES = 64
_PAGE_ROWS = 256


class SqlBlobs:
    """The blob part of lattice_core.storage.contract.Store."""

    def __init__(self, storage, store_number):
        self._storage = storage
        self._database = storage.database
        self._store = store_number

    def has_blob(self, hash):
        return self._column(hash, "size") is not None

    def put_blob(self, hash, body):
        if self.has_blob(hash):
            return
        data = body_bytes(body)
        self._storage.note(len(data))
        self._storage.write(
            "INSERT INTO blob (store, hash, size, bytes) VALUES (?, ?, ?, ?)",
            (self._store, bytes(hash), len(data), data),
            _ROW_OVERHEAD_BYTES,
        )

    def blob(self, hash):
        data = self._column(hash, "bytes")
        return None if data is None else BytesBody(data)

    def drop_blob(self, hash):
        self._storage.write("DELETE FROM blob WHERE store = ? AND hash = ?", (self._store, hash), _ROW_OVERHEAD_BYTES)

    def blobs(self):
        last = b""
        while True:
            page = self._database.all(
                "SELECT hash, size FROM blob WHERE store = ? AND hash > ? ORDER BY hash LIMIT %d" % _PAGE_ROWS,
                (self._store, last),
            )
            yield from page
            if len(page) < _PAGE_ROWS:
                return
            last = page[-1][0]

    def _column(self, hash, column):
        row = self._database.one("SELECT " + column + " FROM blob WHERE store = ? AND hash = ?", (self._store, hash))
        return None if row is None else row[0]
