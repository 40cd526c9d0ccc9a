"""Intentions in answers of `lattice-sync/1`: chunks of 50, and never a frame over the limit."""

from ...compat import const
from ...limits import FRAME_BYTES

CHUNK_ITEMS = const(50)  # hashes answered in one IntentionResponse, as the reference does it
HASH_BYTES = const(32)
BESIDE_BYTES = const(64)  # what a frame and an entry hold besides bodies, about
ROOM_BYTES = FRAME_BYTES - 4096


def entry(item):
    """The values of a SignedIntention."""
    return {"intention_borsh": item.body.read(0, item.body.size), "signature": item.signature}


def size_of(item):
    """How much of a frame an intention takes, about."""
    return item.body.size + len(item.signature) + BESIDE_BYTES


def response(store_id, entries, done):
    return {"intention_response": {"store_id": store_id, "done": done, "intentions": entries}}


def _groups(hashes, count):
    """Iterates over (at most `count` well-formed hashes, is it the last group); never without a group."""
    group = []
    for hash in hashes:
        if len(hash) == HASH_BYTES:
            if len(group) == count:
                yield group, False
                group = []
            group.append(hash)
    yield group, True


def chunks(get, store_id, hashes, sent):
    """Iterates over the answers to a FetchIntentions in a session: what is not stored is left out, the last one says
    done. `get(hash)` gives an intention or None; `sent(count)` is told what each answer holds."""
    for group, last in _groups(hashes, CHUNK_ITEMS):
        entries = []
        size = 0
        for hash in group:
            item = get(hash)
            if item is None:
                continue
            size += size_of(item)
            if entries and size > ROOM_BYTES:
                sent(len(entries))
                yield response(store_id, entries, False)  # the rest of this chunk goes into one more frame
                entries = []
                size = size_of(item)
            entries.append(entry(item))
        sent(len(entries))
        yield response(store_id, entries, last)


def in_one(get, store_id, hashes):
    """The answer to a FetchIntentions outside of a session: one frame; what does not fit is left out."""
    entries = []
    size = 0
    for hash in hashes:
        item = get(hash) if len(hash) == HASH_BYTES else None
        if item is None:
            continue
        size += size_of(item)
        if size > ROOM_BYTES:
            break
        entries.append(entry(item))
    return response(store_id, entries, True)
