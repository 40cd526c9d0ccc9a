"""The open transaction: when it is durable, who is told, what a failure takes with it."""

from lattice_core.errors import StorageError, UsageError
from lattice_core.files import cid, history
from lattice_core.files.entry import Entry
from lattice_core.limits import BATCH_BYTES, BATCH_MS
from lattice_core.model.events import EVENTS
from lattice_core.model.intention import ZERO, create
from lattice_core.node.events import EventLog
from lattice_core.node.node import Node
from lattice_core.weaver import acks
from lattice_core.weaver.weaver import WITNESSED
from support import raises
from support.nodes import NOW_MS, join, make_node, reopened, share, value
from support.weaver import put_ops


def test_a_ticket_is_durable_after_the_commit():
    node, _, data = share()
    assert node.journal.durable(node.journal.ticket())  # nothing is open
    data.kv.put(b"k", b"v", NOW_MS)
    ticket = node.journal.ticket()
    assert not node.journal.durable(ticket)
    node.journal.commit(NOW_MS)
    assert node.journal.durable(ticket)
    data.kv.put(b"k", b"w", NOW_MS)
    assert node.journal.durable(ticket)
    assert not node.journal.durable(node.journal.ticket())


def test_a_ticket_of_what_was_rolled_back_never_becomes_durable():
    node, _, data = share()
    data.kv.put(b"k", b"lost", NOW_MS)
    ticket = node.journal.ticket()
    node.journal.rollback()
    raises(StorageError, node.journal.durable, ticket)
    data.kv.put(b"k", b"kept", NOW_MS)
    node.journal.commit(NOW_MS)
    raises(StorageError, node.journal.durable, ticket)
    assert value(data, b"k") == b"kept"


def test_what_was_lost_never_counts_as_durable_however_much_is_lost_later():
    node, _, data = share()
    waiting = []
    for number in range(200):
        for _ in range(1 + number % 3):
            data.kv.put(b"lost", b"%d" % number, NOW_MS + number)
            waiting.append((node.journal.ticket(), None))
            node.journal.rollback()
        if number % 2:
            data.kv.put(b"kept", b"%d" % number, NOW_MS + number)
            waiting.append((node.journal.ticket(), number))
            node.journal.commit(NOW_MS + number)
            quiet = node.journal.ticket()  # all is durable now, whatever is lost later
    said = 0
    for ticket, kept in waiting:
        if kept is None:
            raises(StorageError, node.journal.durable, ticket)
        else:
            try:
                said += node.journal.durable(ticket)
            except StorageError:
                assert kept < 150  # so long ago that nobody knows any more: never said to be durable for want of it
    assert said >= 16
    assert node.journal.durable(quiet)
    assert len(node.journal._lost) <= 32


def test_lost_in_a_row_is_remembered_as_one():
    node, _, data = share()
    data.kv.put(b"kept", b"1", NOW_MS)
    kept = node.journal.ticket()
    node.journal.commit(NOW_MS)
    for number in range(1000):
        data.kv.put(b"lost", b"%d" % number, NOW_MS + number)
        node.journal.rollback()
    assert node.journal.durable(kept)


def test_uncommitted_writes_are_gone_after_a_crash():
    node, _, data = share()
    data.kv.put(b"a", b"1", NOW_MS)
    node.journal.commit(NOW_MS)
    data.kv.put(b"b", b"2", NOW_MS)
    found = reopened(node).tree.find("notes")
    assert value(found, b"a") == b"1"
    assert value(found, b"b") is None


def test_an_own_chain_goes_on_after_a_rollback_without_a_fork():
    node, _, data = share()
    data.kv.put(b"a", b"1", NOW_MS)
    node.journal.rollback()
    data.kv.put(b"a", b"2", NOW_MS)
    node.journal.commit(NOW_MS)
    length, tip = data.store.chain(node.identity.public)
    assert length == 3
    assert data.store.get(tip).store_prev == data.store.chain_at(node.identity.public, 2)


