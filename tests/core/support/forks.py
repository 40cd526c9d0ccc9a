"""Two nodes of one identity: a copy of a node that goes on by itself."""

import gc

from lattice_core.errors import UsageError
from lattice_core.sync.common.tasks import StreamLost
from support import raises
from support.nano import START_MS, NodePair, joined, node


def cloned():
    """(world of the node and the third, the clone, data store's id): the clone has written nothing yet."""
    gc.collect()
    world, notes = joined(node(1, "left"), node(2, "right"))
    notes.kv.put(b"before", b"v", START_MS + 2000)
    world.left.journal.commit(START_MS)
    assert world.connect().sync().complete
    clone = node(1, "left")
    other = NodePair(clone, world.right)
    other.run(other.a.join(world.right.invites.create(world.right.tree.roots()[0], START_MS)))
    return world, clone, notes.id


def put(node, store_id, count, size=1, key=b"k"):
    handle = node.tree.get(store_id)
    for number in range(count):
        handle.kv.put(key + b"%d" % number, b"%d" % number * size, START_MS + 3000 + number)
    node.journal.commit(START_MS)
    return handle


def check_stopped(clone):
    """Every store of the node refuses every write and says the way out; so it does when it is opened again."""
    for opened in (clone, node(1, "left", clone.storage.reopened())):
        for handle in opened.tree.replicas:
            assert "two histories" in handle.weaver.read_only
            assert handle.weaver.own_chain_is_forked()
            words = str(raises(UsageError, handle.weaver.submit, b"\x52\x00", [], START_MS + 9000))
            assert "node rekey --invite" in words
        raises(UsageError, opened.create_store, "another", "core:kvstore", None, START_MS + 9000)
        raises(UsageError, opened.invites.create, opened.tree.roots()[0], START_MS + 9000)


def older(world, store_id, count):
    """An older copy of the left's data, after the left has written `count` more and the right holds them."""
    copy = node(1, "left")
    other = NodePair(copy, world.right)
    other.run(other.a.join(world.right.invites.create(world.right.tree.roots()[0], START_MS)))
    put(world.left, store_id, count, 20, key=b"later")
    assert world.connect().sync().complete
    return copy


def check_cut(world_of):
    for begins in range(2):
        world, _, store_id = cloned()
        copy = older(world, store_id, 24)
        handle = copy.tree.get(store_id)
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
            assert world_of is not NodePair  # the reference's brings all of a small store in one piece
        report = other.connect().run([other.a, other.b][begins].sync())
        assert not report.errors
        quiet(other)
        assert handle.weaver.read_only is None, (world_of, begins)
        put(copy, store_id, 1)
        assert other.connect().sync().complete
        assert list(world.right.tree.get(store_id).weaver.forks()) == []


def quiet(world):
    for _ in range(100):
        world.now_ms += 1
        world.a.step(world.now_ms)
        world.b.step(world.now_ms)
