"""The link: an authenticated connection with streams over a pipe that loses, doubles, damages and restarts.

`Link` is what a driver holds: bytes in, bytes out, the next deadline. It runs the rows of states.py.
"""

from struct import unpack_from

from ..compat import ABSENT, const
from ..errors import ProtocolError
from . import hello
from .arq import Buffers
from .mux import LinkConnection
from .packet import DAMAGED, HEADER_BYTES, MESSAGE_BYTES, MIN_PACKET_BYTES, NOTHING, OVERHEAD_BYTES, PACKET
from .pipes import PacketPipe, SerialPipe
from .proof import Authentication, OwnIdentity, WrongProof
from .secure_channel import SecureChannel
from .states import (
    ANSWERED,
    ARRIVED,
    ASKED,
    CLOSE,
    CLOSING,
    FAULT,
    IMPOSTOR,
    INCOMPATIBLE,
    INITIATOR,
    LISTENING,
    MESSAGE,
    OPEN,
    PEER_CLOSED,
    RESPONDER,
    RESTARTED,
    SEEKING,
    SESSION,
    SILENCE,
    row,
)
from .version_exchange import VersionExchange

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..seams import Buffer, Crypto

# Places in what a pipe finds (the tuple of `frame_open`).
_STATUS = const(1)
_AT = const(6)
_LENGTH = const(7)

SERIAL = const(0)  # the `pipe` argument of Link: a byte stream; else the packet size in bytes

_FIRST_PAUSE_MS = const(100)  # between Hellos
_LONGEST_PAUSE_MS = const(1000)
_HANDSHAKE_MS = const(5000)  # five signatures and keys on a stick, and a flash erase or two
_DEAD_MS = const(20000)  # a stick that writes 1 MiB to flash without looking up is silent for 13 s at worst
_PROBE_MS = const(1000)  # silence with packets in flight, before asking whether the other side restarted
_IDLE_MS = const(5000)  # silence without
_CLOSE_MS = const(2000)
_SEND_BUFFER_BYTES = const(3980)  # per stream: what four full messages hold
_STREAMS = const(8)
_WINDOW_BYTES = const(8192)  # receive window of a stream: as much as the packets in flight
_RESTARTED = "the other side restarted: open again to go on"


class Counters:
    """What happened since the link was made."""

    def __init__(self):
        self.bytes_in = 0
        self.bytes_out = 0
        self.packets_in = 0
        self.packets_out = 0
        self.damaged = 0
        self.forged = 0
        self.resent = 0
        self.duplicates = 0
        self.connections = 0


