"""Content on demand: verified, per store, resumed blob by blob, and what does not fit is named."""

import sys

from lattice_core.files import cid as cids
from lattice_core.sync.nano.message_stream import PART, MessageStream
from lattice_core.testing.memory import MemoryStorage
from lattice_core.wire.nano_messages import PART_HEAD_BYTES, PART_KEY, NanoFrame
from support import Rng, crypto
from support.files import put_file
from support.nano import START_MS, NodePair, joined, node, same

ON_DEVICE = sys.implementation.name == "micropython"
CHUNK_BYTES = 65536  # the largest


def content_of(handle, path):
    """The hash of a file's content, read from the blobs."""
    hasher = crypto().blake3()
    for piece in handle.files.read(handle.files.get(path).entry):
        hasher.update(piece)
    return hasher.digest()


def share(storage=None, **wire):
    left = node(1, "left")
    right = node(2, "right", storage)
    world, notes = joined(left, right, **wire)
    return world, notes, right.tree.get(notes.id)


def test_content_arrives_byte_for_byte():
    world, notes, far = share()
    sizes = [1, 2049, 16384, 16385, 20000] + ([] if ON_DEVICE else [CHUNK_BYTES, 300000])
    for number, size in enumerate(sizes):
        put_file(notes, "file %d" % number, number + 1, size, CHUNK_BYTES if number % 2 else 5000)
    report = world.connect().sync()
    assert report.complete
    assert same(world.left, world.right)
    for number, size in enumerate(sizes):
        path = "file %d" % number
        assert content_of(far, path) == content_of(notes, path)
        assert far.files.get(path).entry.size == size
    sent = world.a.progress.sent()
    assert sent["blobs"] == world.b.progress.received()["blobs"]
    assert sent["bytes"] >= sum(sizes)
    assert world.a.progress.wanted_bytes > 0
    for file in notes.files.list():
        assert (world.right.identity.public, "acknowledged") in notes.files.holders(file)
    again = world.connect().sync()
    assert again.complete
    assert world.a.progress.sent_blobs == 0


def test_content_travels_towards_the_one_who_opens_too():
    world, notes, far = share()
    put_file(far, "theirs", 2, 30000, 4096)
    assert world.connect().sync().complete
    assert content_of(notes, "theirs") == content_of(far, "theirs")


def test_a_cut_sends_at_most_one_blob_twice():
    rng = Rng(3)
    total = 40000 if ON_DEVICE else 200000
    for _ in range(2 if ON_DEVICE else 8):
        world, notes, far = share(window=2048)
        put_file(notes, "file", 1 + rng.below(1000), total, 16384 if not ON_DEVICE else 4096)
        uncut = len(list(notes.store.blobs()))
        blobs = size = 0
        for attempt in range(40):
            world.connect(budget=None if attempt > 20 else 2000 + rng.below(total))
            task = world.a.sync()
            for _ in range(3000):
                world.now_ms += 1
                world.a.step(world.now_ms)
                world.b.step(world.now_ms)
                if world.pair.a.closed is not None or task.done:
                    break
            world.a.step(world.now_ms)
            world.b.step(world.now_ms)
            cuts = attempt
            blobs += world.a.progress.sent_blobs
            size += world.a.progress.sent_bytes
            if task.done and task.error is None:
                break
        assert task.result.complete
        assert content_of(far, "file") == content_of(notes, "file")
        assert blobs <= uncut
        # What the wire took with it: a window, the blob under way, and what came but was not yet committed.
        assert size <= total + 2000 + cuts * (2048 + 16384 + 16384), (size, cuts)


def test_not_held_is_an_answer():
    world, notes, far = share()
    put_file(notes, "file", 4, 20000, 4096)
    put_file(notes, "other", 5, 9000, 4096)
    for digest, size in list(notes.store.blobs()):
        if size == 20000 % 4096:
            notes.store.drop_blob(digest)
    report = world.connect().sync()
    (outcome,) = [one for one in report.outcomes.values() if one.missing_there]
    assert outcome.missing_there == 1
    assert not report.complete
    assert not report.errors
    assert content_of(far, "other") == content_of(notes, "other")
    assert not far.files.held(far.files.get("file"))
    file = notes.files.get("file")
    assert (world.right.identity.public, "acknowledged") not in notes.files.holders(file)


