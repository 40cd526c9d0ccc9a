"""A whole synchronisation with one peer: the roots that both share, then the child stores that they declare."""

from ...compat import const
from ...errors import Refused
from ...node.stores import SHOWN
from ...text import printable
from .tasks import StreamLost

SESSIONS = const(4)  # of stores at once: each holds a stream of a few, and memory on both sides
_ROUNDS_MORE = const(2)  # what settling writes (our name in a new share) goes out in one more round


class NothingShared(Refused):
    """There was nothing to sync with this peer."""

    code = "nothing_shared"


class Report:
    """What a sync came to. `outcomes`: one of each store (outcome.Outcome); `errors`: (store id, LatticeError)."""

    def __init__(self, progress):
        self.progress = progress
        self.outcomes = {}
        self.errors = []
        self.passed_over = []  # (store id, words): stores of a kind that the peer cannot open, nothing of ours in them

    @property
    def complete(self):
        """True when every store that is shared with the peer was synced, and nothing was left behind in any."""
        synced = all(self.outcomes[store_id].complete for store_id in self.outcomes)
        return synced and len(self.outcomes) > 0 and not (self.errors or self.progress.damaged_here)

    def unfit(self):
        """(path, size) of what found no room."""
        found = []
        for store_id in self.outcomes:
            found.extend(self.outcomes[store_id].unfit)
        return found

    def forks(self):
        return [(store_id, author) for store_id in self.outcomes for author in self.outcomes[store_id].forks]


def synchronise(peer, store_ids, live):
    """Task: syncs the chosen stores (None: all that the peer may have). Returns a Report.

    A store that fails does not stop the others. Refused when nothing is shared at all, or the peer refuses all.
    """
    report = Report(peer.progress)
    done = []
    again = _ROUNDS_MORE
    repeated = []
    while True:
        level = _next_level(peer, store_ids, done)[:SESSIONS]
        if not level:
            if not done:
                raise NothingShared(
                    "no store here is shared with this peer: join with an invite, or ask to be let in again"
                )
            break
        running = [_begin(peer, handle, live) for handle in level]
        for handle, session, task in running:
            yield from _wait(peer, handle, session, task, report)
            outcome = report.outcomes.get(handle.id)
            if outcome is not None and outcome.withheld and handle.id not in repeated and not live:
                repeated.append(handle.id)  # what it has got from us may have put right why it held back
            else:
                done.append(handle.id)
        if peer.node.after_sync(peer.wall_ms()) and again:
            again -= 1
            roots = [handle.id for handle in level if handle.parent is None and not live]
            done = [store_id for store_id in done if store_id not in roots]
    if report.errors and not report.outcomes:
        raise report.errors[0][1]
    _note_closed(peer, store_ids, done, report)
    if not live:
        _note_unheld(peer, report)
    peer.complete = report.complete
    return report


def _note_unheld(peer, report):
    """What this node has written meanwhile, or since a session of its store ended, the peer does not hold."""
    for store_id in report.outcomes:
        outcome = report.outcomes[store_id]
        handle = peer.node.tree.get(store_id)
        if outcome.complete and handle is not None:
            store, own = handle.weaver.store, peer.node.identity.public
            outcome.unheld = store.chain(own)[0] - store.length_at(own, outcome.held)


def _note_closed(peer, store_ids, done, report):
    """A store that a share declares and this node has not open was not synced: it is named, with the reason."""
    for store_id, root_id, name, why in peer.node.tree.closed():
        if root_id in done and (store_ids is None or store_id in store_ids or root_id in store_ids):
            report.errors.append((store_id, Refused("%s was not synced: %s" % (name or "a store", why))))
    declared = [closed_id for closed_id, _, _, _ in peer.node.tree.closed()]
    for store_id, why in peer.node.tree.damaged:  # a share whose members cannot be read: the peer may be one
        if store_id not in declared and (store_ids is None or store_id in store_ids):
            report.errors.append((store_id, Refused("it was not synced: %s" % why)))


def _next_level(peer, store_ids, done):
    """Handles to sync next: roots first, since they declare the others."""
    chosen = []
    for handle in peer.node.tree.replicas:
        if handle.id in done or not peer.node.members.may_connect(handle.id, peer.key):
            continue
        if store_ids is None or handle.id in store_ids or handle.parent in store_ids:
            chosen.append(handle)
    roots = [handle for handle in chosen if handle.parent is None]
    return roots or chosen


def _begin(peer, handle, live):
    for session, task in peer.sessions:
        if session.handle is handle:
            return handle, session, task  # it runs already, opened by either side
    session, task = peer.open_session(handle, live)
    return handle, session, task


def _wait(peer, handle, session, task, report):
    """Task: until the store is in step; an error is noted, but a lost connection ends everything."""
    while True:
        while not task.done and not session.in_step():
            yield
        if task.error is None:
            break
        other = _opened_by_peer(peer, handle, session)
        if other is None:
            break
        session, task = other  # both opened at once, and the peer's counts
    while not task.done and not session.exchange.live:
        yield
    if peer.connection.closed is not None and not task.done:
        raise StreamLost(peer.connection.closed)
    if task.error is not None:
        if peer.connection.closed is not None:
            raise StreamLost(peer.connection.closed)
        if _cannot_open(peer, handle, task.error, report):
            words = "%s is a %s, which the peer does not open" % (handle.label(), printable(handle.type, SHOWN))
            report.passed_over.append((handle.id, words))
        else:
            report.errors.append((handle.id, task.error))
    else:
        report.outcomes[handle.id] = session.outcome
        if session.outcome.has_all_of(peer.node.identity.public):
            peer.node.caught_up(handle)


def _cannot_open(peer, handle, error, report):
    """True when a child of a kind that a reference node does not know was refused by a peer that has the share above
    it, and there is nothing here that it may lack."""
    if not isinstance(error, Refused) or handle.is_known or handle.parent not in report.outcomes:
        return False
    return handle.holdings.holds_items(peer.key) == handle.store.count


def _opened_by_peer(peer, handle, failed):
    for session, task in peer.sessions:
        if session.handle is handle and session is not failed and not task.done:
            return session, task
    return None
