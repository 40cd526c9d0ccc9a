"""Intentions in answers of `lattice-sync/1`: chunks of 50, and never a frame over the limit."""

from ..compat import const
from ..limits import FRAME_BYTES

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


def well_formed(hashes):
    return [hash for hash in hashes if len(hash) == HASH_BYTES]


def chunks(get, store_id, hashes, sent=None):
    """Iterates over the answers to a FetchIntentions in a session: what is not stored is left out, the last one says
    done. `get(hash)` gives an intention or None; `sent(count)` is told what each answer holds."""
    hashes = well_formed(hashes)
    at = 0
    while True:
        behind = min(at + CHUNK_ITEMS, len(hashes))
        entries = []
        size = 0
        while at < behind:
            item = get(hashes[at])
            if item is not None:
                size += size_of(item)
                if entries and size > ROOM_BYTES:
                    break  # the rest of this chunk goes into one more frame
                entries.append(entry(item))
            at += 1
        if sent is not None:
            sent(len(entries))
        yield response(store_id, entries, at >= len(hashes))
        if at >= len(hashes):
            return


def in_one(get, store_id, hashes):
    """The answer to a FetchIntentions outside of a session: one frame; what does not fit is left out."""
    entries = []
    size = 0
    for hash in well_formed(hashes):
        item = get(hash)
        if item is not None:
            size += size_of(item)
            if size > ROOM_BYTES:
                break
            entries.append(entry(item))
    return response(store_id, entries, True)