def test_a_full_node_names_what_does_not_fit_and_takes_the_rest():
    large = 35000 if ON_DEVICE else 150000
    world, notes, far = share(MemoryStorage(large + 100000))
    put_file(notes, "a small", 6, 20000, 4096)
    put_file(notes, "b large", 7, large, 8192)
    put_file(notes, "c small", 8, 30000, 16384)
    report = world.connect().sync()
    assert not report.complete
    assert report.unfit() == [("b large", large)]
    assert content_of(far, "a small") == content_of(notes, "a small")
    assert content_of(far, "c small") == content_of(notes, "c small")
    assert same(world.left, world.right)
    holders = notes.files.holders(notes.files.get("c small"))
    assert (world.right.identity.public, "acknowledged") in holders
    holders = notes.files.holders(notes.files.get("b large"))
    assert (world.right.identity.public, "acknowledged") not in holders


def raw_requests(world, store_id, digests):
    """Opens a stream of blobs by hand; returns the decoded answers (parts as their bytes)."""
    frames = MessageStream(world.pair.a.open_stream())
    frames.post({"blob_open": {"store_id": store_id, "root_id": world.right.tree.roots()[0].id}})
    for digest in digests:
        frames.post({"blob_request": {"hash": digest}})
    frames.finish()
    answers = []
    for _ in range(200):
        frames.flush()
        world.now_ms += 1
        world.b.step(world.now_ms)
        if frames.stream.error is not None:
            return answers
        frame = frames.poll()
        if isinstance(frame, str):
            assert frame == PART
            answers.append({"part": b"".join(frames.payload(PART_HEAD_BYTES))})
        elif frame is not None:
            answers.append(NanoFrame.decode(frame))
    return answers


def test_a_blob_counts_only_in_the_store_it_came_through():
    world, notes, _far = share()
    other = world.left.create_store("other", "core:kvstore", None, START_MS)
    put_file(notes, "file", 9, 3000, 4096)
    world.connect().sync()
    digest = notes.files.get("file").entry.digest
    assert "part" in raw_requests(world.connect(), notes.id, [digest])[0]
    assert raw_requests(world.connect(), other.id, [digest]) == [{"not_held": {}}]
    assert raw_requests(world.connect(), notes.id, [bytes(32)]) == [{"not_held": {}}]


def test_a_stranger_gets_no_blob():
    world, notes, _far = share()
    put_file(notes, "file", 10, 3000, 4096)
    world.sync()
    digest = notes.files.get("file").entry.digest
    stranger = NodePair(node(66, "stranger"), world.right, world.now_ms)
    answers = raw_requests(stranger, notes.id, [digest])
    assert len(answers) == 1
    assert "refusal" in answers[0]
    assert answers == raw_requests(stranger, b"\x09" * 16, [digest]), "which stores there are stays hidden"


def test_a_blob_that_is_not_what_its_hash_names_is_not_kept():
    for size in (3000, 20000):
        world, notes, far = share()
        put_file(notes, "file", 11, size, CHUNK_BYTES)
        entry = notes.files.get("file").entry
        assert entry.codec == cids.RAW
        held = notes.store.blob(entry.digest).read(0, size)
        notes.store.drop_blob(entry.digest)
        notes.store.put_blob(entry.digest, bytes(1) + held[1:])
        notes.files.journal.commit(START_MS)
        task = world.connect().b.sync()
        for _ in range(200):
            world.now_ms += 1
            world.a.step(world.now_ms)
            world.b.step(world.now_ms)
        assert task.done
        assert task.result is not None
        # It ends nothing: it is named, and its holder looks at its copy and wants it again (test_damaged_blobs.py).
        outcome = task.result.outcomes[notes.id]
        assert not task.result.errors
        assert outcome.damaged == ["file"]
        assert not task.result.complete
        assert not far.contents.has(entry.digest)
        assert not notes.contents.has(entry.digest)


def test_answers_nobody_asked_for_end_the_stream():
    for what in ("part", "not_held", "control"):
        world, notes, far = share()
        put_file(notes, "file", 12, 3000, 4096)
        world.connect()
        world.a = Impostor(world.pair.a, what)
        task = world.b.sync()
        for _ in range(100):
            world.now_ms += 1
            world.b.step(world.now_ms)
            world.a.step(world.now_ms)
        assert task.done, what
        assert not list(far.store.blobs()), what


class Impostor:
    """Answers every stream with one frame that fits nothing."""

    def __init__(self, connection, what):
        self.connection = connection
        self.what = what

    def step(self, now_ms):
        stream = self.connection.accept_stream()
        if stream is None:
            return False
        frames = MessageStream(stream)
        if self.what == "part":
            frames.post_bulk(PART_KEY, bytes(4), Empty())
        else:
            frames.post({self.what: {}})
        frames.flush()
        return True


class Empty:
    size = 0

    def read(self, offset, count):
        return b""
