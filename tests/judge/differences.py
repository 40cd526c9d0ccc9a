"""Where ours differs from the recorded reference on purpose: the rules of docs/differences.md as code.

A checker asks a rule what to expect. Rules look at bytes and at recorded outcomes, never at the name of a case.
"""

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
