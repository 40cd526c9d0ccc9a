"""A node whose identity has written two histories learns so from whoever holds the other one, and writes no more."""

import gc

from lattice_core.errors import LatticeError, UsageError
from lattice_core.model import intention as intentions
from lattice_core.storage.contract import ZERO
from lattice_core.sync.tasks import StreamLost
from lattice_core.weaver.own import FORKED_RECORD
from nano_support import START_MS, World, joined, node
from support import crypto, raises


def cloned():
    """(world of the node and the third, the clone, data store's id): the clone has written nothing yet."""
    gc.collect()
    world, notes = joined(node(1, "left"), node(2, "right"))
    notes.kv.put(b"before", b"v", START_MS + 2000)
    world.left.commit(START_MS)
    assert world.connect().sync().complete
    clone = node(1, "left")
    other = World(clone, world.right)
    other.run(other.a.join(world.right.invite(world.right.roots()[0], START_MS)))
    return world, clone, notes.id


def put(node, store_id, count, size=1, key=b"k"):
    handle = node.get(store_id)
    for number in range(count):
        handle.kv.put(key + b"%d" % number, b"%d" % number * size, START_MS + 3000 + number)
    node.commit(START_MS)
    return handle


def check_stopped(clone):
    """Every store of the node refuses every write and says the way out; so it does when it is opened again."""
    for opened in (clone, node(1, "left", clone.storage.reopened())):
        for handle in opened.stores:
            assert "two histories" in handle.weaver.read_only
            assert handle.weaver.own_chain_is_forked()
            words = str(raises(UsageError, handle.weaver.submit, b"\x52\x00", [], START_MS + 9000))
            assert "node rekey --invite" in words
        raises(UsageError, opened.create_store, "another", "core:kvstore", None, START_MS + 9000)
        raises(UsageError, opened.invite, opened.roots()[0], START_MS + 9000)


def test_the_copy_learns_of_it_whatever_the_lengths_of_the_two_and_whoever_begins():
    for here, there in ((1, 1), (3, 1), (1, 3), (1, 12)):
        for begins in range(2):
            world, clone, store_id = cloned()
            put(world.left, store_id, there, key=b"original")
            assert world.connect().sync().complete
            mine = put(clone, store_id, here)
            other = World(clone, world.right, START_MS + 5000)
            report = other.run((other.a if begins else other.b).sync())
            outcome = report.outcomes[store_id]
            assert outcome.forks == [clone.identity.public]
            assert not report.complete
            if begins:
                assert outcome.unheld == here
            assert mine.kv.get(b"k0") is not None, "what it has written it keeps"
            check_stopped(clone)
            # The third keeps what it had, and the one who wrote that goes on.
            assert world.left.get(store_id).weaver.read_only is None
            put(world.left, store_id, 1, key=b"more")
            assert world.connect().sync().complete


def test_both_sides_know_the_fork_by_evidence_when_it_is_near():
    world, clone, store_id = cloned()
    put(world.left, store_id, 1, key=b"original")
    world.connect().sync()
    put(clone, store_id, 1)
    other = World(clone, world.right, START_MS + 5000)
    other.sync()
    kept = [(author, held) for author, held, _, _ in world.right.get(store_id).weaver.forks()]
    assert kept == [(clone.identity.public, world.left.get(store_id).store.chain(clone.identity.public)[1])]
    ((author, held, _, _),) = clone.get(store_id).weaver.forks()
    assert held == clone.get(store_id).store.chain(author)[1]
    sent = other.pair.a.bytes_out
    other.connect().sync()
    assert other.pair.a.bytes_out < sent  # it is said every time, and shown only to its author


def test_large_writes_are_evidence_too():
    world, clone, store_id = cloned()
    put(world.left, store_id, 1, 9000, key=b"original")
    world.connect().sync()
    put(clone, store_id, 1, 7000)
    other = World(clone, world.right, START_MS + 5000)
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
        accuse(world, world.right.get(store_id), item)
        assert handle.weaver.read_only is None
        assert world.left.storage.record(FORKED_RECORD) is None
    handle.kv.put(b"still", b"v", START_MS + 9000)
    world.left.commit(START_MS)
    assert world.connect().sync().complete


def test_what_only_lies_ahead_is_no_fork():
    world, old, store_id = cloned()
    put(world.left, store_id, 5, key=b"later")
    assert world.connect().sync().complete
    other = World(old, world.right, START_MS + 5000)
    assert other.sync().complete
    assert old.get(store_id).weaver.read_only is None
    put(old, store_id, 1)
    assert other.connect().sync().complete


def older(world, store_id, count):
    """An older copy of the left's data, after the left has written `count` more and the right holds them."""
    copy = node(1, "left")
    other = World(copy, world.right)
    other.run(other.a.join(world.right.invite(world.right.roots()[0], START_MS)))
    put(world.left, store_id, count, 20, key=b"later")
    assert world.connect().sync().complete
    return copy


def test_a_sync_that_is_cut_leaves_an_older_copy_read_only_until_one_is_whole():
    check_cut(World)


def check_cut(world_of):
    for begins in range(2):
        world, _, store_id = cloned()
        copy = older(world, store_id, 24)
        handle = copy.get(store_id)
        other = world_of(copy, world.right, START_MS + 5000)
        begin = [other.a, other.b][begins]
        task = begin.sync()
        had = handle.store.count
        while handle.store.count == had:
            assert not task.done
            other.now_ms += 1
            other.a.step(other.now_ms)
            other.b.step(other.now_ms)
            if handle.weaver.floating_count:
                break
        other.a.commit()
        other.pair.a.close("pulled")
        raises(StreamLost, other.run, task)
        if handle.store.count < had + 24:
            words = str(raises(UsageError, handle.kv.put, b"too", b"early", START_MS + 9000))
            assert "a complete sync brings them" in words or "sync first" in words, words
        else:
            assert world_of is not World  # the reference's brings all of a small store in one piece
        report = other.connect().run([other.a, other.b][begins].sync())
        assert not report.errors
        quiet(other)
        assert handle.weaver.read_only is None, (world_of, begins)
        put(copy, store_id, 1)
        assert other.connect().sync().complete
        assert list(world.right.get(store_id).weaver.forks()) == []


def quiet(world):
    for _ in range(100):
        world.now_ms += 1
        world.a.step(world.now_ms)
        world.b.step(world.now_ms)
