"""What one peer may make another hold, and what it no longer gets: revoked in the middle, answers nobody reads, chains
without end, a trickle that keeps everything waiting, stores that are not open there."""

from lattice_core.errors import ProtocolError, Refused, StorageError
from lattice_core.files import cid as cids
from lattice_core.files.entry import Entry
from lattice_core.limits import PACE_MS
from lattice_core.model import intention as intentions
from lattice_core.model import ops
from lattice_core.node import stores
from lattice_core.storage.contract import TABLE_DATA
from lattice_core.sync.common.tasks import StreamLost
from lattice_core.sync.nano.message_stream import MessageStream
from lattice_core.sync.nano.peer import AUTHORS_REFUSED_STICK, CHAINS_STICK
from lattice_core.sync.nano.table import put_entry
from lattice_core.sync.nano.tips import Exchange
from lattice_core.testing.memory import MemoryStorage
from lattice_core.wire.nano_messages import ITEM_KEY, NanoFrame
from support import crypto, raises
from support.nano import START_MS, NodePair, joined, node, same


def turns(world, count, tick_ms=1):
    for _ in range(count):
        world.now_ms += tick_ms
        world.a.step(world.now_ms)
        world.b.step(world.now_ms)


def revoked(from_side, task_side):
    """A session in step, then one side revokes the other and writes: whether that reached the other."""
    left, right = node(1, "laptop"), node(2, "other")
    world, notes = joined(left, right)
    world.run((world.a if task_side == "a" else world.b).sync(live=True))
    if from_side == "b":
        left, right = right, left
    handle, there = left.tree.get(notes.id), right.tree.get(notes.id)
    left.members.revoke(left.tree.roots()[0], right.identity.public, START_MS + 9000)
    secret = handle.kv.put(b"secret", b"after revocation", START_MS + 9001)
    left.journal.commit(START_MS + 9001)
    turns(world, 1500)
    return there.store.has(secret.hash)


def test_who_is_revoked_gets_nothing_more_in_a_session_that_is_open():
    for from_side in ("a", "b"):
        for task_side in ("a", "b"):
            assert not revoked(from_side, task_side), (from_side, task_side)


def test_who_is_revoked_in_a_transfer_gets_no_more_than_was_on_its_way():
    left, right = node(1, "laptop"), node(2, "other")
    world, notes = joined(left, right, window=600)
    for number in range(60):
        notes.kv.put(b"key %d" % number, b"x" * 200, START_MS + number)
    left.journal.commit(START_MS)
    world.connect()
    task = world.b.sync()
    there = right.tree.get(notes.id).store
    while there.count < 10:
        turns(world, 1)
    left.members.revoke(left.tree.roots()[0], right.identity.public, START_MS + 9000)
    taken = there.count
    turns(world, 100)
    assert task.done
    assert there.count <= taken + 5
    assert not task.result.complete if task.error is None else isinstance(task.error, (Refused, StreamLost))


def bad_items(world, notes, authors):
    """Opens a sync with the right node and sends it an unsigned intention of each author, reading nothing."""
    frames = MessageStream(world.pair.a.open_stream())
    entry = []
    put_entry(entry, b"abcd", 1, (5).to_bytes(6, "little"))
    opened = {
        "store_id": notes.id,
        "root_id": notes.parent,
        "salt": bytes(8),
        "sum": 5,
        "chains": 1,
        "items": 1,
        "tips": entry[0],
    }
    frames.post({"open": opened})
    sent = 0
    for turn in range(authors * 8):
        world.now_ms += 1
        if frames.stream.error is None:
            frames.flush()
        if turn > 20 and sent < authors and frames.queued() < 4:
            author = sent.to_bytes(4, "little") * 8
            body = intentions.encode_body(author, START_MS, 0, notes.id, bytes(32), [], ops.app(b""))
            frames.post_bulk(ITEM_KEY, bytes(64), intentions.parse(crypto(), body).body)
            sent += 1
        world.b.step(world.now_ms)
    return frames


