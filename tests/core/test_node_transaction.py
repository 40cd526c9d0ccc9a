"""The open transaction: when it is durable, who is told, what a failure takes with it."""

from lattice_core.errors import StorageError, UsageError
from lattice_core.limits import BATCH_BYTES, BATCH_MS
from node_support import NOW_MS, make_node, reopened, share, value
from support import raises


def test_a_ticket_is_durable_after_the_commit():
    node, _, data = share()
    assert node.durable(node.ticket())  # nothing is open
    data.kv.put(b"k", b"v", NOW_MS)
    ticket = node.ticket()
    assert not node.durable(ticket)
    node.commit(NOW_MS)
    assert node.durable(ticket)
    data.kv.put(b"k", b"w", NOW_MS)
    assert node.durable(ticket) and not node.durable(node.ticket())


def test_a_ticket_of_what_was_rolled_back_never_becomes_durable():
    node, _, data = share()
    data.kv.put(b"k", b"lost", NOW_MS)
    ticket = node.ticket()
    node.rollback()
    raises(StorageError, node.durable, ticket)
    data.kv.put(b"k", b"kept", NOW_MS)
    node.commit(NOW_MS)
    raises(StorageError, node.durable, ticket)
    assert value(data, b"k") == b"kept"


def test_uncommitted_writes_are_gone_after_a_crash():
    node, _, data = share()
    data.kv.put(b"a", b"1", NOW_MS)
    node.commit(NOW_MS)
    data.kv.put(b"b", b"2", NOW_MS)
    found = reopened(node).find("notes")
    assert value(found, b"a") == b"1" and value(found, b"b") is None


def test_an_own_chain_goes_on_after_a_rollback_without_a_fork():
    node, _, data = share()
    data.kv.put(b"a", b"1", NOW_MS)
    node.rollback()
    data.kv.put(b"a", b"2", NOW_MS)
    node.commit(NOW_MS)
    length, tip = data.store.chain(node.identity.public)
    assert length == 3 and data.store.get(tip).store_prev == data.store.chain_at(node.identity.public, 2)


def test_a_commit_is_due_by_size_or_age():
    node, _, data = share()
    assert not node.commit_due(NOW_MS)
    data.kv.put(b"k", b"v", NOW_MS)
    ticket = node.ticket()
    assert not node.commit_due(NOW_MS) and node.transaction.deadline_ms() == NOW_MS + BATCH_MS
    assert not node.commit_due(NOW_MS + BATCH_MS - 1)
    assert node.commit_due(NOW_MS + BATCH_MS) and node.durable(ticket)
    assert node.transaction.deadline_ms() is None
    for _ in range(5):  # large values may count less: a stick writes them as they come
        data.kv.put(b"k", bytes(BATCH_BYTES), NOW_MS)
    assert node.commit_due(NOW_MS)


def test_a_node_without_wall_time_commits_by_its_ticks():
    node, _, data = share()
    data.kv.put(b"k", b"v", NOW_MS)
    assert not node.commit_due(None, 10)
    assert node.commit_due(None, 10 + BATCH_MS)


def test_a_failed_own_write_takes_nothing_else_along():
    node, root, data = share()
    data.kv.put(b"received", b"1", NOW_MS)
    ticket = node.ticket()
    raises(UsageError, node.admit, root, b"k" * 32, "bad\nname", NOW_MS)
    assert node.durable(ticket) and value(data, b"received") == b"1"


def test_events_come_after_the_commit():
    node, _, data = share()
    node.take_events()
    data.kv.put(b"k", b"v", NOW_MS)
    assert node.take_events() == []
    node.commit(NOW_MS)
    events = node.take_events()
    assert [event[:3] for event in events] == [("kv", data.id, b"k")]
    assert node.take_events() == []
    data.kv.put(b"k", b"w", NOW_MS)
    node.rollback()
    node.commit(NOW_MS)
    assert node.take_events() == []


def test_a_medium_that_fails_at_commit():
    node, _, data = share()

    class Broken(Exception):
        pass

    def fail():
        raise StorageError("the medium is gone")

    data.kv.put(b"k", b"v", NOW_MS)
    ticket = node.ticket()
    commit = node.storage.commit
    node.storage.commit = fail
    raises(StorageError, node.commit, NOW_MS)
    node.storage.commit = commit
    raises(StorageError, node.durable, ticket)
    assert value(data, b"k") is None
    assert make_node(3).durable(0)
