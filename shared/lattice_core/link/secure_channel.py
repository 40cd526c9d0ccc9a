"""The secure channel: packets to messages and back, for one session: between two Hellos and the loss of one side.

Below it a pipe (pipes.py), inside an `Arq` and, once the handshake is over, a cipher each way. A message
is what Noise seals: on a serial line it fills one packet and is opened where it lies; small packets carry pieces of it.
"""

from ..compat import ABSENT, const
from ..errors import ProtocolError
from ..limits import PACKETS_FORGED
from .arq import Arq
from .packet import (
    ASK,
    DATA,
    END,
    FORGED,
    MESSAGE_BYTES,
    OPENED,
    OVERHEAD_BYTES,
    START,
    TAG_BYTES,
    WHOLE,
    WINDOW,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .noise import Cipher

# Places in what a pipe finds (the tuple of `frame_open`).
_STATUS = const(1)
_FLAGS = const(2)
_SACK = const(3)
_SEQ = const(4)
_ACK = const(5)
_AT = const(6)
_LENGTH = const(7)

_SEQ_MASK = const(0xFFFF)
_OLD = const(0x8000)  # numbers that far ahead are behind


class SecureChannel:
    def __init__(self, crypto, pipe, buffers, number, counters):
        self.number = number
        self.arq = Arq(buffers, pipe.reorder, counters)
        self.ready = False  # the next packet in order is held already
        self.receiving: Cipher = ABSENT  # while the handshake runs
        self._sending: Cipher = ABSENT
        self._crypto = crypto
        self._pipe = pipe
        self._counters = counters
        self._forged = 0
        # a message that is put together
        self._assembly = buffers.assembly
        self._assembled = -1  # bytes so far, -1 between messages
        # a message that is cut up
        self._message = buffers.message
        self._message_length = 0
        self._message_at = 0
        self._plain_bytes = MESSAGE_BYTES - TAG_BYTES
        self._payloads = buffers.payloads
        self.measure()

    def measure(self):
        """Goes by the packet size that the pipe has now."""
        self._piece_bytes = self._pipe.packet_bytes - OVERHEAD_BYTES
        self._one_packet = self._piece_bytes >= MESSAGE_BYTES
        self._rooms = [payload[: self._plain_bytes] for payload in self._payloads]

    def set_ciphers(self, sending, receiving):
        self._sending = sending
        self.receiving = receiving

    # -- packets in -----------------------------------------------------------------------------------------
    def next_found(self):
        """What the pipe finds next (`frame_open`)."""
        cipher = self.receiving
        if cipher is ABSENT:
            return self._pipe.next(self.number, 0, None, 0)
        return self._pipe.next(self.number, self.arq.expected, cipher.key, cipher.nonce)

    def take(self, found, t):
        """A packet of this session. Returns the message that it completes, or None; then see `ready`.

        ProtocolError when the sequence or the row of pieces breaks the rules.
        """
        arq = self.arq
        if found[_SACK] != arq.sacked or found[_ACK] != arq.acked & _SEQ_MASK:
            arq.on_ack(found[_ACK], found[_SACK], t)
        if found[_STATUS] == OPENED:
            self.receiving.step()
            self.ready = arq.advance(found[_FLAGS], t)
            at = found[_AT]
            return self._pipe.view[at : at + found[_LENGTH]]
        self.ready = False
        return self._take_unopened(found, t)

    def _take_unopened(self, found, t):
        """Not whole, not its turn, not data, or forged."""
        status = found[_STATUS]
        flags = found[_FLAGS]
        seq = found[_SEQ]
        at = found[_AT]
        length = found[_LENGTH]
        arq = self.arq
        if status == FORGED:
            return self._note_forged()
        if not flags & DATA:
            if flags & ASK:
                arq.ack_now = True
            return None
        distance = (seq - arq.expected) & _SEQ_MASK
        payload = self._pipe.view[at : at + length]
        if distance == 0:
            return self._piece(flags, payload, t)
        if distance < WINDOW:
            arq.hold(seq, flags, payload)
        elif distance >= _OLD:
            arq.note_duplicate()
        else:
            raise ProtocolError("packet %d came where %d was expected: some were given up" % (seq, arq.expected))
        return None

    def more(self, t):
        """Like `take`, for the next packet that is held. Only while `ready`."""
        self.ready = False
        flags, payload = self.arq.held()
        return self._piece(flags, payload, t)

    def _piece(self, flags, payload, t):
        if flags & WHOLE == WHOLE and self._assembled < 0:
            length = self._open(payload)
            if length < 0:
                return self._note_forged()  # not acknowledged: the true one will come
            self.ready = self.arq.advance(flags, t)
            return payload[:length]
        self._append(flags, payload)
        self.ready = self.arq.advance(flags, t)
        if not flags & END:
            return None
        message = memoryview(self._assembly)[: self._assembled]
        self._assembled = -1
        length = self._open(message)
        if length < 0:
            raise ProtocolError("a message does not decrypt: somebody changed it on its way")
        return message[:length]

    def _append(self, flags, payload):
        if flags & START:
            if self._assembled >= 0:
                raise ProtocolError("a message starts inside another")
            self._assembled = 0
        elif self._assembled < 0:
            raise ProtocolError("a piece of a message came without its start")
        end = self._assembled + len(payload)
        if end > MESSAGE_BYTES:
            raise ProtocolError("a message is longer than %d bytes" % MESSAGE_BYTES)
        memoryview(self._assembly)[self._assembled : end][:] = payload
        self._assembled = end

    def _open(self, sealed):
        """Length of the message in `sealed` after opening it in place, -1 when its tag is wrong."""
        cipher = self.receiving
        if cipher is ABSENT:
            return len(sealed)
        length = self._crypto.aead_open(cipher.key, cipher.nonce, b"", sealed, len(sealed))
        if length >= 0:
            cipher.step()
        return length

    def _note_forged(self):
        self._counters.forged += 1
        self._forged += 1
        if self._forged >= PACKETS_FORGED:
            raise ProtocolError("%d packets did not decrypt: somebody else writes on this line" % self._forged)

    # -- packets out -----------------------------------------------------------------------------------------
    def put_message(self, message):
        """A message in the clear (of the handshake). Only when `message_left` is 0."""
        self._fill_from(len(message))
        memoryview(self._message)[: len(message)][:] = message

    def _fill_from(self, length):
        self._message_length = length
        self._message_at = 0

    def message_left(self):
        return self._message_length - self._message_at

    def next_packet(self, connection, t):
        """The next packet with data (a memoryview), or None: nothing to send, or the window is full."""
        arq = self.arq
        if arq.lost_count:
            slot = arq.next_lost(t)
            if slot >= 0:
                return self._transmit(slot, arq.number_of(slot), None, 0)
        if arq.sent - arq.acked >= WINDOW:
            return None
        if self._message_length > self._message_at:
            return self._cut(connection, t)
        if connection is None or not connection.has_something():
            return None
        if self._one_packet:
            return self._whole(connection, t)
        length = connection.fill(memoryview(self._message)[: self._plain_bytes])
        if length == 0:
            return None
        cipher = self._sending
        self._fill_from(self._crypto.aead_seal(cipher.key, cipher.nonce, b"", self._message, length))
        cipher.step()
        return self._cut(connection, t)

    def _whole(self, connection, t):
        """A message that fills one packet: sealed where it lies, framed in the same call."""
        arq = self.arq
        slot = arq.sent & (WINDOW - 1)
        length = connection.fill(self._rooms[slot])
        if length == 0:
            return None
        cipher = self._sending
        seq = arq.sent & _SEQ_MASK
        arq.push(length, WHOLE, t)
        packet = self._transmit(slot, seq, cipher.key, cipher.nonce)
        arq.lengths[slot] = length + TAG_BYTES
        cipher.step()
        if connection.message_fins:
            connection.message_leaves(arq.sent)
        return packet

    def _cut(self, connection, t):
        """The next piece of the message that is on its way."""
        arq = self.arq
        slot = arq.sent & (WINDOW - 1)
        start = self._message_at
        end = min(start + self._piece_bytes, self._message_length)
        self._payloads[slot][: end - start][:] = memoryview(self._message)[start:end]
        self._message_at = end
        flags = DATA
        if start == 0:
            flags |= START
        if end == self._message_length:
            flags |= END
        seq = arq.sent & _SEQ_MASK
        arq.push(end - start, flags, t)
        if flags & END and connection is not None:
            connection.message_leaves(arq.sent)
        return self._transmit(slot, seq, None, 0)

    def _transmit(self, slot, seq, key, nonce):
        arq = self.arq
        arq.note_acked()
        return self._pipe.seal(
            arq.slots[slot], arq.lengths[slot], arq.flags[slot], arq.sack, seq, arq.expected, self.number, key, nonce
        )

    def acknowledge(self, ask, scratch):
        """A packet that only acknowledges, made in `scratch`; with `ask` the peer has to answer it."""
        arq = self.arq
        arq.note_acked()
        flags = ASK if ask else 0
        return self._pipe.seal(scratch, 0, flags, arq.sack, arq.sent & _SEQ_MASK, arq.expected, self.number, None, 0)
