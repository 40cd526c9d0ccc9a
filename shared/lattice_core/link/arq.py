"""Automatic repeat request: packets arrive once and in order over a pipe that loses, doubles and damages.

Sequence numbers mod 2^16, a window of 8 packets each way, cumulative and selective acknowledgements, one
retransmission timer that adapts to the round trip. One `Arq` lives as long as one session. It holds buffers
and decides what is sent next; link.py moves the bytes.

A packet counts as lost when one that was *sent later* has arrived (`_reorder` packets of grace on pipes that
reorder), or when the timer ran out. The sender keeps a packet until the cumulative acknowledgement passed it:
the receiver may take a selective one back when a packet turns out to be forged.
"""

from ..compat import const
from .packet import ASK, HEADER_BYTES, MESSAGE_BYTES, WINDOW

_MASK = const(7)  # WINDOW - 1: a packet's slot is its number & _MASK
_SEQ_MASK = const(0xFFFF)
_ACK_EVERY = const(5)  # of a window of 8: the sender has more to do meanwhile; with credit for a stream (stream.py)
_ACK_DELAY_MS = const(20)  # an answer usually leaves within that and carries the acknowledgement
_FIRST_RTO_MS = const(500)
_MIN_RTO_MS = const(100)  # above the delay of an acknowledgement and a typical flash erase (45 ms)
_MAX_RTO_MS = const(2000)


class Buffers:
    """All that packets need (18 KiB) and streams had: made once for a link, used by one session after the other.

    Buffers of streams stay in `pool` (by size): a heap that was in use has no 8 KiB in one piece.
    """

    def __init__(self, packet_bytes):
        self.packet_bytes = packet_bytes
        self.sending = [bytearray(packet_bytes) for _ in range(WINDOW)]
        self.early = [bytearray(packet_bytes) for _ in range(WINDOW)]  # packets that came before their turn
        self.assembly = bytearray(MESSAGE_BYTES)  # a message that arrives in pieces
        self.message = bytearray(MESSAGE_BYTES)  # a message that leaves in pieces
        self.pool = {}
        self.payloads = [memoryview(buffer)[HEADER_BYTES:] for buffer in self.sending]

    def grow(self, packet_bytes):
        """Makes room for longer packets; what is in flight stays."""
        self.packet_bytes = packet_bytes
        for slots in (self.sending, self.early):
            for at in range(WINDOW):
                larger = bytearray(packet_bytes)
                larger[: len(slots[at])] = slots[at]
                slots[at] = larger
        self.payloads[:] = [memoryview(buffer)[HEADER_BYTES:] for buffer in self.sending]


