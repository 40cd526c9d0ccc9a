"""Borsh as far as the mesh uses it: little-endian integers, fixed bytes, u32-counted vectors.

The intention itself is written out by hand in `model/intention.py`; these serve everything else.
"""

from ..errors import ProtocolError


def u32(buf, pos):
    """The u32 at `pos`; the caller has checked that 4 bytes are there."""
    return buf[pos] | buf[pos + 1] << 8 | buf[pos + 2] << 16 | buf[pos + 3] << 24


def u64(buf, pos):
    """The u64 at `pos`; the caller has checked that 8 bytes are there."""
    return int.from_bytes(bytes(buf[pos : pos + 8]), "little")


def vector(buf, pos, end, item_bytes):
    """(offset of the first item, count, position behind) of a u32-counted vector of fixed-size items."""
    if end - pos < 4:
        raise ProtocolError("a vector's length is cut off")
    count = u32(buf, pos)
    pos += 4
    if count > (end - pos) // item_bytes:
        raise ProtocolError("a vector is cut off")
    return pos, count, pos + count * item_bytes


def put_bytes(parts, data):
    """Appends a u32-counted byte vector to a list of parts."""
    parts.append(len(data).to_bytes(4, "little"))
    parts.append(data)
