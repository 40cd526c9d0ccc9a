"""The bound of what the lists of a stick take of its memory. Runs on the stick's interpreter with the stick's heap."""

from boot_case import fresh_board
from firmware import main
from firmware.flash.storage import MEMORY_BYTES
from heap_case import STORE, _put
from lattice_core.errors import StorageFull
from lattice_core.model.identity import Identity
from lattice_core.model.intention import ZERO
from lattice_core.node import stores
from lattice_core.weaver.weaver import WITNESSED
from nano_support import START_MS

_EACH = 15  # bytes that an intention with a key takes
_LEFT = 9500  # of the bound, at the beginning of a test


def _desk():
    """(loop, a store, a function that ingests one more intention) on a stick whose memory is nearly used."""
    loop = main.start(fresh_board())
    node, crypto = loop.node, loop.board.crypto
    root = node.create_store("share", stores.ROOT_TYPE, None, START_MS)
    handle = node.add_handle(stores.add_store(node, STORE, stores.KV_TYPE, root.id, START_MS))
    node.commit(START_MS)
    author = Identity(crypto, b"\x09" * 32)
    tip = [ZERO, 0]

    def ingest():
        made = _put(crypto, author, tip[0], tip[1])
        fate = handle.weaver.ingest(made, START_MS, True)
        tip[0], tip[1] = made.hash, tip[1] + 1
        node.commit(START_MS)
        node.take_events()
        return fate

    used = loop.storage.memory_bytes() - 5000 * loop.storage.open_stores()
    stores_told = (MEMORY_BYTES - used - _LEFT) // 5000
    loop.storage.open_stores = lambda: stores_told
    loop.storage._entries_left = 0
    return loop, handle, ingest


def _until_full(ingest):
    for number in range(_LEFT // _EACH):
        try:
            assert ingest() == WITNESSED
        except StorageFull as error:
            return number, str(error)
    raise AssertionError("there is no bound")


def test_lists_are_bounded_and_a_full_stick_goes_on():
    loop, handle, ingest = _desk()
    count, words = _until_full(ingest)
    assert count > 20 and "memory" in words, (count, words)
    assert loop.storage.memory_bytes() <= MEMORY_BYTES and not handle.weaver.unfinished
    assert handle.store.count == count and len(list(handle.kv.list())) == count
    again = _until_full(ingest)
    assert again[0] == 0, "a full one takes no more"


def test_no_store_is_opened_beyond_the_bound():
    loop, _, _ = _desk()
    counted = []
    told = loop.storage.open_stores()
    loop.storage.open_stores = lambda: told + len(counted)
    try:
        for number in range(3):  # 5,000 bytes each, of which a margin is left
            stores.add_store(loop.node, b"another-of-test%d" % number, stores.KV_TYPE, None, START_MS)
            counted.append(1)
        raise AssertionError("there was room")
    except StorageFull as error:
        assert "store" in str(error)
    loop.node.rollback()
    assert len(loop.node.stores) == 2
