"""Where ours differs from the recorded reference on purpose: the rules of docs/differences.md as code.

A checker asks a rule what to expect. Rules look at bytes and at recorded outcomes, never at the name of a case.
"""

from lattice_core.wire.reference_messages import PeerMessage

_P = (1 << 255) - 19

# y coordinates of the points whose order divides 8: order 4, 1, 2, and twice order 8 (the sign bit cleared).
_Y8 = int.from_bytes(bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little")
_SMALL_ORDER_Y = (0, 1, _P - 1, _Y8, _P - _Y8)


def _y(encoded):
    return int.from_bytes(encoded, "little") & ((1 << 255) - 1)


def key_is_canonical(public):
    """A y coordinate that is below p."""
    return _y(public) < _P


def has_small_order(encoded):
    """True for an encoding of a point of order 1, 2, 4 or 8, canonical or not."""
    return _y(encoded) % _P in _SMALL_ORDER_Y


def record_verdict(plain, public, signature):
    """Row "Signatures of witness records": plain verification, but strict about small orders, and about keys."""
    return plain and key_is_canonical(public) and not has_small_order(public) and not has_small_order(signature[:32])


def intention_verdict(strict, public):
    """Row "Signatures of intentions": strict verification; a key that is not canonically encoded is refused."""
    return strict and key_is_canonical(public)


class ReferenceWinners:
    """Row "Winner of a key": what the reference shows, which compares a write with one head only. Of intentions applied
    in witness order; numbers are indices of `items`."""

    def __init__(self, items):
        self.items = items
        self.heads = {}
        self.shown = {}

    def apply(self, key, number):
        """The number of the intention whose value is shown after this one wrote `key`."""
        item = self.items[number]
        deps = list(item.deps())
        heads = [other for other in self.heads.get(key, ()) if self.items[other].hash not in deps]
        if not heads or self.rank(number) >= self.rank(heads[0]):
            heads.insert(0, number)
            self.shown[key] = number
        else:
            heads.append(number)
        self.heads[key] = heads
        return self.shown[key]

    def rank(self, number):
        item = self.items[number]
        return (item.wall_ms, item.counter, item.author)


def row_is_weak(row):
    """Row "Winner of a key": the recorded winner is not the greatest of the heads, or the value not the winner's."""
    return not row["winner_is_max"] or not row.get("value_is_winners", True)


def bootstrap_answers(requests, recorded):
    """Row "Refused bootstrap": an empty frame that says done, instead of a stream that ends without a word."""
    request = PeerMessage.decode(requests[0]) if requests and requests[0][:1] == b"\x3a" else {}
    if recorded or "bootstrap_request" not in request:
        return recorded
    empty = {"store_id": request["bootstrap_request"]["store_id"], "done": True}
    return [PeerMessage.decode(PeerMessage.encode({"bootstrap_response": empty}))]


def join_entries(written, recorded, active):
    """Rows "Joining again", "Joining": nothing is written when an ACTIVE member joins; else claim and status, which may
    stand in one entry."""
    return written == 0 if active or not recorded else 1 <= written <= recorded