def test_bad_intentions_of_too_many_authors_end_the_session():
    left, right = node(1, "laptop"), node(2, "stick")
    world, notes = joined(left, right)
    few = bad_items(world, notes, 20)
    assert few.stream.error is None
    world.connect()
    many = bad_items(world, notes, AUTHORS_REFUSED_STICK + 4)
    assert many.stream.error is not None
    assert isinstance(world.b.last_fault, ProtocolError)
    assert "%d authors" % AUTHORS_REFUSED_STICK in str(world.b.last_fault)
    assert not world.b.sessions


def test_acknowledgements_that_nobody_reads_do_not_pile_up():
    left, right = node(1, "laptop"), node(2, "stick")
    world, notes = joined(left, right, window=100)
    task = world.a.sync(live=True)
    world.run(task)
    ((session, _),) = [item for item in world.b.sessions if item[0].handle.id == notes.id]
    mine = next(item[0] for item in world.a.sessions if item[0].handle.id == notes.id)
    mine.frames.poll = lambda: None  # the left node writes and reads nothing more
    most = 0
    for number in range(80):
        notes.kv.put(b"k%d" % number, b"v", START_MS + number)
        left.journal.commit(START_MS)
        turns(world, 8, 100)
        most = max(most, session.frames.queued())
    assert session.receiver.count > 60, (session.receiver.count, most)
    assert most <= 32, (session.receiver.count, most)


def test_chains_that_only_the_peer_has_are_bounded():
    left = node(1, "laptop")
    notes = left.create_store("notes", "core:kvstore", None, START_MS)
    exchange = Exchange(notes.weaver, crypto(), notes.id, True, strangers=CHAINS_STICK)
    exchange.start()

    def endless():
        for first in range(0, CHAINS_STICK + 1, 100):
            parts = []
            for number in range(first, first + 100):
                put_entry(parts, number.to_bytes(4, "big"), 1, number.to_bytes(6, "little"))
            message = {"sum": 1, "chains": 9, "items": 9, "bucket_sums": bytes(32), "more": True}
            message["tips"] = b"".join(parts)
            exchange.receive(NanoFrame.decode(NanoFrame.encode({"tips": message})))

    error = raises(Refused, endless)
    assert str(CHAINS_STICK) in str(error)
    assert len(exchange.table.strangers) == 4 * CHAINS_STICK


def test_sizes_that_are_claimed_stop_no_sync_however_large_their_sum():
    """Two entries of 2^64 - 1 bytes are more than any field holds. They fit nowhere, and all else goes on."""
    for storage in (None, MemoryStorage(1 << 20)):
        left, right = node(1, "laptop"), node(2, "stick", storage)
        world, notes = joined(left, right)
        for number in range(70):
            entry = Entry("x", 0o644, cids.make(cids.LIST, bytes([number]) * 32), START_MS, 2**64 - 1)
            notes.kv.put(b"fs/%d" % number, entry.encode(), START_MS + number)
        left.journal.commit(START_MS + 99)
        for attempt in range(2):
            report = world.connect().sync()
            assert not report.errors, report.errors
            assert same(left, right), report.errors
            outcome = report.outcomes[notes.id]
            assert outcome.unfit_count == 140
            assert world.a.progress.wanted_bytes == 2**64 - 1
            notes.kv.put(b"later", b"%d" % attempt, START_MS + 100)
            left.journal.commit(START_MS + 100)


def test_a_trickle_ends_the_connection():
    left, right = node(1, "laptop"), node(2, "stick")
    world, notes = joined(left, right)
    world.connect()
    frames = MessageStream(world.pair.a.open_stream())
    frames.post({"blob_open": {"store_id": notes.id, "root_id": notes.parent}})
    began = world.now_ms
    while world.pair.b.closed is None and world.now_ms - began < 3 * PACE_MS:
        frames.post({"blob_request": {"hash": bytes(32)}})
        frames.flush()
        for _ in range(5):
            world.now_ms += 2800
            world.b.step(world.now_ms)
    assert world.pair.b.closed is not None
    assert "trickle" in world.pair.b.closed
    assert world.now_ms - began < 2 * PACE_MS


