"""One connection to a Nano peer: every stream of it, in both roles, as tasks (docs/protocol.md, "Nano streams").

    peer = NanoPeer(node, connection)
    task = peer.sync()                  # or join, status, setup, …: a Task, see tasks.py
    peer.step(ticks_ms, wall_ms)        # after anything arrived or left, and at peer.deadline_ms()

The first frame of a stream says what it is. Whether the peer may have an answer is asked of the node before any: a
stranger changes nothing here and learns nothing, not even which stores there are.
"""

from ...compat import const
from ...errors import ProtocolError, Refused, RefusedByPeer, StorageError, UsageError
from ...limits import ANSWER_MS, PACE_BYTES, PACE_MS
from ...node.device import check_name
from ...node.stores import has_marked_id
from ...text import cut
from ...wire.nano_messages import WORDS_BYTES, NanoFrame
from ..common.peer import Peer, stranger
from ..common.tasks import Task
from . import control
from .blobs import BlobServer, Puller
from .message_stream import MessageStream, Meter
from .session import StoreSession

STORE_ID_BYTES = const(16)
CHAINS = const(65536)  # of a store that a computer compares, and authors of a session it refuses one by one
CHAINS_STICK = const(1024)
AUTHORS_REFUSED = const(1024)
AUTHORS_REFUSED_STICK = const(64)


class NotOpen(Refused):
    """A store that this node keeps closed for want of room, or has of another share: no fault of who asks."""

    code = "not_open"


class Options:
    """What differs between a computer and a stick. `flash()` gives (total, used) in bytes, on a stick only."""

    def __init__(self, version="", verify_batch=256, blob_requests=8, flash=None):
        self.version = version
        self.verify_batch = verify_batch  # intentions verified together, and at most ingested between two yields
        self.blob_requests = blob_requests  # in flight
        self.flash = flash
        self.chains = CHAINS if flash is None else CHAINS_STICK  # that only the peer has, in one comparison
        self.authors_refused = AUTHORS_REFUSED if flash is None else AUTHORS_REFUSED_STICK  # in one session


