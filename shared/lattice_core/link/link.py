"""The link: an authenticated connection with streams over a pipe that loses, doubles, damages and restarts.

This file owns the state machine. It is one table, for both roles; everything that changes `state` is a row of it.
The diagram in docs/protocol.md is drawn from it (tools/link_diagram.py).

Rules:
- The initiator (a host) speaks first: it says Hello with growing pauses until somebody answers, for as long as
  its caller keeps the link. The responder (a stick) is silent until it hears a Hello.
- A session belongs to a pair of epochs, one from each Hello. The responder leaves its old session only for a packet
  that proves that the initiator knows the new epoch; the initiator only for a Hello that answers its own question and
  says that the responder is in no session. So a replayed or late Hello moves nobody.
- Nothing that a peer sends raises. What breaks the rules ends the session, in words, at one place: `_take`.
- A responder never closes for good because of a peer; an initiator does when trying again cannot help.
"""

from struct import unpack_from

from ..compat import const
from ..errors import ProtocolError
from . import hello, proof
from .arq import Buffers
from .mux import Connection, printable
from .noise import KEY_BYTES, Handshake
from .packet import (
    DAMAGED,
    HEADER_BYTES,
    MIN_PACKET_BYTES,
    NOTHING,
    OVERHEAD_BYTES,
    PACKET,
    check_holds,
    session_number,
)
from .pipes import PacketPipe, SerialPipe
from .session import Session

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from ..seams import Buffer, Crypto

SERIAL = const(0)  # the `pipe` argument of Link: a byte stream; else the packet size in bytes

# -- states ------------------------------------------------------------------------------------------------------
SEEKING = "seeking"  # initiator: says Hello until it is answered
LISTENING = "listening"  # responder: waits for a Hello and for the first packet of a session
STARTING = "starting"  # responder: a session began, its first handshake message is on its way
PROVING = "proving"  # waits for the message that proves who the other side is
OPEN = "open"  # `connection` exists
CLOSING = "closing"  # our reason for closing is on its way
CLOSED = "closed"  # for good; `closed` says why

# -- events ------------------------------------------------------------------------------------------------------
ANSWERED = "answered"  # a Hello that answers ours, versions agree
RESTARTED = "restarted"  # the same while a session is on: the other side has lost it
ASKED = "asked"  # a Hello that wants an answer
SESSION = "session"  # an intact packet of the session that we offered in a Hello
MESSAGE = "message"  # a message of the handshake
INCOMPATIBLE = "incompatible"  # a Hello without a version that we speak
IMPOSTOR = "impostor"  # the proof of identity is wrong, or the identity is our own
FAULT = "fault"  # the other side broke the rules of the session
SILENCE = "silence"  # nothing intact was heard for too long
PEER_CLOSED = "peer closed"  # the other side closed the connection, with a reason
CLOSE = "close"  # our caller closes
ARRIVED = "arrived"  # our reason for closing has arrived, or was not acknowledged in time

INITIATOR = "initiator"
RESPONDER = "responder"

