"""Store ids: 16 bytes, written as a UUID in print. Random; nobody checks version or variant bits."""

from ..errors import UsageError

_GROUPS = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 16))


def hex_text(data):
    """Lower-case hex of bytes. (MicroPython gives bytes for the hex of nothing.)"""
    return bytes(data).hex() if len(data) else ""


def uuid_text(store_id):
    """Lower-case text with hyphens."""
    return "-".join([bytes(store_id[start:end]).hex() for start, end in _GROUPS])


def uuid_parse(text):
    """The 16 bytes of a UUID's text, with or without hyphens; UsageError when it is none."""
    digits = text.replace("-", "")
    if len(digits) != 32:
        raise UsageError("not a store id: %s" % text, "unknown_store")
    try:
        return bytes.fromhex(digits)
    except ValueError:
        raise UsageError("not a store id: %s" % text, "unknown_store") from None


def gossip_topic(crypto, store_id):
    """The topic that nodes of a store meet under on the gossip network, 32 bytes."""
    return crypto.blake3_digest(("lattice/" + uuid_text(store_id)).encode())
