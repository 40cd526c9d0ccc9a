"""The flash storage on CPython, over a folder instead of littlefs: for debugging, and because an ordinary file system
keeps what was never synced. So every reopening finds torn tails and unmarked batches, which must not count."""

import io
import os
import pathlib
import tempfile

from lattice_flash.storage import FlashStorage
from support import storage_suite

BLOCK_BYTES = 4096
BLOCKS = 512


class FolderVfs:
    """What `lattice_flash.filesystem` asks of a VfsLfs2."""

    def __init__(self, folder):
        self.folder = folder

    def _path(self, name):
        return self.folder + name

    def open(self, name, mode):
        return io.FileIO(self._path(name), mode.replace("b", ""))

    def stat(self, name):
        return os.stat(self._path(name))

    def ilistdir(self, name):
        for entry in os.scandir(self._path(name)):
            yield entry.name, 0, 0, 0 if entry.is_dir() else entry.stat().st_size

    def mkdir(self, name):
        os.mkdir(self._path(name))

    def remove(self, name):
        os.remove(self._path(name))

    def rename(self, old, new):
        os.replace(self._path(old), self._path(new))

    def statvfs(self, name):
        sizes = [entry.stat().st_size for entry in pathlib.Path(self._path(name)).rglob("*") if entry.is_file()]
        used = sum(-(-size // BLOCK_BYTES) for size in sizes)
        return BLOCK_BYTES, BLOCK_BYTES, BLOCKS, max(BLOCKS - used, 0)


_folders = []  # removed when the tests are over


def make():
    _folders.append(tempfile.TemporaryDirectory(prefix="flash-"))
    return FlashStorage(FolderVfs(_folders[-1].name), os.urandom)


def reopen(storage):
    return FlashStorage(storage.files.vfs, os.urandom)


storage_suite.install(globals(), make, reopen)


def test_half_written_blocks_do_not_count():
    storage = make()
    store = storage.store(storage_suite.STORE)
    store.put_row(storage_suite.TABLE_DATA, b"key", b"kept")
    storage.commit()
    for number in range(3):
        store.put_row(storage_suite.TABLE_DATA, b"key", b"lost" * 800)
        for _ in range(number):
            store.put_row(storage_suite.TABLE_DATA, b"other", b"lost" * 800)
        storage = reopen(storage)
        store = storage.store(storage_suite.STORE)
        assert list(store.rows(storage_suite.TABLE_DATA)) == [(b"key", b"kept")]
        store.put_row(storage_suite.TABLE_DATA, b"after", b"%d" % number)
        storage.commit()
        storage = reopen(storage)
        store = storage.store(storage_suite.STORE)
        assert store.row(storage_suite.TABLE_DATA, b"after") == b"%d" % number
        store.put_row(storage_suite.TABLE_DATA, b"after", None)
        storage.commit()