# (role, state, event, action, next state). What is not here means nothing in that state.
TABLE = (
    (INITIATOR, SEEKING, ANSWERED, "_begin", PROVING),
    (INITIATOR, SEEKING, INCOMPATIBLE, "_finish", CLOSED),
    (INITIATOR, SEEKING, CLOSE, "_finish", CLOSED),
    (INITIATOR, PROVING, MESSAGE, "_answer_proof", OPEN),
    (INITIATOR, PROVING, RESTARTED, "_begin", PROVING),
    (INITIATOR, PROVING, IMPOSTOR, "_finish", CLOSED),
    (INITIATOR, PROVING, FAULT, "_leave", SEEKING),
    (INITIATOR, PROVING, SILENCE, "_leave", SEEKING),
    (INITIATOR, PROVING, CLOSE, "_finish", CLOSED),
    (INITIATOR, OPEN, RESTARTED, "_begin", PROVING),
    (INITIATOR, OPEN, FAULT, "_leave", SEEKING),
    (INITIATOR, OPEN, SILENCE, "_leave", SEEKING),
    (INITIATOR, OPEN, PEER_CLOSED, "_hear_close", CLOSED),
    (INITIATOR, OPEN, CLOSE, "_say_close", CLOSING),
    (INITIATOR, CLOSING, ARRIVED, "_finish", CLOSED),
    (INITIATOR, CLOSING, FAULT, "_finish", CLOSED),
    (RESPONDER, LISTENING, ASKED, "_offer", LISTENING),
    (RESPONDER, LISTENING, INCOMPATIBLE, "_decline", LISTENING),
    (RESPONDER, LISTENING, SESSION, "_begin", STARTING),
    (RESPONDER, LISTENING, CLOSE, "_finish", CLOSED),
    (RESPONDER, STARTING, ASKED, "_offer", STARTING),
    (RESPONDER, STARTING, SESSION, "_begin", STARTING),
    (RESPONDER, STARTING, MESSAGE, "_send_proof", PROVING),
    (RESPONDER, STARTING, FAULT, "_leave", LISTENING),
    (RESPONDER, STARTING, SILENCE, "_leave", LISTENING),
    (RESPONDER, STARTING, CLOSE, "_finish", CLOSED),
    (RESPONDER, PROVING, ASKED, "_offer", PROVING),
    (RESPONDER, PROVING, SESSION, "_begin", STARTING),
    (RESPONDER, PROVING, MESSAGE, "_check_proof", OPEN),
    (RESPONDER, PROVING, IMPOSTOR, "_leave", LISTENING),
    (RESPONDER, PROVING, FAULT, "_leave", LISTENING),
    (RESPONDER, PROVING, SILENCE, "_leave", LISTENING),
    (RESPONDER, PROVING, CLOSE, "_finish", CLOSED),
    (RESPONDER, OPEN, ASKED, "_offer", OPEN),
    (RESPONDER, OPEN, SESSION, "_begin", STARTING),
    (RESPONDER, OPEN, FAULT, "_leave", LISTENING),
    (RESPONDER, OPEN, SILENCE, "_leave", LISTENING),
    (RESPONDER, OPEN, PEER_CLOSED, "_hear_close", LISTENING),
    (RESPONDER, OPEN, CLOSE, "_say_close", CLOSING),
    (RESPONDER, CLOSING, ARRIVED, "_finish", CLOSED),
    (RESPONDER, CLOSING, FAULT, "_finish", CLOSED),
)

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

    `now_ms` comes from a clock that does not go back. `connection` (a `Connection` of sync/streams.py) exists from
    the end of the handshake until `connection.closed` says why not; a new one may follow. `trouble` holds the last
    thing that went wrong, in words, while the link tries again; `closed` why it does not.
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
        self._pipe = SerialPipe(crypto) if pipe == SERIAL else PacketPipe(max(pipe, MIN_PACKET_BYTES))
        self._buffers = Buffers(self._pipe.packet_bytes)
        self._scratch = bytearray(OVERHEAD_BYTES)
        self._start_ms = now_ms  # times inside are small integers from here
        self._now = 0
        self._checked_at = -1  # when timers were last looked at: once a ms, and after each `receive`
        self.state = SEEKING if initiator else LISTENING
        self.connection: "Optional[Connection]" = None
        self.closed: "Optional[str]" = None
        self.trouble: "Optional[str]" = None
        self.counters = Counters()
        self._terms = hello.Terms(hello.VERSION_MIN, hello.VERSION_MAX, streams, window_bytes, info)
        self._collector = hello.Collector()
        self._hello_parts = []
        self._hello_at = 0 if initiator else None
        self._pause_ms = _FIRST_PAUSE_MS
        self._epoch = 0  # of our next session; drawn when first said
        self._peer_epoch = 0  # of the Hello last heard, with its body and terms
        self._peer_body = b""
        self._peer_terms = None
        self._offered = None  # number of the session that would begin with them
        self._session: "Optional[Session]" = None
        self._handshake: "Optional[Handshake]" = None
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
        taken = 0
        while taken < len(rest):
            rest = rest[taken:]
            taken = pipe.put(rest)
            while True:
                session = self._session
                found = pipe.next(None, 0, None, 0) if session is None else session.next_found()
                if found[1] == NOTHING:
                    break
                self._take(session, found)

    def send(self, now_ms: int) -> "Optional[memoryview]":
        """The next bytes for the pipe (one frame or packet), valid until the next call of any method, or None."""
        now = now_ms - self._start_ms
        if now != self._checked_at:
            self._now = self._checked_at = now
            self._on_time()
        packet = self._outgoing()
        if packet is not None:
            self.counters.packets_out += 1
            self.counters.bytes_out += len(packet)
        return packet

    def deadline_ms(self, now_ms: int) -> "Optional[int]":
        """When `send` wants to be called at the latest (on the clock of `now_ms`), None when only input matters.

        Call `send` until it gives None after every `receive` and after every write to a stream, too.
        """
        session = self._session
        times = [self._hello_at, self._until]
        if session is not None:
            times.append(session.arq.timer_at)
            times.append(session.arq.ack_at)
            if self.state is not CLOSING:
                times.append(self._heard_at + _DEAD_MS)
                if self._initiator:
                    times.append(self._probe_time(session))
            if session.arq.ack_now or session.arq.lost_count:
                times.append(0)
        if self._hello_parts or self._last_word is not None:
            times.append(0)
        due = [at for at in times if at is not None]
        return max(min(due) + self._start_ms, now_ms) if due else None

    def close(self, reason: str) -> None:
        """Ends the link for good. An open connection's other side gets `reason`: go on with `send` until CLOSED."""
        if self.connection is not None and self.state is OPEN:
            self.connection.close(reason)
        self._event(CLOSE, reason)

    # -- packets in ------------------------------------------------------------------------------------------------
    def _take(self, session, found):
        """Handles what the pipe found. The one place where a peer's mistakes end."""
        try:
            if found[1] == DAMAGED:
                self._outside(found)
            else:
                self._inside(session, found)
        except (proof.OwnIdentity, proof.WrongProof) as error:
            self._event(IMPOSTOR, str(error))
        except ProtocolError as error:
            self._event(FAULT, str(error))

    def _inside(self, session, found):
        """A packet of the session."""
        self.counters.packets_in += 1
        self._heard_at = self._now
        message = session.take(found, self._now)
        if self.connection is not None and self.connection.fins:
            self.connection.packets_arrived(session.arq.acked)
        while True:
            if message is not None:
                self._on_message(message)
            if not session.ready or session is not self._session:
                return
            message = session.more(self._now)

    def _on_message(self, message):
        if self.state is OPEN:
            reason = self.connection.message(message) if self.connection.closed is None else None
            if reason is not None:
                self._event(PEER_CLOSED, "closed by the other side: " + reason)
        else:
            self._event(MESSAGE, message)

    def _outside(self, found):
        """Not of this session: a Hello, the first packet of the session that we offered, or noise."""
        at = found[6]
        length = found[7]
        packet = self._pipe.view[at : at + length]
        heard = self._collector.take(packet)
        if heard is not None:
            self._on_hello(heard)
        elif self._offered is not None and length >= OVERHEAD_BYTES and check_holds(packet, length, self._offered):
            if self._event(SESSION, None):
                self._inside(self._session, _as_found(packet, at, length))
        else:
            self.counters.damaged += 1

    def _on_hello(self, heard):
        epoch, echo, body = heard
        parsed = hello.parse_body(body)
        if parsed is None or epoch == self._epoch:
            self.counters.damaged += 1
            return
        terms, in_session = parsed
        if self._initiator:
            if echo != self._epoch or echo == 0:
                return  # not an answer to what we ask now
            self._note_hello(epoch, body, terms)
            if not hello.agreed_version(self._terms, terms):
                self._event(INCOMPATIBLE, self._disagreement(terms))
            elif self._session is None:
                self._event(ANSWERED, None)
            elif not in_session:
                self._event(RESTARTED, _RESTARTED)
            else:
                self._epoch = 0  # alive and in session: nothing to ask any more
        else:
            self._note_hello(epoch, body, terms)
            if hello.agreed_version(self._terms, terms):
                self._event(ASKED, None)
            else:
                self._event(INCOMPATIBLE, self._disagreement(terms))

    def _note_hello(self, epoch, body, terms):
        self._peer_epoch = epoch
        self._peer_body = body
        self._peer_terms = terms

    def _disagreement(self, terms):
        words = "the other side (%s) speaks versions %d to %d of the link, this one (%s) %d to %d: update the older one"
        mine = self._terms
        theirs = (printable(terms.firmware), terms.lowest, terms.highest)
        return words % (theirs + (printable(mine.firmware), mine.lowest, mine.highest))

    # -- the state machine -------------------------------------------------------------------------------------------
    def _event(self, event, value):
        """Runs the table's row for this event; False when there is none. The state changes after the action."""
        for role, state, what, action, following in TABLE:
            if what == event and state == self.state and role == self._role:
                getattr(self, action)(value)
                self.state = following
                return True
        return False

    def _offer(self, _value):
        """Answers a Hello and remembers which session it would be."""
        self._say_hello(self._peer_epoch)
        self._offered = session_number(self._peer_epoch, self._epoch)

    def _decline(self, words):
        """Says Hello even so: the other side then sees why."""
        self.trouble = words
        self._say_hello(self._peer_epoch)
        self._offered = None

    def _say_hello(self, echo):
        if self._epoch == 0:
            self._epoch = int.from_bytes(self._crypto.random(4), "little") or 1
        body = hello.encode_body(self._terms, self._session is not None and not self._initiator)
        self._hello_parts = hello.parts(self._epoch, echo, body, self._pipe.packet_bytes)

    def _begin(self, reason):
        """A session of the two epochs begins; one that was on is over."""
        if self._session is not None:
            self.trouble = reason or _RESTARTED
            self._drop(self.trouble)
        mine = hello.prologue_part(self._epoch, hello.encode_body(self._terms, False))
        theirs = hello.prologue_part(self._peer_epoch, self._peer_body)
        if self._initiator:
            number = session_number(self._epoch, self._peer_epoch)
            prologue = mine + theirs
        else:
            number = session_number(self._peer_epoch, self._epoch)
            prologue = theirs + mine
        self._session = Session(self._crypto, self._pipe, self._buffers, number, self.counters)
        keys = self._crypto.random(2 * KEY_BYTES)
        self._handshake = Handshake(self._crypto, self._initiator, prologue, keys[:KEY_BYTES], keys[KEY_BYTES:])
        self._epoch = 0
        self._offered = None
        self._hello_at = None
        self._hello_parts = []
        self._heard_at = self._now
        self._until = self._now + _HANDSHAKE_MS
        if self._initiator:
            self._session.put_message(self._handshake.write(_no_payload))

    def _send_proof(self, message):
        """Responder: message 1 came, message 2 goes."""
        self._handshake.read(message)
        self._session.put_message(self._handshake.write(self._make_proof))

    def _answer_proof(self, message):
        """Initiator: message 2 came, message 3 goes, the connection is open."""
        identity = self._read_proof(message)
        self._session.put_message(self._handshake.write(self._make_proof))
        self._connect(identity)

    def _check_proof(self, message):
        """Responder: message 3 came, the connection is open."""
        self._connect(self._read_proof(message))

    def _make_proof(self, bound):
        return proof.make(self._crypto, self._seed, self.local, self._initiator, self._handshake.static_public, bound)

    def _read_proof(self, message):
        handshake = self._handshake
        bound, payload = handshake.read(message)
        return proof.check(self._crypto, self.local, payload, not self._initiator, handshake.peer_static, bound)

    def _connect(self, identity):
        self._session.set_ciphers(*self._handshake.split())
        self._handshake = None
        terms = (self._terms, self._peer_terms)
        pool = self._buffers.pool
        self.connection = Connection(self.local, identity, self._initiator, *terms, _SEND_BUFFER_BYTES, pool)
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
        self._last_word = bytes(self._session.acknowledge(False, self._scratch))
        if self._initiator:
            self._finish(words)
        else:
            self._leave(words)

    def _finish(self, words):
        self._drop(words)
        self.closed = words
        self._hello_at = None
        self._hello_parts = []

    def _drop(self, words):
        """Forgets the session. Its connection, if there was one, ends with `words`."""
        if self.connection is not None:
            self.connection.end(words)
            self.connection = None
        self._session = None
        self._handshake = None
        self._until = None
        self._ask = False

    # -- time and packets out ----------------------------------------------------------------------------------------
    def _on_time(self):
        now = self._now
        session = self._session
        if session is None:
            if self._hello_at is not None and now >= self._hello_at:
                self._say_hello(0)
                self._hello_at = now + self._pause_ms
                self._pause_ms = min(2 * self._pause_ms, _LONGEST_PAUSE_MS)
            return
        session.arq.on_time(now)
        if self.connection is not None and self.connection.closed is not None:
            self._go_on_closing(session)
        elif self._until is not None and now >= self._until:
            self._event(SILENCE, "the handshake was not finished within %d s" % (_HANDSHAKE_MS // 1000))
        elif now >= self._heard_at + _DEAD_MS:
            self._event(SILENCE, "nothing was heard of the other side for %d s" % (_DEAD_MS // 1000))
        elif self._initiator and now >= self._probe_time(session):
            self._probe_at = now + _PROBE_MS
            self._ask = True
            self._say_hello(0)

    def _go_on_closing(self, session):
        self._event(CLOSE, self.connection.closed)
        arrived = self.connection.close_sent and session.arq.acked == session.arq.sent and not session.message_left()
        if arrived or (self._until is not None and self._now >= self._until):
            self._event(ARRIVED, self.connection.closed)

    def _probe_time(self, session):
        """When silence has lasted so long that we ask whether the other side is there and in this session."""
        quiet = _PROBE_MS if session.arq.sent > session.arq.acked else _IDLE_MS
        return max(self._heard_at + quiet, self._probe_at)

    def _outgoing(self):
        if self._last_word is not None:
            packet = self._last_word
            self._last_word = None
            return memoryview(packet)
        if self._hello_parts:
            return self._pipe.wrap(self._hello_parts.pop(0))
        session = self._session
        if session is None:
            return None
        packet = session.next_packet(self.connection, self._now)
        if packet is None and (self._ask or session.arq.ack_due(self._now)):
            packet = session.acknowledge(self._ask, self._scratch)
            self._ask = False
        return packet


def _no_payload(_bound):
    return b""


def _as_found(packet, at, length):
    """What the pipe would have found, had it known the session."""
    flags, sack, seq, ack = unpack_from("<BBHH", packet)
    return (0, PACKET, flags, sack, seq, ack, at + HEADER_BYTES, length - OVERHEAD_BYTES)
