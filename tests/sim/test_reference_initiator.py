"""Syncs with a node of the reference that begins them, and what makes a sync of ours long, dear or incomplete.

`Initiator` does what the reference does in its role (docs/reference/04-sync.md §2.3): one session, everything that it
lacks asked for, each intention stored before SyncDone, and the connection dropped as soon as both have said SyncDone,
often before the peer has read the last of it.
"""

import pytest

from lattice_core.errors import Refused
from lattice_core.model import intention as intentions
from lattice_core.model import ops
from lattice_core.node.fetched import fetched_up_to, note_fetched
from lattice_core.sync.common.syncing import Report
from lattice_core.sync.reference.messages import Messages
from lattice_core.sync.reference.replica import ReferenceReplica
from lattice_core.sync.reference.session import Session
from lattice_core.testing.memory import MemoryStorage
from lattice_core.weaver.roomy import RoomyFloating
from support.nano import START_MS, node, same
from support.reference import RefWorld, joined


class RustStorage(MemoryStorage):
    """The reference bounds nothing of what floats."""

    new_floating = RoomyFloating


class Initiator:
    """`step` as of a peer. `over` once the connection is dropped; `hears_us`: its SyncDone still goes out."""

    def __init__(self, world, handle, last_word_arrives=True):
        self.world = world
        self.messages = Messages(world.pair.b.open_stream())
        self.session = Session(ReferenceReplica(world.b, handle), handle.id, self.messages)
        self.session.start()
        self.last_word_arrives = last_word_arrives
        self.over = False

    def step(self, now_ms):
        if self.over:
            return
        self.world.b.now_ms = now_ms
        self.messages.flush()
        message = self.messages.poll()
        while message is not None:
            self.session.receive(message)
            message = self.messages.poll()
        if self.session.received_done and self.session.settled() and not self.last_word_arrives:
            self.over = True
        else:
            self.session.settle()
            self.messages.flush()
            self.over = self.session.over()


def synced_by_the_reference(world, handle, last_word_arrives=True):
    """One sync of a store that the node on the right begins. Afterwards the connection is gone."""
    world.connect()
    initiator = Initiator(world, handle, last_word_arrives)
    for _ in range(20000):
        world.now_ms += 1
        world.a.step(world.now_ms)
        if initiator.over:
            break
        initiator.step(world.now_ms)
    assert initiator.over
    world.right.journal.commit(world.now_ms)
    if not last_word_arrives:
        world.pair.cut("closed by the peer")
    while world.a.transfers():
        world.a.step(world.now_ms)
        world.pair.cut("closed by the peer")
    assert world.left.storage.pending() == 0


def reference_and_us():
    """(world, our store, the reference's)."""
    world, notes = joined(node(1, "left"), node(2, "rust", RustStorage()), window=1 << 16)
    return world, notes, world.right.tree.get(notes.id)


def put(made, handle, tag, count, value=b"v"):
    for number in range(count):
        handle.kv.put(b"%s-%d" % (tag, number), value, START_MS + number)
    made.journal.commit(START_MS)


@pytest.mark.parametrize("count", [100, 200, 1000])
def test_a_sync_that_the_reference_begins_brings_everything_at_once(count):
    world, notes, theirs = reference_and_us()
    put(world.right, theirs, b"new", count)
    synced_by_the_reference(world, theirs)
    assert same(world.left, world.right)
    assert notes.weaver.floating_count == 0


def test_a_sync_that_the_reference_begins_is_served_to_its_end_both_ways():
    world, notes, theirs = reference_and_us()
    put(world.right, theirs, b"new", 300)
    put(world.left, notes, b"ours", 300)
    synced_by_the_reference(world, theirs)
    assert same(world.left, world.right)
    key = world.right.identity.public
    assert notes.holdings.holds_items(key) == notes.store.count - 300  # all of ours; its own came later
    synced_by_the_reference(world, theirs)
    assert notes.holdings.holds_items(key) == notes.store.count


