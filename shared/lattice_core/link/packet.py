"""Packets: what one COBS frame on a serial line, or one packet of a radio, holds (docs/protocol.md, "Link").

    offset  size
    0       1     flags: DATA, START, END, ASK (a Hello packet has its own layout: hello.py)
    1       1     selective acknowledgements: bit i says that packet `ack + 1 + i` has arrived
    2       2     sequence number of this packet (little-endian like all here), of the next one when not DATA
    4       2     cumulative acknowledgement: the next packet expected
    6       n     a piece of a Noise message: the whole message when START and END are both set
    6 + n   4     CRC-32 over all of the above, started with the session's number instead of zero

Starting the checksum with a number that both sides derive from the Hello exchange costs no byte and makes a
packet of an earlier session (a peer that restarted, a duplicate that was late) fail like a damaged one.
"""

from binascii import crc32
from struct import pack, pack_into, unpack_from

from ..compat import const

HEADER_BYTES = const(6)
CHECK_BYTES = const(4)
OVERHEAD_BYTES = const(10)  # header and checksum
TAG_BYTES = const(16)  # of a sealed Noise message

DATA = const(0x01)  # takes part in the sequence; without it the packet only acknowledges
START = const(0x02)  # the piece begins a message
END = const(0x04)  # the piece ends a message
WHOLE = const(0x07)  # DATA, START and END: opened and sealed in one call
ASK = const(0x08)  # acknowledge at once
HELLO = const(0x80)  # nothing of the above

WINDOW = const(8)  # packets in flight each way: one bit each in `sack`, 8 KiB of buffer, 8 ms of full-speed USB
SERIAL_PACKET_BYTES = const(1024)  # COBS content; twice as much would give 10 % more and double the buffers
MESSAGE_BYTES = const(1014)  # longest Noise message, tag included: fills a serial packet exactly
MIN_PACKET_BYTES = const(20)  # the smallest payload that BLE guarantees

# What `frame_open` says of a frame.
NOTHING = const(0)  # no delimiter yet
DAMAGED = const(1)  # not a packet of this session: noise, a Hello, another session's
PACKET = const(2)  # intact, its payload not looked at
OPENED = const(3)  # intact, the next in order, decrypted where it lies
FORGED = const(4)  # intact and the next in order, but its tag is wrong


def session_number(initiator_epoch, responder_epoch):
    """The number (1..2^32-1) that starts every checksum of a session."""
    return crc32(pack("<II", initiator_epoch, responder_epoch)) or 1


def put_check(view, length, start):
    """Writes the CRC-32 of view[:length] behind it. Returns the new length."""
    pack_into("<I", view, length, crc32(view[:length], start) & 0xFFFFFFFF)
    return length + CHECK_BYTES


def check_holds(view, length, start):
    """True when view[:length] ends in the right CRC-32."""
    length -= CHECK_BYTES
    if length < 1:
        return False
    return crc32(view[:length], start) & 0xFFFFFFFF == unpack_from("<I", view, length)[0]