def test_a_commit_is_due_by_size_or_age():
    node, _, data = share()
    assert not node.journal.commit_due(NOW_MS)
    data.kv.put(b"k", b"v", NOW_MS)
    ticket = node.journal.ticket()
    assert not node.journal.commit_due(NOW_MS)
    assert node.journal.deadline_ms() == NOW_MS + BATCH_MS
    assert not node.journal.commit_due(NOW_MS + BATCH_MS - 1)
    assert node.journal.commit_due(NOW_MS + BATCH_MS)
    assert node.journal.durable(ticket)
    assert node.journal.deadline_ms() is None
    batch_bytes = getattr(node.storage, "commit_bytes", BATCH_BYTES)
    for _ in range(5 * batch_bytes // BATCH_BYTES):  # large values may count less: a stick writes them as they come
        data.kv.put(b"k", bytes(BATCH_BYTES), NOW_MS)
    assert node.journal.commit_due(NOW_MS)


def test_a_node_without_wall_time_commits_by_its_ticks():
    node, _, data = share()
    data.kv.put(b"k", b"v", NOW_MS)
    assert not node.journal.commit_due(None, 10)
    assert node.journal.commit_due(None, 10 + BATCH_MS)


def test_a_failed_own_write_takes_nothing_else_along():
    node, root, data = share()
    data.kv.put(b"received", b"1", NOW_MS)
    ticket = node.journal.ticket()
    raises(UsageError, node.members.admit, root, b"k" * 32, "bad\nname", NOW_MS)
    assert node.journal.durable(ticket)
    assert value(data, b"received") == b"1"


def test_events_come_after_the_commit():
    node, _, data = share()
    events = node.events
    begin = events.cursor
    woken = []
    events.watchers.append(lambda: woken.append("a driver"))
    events.watchers.append(lambda: woken.append("another one"))
    data.kv.put(b"k", b"v", NOW_MS)
    assert events.since(begin) == ([], begin)
    assert woken == []
    node.journal.commit(NOW_MS)
    assert woken == ["a driver", "another one"]
    found, cursor = events.since(begin)
    assert [event[:3] for event in found] == [("kv", data.id, b"k")]
    assert events.since(cursor) == ([], cursor)
    assert events.since(begin) == (found, cursor), "a second reader has a cursor of its own"
    data.kv.put(b"k", b"w", NOW_MS)
    node.journal.rollback()
    node.journal.commit(NOW_MS)
    assert events.since(cursor) == ([], cursor)


def test_a_gap_between_events_is_said():
    log = EventLog(2)
    log.propose([("kv", 1), ("kv", 2)])
    log.committed()
    assert log.since(0) == ([("kv", 1), ("kv", 2)], 2)
    log.propose([("kv", 3)])
    log.committed()
    assert log.since(0) == ([("lost",), ("kv", 2), ("kv", 3)], 3)
    assert log.since(1) == ([("kv", 2), ("kv", 3)], 3)
    assert log.since(7) == ([("lost",), ("kv", 2), ("kv", 3)], 3), "a cursor of an earlier start"


def test_a_log_that_keeps_nothing_says_a_gap():
    log = EventLog(0)
    log.propose([("kv", 1)])
    log.committed()
    assert log.since(0) == ([("lost",)], 1)
    assert log.since(1) == ([], 1)


def test_a_medium_that_fails_at_commit():
    node, _, data = share()

    class Broken(Exception):
        pass

    def fail():
        raise StorageError("the medium is gone")

    data.kv.put(b"k", b"v", NOW_MS)
    ticket = node.journal.ticket()
    commit = node.storage.commit
    node.storage.commit = fail
    raises(StorageError, node.journal.commit, NOW_MS)
    node.storage.commit = commit
    raises(StorageError, node.journal.durable, ticket)
    assert value(data, b"k") is None
    assert make_node(3).journal.durable(0)


def failing_row(data):
    """The next row of a store's data that is written fails once."""
    store = data.store
    put_row = store.put_row

    def fail(table, key, value):
        store.put_row = put_row
        raise StorageError("a damaged record")

    store.put_row = fail


def half_an_ingest(node, data):
    """An intention of another member of which the first row fails."""
    other = make_node(9)
    item = create(node.crypto, other.identity, NOW_MS, 0, data.id, ZERO, [], put_ops([(b"theirs", b"v")]))
    failing_row(data)
    raises(StorageError, data.weaver.ingest, item, NOW_MS)
    return item


def check_whole(node, data, item):
    """The state is that of the log, here and after a restart."""
    before = data.weaver.state_hash()
    assert not data.store.has(item.hash)
    assert value(data, b"theirs") is None
    assert data.weaver.ingest(item, NOW_MS) == WITNESSED
    assert value(data, b"theirs") == b"v"
    node.journal.commit(NOW_MS)
    after = data.weaver.state_hash()
    again = reopened(node).tree.find("notes")
    assert again.weaver.state_hash() == after != before
    assert again.weaver.verify().problems == []


def test_half_of_an_ingest_is_never_committed():
    node, _, data = share()
    data.kv.put(b"k", b"also lost", NOW_MS)
    ticket = node.journal.ticket()
    item = half_an_ingest(node, data)
    assert node.journal.spoilt()
    raises(StorageError, node.journal.commit, NOW_MS)
    assert not node.journal.spoilt()
    assert value(data, b"k") is None
    raises(StorageError, node.journal.durable, ticket)
    node.journal.commit(NOW_MS)
    check_whole(node, data, item)


def test_half_of_an_ingest_is_dropped_at_the_next_turn():
    node, _, data = share()
    item = half_an_ingest(node, data)
    raises(StorageError, node.journal.commit_due, NOW_MS)
    assert not node.journal.spoilt()
    assert not node.journal.commit_due(NOW_MS + 60000)
    check_whole(node, data, item)


def test_an_own_write_goes_on_after_half_of_an_ingest():
    node, root, data = share()
    ticket = node.journal.ticket()
    data.kv.put(b"k", b"lost", NOW_MS)
    lost = node.journal.ticket()
    item = half_an_ingest(node, data)
    node.members.admit(root, b"k" * 32, "phone", NOW_MS)
    assert node.journal.durable(ticket)
    assert value(data, b"k") is None
    raises(StorageError, node.journal.durable, lost)
    check_whole(node, data, item)


def test_a_rollback_that_fails_is_still_to_be_done():
    node, _, data = share()
    item = half_an_ingest(node, data)
    rollback = node.storage.rollback

    def fail():
        raise StorageError("the medium is gone")

    node.storage.rollback = fail
    raises(StorageError, node.journal.commit, NOW_MS)
    raises(StorageError, node.journal.commit_due, NOW_MS)
    node.storage.rollback = rollback
    raises(StorageError, node.journal.commit, NOW_MS)
    node.journal.commit(NOW_MS)
    check_whole(node, data, item)


def test_content_is_wanted_after_a_rollback_too():
    node, root, data = share()
    other = make_node(7, "other")
    join(other, node, node.invites.create(root, NOW_MS))
    there = other.tree.get(data.id)
    for number in range(EVENTS + 6):  # more than events are kept: the log says what was written
        digest = node.crypto.blake3_digest(b"content %d" % number)
        entry = Entry("f%d" % number, 0o644, cid.make(cid.RAW, digest), NOW_MS, 5000)
        data.kv.put(b"fs/f%d" % number, entry.encode(), NOW_MS + number)
    node.journal.commit(NOW_MS)
    own = node.identity.public
    items = list(data.weaver.held_after({own: there.weaver.held(own)[0]}))
    assert len(items) > EVENTS
    commit = other.storage.commit
    other.storage.commit = fail_commit
    for item in items:
        there.weaver.ingest(item, NOW_MS)
    raises(StorageError, other.journal.commit, NOW_MS)
    other.storage.commit = commit
    for item in items:
        there.weaver.ingest(item, NOW_MS)
    other.journal.commit(NOW_MS)
    assert len(list(there.contents.wants())) == EVENTS + 6


def fail_commit():
    raise StorageError("the medium is gone")


def with_acknowledgements(node, data, count):
    """`count` file entries on `data`, between acknowledgements of another member (intentions without ops)."""
    member = make_node(9)
    tip = ZERO
    for number in range(count):
        if number % 20 == 3:
            deps = [data.store.witness_at(data.store.count)[0]]
            item = create(node.crypto, member.identity, NOW_MS + number, 0, data.id, tip, deps, b"")
            assert data.weaver.ingest(item, NOW_MS) == WITNESSED
            tip = item.hash
        digest = node.crypto.blake3_digest(b"content %d" % number)
        entry = Entry("f%d" % number, 0o644, cid.make(cid.RAW, digest), NOW_MS, 5000)
        data.kv.put(b"fs/f%d" % number, entry.encode(), NOW_MS + number)


def test_acknowledgements_among_more_writes_than_events_are_kept():
    node, root, data = share()
    with_acknowledgements(node, data, EVENTS + 6)
    node.journal.commit(NOW_MS)
    assert len(list(data.contents.wants())) == EVENTS + 6
    # The same from a peer, in one commit; own acknowledgements too.
    other = make_node(7, "other")
    join(other, node, node.invites.create(root, NOW_MS))
    there = other.tree.get(data.id)
    assert len(list(there.contents.wants())) == EVENTS + 6
    assert acks.emit(there.weaver, NOW_MS).ops_size == 0
    for number in range(EVENTS + 6):
        there.kv.put(b"fs/g%d" % number, entry_of(node, number).encode(), NOW_MS + number)
    other.journal.commit(NOW_MS)
    assert len(list(there.contents.wants())) == 2 * (EVENTS + 6)
    assert value(reopened(other).tree.find("notes"), b"fs/g0") is not None


def entry_of(node, number):
    return Entry("g%d" % number, 0o644, cid.make(cid.RAW, node.crypto.blake3_digest(b"g%d" % number)), NOW_MS, 5000)


def test_what_stood_before_a_write_that_stands_on_an_acknowledgement():
    node, _, data = share()
    first = data.kv.put(b"k", b"v", NOW_MS)
    acknowledged = data.weaver.submit(b"", [first.hash], NOW_MS)
    write = data.weaver.submit(put_ops([(b"k", b"w")]), [acknowledged.hash, first.hash], NOW_MS)
    node.journal.commit(NOW_MS)
    assert not history.value_written(data.store, node.crypto, data.store.get(acknowledged.hash), b"k")[0]
    assert history.keys_written(data.store, node.crypto, data.store.get(acknowledged.hash), b"") == []
    assert history.before(data.store, node.crypto, write, b"k").read(0, 1) == b"v"


def faulty_write(node):
    with node.journal.write(NOW_MS):
        [].pop()


def test_a_fault_of_this_program_leaves_no_half_of_a_change():
    node, root, data = share()

    def fail(events):
        raise IndexError("a fault of this program")

    consider = data.content.consider_events
    data.kv.put(b"k", b"lost", NOW_MS)
    ticket = node.journal.ticket()
    data.content.consider_events = fail
    raises(IndexError, node.journal.commit, NOW_MS)
    data.content.consider_events = consider
    raises(StorageError, node.journal.durable, ticket)
    assert value(data, b"k") is None
    assert not node.storage.pending()
    raises(IndexError, faulty_write, node)
    node.members.admit(root, b"k" * 32, "phone", NOW_MS)
    assert reopened(node).tree.roots()[0].system.peer(b"k" * 32) is not None


def test_a_store_that_fails_while_it_is_opened_leaves_nothing_half():
    node, _, data = share()
    data.kv.put(b"k", b"v", NOW_MS)
    first = create(node.crypto, make_node(9).identity, NOW_MS, 0, data.id, ZERO, [], put_ops([(b"theirs", b"v")]))
    node.journal.commit(NOW_MS)
    # Something floats that needs nothing: as if power had gone at the wrong moment of an older program.
    data.store.put(first)
    node.storage.commit()
    before = data.store.count
    failing_row(data)
    again = Node(node.storage, node.crypto, node.identity)
    again.open(NOW_MS)
    assert [store_id for store_id, _ in again.tree.damaged] == [data.id]
    assert again.tree.get(data.id) is None
    assert data.store.count == before
    assert data.store.floating() == [first.hash]
    found = reopened(node).tree.find("notes")
    assert value(found, b"theirs") == b"v"
    assert value(found, b"k") == b"v"
    assert found.weaver.verify().problems == []


def test_a_name_that_was_not_stored_is_not_shown():
    node, _, data = share()
    before = node.name
    commit = node.storage.commit

    def fail():
        node.storage.commit = commit
        raise StorageError("the medium failed")

    node.storage.commit = fail
    raises(StorageError, node.rename, "new", NOW_MS)
    assert node.name == before
    node.rename("newer", NOW_MS)
    data.kv.put(b"k", b"v", NOW_MS)
    node.journal.rollback()
    assert node.name == "newer"