class Link:
    """Both roles. `seed` is the node's Ed25519 seed, `info` the firmware's version text (bytes, shown to anybody).

    `now_ms` comes from a clock that does not go back. `connection` (a `Connection` of sync/common/streams.py) exists
    from the end of the handshake until `connection.closed` says why not; a new one may follow. `trouble` holds the last
    thing that went wrong, in words, while the link tries again or listens; `closed` why it does not (initiator only).
    """

    def __init__(
        self,
        crypto: "Crypto",
        seed: "Buffer",
        initiator: bool,
        pipe: int,
        info: bytes,
        now_ms: int,
        streams: int = _STREAMS,
        window_bytes: int = _WINDOW_BYTES,
    ):
        self._crypto = crypto
        self._seed = seed
        self.local = crypto.ed25519_public(seed)
        self._initiator = initiator
        self._role = INITIATOR if initiator else RESPONDER
        self._pipe = SerialPipe(crypto) if pipe == SERIAL else PacketPipe(crypto, max(pipe, MIN_PACKET_BYTES))
        self._buffers = Buffers(self._pipe.packet_bytes)
        self._scratch = bytearray(OVERHEAD_BYTES)
        self._start_ms = now_ms  # times inside are small integers from here
        self._now = 0
        self._checked_at = -1  # when timers were last looked at: once a ms, and after each `receive`
        self.state = SEEKING if initiator else LISTENING
        self.connection: LinkConnection | None = None
        self.closed: str | None = None
        self.trouble: str | None = None
        self.counters = Counters()
        parameters = hello.TransportParameters(hello.VERSION_MIN, hello.VERSION_MAX, streams, window_bytes, info)
        self._exchange = VersionExchange(crypto, initiator, parameters, self._pipe.packet_bytes)
        self._hello_at = 0 if initiator else None
        self._pause_ms = _FIRST_PAUSE_MS
        self._channel: SecureChannel = ABSENT
        self._authentication: Authentication = ABSENT
        self._parameters = (parameters, parameters)  # ours and the other side's, of the Hellos that the handshake binds
        self._heard_at = 0
        self._probe_at = 0  # not before
        self._ask = False
        self._last_word = None  # acknowledges the other side's close after the session is gone
        self._until = None  # when the state has lasted too long

    # -- for the driver ------------------------------------------------------------------------------------------
    def receive(self, data: "Buffer", now_ms: int) -> None:
        """Takes what came from the pipe: any slice of a serial line, or one whole packet. Never raises."""
        self._now = now_ms - self._start_ms
        self._checked_at = -1
        self.counters.bytes_in += len(data)
        pipe = self._pipe
        rest = memoryview(data)
        while len(rest):
            taken = pipe.put(rest)
            while True:
                channel = self._channel
                found = pipe.next(None, 0, None, 0) if channel is ABSENT else channel.next_found()
                if found[_STATUS] == NOTHING:
                    break
                self._take(channel, found)
            if taken == len(rest):
                return
            rest = rest[taken:]

    def send(self, now_ms: int) -> "memoryview | None":
        """The next bytes for the pipe (one frame or packet), valid until the next call of any method (on a
        serial pipe: of this one), or None."""
        now = now_ms - self._start_ms
        if now != self._checked_at:
            self._now = self._checked_at = now
            self._on_time()
        packet = self._outgoing()
        if packet is not None:
            self.counters.packets_out += 1
            self.counters.bytes_out += len(packet)
        return packet

    def deadline_ms(self, now_ms: int) -> "int | None":
        """When `send` wants to be called at the latest (on the clock of `now_ms`), None when only input matters.

        Call `send` until it gives None after every `receive` and after every write to a stream, too.
        """
        channel = self._channel
        times = [self._hello_at, self._until]
        if channel is not ABSENT:
            times.append(channel.arq.timer_at)
            times.append(channel.arq.ack_at)
            if self.state != CLOSING:
                times.append(self._heard_at + _DEAD_MS)
                if self._initiator:
                    times.append(self._probe_time(channel))
            if channel.arq.ack_now or channel.arq.lost_count:
                times.append(0)
        if self._exchange.parts or self._last_word is not None:
            times.append(0)
        due = [at for at in times if at is not None]
        return max(min(due) + self._start_ms, now_ms) if due else None

    def set_packet_bytes(self, packet_bytes: int) -> None:
        """The pipe takes longer packets from now on (a radio has agreed on more): the connection goes on with them. A
        pipe never shrinks, and a serial line has one size. Until the other side knows, too, it drops what is longer
        than it expects, and that is sent again."""
        packet_bytes = min(packet_bytes, OVERHEAD_BYTES + MESSAGE_BYTES)  # what a whole message fills
        if packet_bytes <= self._pipe.packet_bytes:
            return
        self._pipe.grow(packet_bytes)
        self._buffers.grow(packet_bytes)
        self._exchange.packet_bytes = packet_bytes
        if self._channel is not ABSENT:
            self._channel.measure()

    def close(self, reason: str) -> None:
        """Ends the connection, and an initiator's link for good. The other side gets `reason`: go on with `send` until
        CLOSED; a responder's link listens again then."""
        if self.connection is not None and self.state == OPEN:
            self.connection.close(reason)
        self._event(CLOSE, reason)

    # -- packets in ------------------------------------------------------------------------------------------------
    def _take(self, channel, found):
        """Handles what the pipe found. The one place where a peer's mistakes end."""
        try:
            if found[_STATUS] == DAMAGED:
                self._outside(found)
            else:
                self._inside(channel, found)
        except (OwnIdentity, WrongProof) as error:
            self._event(IMPOSTOR, str(error))
        except ProtocolError as error:
            self._event(FAULT, str(error))

    def _inside(self, channel, found):
        """A packet of the session."""
        self.counters.packets_in += 1
        self._heard_at = self._now
        message = channel.take(found, self._now)
        if self.connection is not None and self.connection.fins:
            self.connection.packets_arrived(channel.arq.acked)
        while True:
            if message is not None:
                self._on_message(message)
            if not channel.ready or channel is not self._channel:
                return
            message = channel.more(self._now)

    def _on_message(self, message):
        connection = self.connection
        if connection is not None and self.state == OPEN:
            reason = connection.message(message) if connection.closed is None else None
            if reason is not None:
                self._event(PEER_CLOSED, "closed by the other side: " + reason)
        else:
            self._event(MESSAGE, message)

    def _outside(self, found):
        """Not of this session: a Hello, the first packet of the session that we offered, or noise."""
        at = found[_AT]
        length = found[_LENGTH]
        packet = self._pipe.view[at : at + length]
        heard = self._exchange.take(packet)
        if heard is not None:
            self._on_hello(heard)
        elif length >= OVERHEAD_BYTES and self._exchange.begins(packet, length):
            if self._event(SESSION, None):
                self._inside(self._channel, _as_found(packet, at, length))
        else:
            self.counters.damaged += 1

    def _on_hello(self, heard):
        epoch, echo, body = heard
        exchange = self._exchange
        parsed = hello.parse_body(body)
        if parsed is None or epoch == exchange.epoch:
            self.counters.damaged += 1
            return
        if self._initiator and (echo == 0 or echo != exchange.epoch):
            return  # not an answer to what we ask now
        parameters, in_session = parsed
        exchange.note(epoch, body, parameters)
        if not exchange.agrees_with(parameters):
            self._event(INCOMPATIBLE, exchange.disagreement())
        elif not self._initiator:
            self._event(ASKED, None)
        elif self._channel is ABSENT:
            self._event(ANSWERED, None)
        elif in_session:
            exchange.epoch = 0  # alive and in this session: nothing to ask any more
        else:
            self._event(RESTARTED, _RESTARTED)

    # -- the state machine -------------------------------------------------------------------------------------------
    def _event(self, event, value):
        """Runs the table's row for this event; False when there is none. The state changes after the action."""
        found = row(self._role, self.state, event)
        if found is None:
            return False
        action, following = found
        getattr(self, action)(value)
        self.state = following
        return True

    def _offer(self, _value):
        """Answers a Hello; the initiator may begin a session now."""
        self._exchange.answer(self._channel is not ABSENT, True)

    def _decline(self, words):
        """Says Hello even so: the other side then sees why."""
        self.trouble = words
        self._exchange.answer(False, False)

    def _begin(self, reason):
        """The session of both Hellos begins; one that was on is over. What later Hellos say is not of this session."""
        if self._channel is not ABSENT:
            self.trouble = reason or _RESTARTED
            self._drop(self.trouble)
        exchange = self._exchange
        self._channel = SecureChannel(self._crypto, self._pipe, self._buffers, exchange.number(), self.counters)
        self._parameters = (exchange.parameters, exchange.peer_parameters)
        prologue = exchange.prologue()
        self._authentication = Authentication(self._crypto, self._seed, self.local, self._initiator, prologue)
        exchange.begun()
        self._hello_at = None
        self._heard_at = self._now
        self._until = self._now + _HANDSHAKE_MS
        if self._initiator:
            self._channel.put_message(self._authentication.first())

    def _send_proof(self, message):
        """Responder: message 1 came, message 2 goes."""
        self._channel.put_message(self._authentication.second(message))

    def _answer_proof(self, message):
        """Initiator: message 2 came, message 3 goes, the connection is open."""
        identity, reply = self._authentication.third(message)
        self._channel.put_message(reply)
        self._connect(identity)

    def _check_proof(self, message):
        """Responder: message 3 came, the connection is open."""
        self._connect(self._authentication.identity(message))

    def _connect(self, identity):
        self._channel.set_ciphers(*self._authentication.ciphers())
        self._authentication = ABSENT
        mine, theirs = self._parameters
        pool = self._buffers.pool
        self.connection = LinkConnection(self.local, identity, self._initiator, mine, theirs, _SEND_BUFFER_BYTES, pool)
        self.counters.connections += 1
        self.trouble = None
        self._pause_ms = _FIRST_PAUSE_MS
        self._until = None

    def _leave(self, words):
        """The session is over; we try again (initiator) or wait (responder)."""
        self._drop(words)
        self.trouble = words
        if self._initiator:
            self._hello_at = self._now + self._pause_ms

    def _say_close(self, _words):
        self._until = self._now + _CLOSE_MS

    def _hear_close(self, words):
        """The other side closed. Its packet is acknowledged once more, so that it need not wait for its timer."""
        self._last_word = bytes(self._channel.acknowledge(False, self._scratch))
        if self._initiator:
            self._finish(words)
        else:
            self._leave(words)

    def _finish(self, words):
        self._drop(words)
        self.closed = words
        self._hello_at = None
        self._exchange.begun()

    def _drop(self, words):
        """Forgets the session. Its connection, if there was one, ends with `words`."""
        if self.connection is not None:
            self.connection.end(words)
            self.connection = None
        self._channel = self._authentication = ABSENT
        self._until = None
        self._ask = False

    # -- time and packets out ----------------------------------------------------------------------------------------
    def _on_time(self):
        now = self._now
        channel = self._channel
        if channel is ABSENT:
            if self._hello_at is not None and now >= self._hello_at:
                self._exchange.say(0, False)
                self._hello_at = now + self._pause_ms
                self._pause_ms = min(2 * self._pause_ms, _LONGEST_PAUSE_MS)
            return
        channel.arq.on_time(now)
        if self.connection is not None and self.connection.closed is not None:
            self._go_on_closing(channel, self.connection)
        elif self._until is not None and now >= self._until:
            self._event(SILENCE, "the handshake was not finished within %d s" % (_HANDSHAKE_MS // 1000))
        elif now >= self._heard_at + _DEAD_MS:
            self._event(SILENCE, "nothing was heard of the other side for %d s" % (_DEAD_MS // 1000))
        elif self._initiator and now >= self._probe_time(channel):
            self._probe_at = now + _PROBE_MS
            self._ask = True
            self._exchange.say(0, False)

    def _go_on_closing(self, channel, connection):
        self._event(CLOSE, connection.closed)
        arrived = connection.close_sent and channel.arq.acked == channel.arq.sent and not channel.message_left()
        if arrived or (self._until is not None and self._now >= self._until):
            self._event(ARRIVED, connection.closed)

    def _probe_time(self, channel):
        """When silence has lasted so long that we ask whether the other side is there and in this session."""
        quiet = _PROBE_MS if channel.arq.sent > channel.arq.acked else _IDLE_MS
        return max(self._heard_at + quiet, self._probe_at)

    def _outgoing(self):
        if self._last_word is not None:
            packet = self._last_word
            self._last_word = None
            return memoryview(packet)
        if self._exchange.parts:
            return self._pipe.wrap(self._exchange.parts.pop(0))
        channel = self._channel
        if channel is ABSENT:
            return None
        packet = channel.next_packet(self.connection, self._now)
        if packet is None and (self._ask or channel.arq.ack_due(self._now)):
            packet = channel.acknowledge(self._ask, self._scratch)
            self._ask = False
        return packet


def _as_found(packet, at, length):
    """What the pipe would have found, had it known the session."""
    flags, sack, seq, ack = unpack_from("<BBHH", packet)
    return (0, PACKET, flags, sack, seq, ack, at + HEADER_BYTES, length - OVERHEAD_BYTES)
