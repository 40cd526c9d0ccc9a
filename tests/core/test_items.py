"""Intentions on a sync stream: refused ones end nothing, large ones stream, what is acknowledged is durable."""

import sys

from lattice_core.errors import ProtocolError, StorageError
from lattice_core.model import intention as intentions
from lattice_core.model import ops
from lattice_core.sync.nano import session_states as states
from lattice_core.sync.nano.message_stream import MessageStream
from lattice_core.sync.nano.tips import Exchange
from lattice_core.testing.memory import MemoryStorage
from lattice_core.weaver import floating
from lattice_core.wire.nano_messages import ITEM_KEY, NanoFrame
from support import Rng, crypto
from support.nano import START_MS, NodePair, hashes, joined, node, same

ON_DEVICE = sys.implementation.name == "micropython"
LARGE_BYTES = 20000 if ON_DEVICE else 1048576 - 64


class RawPeer:
    """The left node's side of a sync stream by hand, to send what an honest node would not."""

    def __init__(self, world, handle):
        self.world = world
        self.frames = MessageStream(world.pair.a.open_stream())
        self.exchange = Exchange(handle.weaver, crypto(), handle.id, True, root_id=handle.parent)
        self.heard = []
        self.pump(self.exchange.start())
        for _ in range(20):
            if self.exchange.done():
                break
            self.pump([])
            while self.heard and not self.exchange.done():
                self.pump(self.exchange.receive(self.heard.pop(0)))
        assert self.exchange.done()

    def pump(self, frames=(), steps=30):
        """Sends frames, lets the other side work, collects what it says."""
        for frame in frames:
            self.frames.post(frame)
        for _ in range(steps):
            self.frames.flush()
            self.world.now_ms += 1
            self.world.b.step(self.world.now_ms)
            if self.frames.stream.error is None:
                frame = self.frames.poll()
                if frame is not None:
                    self.heard.append(NanoFrame.decode(frame))
        return self.heard

    def item(self, item):
        self.frames.post_bulk(ITEM_KEY, item.signature, item.body)

    def named(self, name):
        return [frame[name] for frame in self.heard if name in frame]


def small_share():
    left, right = node(1, "left"), node(2, "right")
    world, notes = joined(left, right)
    notes.kv.put(b"ahead", b"so that the tips differ", START_MS)
    left.journal.commit(START_MS)
    return world.connect(), notes, right.tree.get(notes.id)


def signed(handle, identity, prev, number, store_id=None):
    payload = ops.app(b"\x0a\x08\x0a\x06\x0a\x01%c\x12\x011" % (97 + number))
    return intentions.create(crypto(), identity, START_MS + number, 0, store_id or handle.id, prev, [], payload)


def test_a_refused_intention_ends_nothing():
    world, notes, far = small_share()
    raw = RawPeer(world, notes)
    stranger = node(7, "author").identity
    good = signed(notes, stranger, bytes(32), 1)
    bad = signed(notes, node(8, "liar").identity, bytes(32), 2)
    bad.signature = bytes(64)
    elsewhere = signed(notes, node(9, "lost").identity, bytes(32), 3, b"\x01" * 16)
    before = far.weaver.store.count
    for item in (bad, elsewhere, good):
        raw.item(item)
    raw.pump([{"sent": {"count": 3}}, {"content": {"done": True}}])
    assert far.weaver.store.count == before + 1
    assert good.hash in hashes(far)
    assert sorted([item["hash"] for item in raw.named("item_refused")]) == sorted([bad.hash, elsewhere.hash])
    assert raw.named("done")[0]["count"] == 3
    assert world.b.progress.refused_count == 2


def test_the_rest_of_a_refused_chain_is_not_taken():
    world, notes, far = small_share()
    raw = RawPeer(world, notes)
    author = node(7, "author").identity
    first = signed(notes, author, bytes(32), 1)
    first.signature = bytes(64)
    second = signed(notes, author, first.hash, 2)
    raw.item(first)
    raw.item(second)
    raw.pump([{"sent": {"count": 2}}])
    assert raw.named("done")[0]["count"] == 2
    assert not far.weaver.store.has(second.hash)
    assert far.weaver.floating_count == 0


def test_counts_that_do_not_fit_are_a_protocol_error():
    for lie in ({"sent": {"count": 1}}, {"done": {"count": 5}}, {"durable": {"count": 9}}, {"blob_stored": {}}):
        world, notes, far = small_share()
        raw = RawPeer(world, notes)
        before = far.weaver.store.count
        raw.pump([lie])
        assert isinstance(world.b.last_fault, ProtocolError), lie
        assert raw.frames.stream.error is not None
        assert far.weaver.store.count == before


