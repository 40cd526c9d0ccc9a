"""FetchChain: the part of one author's chain that is missing here (docs/reference/04-sync.md §5).

The answer walks from `target` back to `since` in at most 32 steps, one of which finds `since` itself: 31 intentions.
"""

from ...compat import const
from ...errors import ProtocolError
from ...storage.contract import ZERO
from ...weaver import dag
from .fetch import HASH_BYTES, ROOM_BYTES, entry, response, size_of
from .replica import ReferenceReplica

STEPS = const(32)


def answer(store, request):
    """The answer to a FetchChain as a PeerMessage dict. ProtocolError or UsageError when there is none."""
    target, since = request["target_hash"], request["since_hash"]
    if len(target) != HASH_BYTES or len(since) not in (0, HASH_BYTES):
        raise ProtocolError("a chain between hashes of %d and %d bytes" % (len(target), len(since)))
    if not since or since == ZERO:
        raise ProtocolError("a chain without an end to walk to")
    found = dag.walk_back(store, target, since, STEPS)
    if sum([size_of(item) for item in found]) > ROOM_BYTES:
        raise ProtocolError("a chain that does not fit into a frame")
    return response(store.id, [entry(item) for item in found], True)


def fetch(peer, handle, target, since):
    """Task: asks for the chain from behind `since` (not ZERO: nobody answers that) up to `target` and ingests it, the
    oldest first. Returns how many intentions are stored; 0 when the peer does not answer."""
    messages = peer.open()
    request = {"store_id": handle.id, "target_hash": target, "since_hash": since}
    messages.post({"fetch_chain": request})
    messages.finish()
    message = yield from peer.next_message(messages)
    if message is None or "intention_response" not in message:
        return 0
    entries = message["intention_response"]["intentions"]
    entries.reverse()
    return ReferenceReplica(peer, handle).take(entries)


def fill_gaps(peer, handle, most):
    """Task: fetches at most `most` of the chains whose later part floats here."""
    for missing, tip, _ in handle.weaver.gaps()[:most]:
        if tip != ZERO:
            yield from fetch(peer, handle, missing, tip)