def test_without_its_last_word_the_reference_is_not_taken_to_hold_anything():
    world, notes, theirs = reference_and_us()
    key = world.right.identity.public
    before = notes.holdings.holds_items(key)
    put(world.left, notes, b"ours", 10)
    synced_by_the_reference(world, theirs, last_word_arrives=False)
    assert same(world.left, world.right)
    assert notes.holdings.holds_items(key) == before
    synced_by_the_reference(world, theirs, last_word_arrives=False)
    assert notes.holdings.holds_items(key) == notes.store.count


def test_what_settling_writes_is_stored_at_the_end_of_a_sync_that_the_reference_begins():
    world, _notes, theirs = reference_and_us()
    settled = []
    settle = world.left.after_sync
    world.left.after_sync = lambda now_ms: settled.append(now_ms) or settle(now_ms)
    put(world.right, theirs, b"new", 1)
    synced_by_the_reference(world, theirs, last_word_arrives=False)
    assert settled


@pytest.mark.parametrize(("count", "size"), [(100, 10000), (120, 3000), (20, 60000)])
def test_a_sync_is_complete_whatever_the_hashes(count, size):
    world, _notes, theirs = reference_and_us()
    put(world.right, theirs, b"large", count, bytes(size))
    world.connect()
    report = world.sync()
    assert report.complete
    assert same(world.left, world.right)
    assert world.a.progress.refused_count == 0
    moved = world.pair.a.bytes_in + world.pair.a.bytes_out
    assert moved < 1.3 * count * size + 40000, moved
    assert world.connect().sync().complete


def test_more_than_is_gathered_comes_in_bulk(monkeypatch):
    world, _notes, theirs = reference_and_us()
    monkeypatch.setattr("lattice_core.sync.reference.gathered.GATHERED_BYTES", 100000)
    put(world.right, theirs, b"large", 100, bytes(10000))
    assert world.connect().sync().complete
    assert same(world.left, world.right)
    assert world.a.progress.refused_count == 0
    assert world.a.gathered_bytes == 0


def test_what_we_give_is_taken_in_one_sync():
    world, notes, _theirs = reference_and_us()
    put(world.left, notes, b"ours", 300)
    assert world.connect().sync().complete
    assert same(world.left, world.right)
    assert notes.holdings.holds_items(world.right.identity.public) == notes.store.count


def traffic(world):
    return world.pair.a.bytes_in + world.pair.a.bytes_out


def test_what_is_new_at_a_peer_that_joined_here_costs_little():
    world, notes = joined(node(1, "left"), node(2, "right"), window=1 << 16)
    theirs = world.right.tree.get(notes.id)
    put(world.left, notes, b"known", 1500)
    world.connect()
    world.run(world.b.sync())
    size = 60 * 32 * 2  # what the records of 60 say, and a signature more each
    put(world.right, theirs, b"new", 60)
    world.connect()
    assert world.sync().complete
    assert same(world.left, world.right)
    assert traffic(world) < 60 * 420 + size, traffic(world)
    assert fetched_up_to(notes, world.right.identity.public) == notes.store.count
    world.connect()
    assert world.sync().complete
    assert traffic(world) < 500


def test_a_place_in_the_peers_log_that_is_too_far_loses_nothing():
    world, notes = joined(node(1, "left"), node(2, "right"), window=1 << 16)
    theirs = world.right.tree.get(notes.id)
    put(world.right, theirs, b"new", 1300)
    for reached in (900, 5000):
        note_fetched(notes, world.right.identity.public, reached)
        world.left.journal.commit(START_MS)
        put(world.right, theirs, b"more %d" % reached, 1300)
        assert world.connect().sync().complete
        assert same(world.left, world.right)


def test_a_sync_ends_complete_while_the_peer_goes_on_writing():
    world, notes, theirs = reference_and_us()
    number = 0
    for _ in range(5):
        before = list(hashes_of(theirs))
        put(world.left, notes, b"ours %d" % number, 3)
        world.connect()
        task = world.a.sync()
        while not task.done:
            world.now_ms += 1
            number += 1
            theirs.kv.put(b"steady-%d" % number, b"v", world.now_ms)
            world.right.journal.commit(world.now_ms)
            world.a.step(world.now_ms)
            world.b.step(world.now_ms)
        assert task.error is None
        assert task.result.complete
        assert set(before) <= set(hashes_of(notes)) <= set(hashes_of(theirs))


