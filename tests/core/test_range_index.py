"""Range fingerprints of the memory storage against a scan of all hashes."""

from lattice_core.storage.contract import ZERO
from lattice_core.testing.memory import MemoryStorage
from lattice_core.weaver.index import LEAF_ITEMS, MemoryNodes, RangeIndex
from support import Rng, storage_suite

LAST = b"\xff" * 32


def scanned(hashes, start, end):
    total = 0
    count = 0
    for hash in hashes:
        if start <= hash and (end is None or hash < end):
            total ^= int.from_bytes(hash, "big")
            count += 1
    return count, total.to_bytes(32, "big")


def filled(hashes, batch):
    nodes = MemoryNodes()
    index = RangeIndex(nodes)
    for number, hash in enumerate(hashes):
        nodes.insert(hash)
        index.add(hash)
        if number % batch == 0:
            index.flush()
    return index


def check(index, hashes, rng, rounds):
    for _ in range(rounds):
        start, end = rng.bytes(32), rng.bytes(32)
        if rng.below(2):
            start = rng.choice(hashes)
        if rng.below(3) == 0:
            end = None
        elif rng.below(3) == 0:
            end = (start[: rng.below(4)] + LAST)[:32]
        assert index.summary(start, end) == scanned(hashes, start, end)
    assert index.summary(ZERO, None) == scanned(hashes, ZERO, None)
    assert index.summary(ZERO, LAST) == scanned(hashes, ZERO, LAST)


def test_random_hashes_in_batches():
    for seed, batch in ((1, 1), (2, 7), (3, 400)):
        rng = Rng(seed)
        hashes = [rng.bytes(32) for _ in range(500)]
        check(filled(hashes, batch), hashes, rng, 20)


def test_hashes_that_begin_alike():
    """Ground by somebody: the tree is deep where they lie, and right."""
    rng = Rng(4)
    beginning = rng.bytes(29)
    hashes = [beginning + bytes([n >> 8, n & 255, 7]) for n in range(LEAF_ITEMS + 60)]
    index = filled(hashes, 50)
    assert index.summary(hashes[10], hashes[200]) == scanned(hashes, hashes[10], hashes[200])
    check(index, hashes, rng, 10)


def test_first_and_last_possible_hash():
    hashes = [ZERO, LAST]
    index = filled(hashes, 1)
    assert index.summary(ZERO, LAST) == (1, ZERO)
    assert index.summary(ZERO, None) == (2, LAST)
    assert index.summary(LAST, None) == (1, LAST)


def test_empty_and_inverted_ranges():
    index = filled([b"\x05" * 32], 1)
    assert index.summary(b"\x06" * 32, b"\x04" * 32) == (0, ZERO)
    assert index.summary(b"\x05" * 32, b"\x05" * 32) == (0, ZERO)
    assert filled([], 1).summary(ZERO, None) == (0, ZERO)


def test_memory_storage_follows_witnesses_and_rollbacks():
    storage = MemoryStorage()
    store = storage.store(storage_suite.STORE)
    items = storage_suite.chain(storage_suite.author_key(1), 12)
    for item in items:
        store.put(item)
    for number, item in enumerate(items[:6]):
        store.witness(item.hash, 1, storage_suite.head(number))
    storage.commit()
    first = [item.hash for item in items[:6]]
    assert store.range_summary(ZERO, None) == scanned(first, ZERO, None)
    for number, item in enumerate(items[6:]):
        store.witness(item.hash, 1, storage_suite.head(number))
    everything = [item.hash for item in items]
    assert store.range_summary(ZERO, None) == scanned(everything, ZERO, None)
    assert store.range_hashes(ZERO, None, 5) == sorted(everything)[:5]
    storage.rollback()
    assert store.range_summary(ZERO, None) == scanned(first, ZERO, None)
    assert store.range_hashes(ZERO, LAST, 100) == sorted(first)
