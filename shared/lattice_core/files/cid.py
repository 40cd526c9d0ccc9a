"""Content identifiers: CIDv1 with a BLAKE3 multihash.

36 bytes: 01 (CIDv1) ‖ codec ‖ 1e (multihash BLAKE3) ‖ 20 (32 bytes) ‖ digest. Two codecs occur: `raw` (0x55), the
digest is that of the content itself, which is one blob; `protobuf` (0x50), it is that of a `ChunkList` (chunks.py).
Text: multibase base32, "b" and lower case without padding.
"""

from ..compat import const
from ..errors import ProtocolError

RAW = const(0x55)
LIST = const(0x50)
BYTES = const(36)
_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"


def make(codec, digest):
    return bytes((1, codec, 0x1E, 32)) + digest


def parse(cid):
    """(codec, 32-byte digest); ProtocolError for anything that this project never names."""
    if len(cid) != BYTES or cid[0] != 1 or cid[1] not in (RAW, LIST) or cid[2] != 0x1E or cid[3] != 32:
        raise ProtocolError("a content id that is no CIDv1 of raw bytes or a chunk list with a BLAKE3 hash")
    return cid[1], bytes(cid[4:])


def text(cid):
    """ "b…" as other tools print it."""
    out = ["b"]
    bits = value = 0
    for byte in cid:
        value = (value << 8 | byte) & 0xFFF
        bits += 8
        while bits >= 5:
            bits -= 5
            out.append(_BASE32[value >> bits & 31])
    if bits:
        out.append(_BASE32[value << (5 - bits) & 31])
    return "".join(out)
