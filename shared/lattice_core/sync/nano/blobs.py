"""Content on demand (docs/protocol.md, "Blobs"): one side asks for blobs by name, the other answers in order.

The puller keeps several requests in flight, so that the rate is not bound by round trips, and checks every blob by its
BLAKE3 before it is stored. A blob is whole or not there at all: after a cut the sync asks for what is missing. The
server gives only what the store named in the opening holds.

A blob that is damaged at the server ends nothing: the puller counts it, says so, and goes on with the next; the server
looks at its own copy, drops it when it is bad, and wants it again from whoever has it.
"""

from ...compat import ABSENT, const
from ...errors import ProtocolError, RefusedByPeer, StorageError, StorageFull
from ...files.fetch_plan import UNFIT_KEPT
from ...limits import BATCH_BYTES, REQUESTS_QUEUED
from ...text import cut
from ...wire.nano_messages import MESSAGE_BYTES, PART_BYTES, PART_HEAD_BYTES, PART_KEY, WORDS_BYTES, NanoFrame
from .incoming_body import IncomingBody
from .message_stream import PART, Large

_FRAMES_AT_ONCE = const(8)  # then the others have their turn
_STORED_AT_ONCE = const(64)  # names in one acknowledgement
_UNFIT_BYTES = const(3000)  # of names and sizes in one Content
_HASH_BYTES = const(32)


class Puller:
    """Pulls what one store lacks. `task` runs it; `wanted` plans it (files/fetch_plan.py)."""

    bad_at_most = 64  # damaged blobs of one pull: then this peer is asked for nothing more

    def __init__(self, peer, handle):
        self.peer = peer
        self.node = peer.node
        self.contents = handle.contents
        self.wanted = handle.content.wanted()
        self.handle = handle
        self.full = 0  # blobs that found no room although they were planned
        self.damaged = 0  # blobs that came and were not what their hash names
        self.damaged_paths = []  # of files that they belong to, at most UNFIT_KEPT
        self._frames = peer.open()
        self._flying = []  # (digest, path) of what was asked for, in order
        self._stored = []  # (ticket, digest) not yet acknowledged
        self._large: IncomingBody = ABSENT  # from its announcement until all of it has come
        self._done = False
        self.task = peer.start(self._run(), "pull")

    def cancel(self):
        if not self.task.done:
            self.task.cancel()
            self._close()

    def unfit_count(self):
        return self.wanted.unfit_count + self.full

    def report(self):
        """The Content message at the end."""
        listed = []
        size = 0
        for path, file_size in self.wanted.unfit:
            size += len(path.encode()) + 16
            if size > _UNFIT_BYTES:
                size -= len(path.encode()) + 16
                continue  # a shorter one may fit
            listed.append({"path": path, "size": file_size})
        return {
            "done": True,
            "blobs": self.wanted.blobs,
            "bytes": self.wanted.bytes,
            "missing": self.wanted.missing,
            "unfit": listed,
            "unfit_count": self.unfit_count(),
            "room": self.handle.content.budget.room() if self.unfit_count() else 0,
        }

    def _run(self):
        """Task: returns when nothing more can be had from this peer."""
        frames = self._frames
        frames.post({"blob_open": {"store_id": self.handle.id, "root_id": self.handle.parent or b""}})
        try:
            while not self._done or frames.queued() or not frames.ended or not frames.stream.finished():
                moved = self._ask()
                moved = self._take() or moved
                self._acknowledge()
                moved = frames.flush() or moved
                if moved or (frames.ended and frames.stream.finished()):  # nothing else would wake us
                    self.peer.moved()
                else:
                    self.peer.check_silence()
                yield
        finally:
            self._close()

    def _close(self):
        if self._large is not ABSENT:
            self._large.discard()
            self._large = ABSENT
        if not self._done:
            self._frames.stream.reset()

    def _ask(self):
        if self._done:
            return False
        asked = False
        while len(self._flying) < self.peer.options.blob_requests:
            digest = self.wanted.next()
            if digest is None:
                if self.wanted.paused:
                    return True  # a large file is looked through piece by piece
                if not self._flying and not self.wanted.again():
                    self._end()
                break
            self._flying.append((digest, self.wanted.path))
            self._frames.post({"blob_request": {"hash": digest}})
            asked = True
        return asked

    def _end(self):
        self.peer.commit()
        self._acknowledge()
        self._done = True
        self._frames.finish()

    # -- answers -----------------------------------------------------------------------------------------------

    def _take(self):
        moved = False
        for _ in range(_FRAMES_AT_ONCE):
            if self._large is not ABSENT:
                return self._take_large() or moved
            frame = self._frames.poll()
            if frame is None:
                break
            moved = True
            if isinstance(frame, Large):
                self._begin_large(frame)
                continue
            if isinstance(frame, bytes):
                self._message(NanoFrame.decode(frame))
            elif frame != PART:
                raise ProtocolError("an %s on a stream of blobs" % frame)
            elif self._take_part():
                break  # a commit may have taken long
        if self._frames.ended and not self._done:
            raise ProtocolError("the peer ended a stream of blobs that was asked for more")
        return moved

    def _message(self, frame):
        if "refusal" in frame:
            raise RefusedByPeer(cut(frame["refusal"]["words"], WORDS_BYTES))
        if "not_held" not in frame or not self._flying:
            raise ProtocolError("an answer that nothing was asked for")
        self.wanted.not_held(self._flying.pop(0)[0])

    def _take_part(self):
        """Stores a blob that came whole. True when a commit followed."""
        head, data = self._frames.payload(PART_HEAD_BYTES)
        digest, path = self._answered(head, len(data))
        self.peer.progress.received_bytes += len(data)
        if self.node.crypto.blake3_digest(data) != digest:
            self._bad(digest, path)
            return False
        self.peer.enter()
        try:
            self.contents.put_body(digest, data)
        except StorageFull:
            self._no_room(digest)
            return False
        return self._arrived(digest)

    def _answered(self, head, size):
        """(digest, path) that an answer of `size` bytes is for."""
        if not self._flying or len(head) < PART_HEAD_BYTES:
            raise ProtocolError("a blob that was not asked for")
        if int.from_bytes(head, "little") != size:
            raise ProtocolError("a blob that is larger than what came of it")
        return self._flying.pop(0)

    def _arrived(self, digest):
        self.peer.progress.received_blobs += 1
        self._stored.append((self.node.journal.ticket(), digest))
        if self.node.storage.pending() >= BATCH_BYTES:  # so that a cut costs little, whatever the storage's batches are
            self.peer.commit()
            return True
        return self.peer.commit_due()

    def _bad(self, digest, path):
        """The peer's copy is damaged: it is told, and this blob is asked of somebody else another time."""
        self.damaged += 1
        if path and path not in self.damaged_paths and len(self.damaged_paths) < UNFIT_KEPT:
            self.damaged_paths.append(path)
        self.wanted.not_held(digest)
        self._frames.post({"blob_bad": {"hash": digest}})
        if self.damaged >= self.bad_at_most:
            self.wanted.stop()

    def _no_room(self, digest):
        self.full += 1
        self.wanted.not_held(digest)
        self.wanted.missing -= 1  # the peer does hold it

    def _begin_large(self, frame):
        if frame.name != PART or not self._flying:
            raise ProtocolError("a large %s that was not asked for" % frame.name)
        self._large = IncomingBody(self.node, self._frames, frame.size, PART_HEAD_BYTES, True)

    def _take_large(self):
        large = self._large
        moved = large.take()
        self.peer.progress.received_bytes += moved
        if not large.complete():
            return moved > 0
        digest, path = self._answered(large.head, large.size)
        self._large = ABSENT
        if large.reason is not None:
            self._no_room(digest)
            return True
        if large.hasher.digest() != digest:
            large.discard()
            self._bad(digest, path)
            return True
        self.peer.enter()
        try:
            self.contents.put_body(digest, large.body())
        except StorageFull:
            large.discard()
            self._no_room(digest)
            return True
        self._arrived(digest)
        return True

    def _acknowledge(self):
        """Names what is durable: the peer may rely on it from then on."""
        ready = 0
        while ready < min(len(self._stored), _STORED_AT_ONCE) and self.node.journal.durable(self._stored[ready][0]):
            ready += 1
        if ready:
            names = b"".join([digest for _, digest in self._stored[:ready]])
            self._stored = self._stored[ready:]
            self._frames.post({"blob_stored": {"hashes": names}})