class NanoPeer(Peer):
    """`device` is the stick's own state (node/device.py), None on a computer."""

    def __init__(self, node, connection, options=None, device=None):
        super().__init__(node, connection, device)
        self.options = options or Options()
        self._durable_counts = {}
        self._meter = Meter()
        self._paced_at = None  # when something was first under way, or enough had moved
        self._paced_bytes = 0

    def step(self, ticks_ms, wall_ms=None):
        busy = super().step(ticks_ms, wall_ms)
        self._keep_pace()
        return busy

    def _keep_pace(self):
        """A peer that trickles is not silent, and would for ever keep what it has begun from ending."""
        moved = self._meter.bytes
        if self._paced_at is None or not self.transfers() or moved - self._paced_bytes >= PACE_BYTES:
            self._paced_at, self._paced_bytes = self.ticks_ms, moved
        elif self.ticks_ms - self._paced_at > PACE_MS and self.connection.closed is None:
            self.connection.close("only a trickle moved on this connection for %d s: connect again" % (PACE_MS // 1000))

    # -- commands: each returns a Task -------------------------------------------------------------------------

    def sync(self, store_ids=None, live=False):
        """Synchronises the stores shared with this peer; the result is a `syncing.Report`."""
        return self.start(self._sync(store_ids, live), "sync")

    def _sync(self, store_ids, live):
        from ..common.syncing import synchronise  # here: no stick begins a sync

        return (yield from synchronise(self, store_ids, live))

    def stop(self):
        """Ends live sessions orderly."""
        for session, _ in self.sessions:
            session.stopping = True
        self._busy = True

    def join(self, token, again=False):
        """Joins the token's share at this peer and fetches it with its child stores; the result is a Report. `again`:
        also when the share is here already."""
        return self.start(self._join(token, again), "join")

    def _join(self, token, again):
        from ..common import join

        join.request(self.node, token, self.key, self.wall_ms(), again)  # refuses before a stream is opened
        yield from join.client(self, self.open(), token, again)
        return (yield from self._sync(None, False))

    def status(self):
        """The stick's Status as a dict; what a stranger may not see is empty."""
        return self.start(self._control({"status": {}}), "status")

    def setup(self, root, name, now_ms):
        """Takes a fresh stick into the share of `root`; we become its owner. Follow with `sync`."""
        return self.start(self._setup(root, name, now_ms), "setup")

    def _setup(self, root, name, now_ms):
        shown = yield from self._control({"status": {}})
        if shown["status"]["owned"]:
            raise Refused(
                "this stick has an owner already; its owner can add you, or reset it with its button", "stick_owned"
            )
        check_name(name)
        was_member = self.node.members.may_connect(root.id, self.key)
        self.node.members.admit(root, self.key, name, now_ms)
        self.node.members.note_stick(root, self.key)
        self.commit()
        setup = {"name": name, "store_id": root.id, "store_type": root.type, "now_ms": now_ms}
        try:
            return (yield from self._control({"setup": setup}))
        except Refused:
            if not was_member:
                self.node.members.take_back_stick(root, self.key, now_ms)
            raise

    def owner_add(self, key):
        return self.start(self._control({"owner_add": {"key": key}}), "owner add")

    def owner_transfer(self, key):
        return self.start(self._control({"owner_transfer": {"key": key}}), "owner transfer")

    def set_clock(self, now_ms):
        return self.start(self._control({"clock": {"now_ms": now_ms}}), "clock")

    def _control(self, request):
        frames = self.open()
        frames.post({"control": request})
        frames.finish()
        answer = yield from self.answer(frames)
        if "control_reply" not in answer:
            raise ProtocolError("something else than the answer to a control request")
        return answer["control_reply"]

    # -- what tasks stand on -----------------------------------------------------------------------------------

    def open(self):
        return MessageStream(self.open_stream(), self._meter)

    def answer(self, frames):
        """Task: the peer's next message as a dict. RefusedByPeer when it says no; StreamLost when it is silent."""
        frame = yield from self.next_message(frames)
        if frame is None:
            raise ProtocolError("the peer ended the stream without an answer")
        if not isinstance(frame, bytes):
            raise ProtocolError("an item or a part where an answer was expected")
        message = NanoFrame.decode(frame)
        if "refusal" in message:
            raise RefusedByPeer(cut(message["refusal"]["words"], WORDS_BYTES) or "the peer refused without a reason")
        return message

    def durable_count(self, handle):
        """Witness sequence of a store up to which everything is known to be durable."""
        if not self.node.storage.pending():
            self._durable_counts[handle.id] = handle.weaver.store.count
        return self._durable_counts.get(handle.id, 0)

    def open_session(self, handle, live):
        """Starts the session of one store; returns (session, task)."""
        self.check_takes(handle)
        session = StoreSession(self, handle, self.open(), True, live)
        task = self.start(session.run(), "session")
        self.sessions.append((session, task))
        return session, task

    def lacks(self, handle):
        """True when content that a store names is not here."""
        return handle.content.lacks()

    def pull(self, handle):
        """Starts to pull what a store lacks: the Puller."""
        return Puller(self, handle)

    # -- serving -----------------------------------------------------------------------------------------------

    def _serve(self, stream):
        """Task: one stream that the peer opened."""
        frames = MessageStream(stream, self._meter)
        try:
            try:
                frame = yield from self._first(frames)
                if frame is not None:
                    yield from self._dispatch(frames, frame)
            except (Refused, UsageError, StorageError) as error:
                if not isinstance(error, (NotOpen, StorageError)):
                    self.fault(error)
                yield from self._refuse(frames, error)
        except ProtocolError as error:
            self.fault(error)
            frames.stream.reset()

    def _refuse(self, frames, error):
        """Task: says no in words. What waited to be sent is dropped: who is refused gets nothing more."""
        self.last_fault = error
        if not frames.abandon():
            frames.stream.reset()
            return
        frames.post({"refusal": {"words": cut(str(error), WORDS_BYTES)}})
        yield from self.close_stream(frames)

    def _first(self, frames):
        began_ms = self.ticks_ms
        while True:
            frame = frames.poll()
            if frame is not None:
                self.moved()
                return frame
            if frames.ended:
                yield from self.close_stream(frames)
                return None
            if self.ticks_ms - began_ms > ANSWER_MS:
                raise ProtocolError("a stream on which nothing came")
            yield

    def _dispatch(self, frames, frame):
        message = NanoFrame.decode(frame) if isinstance(frame, bytes) else {}
        if "open" in message:
            yield from self._serve_sync(frames, message["open"])
        elif "blob_open" in message:
            yield from self._woken(message["blob_open"])
            handle = self._shared(message["blob_open"])
            self.node.tree.use(handle)
            try:
                yield from BlobServer(self, handle, frames).run()
                yield from self.close_stream(frames)
            finally:
                self.node.tree.release(handle)
        elif "join_request" in message:
            from ..common import join  # here: a stick that nobody joins at needs none of it

            yield from join.serve(self, frames, message["join_request"])
        elif "control" in message:
            yield from control.serve(self, frames, message["control"])
        else:
            raise ProtocolError("a stream that begins with none of the openings")

    def _woken(self, opening):
        """Task: opens the store that a first frame names, when it rests here. While all that are open are used it waits
        for a place."""
        store_id = opening["store_id"]
        tree = self.node.tree
        if len(store_id) != STORE_ID_BYTES or not (self.knows() or has_marked_id(store_id)):
            return
        began_ms = self.ticks_ms
        while tree.wake(store_id, self.wall_ms()) is None and tree.crowded:
            if self.ticks_ms - began_ms > ANSWER_MS // 2:
                raise NotOpen("all stores that can be open there at a time are used: try again")
            yield

    def _shared(self, opening, takes=False):
        """The store that a first frame names. It must have come through the same store on both sides: a node that is in
        two shares of which both declare it would carry over what is not meant for the other's members. Where the id
        says that the store has a list of its own, this list says who may have it, wherever it came through. `takes`:
        the peer may also be one who only brings it."""
        store_id = opening["store_id"]
        handle = self.node.tree.get(store_id)
        if handle is not None and opening["root_id"] != (handle.parent or b"") and not has_marked_id(store_id):
            raise NotOpen(str(stranger())) if self.knows() else stranger()
        if handle is not None and self.node.members.may_connect(store_id, self.key):
            return handle
        if handle is not None and takes and self.fills(handle):
            return handle
        if handle is not None and self.knows() and not self.node.members.is_cut(handle):
            raise NotOpen(str(self.refusal(handle)))
        closed = self.node.tree.closed_child(store_id)
        if closed is not None and self.node.members.may_connect(closed[1], self.key):
            raise NotOpen("%s is not open there: %s" % (closed[2] or "this store", closed[3]))
        raise self.refusal(handle)

    def _serve_sync(self, frames, opened):
        yield from self._woken(opened)
        handle = self.node.tree.get(opened["store_id"])
        if handle is None or not self.refills(handle):
            handle = self._shared(opened, True)
        for session, task in self.sessions:
            if task.done:
                continue  # given up: that and the next may have come with one packet
            if session.handle is handle and session.initiator and self.connection.local < self.key:
                # Both opened at once (or we are in step already): the smaller key's session counts.
                frames.post({"retry": {}})
                yield from self.close_stream(frames)
                return
            if session.handle is handle and not session.initiator and not session.ending():
                raise ProtocolError("a second sync of a store while the first one runs")
        # The peer is through with one and begins the next; that we know so of the first may still be on its way.
        while any(session.handle is handle and not task.done for session, task in self.sessions if session.ending()):
            yield
        session = StoreSession(self, handle, frames, False, False)
        task = Task(session.run(opened), "session")
        self.sessions.append((session, task))
        while not task.step(self.ticks_ms):
            yield
        if task.error is not None:
            raise task.error
        self.node.after_sync(self.wall_ms())