def test_what_is_no_intention_is_a_protocol_error():
    rng = Rng(3)
    for size in (0, 10, 64, 65, 200):
        world, notes, _far = small_share()
        raw = RawPeer(world, notes)
        raw.frames._queue.append(NanoFrame.encode({"item": rng.bytes(size)}))
        raw.frames._queue[-1] = len(raw.frames._queue[-1]).to_bytes(4, "big") + raw.frames._queue[-1]
        raw.pump()
        assert isinstance(world.b.last_fault, ProtocolError), size


def test_what_was_sent_before_a_retry_arrived_is_passed_over():
    world, notes, far = small_share()
    raw = RawPeer(world, notes)
    ((session, _task),) = world.b.sessions
    session.sending, session.receiving = states.COMPARING, states.RETRYING  # as behind a Retry that is on its way
    before = far.weaver.store.count
    author = node(7, "author").identity
    raw.item(signed(notes, author, bytes(32), 1))
    payload = ops.app(b"\x0a\xa4\x4e\x0a\xa1\x4e\x0a\x01a\x12\x9b\x4e" + bytes(9999))
    raw.item(intentions.create(crypto(), author, START_MS, 0, notes.id, bytes(32), [], payload))
    raw.pump([{"durable": {"count": 7}}, {"sent": {"count": 9}}], 60)
    assert raw.frames.queued() == 0
    assert raw.frames.stream.error is None
    assert not session.receiver.busy()
    assert session.receiving == states.RETRYING
    assert session.receiver.count == 0
    assert far.weaver.store.count == before


def taken_off(frames):
    """Bytes of a frame that the stream does not hold any more."""
    return len(frames._front) + sum([len(part) for part in frames._parts])


def test_a_large_intention_streams_both_small_and_large_windows():
    for window in (700, 8192):
        left, right = node(1, "left"), node(2, "right")
        world, notes = joined(left, right, window=window)
        value = bytes(LARGE_BYTES - 200)
        large = notes.kv.put(b"large", value, START_MS)
        notes.kv.put(b"after", b"x", START_MS)
        left.journal.commit(START_MS)
        world.connect()
        held = []
        report = world.run(watched(world, held))
        assert report.complete
        assert same(left, right)
        assert right.tree.get(notes.id).store.get(large.hash).ops_size > len(value)
        assert max(held) < 20000, max(held)


def watched(world, held):
    """A sync whose receiver's buffers are measured after each step."""
    task = world.a.sync()
    step = world.b.step

    def measured(now_ms):
        busy = step(now_ms)
        held.extend([taken_off(session.frames) for session, _ in world.b.sessions])
        return busy

    world.b.step = measured
    return task


def test_a_large_intention_with_a_wrong_signature_is_not_kept():
    world, notes, far = small_share()
    raw = RawPeer(world, notes)
    author = node(7, "author").identity
    payload = ops.app(bytes(20000))
    item = intentions.create(crypto(), author, START_MS, 0, notes.id, bytes(32), [], payload)
    item.signature = bytes(64)
    raw.item(item)
    raw.pump([{"sent": {"count": 1}}])
    assert raw.named("item_refused")[0]["hash"] == item.hash
    assert not far.weaver.store.has(item.hash)
    assert raw.named("done")[0]["count"] == 1


def test_a_full_node_says_so_and_takes_what_fits():
    left = node(1, "left")
    right = node(2, "right", MemoryStorage(30000))
    world, notes = joined(left, right)
    notes.kv.put(b"fits", bytes(1000), START_MS)
    notes.kv.put(b"large", bytes(28000), START_MS)
    left.journal.commit(START_MS)
    report = world.connect().sync()
    assert not report.complete
    assert right.tree.get(notes.id).kv.get(b"fits") is not None
    reasons = [reason for _, _, reason, _ in report.progress.refused]
    assert reasons
    assert "room" in reasons[0]
    assert report.outcomes[notes.id].unfit_count == 1


def test_nothing_is_acknowledged_before_it_is_durable():
    world, notes, far = small_share()
    raw = RawPeer(world, notes)
    author = node(7, "author").identity
    commit = world.right.storage.commit
    lost = []

    def failing():
        lost.append(1)
        raise StorageError("the medium is gone")

    world.right.storage.commit = failing
    raw.item(signed(notes, author, bytes(32), 1))
    try:
        raw.pump([{"sent": {"count": 1}}])
        raise AssertionError("the failure did not come out")
    except StorageError:
        pass
    raw.frames.flush()
    assert lost
    assert not raw.named("done")
    assert not raw.named("durable")
    world.right.storage.commit = commit
    assert far.weaver.store.count == len(hashes(far))
    assert not far.weaver.store.has(author.public)


