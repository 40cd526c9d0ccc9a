"""One store with one peer over `lattice-sync/1`: sessions until both hold the same, bulk in between.

A session shows what is missing on either side, at the price of a hash for nearly each that both hold. What the peer has
witnessed since we last read its log is cheaper there: so that is read first when the peer's first answer says that it
has more. The rest comes in the order of its hashes (gathered.py); where that is too much the log is read on. Two equal
sets end it, or a session that shows that each side holds what the other had when we began; what the reference keeps
asking for and nobody takes (forks) does not keep it going.
"""

from ...compat import const
from ...errors import ProtocolError, Refused, RefusedByPeer
from ...node.fetched import fetched_up_to, note_fetched
from ..common.outcome import Outcome
from ..common.tasks import StreamLost
from . import bootstrap, chain
from .gathered import GatheredItems
from .session import FETCH_HASHES, Session, peer_count

ASKED_AT_MOST = const(1024)  # in one session of ours: more comes cheaper in bulk
ROUNDS = const(8)
BULKS = const(2)  # of those that a session finds necessary
GAPS = const(16)  # chains fetched after a session
CAREFUL = const(7)  # of the largest intentions fit into one frame
READ_WHILE_IT_WAITS = const(10000)  # records: a few seconds
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
        self._begun = 0  # our witness sequence when we began
        self._bulks = 0  # since the first session

    def in_step(self):
        """Never: a sync of this kind ends."""
        return False

    def rests(self):
        """Never, for the same reason."""
        return False

    def run(self):
        """Task: returns the Outcome. RefusedByPeer, ProtocolError, StorageError or StreamLost when it ends early."""
        peer, handle = self.peer, self.handle
        peer.commit()
        self._begun = handle.store.count
        if not self._begun:
            yield from self._catch_up()
        last = items = None
        for _ in range(ROUNDS):
            session, items, count = yield from self._session()
            if session.equal:
                note_equal(peer, handle, count)
                self._end(count)
                break
            if self._shows_all_held(session, items):
                held = count if items.oldest_given is None else self._begun
                peer.enter()
                handle.holdings.acknowledged(peer.key, held)
                self._end(held)
                break
            moved = items.new
            if session.left or items.held_back:
                moved += yield from self._bulk(session)
            yield from chain.fill_gaps(peer, handle, GAPS)
            if items.held_back and not moved and self._bulks >= BULKS:
                break
            if last is not None and not moved and not session.left and session.sent >= last.sent:
                break  # the rest will not move: forks, or what either side refuses
            last = session
        self.outcome.waiting_here = handle.weaver.waiting()
        if not self.outcome.ended:
            if items is not None:
                items.tell_held_back()
            for author, _, _, _ in handle.weaver.forks():
                self.outcome.note_fork(author)
            own, held = peer.node.identity.public, handle.holdings.holds_items(peer.key)
            self.outcome.unheld = handle.store.chain(own)[0] - handle.store.length_at(own, held)
        return self.outcome

    def _end(self, held):
        self.outcome.ended = True
        self.outcome.held = held

    def _shows_all_held(self, session, items):
        """True when each side holds what the other had when we began, although both go on writing. All that the peer
        named is here; and it has asked for nothing that we held then, while nothing it has was refused: a node refuses
        another's intention only where both do, on the two sides of a fork."""
        if not (session.over() and session.whole) or session.left or items.short() or not items.all_came():
            return False
        note_known(self.peer, self.handle)
        return items.oldest_given is None or items.oldest_given > self._begun

    def _catch_up(self, start=None):
        """Task: the peer's log from where we last were; by a few records when its frames would be too large."""
        try:
            yield from bootstrap.catch_up(self.peer, self.handle, start=start)
        except (Refused, ProtocolError):
            yield from bootstrap.catch_up(self.peer, self.handle, CAREFUL, start)

    def _bulk(self, session):
        """Task: what a session has shown to be missing, in the peer's order. Returns how much came.

        First the end of its log, behind as many as both hold: it is often just that. Then all of it.
        """
        before = self.handle.store.count
        self._bulks += 1
        both = min(session.peer_count - session.asked - session.left, before)
        yield from self._catch_up(both + 1 if self._bulks == 1 and both > 0 else 1)
        return self.handle.store.count - before

    def _session(self):
        """Task: one session as the initiator; asks for a few at a time when the peer fails to answer for many."""
        peer, handle = self.peer, self.handle
        peer.commit()
        count = handle.store.count
        for piece in (FETCH_HASHES, CAREFUL):
            items = GatheredItems(peer, handle)
            messages = peer.open()
            session = Session(items, handle.id, messages, ASKED_AT_MOST, piece)
            try:
                session.start()
                first = yield from peer.next_message(messages)
                if first is None:
                    raise _refused()
                yield from self._read_on(first)
                session.receive(first)
                yield from converse(peer, session, messages)
                messages.finish()
                return session, items, count
            except StreamLost:
                if not session.fetches or piece == CAREFUL or peer.connection.closed is not None:
                    raise
        raise StreamLost("the peer ends every session early")

    def _read_on(self, first):
        """Task: the peer's log from where we last were, when its first answer says that there is more. It waits for
        our next message meanwhile, but not for ever."""
        reached = fetched_up_to(self.handle, self.peer.key)
        if reached and reached < peer_count(first) <= reached + READ_WHILE_IT_WAITS:
            yield from self._catch_up()


