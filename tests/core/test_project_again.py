"""A projection that begins anew is done in pieces, and goes on where the power went."""

import gc

from lattice_core.machines.registry import TYPE_KV
from lattice_core.storage.contract import TABLE_DATA, TABLE_META
from lattice_flash.flash_index import Memory
from lattice_flash.geometry import Geometry
from lattice_flash.hash_index import HashIndex
from lattice_flash.storage import FlashStorage
from support import case, crypto, raises
from support.memory_vfs import MemoryVfs, PowerCut
from support.weaver import NOW_MS, STORE, Author, Replica

COUNT = 200
OLDER = b"\x00older"
GEOMETRY = Geometry(8192, 512, 65535, 1024, 145000, HashIndex)  # files that fit the heap of a stick
_memory = Memory()


def written():
    """(vfs, state hash) of a store that an older projection has made."""
    storage = FlashStorage(MemoryVfs(), crypto().random, _memory, GEOMETRY)
    replica = Replica(1, storage)
    author = Author(2)
    for number in range(COUNT):
        replica.take(author.put(b"key-%d" % (number % 70), b"%d" % number))
    state = replica.weaver.state_hash()
    replica.store.put_row(TABLE_META, b"state", OLDER)
    replica.store.put_row(TABLE_DATA, b"of older times", b"row")
    storage.commit()
    return storage.files.vfs.reborn(), state


def opened(vfs):
    return FlashStorage(vfs, crypto().random, _memory, GEOMETRY)


def _cut_once(cut):
    """A first start whose power goes at file operation `cut`, then a second one that ends."""
    vfs, state = written()
    vfs.cut_at = cut
    try:
        storage = opened(vfs)
        Replica(1, storage, commit=storage.commit)
    except PowerCut:
        pass
    gc.collect()  # files are pieces of a small heap here
    storage = opened(vfs.reborn())
    assert Replica(1, storage, commit=storage.commit).weaver.state_hash() == state


def _operations():
    """File operations of a first start that nothing cuts."""
    vfs, state = written()
    storage = opened(vfs)
    assert Replica(1, storage, commit=storage.commit).weaver.state_hash() == state
    return vfs.operations


def test_a_projection_goes_on_where_the_power_went():
    operations = _operations()
    assert operations > 6
    for cut in range(1, operations, 1 + operations // 8):
        with case(cut):
            gc.collect()
            _cut_once(cut)


def test_what_is_done_is_not_done_again():
    vfs, state = written()
    storage = opened(vfs)
    reached = []

    def commit():
        storage.commit()
        reached.append(int.from_bytes(storage.store(STORE).row(TABLE_META, b"state")[9:17], "big"))
        if len(reached) == 3:
            raise PowerCut()

    raises(PowerCut, Replica, 1, storage, TYPE_KV, NOW_MS, commit)
    assert reached == [0, 64, 128]
    storage = opened(vfs.reborn())
    replica = Replica(1, storage, commit=commit)
    assert reached == [0, 64, 128, 192]
    assert replica.weaver.state_hash() == state
    assert replica.store.row(TABLE_DATA, b"of older times") is None


def test_a_log_that_has_become_shorter_is_projected_from_its_beginning():
    replica = Replica(1)
    author = Author(2)
    replica.take(author.put(b"key", b"value"))
    state = replica.weaver.state_hash()
    version = replica.store.row(TABLE_META, b"state")
    under_way = b"\x00" + (70).to_bytes(8, "big") + (64).to_bytes(8, "big") + version
    replica.store.put_row(TABLE_META, b"state", under_way)
    replica.store.put_row(TABLE_DATA, b"of older times", b"row")
    again = Replica(1, replica.storage)
    assert again.weaver.state_hash() == state
    assert replica.store.row(TABLE_META, b"state") == version
    assert replica.store.row(TABLE_DATA, b"of older times") is None
