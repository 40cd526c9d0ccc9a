"""One connection's driver: its tasks, the streams that the peer opens, what everything on it stands on.

`NanoPeer` (nano/peer.py) and `RefPeer` (reference/peer.py) say what is spoken on the streams; their drivers treat both
alike.
"""

from ...errors import LatticeError, Refused, StorageError
from ...limits import ANSWER_MS, FAULTS, STREAMS_IN
from ...node.members import list_is_cut
from .progress import Progress
from .tasks import Fault, StreamLost, Task

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .streams import MessageChannel


class Peer:
    """`device` is the stick's own state (node/device.py), None on a computer. `ticks_ms` is the time of the last step,
    on the driver's monotonic clock.

    A subclass gives `_serve(stream)`, a task for a stream that the peer has opened: it ends by itself whatever comes.
    """

    opens_all = True  # what its stores declare; a node of the reference does not

    def __init__(self, node, connection, device=None):
        self.node = node
        self.connection = connection
        self.key = connection.peer
        self.device = device
        self.progress = Progress()
        self.under_way = 0  # transfers when the last step ended
        if device is not None:
            device.peers.append(self)
        self.complete = False  # the last sync has left nothing behind
        self.ticks_ms = 0
        self._wall_ms = 0
        self.sessions = []  # (session of a store, Task)
        self.faults = 0
        self.last_fault = None
        self._tasks = []
        self._serving = []
        self._moved_at = None
        self._busy = False
        self._failure = None  # the medium's, which ends the connection

    # -- driving -----------------------------------------------------------------------------------------------

    def step(self, ticks_ms: int, wall_ms: "int | None" = None) -> bool:
        """Runs everything until it waits. True when there is more to do at once. `wall_ms` None: the device knows it;
        where there is no device, one clock is both.

        StorageError when the medium failed: what this peer has sent since the last commit is gone, and its connection
        is closed. An error that is none of the core's ends this connection and nothing else. On a stick it goes on to
        the loop, which starts over.
        """
        self.node.journal.writer = self
        self.ticks_ms = ticks_ms
        self._wall_ms = ticks_ms if wall_ms is None else wall_ms
        try:
            return self._step()
        except StorageError as error:
            self._give_up(
                error, "%s: %s" % ("the other side's disk" if self.device is None else "the stick's flash", error)
            )
            raise
        except LatticeError:
            raise
        except Exception as error:
            if self.device is not None:
                raise
            fault = Fault(error)
            self._give_up(fault, str(fault))
            return False
        finally:
            self.node.journal.writer = None

    def _give_up(self, error, reason):
        """Ends the connection, takes back what its other side has sent since the last commit, and nothing else."""
        self.last_fault = error
        for task in self._tasks + self._serving:
            task.cancel(error)
        try:
            self.node.journal.give_up(self)
        finally:
            self.close(reason)

    def _step(self):
        ticks_ms = self.ticks_ms
        if self._moved_at is None:
            self._moved_at = ticks_ms
        self._busy = False
        self._accept()
        for task in self._tasks + self._serving:
            if task.step(ticks_ms):
                self._busy = True  # whoever waits for its outcome learns of it at once
        self._tasks = [task for task in self._tasks if not task.done]
        self._serving = [task for task in self._serving if not task.done]
        self.sessions = [item for item in self.sessions if not item[1].done]
        self.under_way = self.transfers()
        if self.commit_due():
            self._busy = True  # whoever waits for that may go on
        if self._failure is not None:
            raise self._failure
        return self._busy

    def deadline_ms(self):
        """When `step` wants to be called at the latest, None for whenever something arrives."""
        if self._busy:
            return self.ticks_ms
        deadline = self.node.journal.deadline_ms()
        if self.transfers():
            silence = (self._moved_at or 0) + ANSWER_MS + 1
            deadline = silence if deadline is None else min(deadline, silence)
        return deadline

    def transfers(self):
        """How many things are under way: a live session that is in step is none."""
        resting = len([1 for session, _ in self.sessions if session.rests()])
        return len(self._tasks) + len(self._serving) - resting

    def _accept(self):
        while len(self._serving) < STREAMS_IN and self.connection.closed is None:
            stream = self.connection.accept_stream()
            if stream is None:
                return
            self.moved()
            self._serving.append(Task(self._serve(stream), "serve"))

    def _serve(self, stream):
        """Task: a stream that the peer has opened. Nobody answers here."""
        stream.reset()
        yield

    def start(self, generator, name):
        """Runs a task of ours on this connection."""
        task = Task(generator, name)
        self._tasks.append(task)
        self._busy = True
        self._moved_at = None  # silence is counted from the next step on: nothing was awaited before
        return task

    def close(self, reason):
        """Ends the connection and everything on it: what is still under way ends with a StreamLost."""
        for task in self._tasks + self._serving:
            task.cancel(StreamLost(reason))
        if self.device is not None and self in self.device.peers:
            self.device.peers.remove(self)
        if self.connection.closed is None:
            self.connection.close(reason)

    # -- what tasks stand on -----------------------------------------------------------------------------------

    def next_message(self, messages: "MessageChannel"):
        """Task: what the peer sends next on a stream, None when it ends the stream instead. StreamLost when it is
        silent."""
        while True:
            moved = messages.turn()
            message = messages.poll()
            if message is not None or messages.ended or moved:
                self.moved()
            if message is not None or messages.ended:
                return message
            self.check_silence()
            yield

    def open_stream(self):
        if self.connection.closed is not None:
            raise StreamLost(self.connection.closed)
        return self.connection.open_stream()

    def wall_ms(self):
        """Wall time, None on a stick that nobody told it."""
        return self._wall_ms if self.device is None else self.device.now_ms(self.ticks_ms)

    def moved(self):
        """Something moved on this connection: go on at once, and nobody is silent."""
        self._moved_at = self.ticks_ms
        self._busy = True

    def check_silence(self) -> None:
        """Before any wait for the peer. Silence is the connection's: its streams share one pipe and one flash, so who
        is busy on one of them is slow on the others."""
        if self._moved_at is not None and self.ticks_ms - self._moved_at > ANSWER_MS:
            raise StreamLost("no answer for %d seconds" % (ANSWER_MS // 1000), "peer_silent")

    def close_stream(self, frames):
        """Task: sends what is queued, ends our direction and waits until the peer has everything."""
        frames.finish()
        while frames.queued() or not frames.stream.finished():
            if frames.flush():
                self.moved()
            if frames.stream.error is not None:
                raise StreamLost(frames.stream.error)
            self.check_silence()
            yield

    def check_allowed(self, handle):
        """Refused when the peer may not (or no longer) have this store."""
        if not self.node.members.may_connect(handle.id, self.key):
            raise self.refusal(handle)

    def check_takes(self, handle):
        """Refused when nothing of this store is taken from the peer (any more)."""
        if not self.fills(handle):
            self.check_allowed(handle)

    def fills(self, handle):
        """True for a peer that may bring this store and have nothing of it: see `Members.may_fill`."""
        return self.node.members.may_fill(handle.id, self.key)

    def asks(self, handle):
        """True when this peer is asked for a store whose list does not admit it: it knows whether it has it for us."""
        return self.opens_all and self.fills(handle)

    def knows(self):
        """True when the peer may have any store here."""
        return any(self.node.members.may_connect(handle.id, self.key) for handle in self.node.tree.replicas)

    def refills(self, handle):
        """True for an owner of this stick where the list of members has lost something: what is lost it may bring back,
        and have nothing. Whom the list would let in does not count, since it may lack just who was shut out."""
        if self.device is None or not self.device.is_owner(self.key):
            return False
        return self.node.members.is_cut(handle) and self.node.tree.has_own_list(handle)

    def refusal(self, handle):
        """Why the peer may not have a store; `handle` may be None. A stranger learns nothing."""
        if handle is None or not self.node.members.is_cut(handle):
            above = None if handle is None else handle.parent
            if above is None or not self.node.members.may_connect(above, self.key):
                return stranger()
            return Refused(NOT_LISTED, "not_a_member")
        known = (self.device is not None and self.device.is_owner(self.key)) or self.node.members.status_of(
            handle, self.key
        ) is not None
        return list_is_cut() if known else stranger()

    def enter(self):
        """Before something that this peer has sent goes into the open transaction."""
        self.node.journal.enter(self.wall_ms())

    def commit(self):
        """Makes everything durable now."""
        try:
            self.node.journal.before_telling(self.wall_ms())
        except StorageError as error:
            self._failure = error
            raise

    def commit_due(self):
        """Commits when a batch is full or old. True when it did. When that fails and nothing of this peer's was in it,
        it is none of its failures: whose it was learns of it by its ticket."""
        of_others = self.node.journal.is_of_others()
        try:
            return self.node.journal.commit_due(self.wall_ms(), self.ticks_ms)
        except StorageError as error:
            if of_others:
                return False
            self._failure = error
            raise

    def fault(self, error):
        """Notes a broken rule or a refused request; too many end the connection."""
        self.last_fault = error
        self.faults += 1
        if self.faults >= FAULTS and self.connection.closed is None:
            self.connection.close("too many requests that break the rules or were refused")


NOT_LISTED = "this store has members of its own, and you are none of them: ask one for an invite"


def stranger():
    return Refused(
        "you are not an active member here: you never joined, you were revoked (`join` with a new invite leads back), "
        "or this node has not heard of you yet (sync it with whoever let you in)",
        "not_a_member",
    )