class BlobServer:
    """Answers one puller on one stream."""

    def __init__(self, peer, handle, frames):
        self.peer = peer
        self.handle = handle
        self.frames = frames
        self._asked = []
        self._serving = []  # digests posted and not acknowledged: what `blob_stored` may name

    def run(self):
        """Task: ends when the puller has finished."""
        frames = self.frames
        while True:
            moved = self._take()
            moved = self._answer() or moved
            if frames.ended and not self._asked and not frames.queued():
                break
            moved = frames.flush() or moved
            if moved:
                self.peer.moved()
            else:
                self.peer.check_silence()
            yield
        frames.finish()

    def _take(self):
        moved = False
        while len(self._asked) < REQUESTS_QUEUED:
            frame = self.frames.poll()
            if frame is None:
                break
            moved = True
            if not isinstance(frame, bytes):
                raise ProtocolError("an item or a part where blobs are asked for")
            message = NanoFrame.decode(frame)
            if "blob_request" in message:
                digest = message["blob_request"]["hash"]
                if len(digest) != _HASH_BYTES:
                    raise ProtocolError("the name of a blob has %d bytes" % len(digest))
                self._asked.append(digest)
            elif "blob_stored" in message:
                self._stored(message["blob_stored"]["hashes"])
            elif "blob_bad" in message:
                self._look_at(message["blob_bad"]["hash"])
            else:
                raise ProtocolError("neither a request for a blob nor its acknowledgement")
        return moved

    def _stored(self, names):
        for at in range(0, len(names), _HASH_BYTES):
            digest = names[at : at + _HASH_BYTES]
            if digest in self._serving:
                self._serving.remove(digest)
                self.peer.progress.sent_blobs += 1

    def _look_at(self, digest):
        """The puller says that what came is not what this hash names: once for each that was served."""
        if digest in self._serving:
            self._serving.remove(digest)
            self.peer.enter()
            if not self.handle.contents.check(digest):
                self.peer.progress.damaged_here += 1

    def _answer(self):
        """Queues one answer at a time: the stream's window is the brake."""
        if not self._asked or self.frames.queued():
            return False
        self.peer.check_allowed(self.handle)
        digest = self._asked.pop(0)
        contents = self.handle.contents
        try:
            body = contents.get(digest)
            if body is not None and body.size <= PART_BYTES:
                self.frames.post_bulk(PART_KEY, body.size.to_bytes(PART_HEAD_BYTES, "little"), body)
            else:
                body = None
        except StorageError:
            body = None
            contents.check(digest)
            self.peer.progress.damaged_here += 1
        if body is None:
            self.frames.post({"not_held": {}})
            return True
        self.peer.progress.sent_bytes += body.size
        if len(self._serving) < 4 * REQUESTS_QUEUED:
            self._serving.append(digest)
        return True


assert _STORED_AT_ONCE * _HASH_BYTES < MESSAGE_BYTES
