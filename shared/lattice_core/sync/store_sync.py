"""One store with one peer over `lattice-sync/1`: sessions until both hold the same, bulk in between.

A session asks for a bounded number of intentions, since they come in the order of their hashes and float until what
they need is there. When more is missing, the peer's log is read on from where we last were: that comes in its witness
order. Two equal sets end it; what the reference keeps asking for and nobody takes (forks) does not keep it going.
"""

from ..compat import const
from ..errors import ProtocolError, Refused
from . import bootstrap, chain
from .outcome import Outcome
from .peer import ANSWER_MS, silent
from .session import FETCH_HASHES, Session
from .stored import StoreItems
from .tasks import StreamLost

ASKED_AT_MOST = const(128)  # in one session: half of what may float
ROUNDS = const(8)
GAPS = const(16)  # chains fetched after a session
CAREFUL = const(7)  # of the largest intentions fit into one frame
_MESSAGES_AT_ONCE = const(16)  # then the others have their turn
_BACKLOG = const(64)  # answers under way, then reading waits


class StoreSync:
    """Runs as one task: `run()`."""

    initiator = True

    def __init__(self, peer, handle):
        self.peer = peer
        self.handle = handle
        self.outcome = Outcome(handle)
        self.stopping = False

    def in_step(self):
        """Never: a sync of this kind ends."""
        return False

    def run(self):
        """Task: returns the Outcome. Refused, ProtocolError, StorageError or StreamLost when it ends early."""
        if self.handle.store.count == 0:
            yield from self._catch_up()
        last = None
        for _ in range(ROUNDS):
            session, items, count = yield from self._session()
            if session.equal:
                self.outcome.ended = True
                self.outcome.held = count
                self.handle.files.holdings.acknowledged(self.peer.key, count)
                break
            if session.left:
                yield from self._catch_up()
            yield from chain.fill_gaps(self.peer, self.handle, GAPS)
            if items.held_back:
                break
            if last is not None and not items.new and not session.left and session.sent >= last.sent:
                break  # the rest will not move: forks, or what either side refuses
            last = session
        self.outcome.waiting_here = self.handle.weaver.waiting()
        if not self.outcome.ended:
            for author, _, _, _ in self.handle.weaver.forks():
                self.outcome.note_fork(author)
        return self.outcome

    def _catch_up(self):
        """Task: the peer's log from where we last were; by a few records when its frames would be too large."""
        try:
            yield from bootstrap.catch_up(self.peer, self.handle)
        except (Refused, ProtocolError):
            yield from bootstrap.catch_up(self.peer, self.handle, CAREFUL)

    def _session(self):
        """Task: one session as the initiator; asks for a few at a time when the peer fails to answer for many."""
        peer, handle = self.peer, self.handle
        peer.commit()
        count = handle.store.count
        for piece in (FETCH_HASHES, CAREFUL):
            items = StoreItems(peer, handle)
            messages = peer.open()
            session = Session(items, handle.id, messages, ASKED_AT_MOST, piece)
            try:
                session.start()
                yield from converse(peer, session, messages)
                messages.finish()
                return session, items, count
            except StreamLost:
                if not session.fetches or piece == CAREFUL or peer.connection.closed is not None:
                    raise
        raise StreamLost("the peer ends every session early")


def respond(peer, handle, messages, first):
    """Task: the session of a peer that begins one with `first`. The stream stays open behind it."""
    session = Session(StoreItems(peer, handle), handle.id, messages, ASKED_AT_MOST)
    count = handle.store.count
    session.receive(first)
    yield from converse(peer, session, messages)
    if session.equal:
        handle.files.holdings.acknowledged(peer.key, count)
    peer.node.settle(peer.wall_ms())
    if session.left and not peer.sessions and peer.connection.closed is None:
        peer.open_session(handle, False)  # too much for the peer's session: we fetch it in bulk


def converse(peer, session, messages):
    """Task: runs a session to its end. StreamLost when the peer goes before it, or falls silent."""
    moved_ms = peer.now_ms
    sent = 0
    while True:
        try:
            moved = _exchange(session, messages)
        except StreamLost:
            if session.may_be_left() and not messages.queued():
                return
            raise
        peer.progress.sent_intentions += session.sent - sent
        sent = session.sent
        if not messages.queued():
            if session.over():
                return
            if messages.ended:
                if session.may_be_left():
                    return
                raise StreamLost("the peer ended the stream in the middle of a session")
        if moved:
            moved_ms = peer.now_ms
            peer.moved()
        elif peer.now_ms - moved_ms > ANSWER_MS:
            raise silent()
        yield


def _exchange(session, messages):
    """Moves what can move; True when something did."""
    moved = messages.flush() or messages.stream.readable() > 0
    for _ in range(_MESSAGES_AT_ONCE):
        if messages.backlog() >= _BACKLOG or session.over():
            break
        message = messages.poll()
        if message is None:
            session.settle()
            break
        moved = True
        session.receive(message)
    return messages.flush() or moved
