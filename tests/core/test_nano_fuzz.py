"""Any bytes into any role of a stream: only ProtocolError inside, and no state changed by who may not change it."""

import sys

from lattice_core.errors import LatticeError
from lattice_core.node.device import Device
from lattice_core.sync.nano.message_stream import Large, MessageStream
from lattice_core.wire.nano_messages import NanoFrame
from support import Rng
from support.files import put_file
from support.nano import START_MS, NodePair, joined, node

ON_DEVICE = sys.implementation.name == "micropython"
ROUNDS = 40 if ON_DEVICE else 600


def damaged(rng, data):
    """A recorded stream with a few things wrong, or anything at all."""
    kind = rng.below(6)
    if kind == 0:
        return rng.bytes(rng.below(200))
    data = bytearray(data)
    if kind == 1:
        data = data[: rng.below(len(data) + 1)]
    elif kind == 2:
        at = rng.below(len(data))
        data = data[:at] + rng.bytes(1 + rng.below(8)) + data[at:]
    elif kind == 3 and len(data) > 8:
        at = rng.below(len(data) - 8)
        data = data[:at] + data[at + 1 + rng.below(8) :]
    else:
        for _ in range(1 + rng.below(3)):
            data[rng.below(len(data))] = rng.below(256)
    return bytes(data)


def frame_of(message):
    payload = NanoFrame.encode(message)
    return len(payload).to_bytes(4, "big") + payload


def openings(notes, root):
    """What a stream may begin with, as it is when all is right."""
    return [
        {
            "open": {
                "store_id": notes.id,
                "root_id": notes.parent,
                "salt": bytes(8),
                "sum": 5,
                "chains": 1,
                "tips": b"iden\x01" + bytes(8),
            }
        },
        {"blob_open": {"store_id": notes.id, "root_id": notes.parent}},
        {"join_request": {"node_pubkey": bytes(32), "store_id": root.id, "invite_secret": bytes(32)}},
        {"control": {"status": {}}},
        {"control": {"setup": {"name": "x", "store_id": bytes(16), "store_type": "core:rootstore", "now_ms": 5}}},
        {"control": {"owner_add": {"key": bytes(32)}}},
        {"control": {"clock": {"now_ms": 1 << 50}}},
    ]


def recorded(world):
    """All bytes that one sync makes the left side send, stream by stream: (streams it opened, streams it answered)."""
    world.connect(record=True)
    opened = world.run(world.a.sync()) and []
    answered = []
    numbers = sorted({number for number, _ in world.pair.b.received})
    for number in numbers:
        data = b"".join([piece for stream, piece in world.pair.b.received if stream == number])
        (answered if data[4:5] in (b"\x7a", b"\x82") else opened).append(data)
    return opened, answered


class Prepared:
    """A member and a stick; what the left side says in a whole sync is recorded."""

    def __init__(self):
        left, right = node(1, "left"), node(2, "right")
        self.world, self.notes = joined(left, right)
        for number in range(4):
            self.notes.kv.put(b"key %d" % number, b"x" * 300, START_MS)
        left.journal.commit(START_MS)
        put_file(self.notes, "file", 3, 9000, 4096)
        self.before = right.storage.commits
        self.opened, self.answered = recorded(self.world)
        self.root = left.tree.roots()[0]
        self.world.device = Device(right.storage)


def feed(world, data, rng):
    """One stream with these bytes, in pieces. Nothing may come out of `step`."""
    stream = world.pair.a.open_stream()
    at = 0
    for _ in range(60):
        at += stream.write(data[at : at + 1 + rng.below(500)])
        world.now_ms += 1
        world.b.step(world.now_ms)
        stream.read(4096)
        if at >= len(data):
            break
    if rng.below(2) and stream.error is None:
        stream.finish()
    for _ in range(3):
        world.now_ms += 1
        world.b.step(world.now_ms)
        stream.read(4096)


def state_of(node_):
    storage = node_.storage
    return (
        storage.commits,
        storage.pending(),
        [(handle.id, handle.weaver.store.count) for handle in node_.tree.replicas],
    )


