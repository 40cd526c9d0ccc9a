"""A node whose identity has written two histories learns so from whoever holds the other one, and writes no more."""

from lattice_core.errors import LatticeError
from lattice_core.model import intention as intentions
from lattice_core.storage.contract import ZERO
from lattice_core.weaver.own import FORKED_RECORD
from support import crypto
from support.forks import check_cut, check_stopped, cloned, put
from support.nano import START_MS, NodePair, node


def test_the_copy_learns_of_it_whatever_the_lengths_of_the_two_and_whoever_begins():
    for here, there in ((1, 1), (3, 1), (1, 3), (1, 12)):
        for begins in range(2):
            world, clone, store_id = cloned()
            put(world.left, store_id, there, key=b"original")
            assert world.connect().sync().complete
            mine = put(clone, store_id, here)
            other = NodePair(clone, world.right, START_MS + 5000)
            report = other.run((other.a if begins else other.b).sync())
            outcome = report.outcomes[store_id]
            assert outcome.forks == [clone.identity.public]
            assert not report.complete
            if begins:
                assert outcome.unheld == here
            assert mine.kv.get(b"k0") is not None, "what it has written it keeps"
            check_stopped(clone)
            # The third keeps what it had, and the one who wrote that goes on.
            assert world.left.tree.get(store_id).weaver.read_only is None
            put(world.left, store_id, 1, key=b"more")
            assert world.connect().sync().complete


def test_both_sides_know_the_fork_by_evidence_when_it_is_near():
    world, clone, store_id = cloned()
    put(world.left, store_id, 1, key=b"original")
    world.connect().sync()
    put(clone, store_id, 1)
    other = NodePair(clone, world.right, START_MS + 5000)
    other.sync()
    kept = [(author, held) for author, held, _, _ in world.right.tree.get(store_id).weaver.forks()]
    assert kept == [(clone.identity.public, world.left.tree.get(store_id).store.chain(clone.identity.public)[1])]
    ((author, held, _, _),) = clone.tree.get(store_id).weaver.forks()
    assert held == clone.tree.get(store_id).store.chain(author)[1]
    sent = other.pair.a.bytes_out
    other.connect().sync()
    assert other.pair.a.bytes_out < sent  # it is said every time, and shown only to its author


def test_large_writes_are_evidence_too():
    world, clone, store_id = cloned()
    put(world.left, store_id, 1, 9000, key=b"original")
    world.connect().sync()
    put(clone, store_id, 1, 7000)
    other = NodePair(clone, world.right, START_MS + 5000)
    outcome = other.sync().outcomes[store_id]
    assert outcome.forks
    assert outcome.refused_here == outcome.refused_there == 0
    check_stopped(clone)


def accuse(world, theirs, item):
    """A sync in which the right shows `item` (None: nothing) as what it has of the left's chain."""
    own, tip = world.left.identity.public, b"t" * 32
    real_held, real_get = theirs.weaver.held, theirs.store.get
    theirs.weaver.held = lambda author: (1, tip) if author == own else real_held(author)
    theirs.store.get = lambda hash: item if hash == tip else real_get(hash)
    try:
        world.connect().sync()
    except LatticeError as error:
        assert "author" in str(error), error
    theirs.weaver.held, theirs.store.get = real_held, real_get


def test_an_accusation_without_evidence_stops_nobody():
    world, _clone, store_id = cloned()
    handle = put(world.left, store_id, 2)
    own = world.left.identity.public
    forged = intentions.create(crypto(), node(7, "x").identity, START_MS, 0, store_id, ZERO, [], b"\x52\x00")
    for item in (None, forged, handle.store.get(handle.store.chain(own)[1])):
        accuse(world, world.right.tree.get(store_id), item)
        assert handle.weaver.read_only is None
        assert world.left.storage.record(FORKED_RECORD) is None
    handle.kv.put(b"still", b"v", START_MS + 9000)
    world.left.journal.commit(START_MS)
    assert world.connect().sync().complete


def test_what_only_lies_ahead_is_no_fork():
    world, old, store_id = cloned()
    put(world.left, store_id, 5, key=b"later")
    assert world.connect().sync().complete
    other = NodePair(old, world.right, START_MS + 5000)
    assert other.sync().complete
    assert old.tree.get(store_id).weaver.read_only is None
    put(old, store_id, 1)
    assert other.connect().sync().complete


def test_a_sync_that_is_cut_leaves_an_older_copy_read_only_until_one_is_whole():
    check_cut(NodePair)