def respond(peer, handle, messages, first):
    """Task: the session of a peer that begins one with `first`. The stream stays open behind it.

    All that the peer names is asked for: a reference initiator is gone afterwards, and nobody else brings the rest.
    """
    items = GatheredItems(peer, handle)
    session = Session(items, handle.id, messages)
    count = handle.store.count
    session.receive(first)
    yield from converse(peer, session, messages)
    if session.equal:
        note_equal(peer, handle, count)
    elif session.over():
        # It says SyncDone when it has stored what it asked for (`_exchange`): now it holds what we had.
        peer.enter()
        handle.holdings.acknowledged(peer.key, count)
    if session.over() and session.whole and not items.short() and items.all_came():
        note_known(peer, handle)
        peer.node.caught_up(handle)
    peer.node.after_sync(peer.wall_ms())
    peer.commit()
    if items.held_back and not peer.sessions and peer.connection.closed is None:
        peer.open_session(handle, False)  # too much for the peer's session: we fetch it in bulk
    else:
        items.tell_held_back()


def note_equal(peer, handle, count):
    """Both hold the same `count` intentions: those are the peer's log."""
    peer.enter()
    handle.holdings.acknowledged(peer.key, count)
    if count != fetched_up_to(handle, peer.key):
        note_fetched(handle, peer.key, count)


def note_known(peer, handle):
    """A session has made both the same, but for what was written meanwhile: about so long is the peer's log now. Where
    that is too long a session finds what is skipped."""
    count = handle.store.count
    if count > fetched_up_to(handle, peer.key):
        peer.enter()
        note_fetched(handle, peer.key, count)


def converse(peer, session, messages):
    """Task: runs a session to its end. StreamLost when the peer goes before it, or falls silent."""
    sent = 0
    gathered = session.items if isinstance(session.items, GatheredItems) else None
    try:
        while True:
            try:
                moved = _exchange(session, messages, gathered)
            except StreamLost:
                if session.may_be_left() and not messages.queued():
                    return
                raise
            peer.progress.sent_intentions += session.sent - sent
            sent = session.sent
            if not messages.queued():
                if session.over() or _over_for_us(session, gathered):
                    return
                if messages.ended:
                    if session.may_be_left():
                        return
                    raise StreamLost("the peer ended the stream in the middle of a session")
            if moved:
                peer.moved()
            peer.check_silence()
            yield
    finally:
        if gathered is not None:
            gathered.drop()


def _refused():
    return RefusedByPeer(
        "the peer does not sync this store with you: you are no active member there (revoked, or not heard of yet), or "
        "it has not this store open. A new invite lets a revoked node in again",
        "not_a_member",
    )


def _over_for_us(session, gathered):
    """We have not stored all that we asked for, so we say no SyncDone: the peer takes that for an acknowledgement."""
    return _withholds(session, gathered) and session.received_done and session.settled()


def _withholds(session, gathered):
    return session.initiator and gathered is not None and gathered.short()


def _exchange(session, messages, gathered):
    """Moves what can move; True when something did."""
    moved = messages.flush() or messages.stream.readable() > 0
    for _ in range(_MESSAGES_AT_ONCE):
        if gathered is not None and not session.fetches:
            gathered.order()
            if gathered.work():
                moved = True
                break
        if messages.backlog() >= _BACKLOG or session.over():
            break
        message = messages.poll()
        if message is None:
            if not _withholds(session, gathered):
                session.settle()
            break
        moved = True
        session.receive(message)
    return messages.flush() or moved