class Arq:
    """State of both directions. Times `t` are ms on the link's own clock (small integers)."""

    def __init__(self, buffers, reorder, counters):
        self._reorder = reorder
        self._counters = counters
        # sending
        self.slots = buffers.sending
        self.lengths = [0] * WINDOW  # payload bytes in the slot
        self.flags = [0] * WINDOW
        self._order = [0] * WINDOW  # when it was last sent, counted in transmissions
        self._sent_at = [0] * WINDOW
        self._tries = [0] * WINDOW
        self._lost = [False] * WINDOW
        self.sent = 0  # packets numbered so far; the next number is sent & 0xFFFF
        self.acked = 0  # packets the peer has in order
        self.sacked = 0  # bit i: packet acked + 1 + i has arrived too
        self._transmissions = 0
        self.lost_count = 0
        # the timer
        self.timer_at = None
        self._backoff = 0
        self.rtt_ms = 0  # smoothed; 0 before the first sample
        self._rtt8 = 0
        self._var4 = 0
        self.rto_ms = _FIRST_RTO_MS
        # receiving
        self.expected = 0
        self.sack = 0
        self._held = buffers.early
        self._held_length = [0] * WINDOW
        self._held_flags = [0] * WINDOW
        self._unacked = 0
        self.ack_now = False
        self.ack_at = None

    # -- sending ------------------------------------------------------------------------------------------
    def push(self, length, flags, t):
        """Numbers the packet that was put into slot `sent & 7`. Returns the slot. The caller sends it now."""
        sent = self.sent
        slot = sent & _MASK
        self.sent = sent + 1
        self.lengths[slot] = length
        if sent - self.acked == WINDOW - 1:
            flags |= ASK  # we stop here until the peer answers
        self.flags[slot] = flags
        self._tries[slot] = 0
        self._note_sent(slot, t)
        return slot

    def next_lost(self, t):
        """Slot of a packet to send again now, or -1."""
        for number in range(self.acked, self.sent):
            slot = number & _MASK
            if self._lost[slot]:
                self._lost[slot] = False
                self.lost_count -= 1
                self._counters.resent += 1
                self._note_sent(slot, t)
                return slot
        return -1

    def _note_sent(self, slot, t):
        self._transmissions += 1
        self._order[slot] = self._transmissions
        self._sent_at[slot] = t
        self._tries[slot] += 1
        if self.timer_at is None:
            self.timer_at = t + self.rto_ms

    def number_of(self, slot):
        """Sequence number of the packet in flight in `slot`."""
        return (self.acked + ((slot - self.acked) & _MASK)) & _SEQ_MASK

    def on_ack(self, ack, sack, t):
        """Takes the acknowledgements of a packet. Old ones and impossible ones change nothing."""
        done = (ack - self.acked) & _SEQ_MASK
        if done > self.sent - self.acked:
            return
        if done == 0 and sack == self.sacked:
            return
        newest = self._newest_arrived(done, sack, t)
        for number in range(self.acked, self.acked + done):
            if self._lost[number & _MASK]:
                self._lost[number & _MASK] = False
                self.lost_count -= 1
        self.acked += done
        self.sacked = sack
        if newest:
            self._backoff = 0
            self.timer_at = t + self.rto_ms if self.sent > self.acked else None
            self._mark_lost(newest)

    def _newest_arrived(self, done, sack, t):
        """Order of the latest transmission among the packets that this acknowledgement is the first to name.

        0 when it names none. Takes one sample of the round trip.
        """
        newest = 0
        sampled = -1
        known = self.sacked << 1
        named = (sack << (done + 1)) | ((1 << done) - 1)
        fresh = named & ~known
        number = self.acked
        while fresh and number < self.sent:
            if fresh & 1:
                slot = number & _MASK
                if self._order[slot] > newest:
                    newest = self._order[slot]
                    sampled = slot
            fresh >>= 1
            number += 1
        if sampled >= 0 and self._tries[sampled] == 1:
            self._sample(t - self._sent_at[sampled])
        return newest

    def _sample(self, rtt_ms):
        """RFC 6298 in integers: eighths of the mean, quarters of the deviation."""
        if self._rtt8 == 0:
            self._rtt8 = rtt_ms * 8 + 1
            self._var4 = rtt_ms * 2
        else:
            error = rtt_ms - self._rtt8 // 8
            self._rtt8 += error
            self._var4 += abs(error) - self._var4 // 4
        self.rtt_ms = self._rtt8 // 8
        self.rto_ms = min(max(self.rtt_ms + self._var4, _MIN_RTO_MS), _MAX_RTO_MS)

    def _mark_lost(self, newest):
        arrived = self.sacked << 1
        for number in range(self.acked, self.sent):
            slot = number & _MASK
            if not arrived & 1 and not self._lost[slot] and self._order[slot] + self._reorder < newest:
                self._lost[slot] = True
                self.lost_count += 1
            arrived >>= 1

    def on_time(self, t):
        """Runs the retransmission timer: the oldest packet that has not arrived goes out again."""
        if self.timer_at is None or t < self.timer_at:
            return
        self._backoff = min(self._backoff + 1, 5)
        self.timer_at = t + min(self.rto_ms << self._backoff, _MAX_RTO_MS)
        arrived = self.sacked << 1
        for number in range(self.acked, self.sent):
            slot = number & _MASK
            if not arrived & 1:
                if not self._lost[slot]:
                    self._lost[slot] = True
                    self.lost_count += 1
                return
            arrived >>= 1

    # -- receiving ----------------------------------------------------------------------------------------
    def hold(self, seq, flags, payload):
        """Keeps a packet that came before its turn (1 <= seq - expected < WINDOW)."""
        bit = 1 << (((seq - self.expected) & _SEQ_MASK) - 1)
        self.ack_now = True
        if self.sack & bit:
            self._counters.duplicates += 1
            return
        slot = seq & _MASK
        memoryview(self._held[slot])[: len(payload)][:] = payload
        self._held_length[slot] = len(payload)
        self._held_flags[slot] = flags
        self.sack |= bit

    def held(self):
        """(flags, payload as a writable view) of the packet whose turn it is now."""
        slot = self.expected & _MASK
        return self._held_flags[slot], memoryview(self._held[slot])[: self._held_length[slot]]

    def advance(self, flags, t):
        """The expected packet was taken. Returns True when the next one is already held."""
        self.expected = (self.expected + 1) & _SEQ_MASK
        ready = self.sack & 1
        self.sack >>= 1
        self._unacked += 1
        if self._unacked >= _ACK_EVERY or flags & ASK:
            self.ack_now = True
        elif self.ack_at is None:
            self.ack_at = t + _ACK_DELAY_MS
        return ready

    def note_duplicate(self):
        """A packet came again: our acknowledgement was lost."""
        self._counters.duplicates += 1
        self.ack_now = True

    def ack_due(self, t):
        return self.ack_now or (self.ack_at is not None and t >= self.ack_at)

    def note_acked(self):
        """A packet with the present acknowledgements leaves."""
        self.ack_now = False
        self.ack_at = None
        self._unacked = 0
