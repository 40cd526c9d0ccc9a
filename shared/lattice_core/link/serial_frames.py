"""Opening and sealing a frame of the serial pipe in one call each: the Python twin of frame.c.

A platform whose crypto object has `frame_open` and `frame_seal` (lattice_native.pyi) is used directly; elsewhere this
class does the same with `aead_open` and `aead_seal`. Both pass tests/core/test_frames.py.
"""

from struct import pack_into, unpack_from

from . import cobs
from .packet import (
    CHECK_BYTES,
    DAMAGED,
    FORGED,
    HEADER_BYTES,
    NOTHING,
    OPENED,
    OVERHEAD_BYTES,
    PACKET,
    WHOLE,
    check_holds,
    put_check,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..seams import Buffer, Crypto


def frame_functions(crypto: "Crypto"):
    """(frame_open, frame_seal) of the platform."""
    twin = PythonFrames(crypto)
    return getattr(crypto, "frame_open", twin.frame_open), getattr(crypto, "frame_seal", twin.frame_seal)


class PythonFrames:
    """`frame_open` and `frame_seal` of lattice_native.pyi on any `Crypto`."""

    def __init__(self, crypto: "Crypto"):
        self._crypto = crypto

    def frame_open(self, buf: bytearray, start, end, check, expected, key: "Buffer | None", nonce):
        """Opens the first frame of buf[start:end]; see lattice_native.pyi."""
        while start < end and buf[start] == 0:
            start += 1
        zero = buf.find(b"\0", start, end)
        if zero < 0:
            return (start, NOTHING, 0, 0, 0, 0, start, 0)
        view = memoryview(buf)
        length = cobs.decode(view, start, zero) - start
        content = view[start : start + max(length, 0)]
        if check is None or length < OVERHEAD_BYTES or not check_holds(content, length, check):
            return (zero + 1, DAMAGED, 0, 0, 0, 0, start, max(length, 0))
        flags, sack, seq, ack = unpack_from("<BBHH", content)
        at = start + HEADER_BYTES
        length -= OVERHEAD_BYTES
        status = PACKET
        if key is not None and flags & WHOLE == WHOLE and seq == expected:
            length = self._crypto.aead_open(key, nonce, b"", view[at : at + length], length)
            status = FORGED if length < 0 else OPENED
        return (zero + 1, status, flags, sack, seq, ack, at, max(length, 0))

    def frame_seal(
        self, out: bytearray, slot: bytearray, length, flags, sack, seq, ack, check, key: "Buffer | None", nonce
    ):
        """Makes a frame of slot[6:6 + length] in `out`; see lattice_native.pyi."""
        pack_into("<BBHH", slot, 0, flags, sack, seq, ack)
        view = memoryview(slot)
        if key is not None:
            length = self._crypto.aead_seal(key, nonce, b"", view[HEADER_BYTES:], length)
        length = put_check(view, HEADER_BYTES + length, check)
        end = cobs.encode(slot, length, memoryview(out), 0)
        out[end] = 0
        return end + 1


def seal_packet(slot: bytearray, length, flags, sack, seq, ack, check):
    """The same for a pipe of packets, where no COBS is needed: the packet is slot[:result]."""
    pack_into("<BBHH", slot, 0, flags, sack, seq, ack)
    return put_check(memoryview(slot), HEADER_BYTES + length, check)


assert OVERHEAD_BYTES == HEADER_BYTES + CHECK_BYTES
