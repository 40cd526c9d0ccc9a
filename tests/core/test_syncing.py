"""What a whole synchronisation comes to beside its stores' sessions: stores that stay closed, identities that are older
than their data."""

from lattice_core.errors import Refused, UsageError
from lattice_core.node import stores
from lattice_core.sync.common.syncing import SESSIONS
from lattice_core.sync.common.tasks import StreamLost
from support import raises
from support.nano import START_MS, NodePair, joined, node, same


def test_a_declared_store_that_is_not_open_is_named_and_the_sync_incomplete():
    left, right = node(1, "laptop"), node(2, "stick")
    world, notes = joined(left, right)
    extra = left.create_store("extra", "core:kvstore", None, START_MS)
    left.create_store("more", "core:kvstore", None, START_MS)
    right.tree.limit = 3
    world.connect()
    report = world.run(world.b.sync())
    assert len(right.tree.replicas) == 3
    assert not report.complete
    assert not world.b.complete
    ((store_id, error),) = report.errors
    assert isinstance(error, Refused)
    assert "was not synced: this node keeps at most 3" in str(error)
    assert right.tree.get(store_id) is None
    assert store_id != notes.id
    assert set(report.outcomes) == {handle.id for handle in right.tree.replicas}
    # Who asks for one store is told of that one only.
    assert world.run(world.b.sync([notes.id])).complete
    right.tree.limit = stores.STORES_OPEN
    right.open(START_MS)
    world.connect()
    assert world.run(world.b.sync()).complete
    assert right.tree.get(extra.id) is not None


def test_many_stores_are_synced_a_few_at_a_time():
    left, right = node(1, "laptop"), node(2, "desktop")
    world, _ = joined(left, right)
    for number in range(14):
        left.create_store("s%d" % number, "core:kvstore", None, START_MS).kv.put(b"k", b"v", START_MS)
    left.journal.commit(START_MS)
    world.connect()
    most = 0
    task = world.b.sync()
    while not task.done:
        world.now_ms += 1
        world.a.step(world.now_ms)
        world.b.step(world.now_ms)
        most = max(most, len(world.a.sessions), len(world.b.sessions))
    assert task.error is None
    assert task.result.complete
    assert same(left, right)
    assert len(right.tree.replicas) == 16
    assert most <= SESSIONS


def writer():
    """A share in which the second node has written: (left, handle of the data store there)."""
    left, right = node(1, "laptop"), node(2, "desktop")
    world, notes = joined(left, right)
    there = right.tree.get(notes.id)
    for number in range(60):
        there.kv.put(b"k%d" % number, b"v" * 100, START_MS + number)
        right.journal.commit(START_MS)
    assert world.sync().complete
    return left, notes


def reborn(left):
    """The second node with its identity and nothing else, and the wire to the first."""
    again = node(2, "desktop")
    again.tree.note_restored()
    again.journal.commit(START_MS)
    return again, NodePair(left, again)


def test_an_old_identity_writes_again_once_a_complete_sync_has_brought_its_chain():
    left, notes = writer()
    again, world = reborn(left)
    world.run(world.b.join(left.invites.create(left.tree.roots()[0], START_MS)))
    handle = again.tree.get(notes.id)
    assert handle.weaver.read_only is None
    assert again.tree.roots()[0].weaver.read_only is None
    handle.kv.put(b"new", b"v", START_MS + 5000)
    again.journal.commit(START_MS)
    world.connect()
    assert world.sync().complete
    assert list(notes.weaver.forks()) == []
    assert notes.kv.get(b"new") is not None
    assert again.storage.record(b"restored") is not None  # the next share that it joins has one, too


def test_an_old_identity_writes_nothing_after_a_sync_that_was_cut():
    left, notes = writer()
    again, world = reborn(left)
    task = world.b.join(left.invites.create(left.tree.roots()[0], START_MS))
    while again.tree.get(notes.id) is None or again.tree.get(notes.id).store.count < 20:
        world.now_ms += 1
        world.a.step(world.now_ms)
        world.b.step(world.now_ms)
    world.pair.a.close("pulled")
    raises(StreamLost, world.run, task)
    handle = again.tree.get(notes.id)
    assert 0 < handle.store.chain(again.identity.public)[0] < 60
    raises(UsageError, handle.kv.put, b"new", b"v", START_MS + 5000)
    world.connect()
    assert world.run(world.b.sync()).complete
    handle.kv.put(b"new", b"v", START_MS + 5000)
    again.journal.commit(START_MS)
    world.connect()
    assert world.sync().complete
    assert list(notes.weaver.forks()) == []
