"""Messages of `lattice-sync/1` that may list thousands of hashes: read and written piece by piece.

A list of 3,000 hashes has 100 KB on the wire and thrice that as objects. So what a reconcile payload or a
FetchIntentions lists is decoded while it is used, and what is sent is a list of byte pieces that are never joined.
"""

from ...compat import const
from ...seams import BytesBody
from ...wire import scan
from ...wire.protobuf import varint
from ...wire.reference_messages import FetchIntentions, PeerMessage, ReconcileMessage, ReconcilePayload

_FETCH_KEY = b"\x1a"
_RECONCILE_KEY = b"\x2a"
_STORE_KEY = b"\x0a"
_RANGE_KEY = b"\x1a"
_HASH_HEAD = b"\x12\x20"
_SMALLEST_BLOCK = const(256)
_BLOCK_BYTES = const(8192)


def read(payload):
    """The PeerMessage as a dict; lists of the two kinds above are `LazyList`. ProtocolError when it is malformed."""
    key = payload[:1]
    if key != _FETCH_KEY and key != _RECONCILE_KEY:
        return PeerMessage.decode(payload)
    return read_body(BytesBody(payload))


def read_body(body):
    """The same of a `seams.Body`."""
    scan.check(PeerMessage, body)
    found = scan.level(PeerMessage, body, [(0, body.size)])
    if "reconcile" in found:
        messages = LazyList(body, found["reconcile"], 3, ReconcileMessage)
        return {"reconcile": {"store_id": _store_id(ReconcilePayload, messages), "messages": messages}}
    if "fetch_intentions" in found:
        hashes = LazyList(body, found["fetch_intentions"], 2, None)
        return {"fetch_intentions": {"store_id": _store_id(FetchIntentions, hashes), "hashes": hashes}}
    return PeerMessage.decode(body.read(0, body.size))


class LazyList:
    """The elements of a repeated field in a message that was checked: iterated, each decoded when its turn comes."""

    def __init__(self, body, segments, number, message):
        self.body = body
        self.segments = segments
        self._number = number
        self._message = message

    def __iter__(self):
        for start, end in scan.repeated(self.body, self.segments, self._number):
            element = self.body.read(start, end - start)
            yield element if self._message is None else self._message.decode(element)


def _store_id(table, listed):
    place = scan.level(table, listed.body, listed.segments).get("store_id", (0, 0))
    return listed.body.read(place[0], place[1])


def range_field(message):
    """A ReconcileMessage dict as it stands in its payload."""
    data = ReconcileMessage.encode(message)
    return b"".join((_RANGE_KEY, varint(len(data)), data))


class ChunkedBuffer:
    """Fields of a payload, put together in blocks: many small pieces between what is thrown away would leave a small
    heap without room in one piece."""

    def __init__(self):
        self.size = 0
        self.count = 0  # elements, as the callers count them
        self._blocks = []
        self._room = 0  # in the last block

    def add(self, data, count=1):
        self.count += count
        self.size += len(data)
        view = memoryview(data)
        while len(view):
            if not self._room:
                self._room = min(max(self.size, _SMALLEST_BLOCK), _BLOCK_BYTES)
                self._blocks.append(bytearray(self._room))
            block = self._blocks[-1]
            fits = min(len(view), self._room)
            at = len(block) - self._room
            block[at : at + fits] = view[:fits]
            self._room -= fits
            view = view[fits:]

    def pieces(self):
        """What was added, as a list of buffers."""
        if not self._room:
            return self._blocks
        last = self._blocks[-1]
        return self._blocks[:-1] + [memoryview(last)[: len(last) - self._room]]


def reconcile_pieces(store_id, ranges):
    """The pieces of a PeerMessage with these `range_field`s, `ChunkedBuffer`."""
    return _pieces(_RECONCILE_KEY, store_id, ranges)


def hash_fields(hashes):
    """Hashes as they stand in a FetchIntentions."""
    return b"".join([_HASH_HEAD + hash for hash in hashes])


def fetch_pieces(store_id, hashes):
    """The pieces of a PeerMessage with these `hash_fields`, `ChunkedBuffer`."""
    return _pieces(_FETCH_KEY, store_id, hashes)


def _pieces(key, store_id, fields):
    start = b"".join((_STORE_KEY, varint(len(store_id)), store_id))
    return [b"".join((key, varint(len(start) + fields.size), start))] + fields.pieces()
