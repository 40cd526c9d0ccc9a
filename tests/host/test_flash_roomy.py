"""The log engine where there is memory: other segments, wider numbers, dicts beside columns (folder_campaign.py)."""

import os
import random
import tempfile

import pytest

from host import folder_campaign
from lattice_core.errors import StorageError
from lattice_flash import checkpoint
from lattice_flash.geometry import STICK
from lattice_flash.hash_index import HashIndex
from lattice_flash.roomy import RoomyIndex
from lattice_flash.roomy import folder as geometry_of
from lattice_flash.segments import FOLDER
from lattice_flash.storage import FlashStorage
from support import index_rules, storage_suite
from support.folder_vfs import FolderVfs
from support.memory_vfs import MemoryVfs

GEOMETRY = geometry_of(32768, 4096)


def make():
    return FlashStorage(MemoryVfs(), os.urandom, None, GEOMETRY)


def reopen(storage):
    return FlashStorage(storage.files.vfs.reborn(), os.urandom, None, GEOMETRY)


storage_suite.install(globals(), make, reopen)


@pytest.mark.parametrize("index", [HashIndex, RoomyIndex])
def test_an_index_is_a_list(index):
    index_rules.check_items(index(8))


@pytest.mark.parametrize("seed", range(3))
def test_a_folder_holds_what_was_committed(seed, tmp_path):
    figures = folder_campaign.run(str(tmp_path), 3000, seed, geometry_of(32768, 1024), authors=7, size=64)
    assert figures["intentions"] >= 3000


def test_addresses_of_a_large_log_are_no_longer_than_those_of_a_stick():
    large = geometry_of()
    for slot, offset in ((0, 0), (2047, (1 << 20) - 4), (1024, 4096)):
        address = large.address_at(slot, offset)
        assert (large.slot_of(address), large.offset_of(address)) == (slot, offset)
        assert address < 0x3FFFFFFF
    with pytest.raises(ValueError, match="no address"):
        geometry_of(1 << 20, 8192)
    with pytest.raises(ValueError, match="no address"):
        geometry_of(100000, 8)


def test_a_log_is_not_read_as_another_machine_s():
    with tempfile.TemporaryDirectory() as folder:
        storage = FlashStorage(FolderVfs(folder), os.urandom, None, GEOMETRY)
        storage.store(storage_suite.STORE)
        storage.commit()
        with pytest.raises(StorageError, match="segments of 32768 bytes"):
            FlashStorage(FolderVfs(folder), os.urandom, None, STICK)


def written_at_random(folder, seed):
    """(vfs, rows that were committed): some keys are written again and again, some once."""
    rng = random.Random(seed)
    vfs = FolderVfs(folder, 20000)
    storage = FlashStorage(vfs, os.urandom, None, GEOMETRY)
    store = storage.store(storage_suite.STORE)
    storage.commit()
    rows = {}
    for number in range(300):
        batch = {}
        for _ in range(rng.randrange(1, 60)):
            key = b"hot %d" % rng.randrange(40) if rng.random() < 0.7 else b"cold %d" % rng.randrange(99 * number + 99)
            batch[key] = b"%d" % number + bytes(rng.randrange(300))
            store.put_row(storage_suite.TABLE_DATA, key, batch[key])
        if rng.random() < 0.2:
            storage.rollback()
        else:
            storage.commit()
            rows.update(batch)
        if rng.random() < 0.1:
            storage = FlashStorage(vfs, os.urandom, None, GEOMETRY)  # the plug was pulled, and it starts anew
            store = storage.store(storage_suite.STORE)
        while rng.random() < 0.9 and storage.idle():
            pass
    return vfs, rows


@pytest.mark.parametrize("seed", range(16))
def test_what_was_committed_is_there_without_a_checkpoint(seed, tmp_path):
    """Compacted segments leave holes in the log; what is open before one of them counts, or never did."""
    vfs, rows = written_at_random(str(tmp_path), seed)
    if "index" in [name for name, *_ in vfs.ilistdir(FOLDER)]:
        vfs.remove(checkpoint.NAME)
    store = FlashStorage(vfs, os.urandom, None, GEOMETRY).store(storage_suite.STORE)
    assert dict(store.rows(storage_suite.TABLE_DATA)) == rows
