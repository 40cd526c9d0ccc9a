"""Borsh's integers: little-endian, fixed size. The one Borsh structure of the mesh, the intention, is laid out in
`model/intention.py`; its vectors are counted by a u32.
"""


def u32(buf, pos):
    """The u32 at `pos`; the caller has checked that 4 bytes are there."""
    return buf[pos] | buf[pos + 1] << 8 | buf[pos + 2] << 16 | buf[pos + 3] << 24


def u64(buf, pos):
    """The u64 at `pos`; the caller has checked that 8 bytes are there."""
    return int.from_bytes(bytes(buf[pos : pos + 8]), "little")
