"""What peers are known to hold: too little perhaps, never too much."""

from lattice_core.errors import StorageFull
from lattice_core.model import intention as intentions
from lattice_core.model import ops
from lattice_core.model.identity import Identity
from lattice_core.storage.contract import ZERO
from support.nano import START_MS, joined, node
from support.nodes import CRYPTO, NOW_MS, share

PEER = b"p" * 32


def test_content_says_nothing_of_intentions():
    _, _, data = share()
    for number in range(4):
        data.kv.put(b"fs/%d" % number, b"v", NOW_MS)
    holdings = data.holdings
    count = data.store.count
    holdings.content_acknowledged(PEER, count)
    assert holdings.holds_items(PEER) == 0
    assert not holdings.holds_content(PEER, count, b"fs/3")
    holdings.acknowledged(PEER, count - 1)
    assert holdings.holds_items(PEER) == count - 1
    assert holdings.holds_content(PEER, count - 1, b"fs/2")
    assert not holdings.holds_content(PEER, count, b"fs/3")
    holdings.acknowledged(PEER, count)
    assert holdings.holds_content(PEER, count, b"fs/3")


def test_a_peer_that_refused_an_intention_is_not_taken_to_hold_it():
    left, right = node(1, "laptop"), node(2, "stick")
    world, notes = joined(left, right)
    world.sync()
    there = right.tree.get(notes.id).weaver
    real = there._need_room

    def need(size):
        if size > 1000:
            raise StorageFull("no room")
        return real(size)

    there._need_room = need
    author = Identity(CRYPTO, bytes([9]) * 32)
    notes.kv.put(b"small", b"v", START_MS + 100)
    large = intentions.create(CRYPTO, author, START_MS + 50, 0, notes.id, ZERO, [], ops.app(bytes(2000)))
    notes.weaver.ingest(large, START_MS)
    left.journal.commit(START_MS)
    assert not world.sync().complete
    assert notes.holdings.holds_items(right.identity.public) < notes.store.witness_sequence(large.hash)
