"""The version exchange: the only packets outside a session, the same in all versions of the protocol.

A Hello is one or more packets:

    0    1    0x80
    1    4    epoch: a random number that its sender draws for each session it wants
    5    4    echo: the epoch of the other side that this answers, 0 when none is known
    9    1    high four bits: number of this part; low four bits: number of parts - 1
    10   n    a slice of the body; all parts but the last are equally long
    10+n 4    CRC-32, started with 0

Body: lowest and highest version spoken (1 byte each), flags (1: bit 0 = in a session), streams that the other side
may have open, receive window of a stream in units of 256 bytes, length of the firmware's version text, that text.
Bytes after the text belong to later versions. A smaller epoch never means older: they are random.
"""

from struct import pack_into, unpack_from

from ..compat import const
from .packet import CHECK_BYTES, HELLO, check_holds, put_check

VERSION_MIN = const(1)
VERSION_MAX = const(1)
_HEAD_BYTES = const(10)
_FIXED_BYTES = const(6)
_TEXT_BYTES = const(32)  # longest version text: with it the body fits into 16 parts of 6 bytes
_PARTS = const(16)
_BODY_BYTES = const(96)
WINDOW_UNIT_BYTES = const(256)
_IN_SESSION = const(1)


class TransportParameters:
    """What one side says of itself and grants the other, apart from its epoch."""

    def __init__(self, lowest, highest, streams, window_bytes, firmware):
        self.lowest = lowest
        self.highest = highest
        self.streams = streams
        self.window_bytes = window_bytes
        self.firmware = firmware  # bytes


def encode_body(parameters, in_session):
    text = parameters.firmware[:_TEXT_BYTES]
    window = min(parameters.window_bytes // WINDOW_UNIT_BYTES, 255)
    flags = _IN_SESSION if in_session else 0
    return bytes((parameters.lowest, parameters.highest, flags, min(parameters.streams, 255), window, len(text))) + text


def parse_body(body):
    """(parameters, in session) or None when it is no Hello of any version."""
    if len(body) < _FIXED_BYTES or body[0] == 0 or body[0] > body[1] or body[5] > _TEXT_BYTES:
        return None
    end = _FIXED_BYTES + body[5]
    if len(body) < end:
        return None
    parameters = TransportParameters(
        body[0], body[1], body[3], body[4] * WINDOW_UNIT_BYTES, bytes(body[_FIXED_BYTES:end])
    )
    return parameters, bool(body[2] & _IN_SESSION)


def agreed_version(mine, theirs):
    """The highest version both speak, 0 when there is none."""
    version = min(mine.highest, theirs.highest)
    return version if version >= max(mine.lowest, theirs.lowest) else 0


def prologue_part(epoch, body):
    """What of a Hello the handshake binds: all but the echo, the split into parts and the in-session bit."""
    out = bytearray(4 + len(body))
    pack_into("<I", out, 0, epoch)
    memoryview(out)[4:][:] = body
    out[6] &= 255 - _IN_SESSION
    return bytes(out)


def parts(epoch, echo, body, packet_bytes):
    """The packets of a Hello."""
    room = packet_bytes - _HEAD_BYTES - CHECK_BYTES
    count = (len(body) + room - 1) // room
    out = []
    for index in range(count):
        piece = body[index * room : (index + 1) * room]
        packet = bytearray(_HEAD_BYTES + len(piece) + CHECK_BYTES)
        pack_into("<BIIB", packet, 0, HELLO, epoch, echo, index << 4 | (count - 1))
        memoryview(packet)[_HEAD_BYTES : _HEAD_BYTES + len(piece)][:] = piece
        put_check(memoryview(packet), _HEAD_BYTES + len(piece), 0)
        out.append(packet)
    return out


class Collector:
    """Puts the parts of a Hello together; holds one at a time, at most 96 bytes."""

    def __init__(self):
        self._key = None  # (epoch, echo, parts - 1)
        self._parts = [b""] * _PARTS

    def take(self, packet):
        """(epoch, echo, body) when this intact packet completes a Hello, else None. None for what is no Hello."""
        if len(packet) <= _HEAD_BYTES + CHECK_BYTES or packet[0] != HELLO or not check_holds(packet, len(packet), 0):
            return None
        epoch, echo, place = unpack_from("<IIB", packet, 1)
        index = place >> 4
        last = place & 15
        size = len(packet) - _HEAD_BYTES - CHECK_BYTES
        if index > last or size * last > _BODY_BYTES or size > _BODY_BYTES or epoch == 0:
            return None
        key = (epoch, echo, last)
        if key != self._key:
            self._key = key
            self._parts = [b""] * _PARTS
        self._parts[index] = bytes(packet[_HEAD_BYTES : _HEAD_BYTES + size])
        found = self._parts[: last + 1]
        if b"" in found:
            return None
        self._key = None
        return epoch, echo, b"".join(found)
