"""The flash storage on CPython, over a folder instead of littlefs: for debugging, and because an ordinary file system
keeps what was never synced. So every reopening finds torn tails and unmarked batches, which must not count."""

import os
import tempfile

from lattice_flash.storage import FlashStorage
from support import storage_suite
from support.folder_vfs import FolderVfs

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