def test_a_live_session_that_rests_is_no_trickle():
    left, right = node(1, "laptop"), node(2, "stick")
    world, notes = joined(left, right)
    world.run(world.a.sync(live=True))
    turns(world, 40, PACE_MS // 10)
    assert world.pair.a.closed is None
    notes.kv.put(b"k", b"v", START_MS)
    left.journal.commit(START_MS)
    turns(world, 1000)
    assert same(left, right)


def test_stores_that_are_not_open_there_are_named_and_no_fault():
    left, right = node(1, "laptop"), node(2, "stick")
    left.tree.limit = 64
    world, _notes = joined(left, right)
    for number in range(12):
        left.create_store("s%d" % number, "core:kvstore", None, START_MS + number)
    right.tree.limit = 4
    world.connect()
    report = world.sync()
    assert not report.complete
    assert world.b.faults == 0
    assert world.pair.a.closed is None
    words = [str(error) for _, error in report.errors]
    assert len(words) == 10, words
    assert all("is not open there: this node keeps at most 4" in text for text in words), words
    right.tree.limit = stores.STORES_OPEN
    right.open(START_MS)
    world.connect()
    assert world.sync().complete
    assert same(left, right)


def test_a_stranger_does_not_learn_what_is_not_open():
    left, right = node(1, "laptop"), node(2, "stick")
    world, _notes = joined(left, right)
    right.tree.limit = 2
    hidden = left.create_store("hidden", "core:kvstore", None, START_MS)
    world.sync()
    assert right.tree.get(hidden.id) is None
    alien = NodePair(node(5, "alien"), right)
    frames = MessageStream(alien.pair.a.open_stream())
    frames.post({"blob_open": {"store_id": hidden.id, "root_id": hidden.parent}})
    frames.flush()
    turns(alien, 5)
    assert "not an active member" in NanoFrame.decode(frames.poll())["refusal"]["words"]


def test_a_medium_that_fails_in_the_middle_of_an_intention_leaves_nothing_of_it():
    left, right = node(1, "laptop"), node(2, "stick")
    world, notes = joined(left, right)
    mine = notes.kv.put(b"k", b"v1", START_MS + 5000)
    left.journal.commit(START_MS)
    there = right.tree.get(notes.id)
    real = there.store.put_row

    def damaged(table, key, value):
        if table == TABLE_DATA and key == b"k":
            raise StorageError("the record at 4 of segment 1 is damaged")
        return real(table, key, value)

    there.store.put_row = damaged
    world.connect().a.sync()
    raises(StorageError, turns, world, 200)
    there.store.put_row = real
    assert not there.store.has(mine.hash)
    report = world.connect().sync()
    assert report.complete
    assert there.kv.get(b"k") is not None
    assert notes.weaver.state_hash() == there.weaver.state_hash()


def test_an_intention_that_does_not_fit_takes_nothing_of_others_with_it():
    left, right = node(1, "laptop"), node(2, "stick", MemoryStorage(40000))
    world, notes = joined(left, right)
    other = node(3, "other").identity
    there = right.tree.get(notes.id)
    small = intentions.create(crypto(), other, START_MS, 0, notes.id, bytes(32), [], ops.app(b""))
    notes.weaver.ingest(small, START_MS)
    notes.kv.batch([(b"key-%05d" % number, b"") for number in range(400)], START_MS + 10)
    late = intentions.create(crypto(), other, START_MS + 20, 0, notes.id, small.hash, [], ops.app(b""))
    notes.weaver.ingest(late, START_MS)
    left.journal.commit(START_MS)
    there.weaver.projection.estimate = lambda intention, room: 0  # it seems to fit, and fails in the middle
    report = world.connect().sync()
    assert not report.complete
    assert not report.errors
    assert there.store.has(small.hash)
    assert there.store.has(late.hash)
    assert there.kv.get(b"key-00000") is None
    assert not right.journal.spoilt()
    assert [refusal[3] for refusal in world.a.progress.refused] == [True]