def test_live_sessions_push_what_is_new():
    world, notes, far = small_share()
    task = world.a.sync(None, True)
    world.run(task)
    notes.kv.put(b"one", b"1", START_MS)
    world.left.journal.commit(START_MS)
    far.kv.put(b"two", b"2", START_MS)
    world.right.journal.commit(START_MS)
    for _ in range(1500):
        world.now_ms += 1
        world.a.step(world.now_ms)
        world.b.step(world.now_ms)
    assert same(world.left, world.right)
    assert world.a.transfers() == world.b.transfers() == 0
    world.now_ms += 60000
    for peer in (world.a, world.b):
        peer.step(world.now_ms)
        assert peer.deadline_ms() is None, "a live session that rests wakes nobody"
    sent = world.a.progress.sent_intentions
    world.a.stop()
    for _ in range(50):
        world.now_ms += 1
        world.a.step(world.now_ms)
        world.b.step(world.now_ms)
    assert not world.a.sessions
    assert not world.b.sessions
    assert world.a.progress.sent_intentions == sent <= 2, "nothing is pushed back to where it came from"


def test_a_fork_is_named_on_both_sides_and_the_rest_goes_on():
    world, notes, far = small_share()
    author = node(7, "author").identity
    first = signed(notes, author, bytes(32), 1)
    left, right = signed(notes, author, first.hash, 2), signed(notes, author, first.hash, 3)
    for handle, branch in ((notes, left), (far, right)):
        handle.weaver.ingest(first, START_MS)
        handle.weaver.ingest(branch, START_MS)
    world.left.journal.commit(START_MS)
    world.right.journal.commit(START_MS)
    sessions = []
    report = world.run(remembered(world, sessions))
    assert not report.complete
    assert report.forks() == [(notes.id, author.public)]
    assert next(session.outcome.forks for session in sessions if session.handle is far) == [author.public]
    assert hashes(notes) ^ hashes(far) == {left.hash, right.hash}
    for handle, peer in ((notes, world.right), (far, world.left)):
        known = handle.holdings.holds_items(peer.identity.public)
        mine = left if handle is notes else right
        assert known < handle.store.witness_sequence(mine.hash), "nobody is taken to hold a branch that it refuses"


def remembered(world, sessions):
    """A sync of which every session of the other side is kept."""
    step = world.b.step

    def noting(now_ms):
        busy = step(now_ms)
        sessions.extend([session for session, _ in world.b.sessions if session not in sessions])
        return busy

    world.b.step = noting
    return world.a.sync()


def test_what_the_peer_sent_counts_as_held_by_it():
    world, notes, far = small_share()
    far.kv.put(b"theirs", b"1", START_MS)
    world.right.journal.commit(START_MS)
    world.sync()
    for handle, peer in ((notes, world.right), (far, world.left)):
        assert handle.holdings.holds_items(peer.identity.public) == handle.store.count


def test_floating_intentions_travel_and_wait():
    world, notes, far = small_share()
    author = node(7, "author").identity
    waiting = intentions.create(crypto(), author, START_MS, 0, notes.id, bytes(32), [b"\x05" * 32], ops.app(b""))
    notes.weaver.ingest(waiting, START_MS)
    world.left.journal.commit(START_MS)
    report = NodePair(world.left, world.right, world.now_ms).sync()
    assert not report.complete
    assert not report.errors
    assert far.weaver.floating_count == 1
    again = NodePair(world.left, world.right, world.now_ms)
    again.sync()
    assert again.a.progress.sent_intentions == 0, "what floats at both is not sent again"


def test_what_was_pushed_live_and_acknowledged_is_never_evicted():
    world, notes, far = small_share()
    author = node(7, "author").identity
    first = signed(notes, author, bytes(32), 1)
    left, right = signed(notes, author, first.hash, 2), signed(notes, author, first.hash, 3)
    for handle, branch in ((notes, left), (far, right)):
        handle.weaver.ingest(first, START_MS)
        handle.weaver.ingest(branch, START_MS)
    world.run(world.a.sync(None, True))
    limit = floating.FLOATING_ITEMS
    floating.FLOATING_ITEMS = 8
    made = []
    for number in range(12):  # none of them can be witnessed on the other side of the fork
        writer = node(20 + number, "writer").identity
        made.append(intentions.create(crypto(), writer, 9, 0, notes.id, bytes(32), [left.hash], ops.app(b"")))
        notes.weaver.ingest(made[-1], START_MS)
        world.left.journal.commit(START_MS)
        for _ in range(60):
            world.now_ms += 20
            world.a.step(world.now_ms)
            world.b.step(world.now_ms)
    floating.FLOATING_ITEMS = limit
    assert [far.store.has(item.hash) for item in made] == [True] * 8 + [False] * 4
    assert world.a.progress.refused_count >= 4
