"""The two pipes: frames on a byte stream, or packets that keep their borders.

Both have one packet ready at a time, in a buffer of their own: `put` copies what came from outside, `next` opens what
is there. A serial line is full of other things (half frames, a REPL's banner, a modem probe): whatever is no
packet is skipped up to the next zero byte.
"""

from struct import unpack_from

from ..compat import const
from . import cobs
from .packet import DAMAGED, HEADER_BYTES, NOTHING, OVERHEAD_BYTES, PACKET, SERIAL_PACKET_BYTES, check_holds
from .serial_frames import frame_functions, seal_packet

# Places in what a pipe finds (the tuple of `frame_open`).
_NEXT = const(0)
_STATUS = const(1)

_FRAME_BYTES = cobs.encoded_size(SERIAL_PACKET_BYTES) + 1
_NOTHING_FOUND = (0, NOTHING, 0, 0, 0, 0, 0, 0)


class SerialPipe:
    """COBS frames, each ended by a zero byte."""

    packet_bytes = SERIAL_PACKET_BYTES
    reorder = 0  # a serial line never reorders

    def __init__(self, crypto):
        self._open, self._seal = frame_functions(crypto)
        self.buffer = bytearray(2 * _FRAME_BYTES)
        self.view = memoryview(self.buffer)
        self._out = bytearray(_FRAME_BYTES + 1)
        self._out_view = memoryview(self._out)
        self._start = 0
        self._end = 0
        self._skipping = False

    def grow(self, packet_bytes):
        """A serial line has one size of packets."""

    def put(self, data):
        """Copies what fits of a memoryview, returns how much. Call `next` until it finds NOTHING in between."""
        if self._start:
            left = self._end - self._start
            self.view[:left][:] = self.view[self._start : self._end]
            self._start = 0
            self._end = left
        count = min(len(data), len(self.buffer) - self._end)
        self.view[self._end : self._end + count][:] = data if count == len(data) else data[:count]
        self._end += count
        return count

    def next(self, check, expected, key, nonce):
        """What `frame_open` found next; positions are in `buffer`."""
        found = self._open(self.buffer, self._start, self._end, check, expected, key, nonce)
        self._start = found[_NEXT]
        if found[_STATUS] == NOTHING:
            if self._end - found[_NEXT] > _FRAME_BYTES:
                self._skipping = True  # no frame is that long: forget it up to the next delimiter
                self._start = self._end
        elif self._skipping:
            self._skipping = False
            return (found[_NEXT], DAMAGED, 0, 0, 0, 0, 0, 0)
        return found

    def seal(self, slot, length, flags, sack, seq, ack, check, key, nonce):
        """The frame to send, as a memoryview that is valid until the next call."""
        end = self._seal(self._out, slot, length, flags, sack, seq, ack, check, key, nonce)
        return self._out_view[:end]

    def wrap(self, packet):
        """A packet from outside the session. A delimiter goes before it too: it ends whatever stood on the line."""
        self._out[0] = 0
        end = cobs.encode(packet, len(packet), self._out_view, 1)
        self._out[end] = 0
        return self._out_view[: end + 1]


class PacketPipe:
    """Packets of at most `packet_bytes`, one per write or notification."""

    reorder = 3  # packets of grace before a gap counts as a loss

    def __init__(self, crypto, packet_bytes):
        self._crypto = crypto
        self.packet_bytes = packet_bytes
        self.buffer = bytearray(packet_bytes)
        self.view = memoryview(self.buffer)
        self._length = 0

    def grow(self, packet_bytes):
        """Takes longer packets from now on."""
        self.packet_bytes = packet_bytes
        self.buffer = bytearray(packet_bytes)
        self.view = memoryview(self.buffer)

    def put(self, data):
        """Takes one whole packet. Oversized input is dropped."""
        count = len(data)
        self._length = count if count <= self.packet_bytes else 0
        self.view[: self._length][:] = data[: self._length]
        return count

    def next(self, check, _expected, _key, _nonce):
        length = self._length
        if length == 0:
            return _NOTHING_FOUND
        self._length = 0
        if check is None or length < OVERHEAD_BYTES or not check_holds(self.view[:length], length, check):
            return (length, DAMAGED, 0, 0, 0, 0, 0, length)
        flags, sack, seq, ack = unpack_from("<BBHH", self.buffer)
        return (length, PACKET, flags, sack, seq, ack, HEADER_BYTES, length - OVERHEAD_BYTES)

    def seal(self, slot, length, flags, sack, seq, ack, check, key, nonce):
        if key is not None:
            length = self._crypto.aead_seal(key, nonce, b"", memoryview(slot)[HEADER_BYTES:], length)
        end = seal_packet(slot, length, flags, sack, seq, ack, check)
        return memoryview(slot)[:end]

    def wrap(self, packet):
        return memoryview(packet)
