"""A whole synchronisation with one peer: the roots that both share, then level by level what they declare."""

from ...compat import const
from ...errors import Refused
from ...node.stores import SHOWN
from ...text import printable
from .peer import NOT_LISTED
from .tasks import StreamLost

SESSIONS = const(4)  # of stores at once: each holds a stream of a few, and memory on both sides
_ROUNDS_MORE = const(2)  # of one store: what settling writes (our name in a new list) goes out in one more round


class NothingShared(Refused):
    """There was nothing to sync with this peer."""

    code = "nothing_shared"


class Report:
    """What a sync came to. `outcomes`: one of each store (outcome.Outcome); `errors`: (store id, LatticeError)."""

    def __init__(self, progress):
        self.progress = progress
        self.outcomes = {}
        self.errors = []
        self.passed_over = []  # (store id, words): stores that the peer cannot open, or that are not for us

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
    rounds = {}  # store id: how often it was synced once more
    repeated = []
    slept = []  # ids of stores that rested and were looked at
    while True:
        level = _next_level(peer, store_ids, done)[:SESSIONS] or _next_resting(peer, store_ids, done, slept)
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
            if outcome is not None and (outcome.withheld or outcome.again) and handle.id not in repeated and not live:
                repeated.append(handle.id)  # what it has got from us may have put right why it held back
            else:
                done.append(handle.id)
        if peer.node.after_sync(peer.wall_ms()) and not live:
            for handle in level:
                count = rounds.get(handle.id, 0)
                if count < _ROUNDS_MORE and handle.id in done and peer.node.tree.has_own_list(handle):
                    rounds[handle.id] = count + 1
                    done.remove(handle.id)
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
    for store_id, parent_id, name, why in peer.node.tree.closed():
        if parent_id in done and (store_ids is None or store_id in store_ids or parent_id in store_ids):
            report.errors.append((store_id, Refused("%s was not synced: %s" % (name or "a store", why))))
    declared = [closed_id for closed_id, _, _, _ in peer.node.tree.closed()]
    for store_id, why in peer.node.tree.damaged:  # a share whose members cannot be read: the peer may be one
        if store_id not in declared and (store_ids is None or store_id in store_ids):
            report.errors.append((store_id, Refused("it was not synced: %s" % why)))


def _next_level(peer, store_ids, done):
    """Handles to sync next: none before the one that declares it."""
    chosen = []
    for handle in peer.node.tree.replicas:
        if _is_due(peer, handle, store_ids, done):
            chosen.append(handle)
    waiting = [handle.id for handle in chosen]
    return [handle for handle in chosen if handle.parent not in waiting]


def _next_resting(peer, store_ids, done, slept):
    """The next of the stores that rest here, woken, as a list of one; an empty one when none is left."""
    tree = peer.node.tree
    for store_id in tree.resting():
        if store_id not in slept and store_id not in done:
            slept.append(store_id)
            handle = tree.wake(store_id, peer.wall_ms())
            if handle is not None and _is_due(peer, handle, store_ids, done):
                return [handle]
    return []


def _is_due(peer, handle, store_ids, done):
    if handle.id in done or not (peer.node.members.may_connect(handle.id, peer.key) or peer.asks(handle)):
        return False
    if store_ids is None or handle.id in store_ids:
        return True
    return any(above.id in store_ids for above in peer.node.tree.ancestors(handle))


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
        words = _passed_over(peer, handle, task.error, report)
        if words:
            report.passed_over.append((handle.id, words))
        else:
            report.errors.append((handle.id, task.error))
    else:
        report.outcomes[handle.id] = session.outcome
        if session.outcome.has_all_of(peer.node.identity.public):
            peer.node.caught_up(handle)


def _passed_over(peer, handle, error, report):
    """Why a peer that has the store above a child does not sync it, where nothing is wrong; "" where something is."""
    looked_at = list(report.outcomes) + [store_id for store_id, _ in report.passed_over]
    if not isinstance(error, Refused) or handle.parent not in looked_at:
        return ""
    if str(error) == NOT_LISTED and not handle.store.count:
        return "%s has members of its own, and this node is none of them" % handle.label()
    if peer.opens_all:
        return ""
    if not handle.is_known and handle.holdings.holds_items(peer.key) == handle.store.count:
        return "%s is a %s, which the peer does not open" % (handle.label(), printable(handle.type, SHOWN))
    above = peer.node.tree.get(handle.parent)
    if above is not None and above.parent is not None:
        return "%s lies below another store, where a node of the reference opens nothing" % handle.label()
    return ""


def _opened_by_peer(peer, handle, failed):
    for session, task in peer.sessions:
        if session.handle is handle and session is not failed and not task.done:
            return session, task
    return None
