"""Which rows of the state this node has won: a row in `own` for each row of TABLE_DATA whose winner it wrote.

The stamps of a node's own intentions ascend along its chain (`model.hlc.own_wall`), so "witnessed after sequence n" is
a range of the index by stamp, whatever the history is. `own` changes in the flush that changes the rows themselves: it
is committed, rolled back and worked out anew with them. Here the layout of a row is known (`machines.kvtable`).
"""

from collections.abc import Iterable

from lattice_core.storage.contract import TABLE_DATA

_HEAD_AT = {0: 1, 1: 5}  # first byte of a row → where its winner begins
_RANK_BYTES = 12  # wall time and counter: what precedes the author
_KIND_AT = 76  # behind the beginning of a head
_DELETED = (0x00, 0x80)
_FILES = b"fs/"


def _won(own: bytes, key: bytes, value: bytes) -> tuple[bytes, bool, bytes, bool] | None:
    """(key, is file, rank, is no deletion) of a row whose winner is this node's, else None."""
    at = _HEAD_AT.get(value[0] if value else 2)
    if at is None or value[at + _RANK_BYTES : at + _RANK_BYTES + len(own)] != own or len(value) <= at + _KIND_AT:
        return None
    return key, key.startswith(_FILES), value[at : at + _RANK_BYTES], value[at + _KIND_AT] not in _DELETED


def prepare(database, own: bytes | None) -> bytes | None:
    """The key of the node whose rows are kept. A database that was made without it is read once."""
    noted = database.one("SELECT key FROM owner")
    if own is None or database.read_only or noted == (own,):
        return None if noted is None else noted[0]
    database.begin()
    database.run("DELETE FROM own")
    database.run("DELETE FROM owner")
    database.run("INSERT INTO owner VALUES (?)", (own,))
    for (number,) in database.all("SELECT n FROM store"):
        rows = database.all("SELECT key, value FROM state WHERE store = ? AND kind = ?", (number, TABLE_DATA))
        OwnRows(database, number, own).note(rows)
    database.commit()
    return own


class OwnRows:
    """Of one store. `since`, `until`: ranks (wall time u64 ‖ counter u32, big-endian) of the writes that count, from
    and before; None: no bound. What is pending must have been flushed."""

    def __init__(self, database, store_number: int, own: bytes):
        self._database = database
        self._store = store_number
        self._own = own
        self._any = database.one("SELECT 1 FROM own WHERE store = ?", (store_number,)) is not None

    def note(self, rows: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Rows of TABLE_DATA were changed, [(key, value or None)]. In the open transaction."""
        kept, gone = [], []
        for key, value in rows:
            won = None if value is None else _won(self._own, key, value)
            if won is None:
                gone.append((self._store, key))
            else:
                kept.append((self._store, *won))
        if self._any:
            self._database.many("DELETE FROM own WHERE store = ? AND key = ?", gone)
        if kept:
            self._any = True
            self._database.many("INSERT OR REPLACE INTO own VALUES (?, ?, ?, ?, ?)", kept)

    def count(self, files: bool, since: bytes | None = None) -> int:
        """How many rows of files or of other keys; of files without deletions."""
        where, values = self._where(files, since, None)
        return self._database.one("SELECT count(*)" + where, values)[0]

    def keys(self, files: bool, since: bytes | None = None, until: bytes | None = None, limit: int = -1) -> list[bytes]:
        """The first `limit` (-1: all) row keys of the same, ascending."""
        where, values = self._where(files, since, until)
        return [key for (key,) in self._database.all("SELECT key%s ORDER BY key LIMIT %d" % (where, limit), values)]

    def _where(self, files, since, until):
        where = " FROM own INDEXED BY own_by_rank WHERE store = ? AND is_file = ?" + (" AND live" if files else "")
        values = [self._store, files]
        for sign, bound in ((">=", since), ("<", until)):
            if bound is not None:
                where += " AND rank %s ?" % sign
                values.append(bound)
        return where, values
