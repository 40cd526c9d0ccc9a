"""What a peer asks on its streams of `lattice-sync/1` (docs/reference/04-sync.md §4 to §6, 05 §1 and §4).

Any number of requests, one after the other. Whether the peer may have the store is asked before anything else is
looked at. Whatever is refused or broken ends the stream without a word: there are no error messages here.
"""

from ...compat import const
from ...errors import LatticeError, Refused
from ...limits import ANSWER_MS, FRAME_BYTES
from ..common import join
from ..common.peer import stranger
from ..common.tasks import StreamLost
from . import bootstrap, chain, fetch, store_sync

STRANGER_FRAME_BYTES = const(1024)  # of a peer that is in no share here: a JoinRequest has about 100
_BACKLOG = const(4)  # answers under way, then the next request waits


def serve(peer, messages):
    """Task: one stream that the peer has opened, to its end."""
    try:
        going_on = True
        while going_on:
            message = yield from _next(peer, messages)
            if message is None:
                break
            going_on = yield from _handle(peer, messages, message)
    except StreamLost:
        raise
    except LatticeError as error:
        _note(peer, error)
        messages.abandon()
        return
    yield from peer.close_stream(messages)


def _note(peer, error):
    """A member that asks for a store which it may not have breaks no rule: it may have that of another share."""
    if not isinstance(error, Refused) or not peer.knows():
        peer.fault(error)


def _next(peer, messages):
    """Task: the next request, None when the stream is over or nothing comes."""
    asked_ms = peer.ticks_ms
    while True:
        messages.limit = FRAME_BYTES if peer.knows() else STRANGER_FRAME_BYTES
        moved = messages.flush() or messages.stream.readable() > 0
        message = messages.poll() if messages.backlog() < _BACKLOG else None
        if message is not None:
            peer.moved()
            return message
        if messages.ended:
            return None
        if moved:
            asked_ms = peer.ticks_ms
            peer.moved()
        elif peer.ticks_ms - asked_ms > ANSWER_MS:
            return None
        yield


def _handle(peer, messages, message):
    """Task: answers one request. False when the stream ends behind the answer."""
    for name in message:
        values = message[name]
        if name == "join_request":
            return _join(peer, messages, values)
        if name == "bootstrap_request":
            return _bootstrap(peer, messages, values)
        if name == "fetch_intentions":
            handle = _shared(peer, values)
            messages.post(fetch.in_one(handle.store.get, handle.id, values["hashes"]))
        elif name == "fetch_chain":
            handle = _shared(peer, values)
            messages.post(chain.answer(handle.store, values))
        elif name == "reconcile":
            yield from store_sync.respond(peer, _shared(peer, values), messages, message)
        elif not peer.knows():
            raise stranger()
    return True


def _shared(peer, values):
    """The store that a request names; Refused when the peer may not have it, or there is none."""
    store_id = values["store_id"]
    if not peer.node.members.may_connect(store_id, peer.key):
        raise stranger()
    peer.commit()  # nothing is shown that a power cut could take back
    return peer.node.tree.get(store_id)


def _while_allowed(peer, handle, frames):
    """Iterates over the frames of a long answer as long as the peer may have the store."""
    for frame in frames:
        peer.check_allowed(handle)
        yield frame


def _join(peer, messages, values):
    response = join.accept(peer.node, values, peer.key, peer.wall_ms())
    peer.commit()
    messages.post({"join_response": response})
    return False


def _bootstrap(peer, messages, values):
    try:
        handle = _shared(peer, values)
    except Refused as error:
        # The reference's client asks again at once, for ever, when a stream ends without a frame.
        _note(peer, error)
        messages.post(bootstrap.nothing(values["store_id"]))
        return False
    messages.post(_while_allowed(peer, handle, bootstrap.pages(handle, values)))
    return not bootstrap.is_full(handle, values)
