"""Set reconciliation by range fingerprints, as the reference does it (docs/reference/04-sync.md §2). Stateless.

A *set* offers `range_summary(start, end)` → (count, XOR), `range_hashes(start, end, limit)` and `has_witnessed(hash)`
over half-open ranges of witnessed hashes. Messages are dicts of the table `ReconcileMessage`.
"""

from ...compat import const
from ...errors import ProtocolError
from ...limits import RANGE_ITEMS

HASH_BYTES = const(32)
LEAF_ITEMS = const(32)  # own and the peer's together: such a range is listed instead of split
FIRST = bytes(HASH_BYTES)
LAST = b"\xff" * HASH_BYTES
DONE = {"done": True}

_HALF_BYTES = const(16)
_HALF_BITS = const(128)


def opening(items):
    """The first message of a session: everything as one range."""
    return fingerprint(items, FIRST, LAST)


def fingerprint(items, start, end):
    count, xor = items.range_summary(start, end)
    return {"range_fingerprint": {"start": start, "end": end, "fingerprint": xor, "count": count}}


def midpoint(start, end):
    """The border at which the reference splits [start, end), byte for byte.

    It averages the two halves of 128 bits apart and ORs the carry between them in, instead of adding it: exact for
    the first 127 halvings of the full range, 2^127 too low for some others.
    """
    high = _number(start, 0) + _number(end, 0)
    low = (_number(start, _HALF_BYTES) + _number(end, _HALF_BYTES)) >> 1
    low |= (high & 1) << (_HALF_BITS - 1)
    return (high >> 1).to_bytes(_HALF_BYTES, "big") + low.to_bytes(_HALF_BYTES, "big")


def _number(border, offset):
    return int.from_bytes(border[offset : offset + _HALF_BYTES], "big")


def process(items, message):
    """What one message calls for: (replies, hashes that we lack). ProtocolError on a malformed message."""
    if "range_fingerprint" in message:
        return _compare(items, message["range_fingerprint"]), []
    if "range_items_request" in message:
        listed = message["range_items_request"]
        start, end = _borders(listed)
        own = list_range(items, start, end)
        needed = _lacking(listed["hashes"], own)
        return [{"range_items_reply": {"start": start, "end": end, "hashes": own}}], needed
    if "range_items_reply" in message:
        listed = message["range_items_reply"]
        start, end = _borders(listed)
        return [DONE], _lacking(listed["hashes"], list_range(items, start, end))
    if "done" in message:
        return [], []
    raise ProtocolError("a reconcile message without content")


def _compare(items, claimed):
    start, end = _borders(claimed)
    if len(claimed["fingerprint"]) != HASH_BYTES:
        raise ProtocolError("a fingerprint of %d bytes instead of 32" % len(claimed["fingerprint"]))
    count, xor = items.range_summary(start, end)
    if xor == claimed["fingerprint"]:
        return [DONE]
    if count + claimed["count"] <= LEAF_ITEMS:
        return [{"range_items_request": {"start": start, "end": end, "hashes": list_range(items, start, end)}}]
    middle = midpoint(start, end)
    return [fingerprint(items, start, middle), fingerprint(items, middle, end)]


def list_range(items, start, end):
    """All own hashes in [start, end), ascending; ProtocolError when there are more than may be listed."""
    own = items.range_hashes(start, end, RANGE_ITEMS + 1)
    if len(own) > RANGE_ITEMS:
        raise ProtocolError("the peer asks for a list of more than %d hashes in one range" % RANGE_ITEMS)
    return own


def _lacking(hashes, own):
    """Those that are not among our own of the range, in the peer's order, duplicates kept: as the reference counts."""
    for each in hashes:
        if len(each) != HASH_BYTES:
            raise ProtocolError("a hash of %d bytes in a list" % len(each))
    held = set(own)
    return [each for each in hashes if each not in held]


def _borders(message):
    start, end = message["start"], message["end"]
    if len(start) != HASH_BYTES or len(end) != HASH_BYTES:
        raise ProtocolError("a range with borders of %d and %d bytes instead of 32" % (len(start), len(end)))
    return start, end
