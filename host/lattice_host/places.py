"""What this node remembers of files on disks: the version of a name that was last put from a place, or got to it.

A *place* is a file on a disk, by its folder (absolute, links resolved) and its name there, bound to a store and a name
in it. By its memory a `put` tells what somebody changed on the disk from what is only older than the store, and a `get`
tells its own files from other people's. The rows change in the transaction that writes what they speak of.

A path alone does not say which disk is meant: another stick may be plugged in under the same folder. So a row counts
only on the disk that it was noted on.
"""

import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .storage.schema import PLACE

_BY_UUID = "/dev/disk/by-uuid"
_HASH_BYTES = 32
_COLUMNS = "folder, name, path, heads, cid, content, mode, stamp, copy"


@dataclass(frozen=True)
class Known:
    """`heads`: the writes whose versions whoever works at the place has before him. `cid`, `content` (BLAKE3 of the
    bytes), `mode`, `stamp`: the file on the disk at that time. `copy`: it is the conflict copy of another version."""

    heads: tuple[bytes, ...]
    cid: bytes
    content: bytes
    mode: int
    stamp: str
    copy: bool = False


def stamp_of(status: os.stat_result) -> str:
    """What changes when a file is written: size, time in ns, inode. Text: SQLite's integers end in the year 2262."""
    return "%d %d %d" % (status.st_size, status.st_mtime_ns, status.st_ino)


class Places:
    """The memory of one node, in its storage's database; without a storage for as long as the object lives."""

    def __init__(self, storage=None):
        self._disks: dict[int, bytes] = {}
        self._asked: tuple[tuple[Path, bytes], dict[str, Known]] | None = None  # what was looked up last
        if storage is None:
            memory = sqlite3.connect(":memory:")
            memory.execute(PLACE)
            self._all = lambda statement, values: memory.execute(statement, values).fetchall()
            self._write = lambda statement, values, _size: memory.execute(statement, values)
        else:
            self._all = storage.database.all
            self._write = storage.write

    def known(self, where: Path, store_id: bytes, path: str) -> Known | None:
        """What is remembered of the place `where` (its folder without links) as `path` in a store."""
        return self.at(where, store_id).get(path)

    def at(self, where: Path, store_id: bytes) -> dict[str, Known]:
        """{name in the store: Known}: everything that the place is remembered as."""
        if self._asked is None or self._asked[0] != (where, store_id):
            rows = self._all(
                "SELECT %s FROM place WHERE folder = ? AND name = ? AND store = ? AND disk = ?" % _COLUMNS,
                (*_split(where), store_id, self._disk(where)),
            )
            self._asked = (where, store_id), {row[2]: _known(row) for row in rows}
        return self._asked[1]

    def below(self, folder: Path, store_id: bytes) -> Iterator[tuple[Path, str, Known]]:
        """(place, name in the store, Known) of everything remembered below a folder."""
        start = os.fsencode(folder)
        rows = self._all(
            "SELECT %s FROM place WHERE (folder = ? OR folder >= ? AND folder < ?) AND store = ? AND disk = ?"
            % _COLUMNS,
            (start, start.rstrip(b"/") + b"/", start.rstrip(b"/") + b"0", store_id, self._disk(folder)),
        )
        for row in rows:
            yield Path(os.fsdecode(row[0])) / os.fsdecode(row[1]), row[2], _known(row)

    def note(self, where: Path, store_id: bytes, path: str, known: Known) -> None:
        """Remembers; writes nothing when exactly this is remembered already."""
        if self.known(where, store_id, path) == known:
            return
        self._asked = None
        values = (*_split(where), store_id, path, self._disk(where), b"".join(known.heads), known.cid, known.content)
        values += (known.mode, known.stamp, int(known.copy))
        size = len(values[0]) + len(values[1]) + len(path) + len(values[5]) + 150
        self._write("INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values, size)

    def forget(self, where: Path, store_id: bytes, path: str | None = None) -> None:
        """The place is gone; with `path`: it is no longer that name's."""
        self._asked = None
        if path is not None:
            statement = "DELETE FROM place WHERE folder = ? AND name = ? AND store = ? AND path = ?"
            self._write(statement, (*_split(where), store_id, path), 1)
            return
        self._write("DELETE FROM place WHERE folder = ? AND name = ? AND store = ?", (*_split(where), store_id), 1)

    def _disk(self, where: Path) -> bytes:
        """Which disk a place is on, or would be: looked up once for each device."""
        while True:
            try:
                status = os.lstat(where)
                break
            except OSError:
                if where == where.parent:
                    return b""
                where = where.parent
        if status.st_dev not in self._disks:
            self._disks[status.st_dev] = _disk_identity(where, status.st_dev)
        return self._disks[status.st_dev]


def _split(where: Path) -> tuple[bytes, bytes]:
    return os.fsencode(where.parent), os.fsencode(where.name)


def _known(row) -> Known:
    heads = tuple(row[3][at : at + _HASH_BYTES] for at in range(0, len(row[3]), _HASH_BYTES))
    return Known(heads, row[4], row[5], row[6], row[7], bool(row[8]))


def _disk_identity(where: Path, device: int) -> bytes:
    """The file system's UUID where the system tells it; device numbers change from one plugging in to the next."""
    try:
        for item in os.scandir(_BY_UUID):
            if item.stat().st_rdev == device:
                return os.fsencode(item.name)
    except OSError:
        pass
    try:
        return b"%d" % os.statvfs(where).f_fsid
    except OSError:
        return b""