def hashes_of(handle):
    return [hash for _, hash, _, _ in handle.store.witness_log()]


def test_a_store_of_a_type_that_the_peer_cannot_open_is_passed_over_by_name():
    world, _notes, _theirs = reference_and_us()
    odd = bytes(range(16))
    root = world.left.tree.roots()[0]
    declared = [ops.child_add(odd, "odd", "acme:board"), ops.child_status(odd, 1)]
    root.weaver.submit(ops.system_batch(declared), root.system.deps_for(declared), world.now_ms)
    world.left.journal.commit(world.now_ms)
    assert world.left.tree.get(odd) is not None
    world.sync()
    world.right.tree.close(world.right.tree.get(odd))  # no reference node opens such a type
    report = world.connect().sync()
    assert report.complete
    assert isinstance(report, Report)
    assert [(store_id, "odd" in words and "acme:board" in words) for store_id, words in report.passed_over] == [
        (odd, True)
    ]
    # Once there is something in it that only we hold, it is not complete any more.
    author = node(9, "other").identity
    held = world.left.tree.get(odd)
    item = intentions.create(held.weaver.crypto, author, START_MS, 0, odd, bytes(32), [], b"\x52\x01x")
    held.weaver.ingest(item, world.now_ms)
    world.left.journal.commit(world.now_ms)
    report = world.connect().sync()
    assert not report.complete
    assert [store_id for store_id, _ in report.errors] == [odd]


def test_a_refusal_is_said_as_one_at_once():
    world, _notes, _theirs = reference_and_us()
    key = world.left.identity.public
    world.right.members.revoke(world.right.tree.roots()[0], key, world.now_ms)
    world.connect()
    task = world.a.sync()
    for turn in range(8):
        world.now_ms += 1
        world.a.step(world.now_ms)
        world.b.step(world.now_ms)
    assert task.done
    assert isinstance(task.error, Refused)
    assert "revoked" in str(task.error)


def test_a_task_that_ended_keeps_nobody_waiting():
    world, _notes, _theirs = reference_and_us()
    world.connect()

    def failing():
        raise Refused("no")
        yield

    world.a.step(world.now_ms)
    task = world.a.start(failing(), "fails")
    assert world.a.step(world.now_ms)
    assert task.done
    assert not world.a.step(world.now_ms)


def test_a_fault_of_ours_ends_one_connection_in_words():
    world, notes, theirs = reference_and_us()
    other = RefWorld(world.left, node(3, "third"), world.now_ms)
    put(world.right, theirs, b"new", 5)
    broken = notes.weaver.ingest

    def fail(*arguments):
        raise IndexError("a fault of this program")

    notes.weaver.ingest = fail
    world.connect()
    task = world.a.sync()
    for _ in range(60):
        world.now_ms += 1
        world.a.step(world.now_ms)
        world.b.step(world.now_ms)
        other.a.step(world.now_ms)
    notes.weaver.ingest = broken
    assert task.done
    assert "IndexError: a fault of this program" in str(task.error)
    assert "a fault of this program" in world.pair.a.closed
    assert other.pair.a.closed is None
    assert world.left.storage.pending() == 0
    # And while it serves one: only that connection ends.
    notes.weaver.ingest = fail
    world.connect()
    initiator = Initiator(world, theirs)
    for _ in range(60):
        world.now_ms += 1
        world.a.step(world.now_ms)
        if world.pair.b.closed is None:
            initiator.step(world.now_ms)
    notes.weaver.ingest = broken
    assert "IndexError" in str(world.a.last_fault)
    assert "a fault of this program" in world.pair.b.closed
    assert world.connect().sync().complete
    assert same(world.left, world.right)
