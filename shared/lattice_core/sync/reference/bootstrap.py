"""Bootstrap: a store in the order in which the peer has witnessed it (docs/reference/04-sync.md §6).

It fills a fresh store, and later fetches in bulk what the peer has witnessed since: its sequence up to which all is
here is remembered per peer, in the same transaction as what it brought. The records are checked and thrown away: each
node signs its own log.
"""

from ...compat import const
from ...errors import ProtocolError, RefusedByPeer
from ...model import witness
from ...node.fetched import fetched_up_to, note_fetched
from .fetch import HASH_BYTES, ROOM_BYTES, entry, size_of
from .replica import ReferenceReplica, parse

PAGE_RECORDS = const(1000)  # asked for at once; the reference's own clients ask for as many
FRAME_RECORDS = const(100)
LARGEST_PAGE = const(10000)
_RECORD_BYTES = const(256)  # in a frame, at most


# -- client ------------------------------------------------------------------------------------------------------------


def catch_up(peer, handle, page=PAGE_RECORDS, start=None):
    """Task: fetches what the peer has witnessed since the sequence remembered of it, or from `start` on. Returns how
    many records came.

    A small `page` bounds the peer's frames. RefusedByPeer when it ends a stream without a word, as for strangers.
    """
    items = ReferenceReplica(peer, handle)
    total = 0
    while True:
        at = fetched_up_to(handle, peer.key) + 1 if start is None else start + total
        fetching = Page(items, handle, peer.key, at, page, note=start is None)
        yield from fetching.run(peer)
        peer.commit()
        total += fetching.records
        if fetching.last or items.held_back or not fetching.records:
            return total


class Page:
    """One BootstrapRequest and its frames. Ours says FIN at once, so that the peer's end follows its last frame."""

    def __init__(self, items, handle, key, start, limit, note=True):
        self.items = items
        self.handle = handle
        self.key = key
        self.start = start
        self.limit = limit
        self.note = note  # how far it came, for the next time
        self.records = 0
        self.last = False  # the peer has no more

    def run(self, peer):
        """Task: sends the request and takes what comes."""
        messages = peer.open()
        request = {"store_id": self.handle.id, "start_seq": self.start, "limit": self.limit}
        messages.post({"bootstrap_request": request})
        messages.finish()
        heard = False
        while not self.last and self.records < self.limit:
            message = yield from peer.next_message(messages)
            if message is None:
                break
            if "bootstrap_response" in message:
                heard = True
                self.take(message["bootstrap_response"])
            message = None  # not two frames at once
        if not heard:
            raise RefusedByPeer(
                "the peer does not hand this store over: it does not know us, or not the store", "not_a_member"
            )

    def take(self, frame):
        """Verifies a frame, then ingests it. ProtocolError before anything changed."""
        records = frame["witness_records"]
        if not records and not frame["done"]:
            raise ProtocolError("a bootstrap frame without a record that is not the last")
        behind = self.start + self.records + len(records)
        if records and frame["last_seq"] != behind - 1:
            raise ProtocolError("records up to %d that say they end at %d" % (behind - 1, frame["last_seq"]))
        found = named(self.items, self.key, records, frame["intentions"])
        self.records += len(records)
        self.items.take_parsed(found)
        if records and self.note and not self.items.held_back:
            self.items.peer.enter()
            note_fetched(self.handle, self.key, behind - 1)
        self.last = frame["done"]


def named(items, key, records, entries):
    """The intentions that the records name, in their order; those stored here need not be among the entries.

    ProtocolError unless `key` has signed every record and every intention is there.
    """
    crypto = items.peer.node.crypto
    by_hash = {}
    for values in entries:
        item = parse(crypto, values)
        by_hash[item.hash] = item
    found = []
    for hash in _hashes(crypto, key, records):
        item = by_hash.pop(hash, None)
        if item is not None:
            found.append(item)
        elif items.get(hash) is None:
            raise ProtocolError("a witness record without its intention")
    return found


def _hashes(crypto, key, records):
    """What the records have witnessed."""
    hashes = []
    signed = []
    for record in records:
        hash = witness.content_decode(record["content"])[1]
        if len(hash) != HASH_BYTES:
            raise ProtocolError("a witness record of a hash of %d bytes" % len(hash))
        hashes.append(hash)
        signed.append((key, crypto.blake3_digest(record["content"]), record["signature"]))
    if not all(crypto.ed25519_verify_many(signed)):
        raise ProtocolError("a witness record's signature is wrong")
    return hashes


# -- server ------------------------------------------------------------------------------------------------------------


def limit_of(request):
    """How many records the request is for."""
    return min(request["limit"] or PAGE_RECORDS, LARGEST_PAGE)


def is_full(handle, request):
    """True when the answer fills the page: no frame of it says done, and the stream ends behind it."""
    return max(request["start_seq"], 1) + limit_of(request) - 1 <= handle.store.count


def pages(handle, request):
    """Iterates over the frames that answer a request. Never none: a reference client would ask again for ever."""
    start = max(request["start_seq"], 1)
    limit = limit_of(request)
    behind = min(handle.store.count + 1, start + limit)
    records = []
    entries = []
    size = 0
    for sequence in range(start, behind):
        item = handle.weaver.read(handle.store.witness_at(sequence)[0])  # None: damaged here, its record goes alone
        more = (0 if item is None else size_of(item)) + _RECORD_BYTES
        if len(records) == FRAME_RECORDS or (records and size + more > ROOM_BYTES):
            yield _response(handle.id, records, entries, False, sequence - 1)
            records = []
            entries = []
            size = 0
        content, signature = witness.record_parse(handle.weaver.witness_record(sequence))
        records.append({"content": content, "signature": signature})
        if item is not None:
            entries.append(entry(item))
        size += more
    full = behind - start >= limit
    if len(records) == FRAME_RECORDS and not full:
        yield _response(handle.id, records, entries, False, behind - 1)
        records = []
        entries = []
    yield _response(handle.id, records, entries, not full, behind - 1 if behind > start else 0)


def _response(store_id, records, entries, done, last):
    values = {"store_id": store_id, "witness_records": records, "intentions": entries, "done": done, "last_seq": last}
    return {"bootstrap_response": values}


def nothing(store_id):
    """The answer to whoever may not have the store: the same whether it is here or not."""
    return _response(store_id, [], [], True, 0)