def test_a_stranger_changes_nothing():
    prepared = Prepared()
    rng = Rng(1)
    right = prepared.world.right
    stranger = NodePair(node(66, "stranger"), right, prepared.world.now_ms)
    stranger.device = prepared.world.device
    before = state_of(right)
    beginnings = [frame_of(message) for message in openings(prepared.notes, prepared.root)[:4]]
    beginnings.append(frame_of({"control": {"owner_add": {"key": bytes(32)}}}))
    beginnings.append(frame_of({"control": {"clock": {"now_ms": 9}}}))
    for number in range(ROUNDS):
        if number % 4 == 0:
            stranger.connect()
        data = rng.choice(beginnings + prepared.opened)
        feed(stranger, data if rng.below(4) == 0 else damaged(rng, data), rng)
        assert state_of(right) == before, number


def test_a_member_cannot_break_anything():
    """Its bytes may be valid by chance: what is stored must still verify, and other streams must work."""
    prepared = Prepared()
    rng = Rng(2)
    world = prepared.world
    for number in range(ROUNDS):
        if number % 4 == 0:
            world.connect()
        beginnings = prepared.opened + [frame_of(message) for message in openings(prepared.notes, prepared.root)]
        feed(world, damaged(rng, rng.choice(beginnings)), rng)
    for handle in world.right.tree.replicas:
        assert handle.weaver.verify().ok()
    assert world.connect().sync().complete


class Liar:
    """Answers the streams that a node opens with damaged records of true answers."""

    def __init__(self, connection, records, rng):
        self.connection = connection
        self.records = records
        self.rng = rng
        self.open = []

    def step(self, now_ms):
        stream = self.connection.accept_stream()
        if stream is not None:
            self.open.append([stream, damaged(self.rng, self.rng.choice(self.records)), 0])
        for item in self.open:
            stream, data, at = item
            stream.read(4096)
            if stream.out_pipe.ended:
                continue
            item[2] += stream.write(data[at : at + 300])
            if item[2] == len(data) and stream.error is None:
                stream.finish()
        return False


def test_answers_of_a_liar_end_only_what_was_asked():
    prepared = Prepared()
    rng = Rng(3)
    world = prepared.world
    put_file(prepared.notes, "more", 4, 9000, 4096)
    for digest, _ in list(prepared.notes.store.blobs()):
        prepared.notes.store.drop_blob(digest)
    world.connect().sync()
    far = world.right.tree.get(prepared.notes.id)
    assert not far.files.held(far.files.get("more"))
    records = prepared.opened + prepared.answered + [frame_of({"equal": {}}) + frame_of({"content": {"done": True}})]
    for _ in range(ROUNDS // 4):
        world.connect()
        world.a = Liar(world.pair.a, records, rng)
        task = world.b.sync() if rng.below(4) else world.b.status()
        for _ in range(40):
            world.now_ms += 500
            world.a.step(world.now_ms)
            world.b.step(world.now_ms)
        assert task.done
        assert task.error is None or isinstance(task.error, LatticeError)
    assert far.weaver.verify().ok()
    for digest, size in far.store.blobs():
        assert far.contents.crypto.blake3_digest(far.store.blob(digest).read(0, size)) == digest


class OnlyBytes:
    """A stream that only gives bytes."""

    error = None

    def __init__(self, data):
        self.data = data

    def read(self, count):
        piece = self.data[:count]
        self.data = self.data[count:]
        return piece

    def readable(self):
        return len(self.data)

    def peek(self):
        """Pieces of several sizes: headers, too, are torn apart."""
        return memoryview(self.data)[: 3 + len(self.data) % 40]

    def consume(self, count):
        assert count <= len(self.peek())
        self.read(count)

    def need(self, count):
        return count % 3 > 0

    def ended(self):
        return True

    def at_end(self):
        return not self.data


def test_frames_of_any_bytes():
    rng = Rng(4)
    for _ in range(10 * ROUNDS):
        data = rng.bytes(rng.below(40))
        if rng.below(2):
            data = bytes((0, 0, rng.below(2) * 80, rng.below(40))) + data
        frames = MessageStream(OnlyBytes(data))
        try:
            for _ in range(50):
                frame = frames.poll()
                if isinstance(frame, Large):
                    while frames.take(100):
                        pass
                elif frame is None:
                    break
                elif isinstance(frame, bytes):
                    NanoFrame.decode(frame)
                elif len(data) % 2:
                    head, rest = frames.payload(4)
                    assert len(head) + len(rest) == frames.size
        except LatticeError:
            pass
