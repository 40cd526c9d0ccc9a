"""Streams over one ordered channel of messages: ids, flow control for each stream, FIN, reset, fair turns.

A message is a row of frames. Little-endian; `kind` is the low four bits of the first byte:

    DATA     kind|flags (1) id (2) [length (2) unless REST] bytes     flags: OPEN, FIN, REST (to the end of the message)
    CREDIT   kind (1) id (2) bytes (2)       the receiver of this stream has room for so many more
    RESET    kind (1) id (2)                 both directions of the stream end here
    STREAMS  kind (1) count (1)              the other side may open so many more streams
    CLOSE    kind (1) text                   the connection ends; why, in words, to the end of the message

The initiator opens odd ids, the responder even ones. A stream costs its receiver at most one window of memory, and
the other side may open only as many as were granted, so memory is bounded by streams × window. Frames of
streams that are over are ignored: they crossed with a reset.
"""

from struct import pack_into, unpack_from

from ..compat import ABSENT, const
from ..errors import ProtocolError, UsageError
from ..limits import CREDIT_BYTES, STREAMS_GRANTED, STREAMS_OUT
from ..text import cut, printable_bytes
from .stream import Stream

_DATA = const(1)
_CREDIT = const(2)
_RESET = const(3)
_STREAMS = const(4)
_CLOSE = const(5)
_KIND_MASK = const(0x0F)
_OPEN = const(0x10)
_FIN = const(0x20)
_REST = const(0x40)
_DATA_HEAD = const(5)
_REST_HEAD = const(3)
_CREDIT_BYTES = const(5)
_LAST_ID = const(0xFFFF)
_REASON_BYTES = const(200)


class LinkConnection:
    """The `Connection` of sync/common/streams.py over a link."""

    alpn = "lattice-nano/1"

    def __init__(self, local, peer, initiator, mine, theirs, send_buffer_bytes, pool):
        """`mine` and `theirs` are the transport parameters of both Hellos. `pool`: see arq.Buffers."""
        self.local = local
        self.peer = peer
        self.initiator = initiator
        self.closed: str | None = None
        self.peer_firmware = theirs.firmware
        self.send_buffer_bytes = send_buffer_bytes
        self._streams = {}
        self._all = []  # the same in the order of opening: dicts have none on every interpreter
        self._ready = []  # streams with something to send, in the order of their turns
        self._granting = []  # streams of which half a window was read
        self._accepted = []
        self._next_id = 1 if initiator else 2
        self._window = mine.window_bytes
        self._peer_window = theirs.window_bytes
        self._may_open = theirs.streams
        self._peer_may_open = mine.streams
        self._mine_streams = mine.streams
        self._grants_due = 0
        self._resets = []
        self.fins = []  # (number of the packet that ends the message, stream)
        self.message_fins = []  # streams whose FIN is in the message just filled
        self.control_due = False
        self._close_text: bytes = ABSENT
        self.close_sent = False
        self._pool = pool

    # -- for the owner of the connection -----------------------------------------------------------------
    def open_stream(self) -> Stream:
        """A new stream; on a closed connection one that has its error already.

        Where the peer allows no more streams it starts once another is over. UsageError when too many are open.
        """
        if len(self._streams) >= STREAMS_OUT + self._mine_streams:
            raise UsageError("more than %d streams are open: finish or reset some first" % STREAMS_OUT)
        stream_id = self._next_id
        while stream_id in self._streams:
            stream_id = self._following(stream_id)
        self._next_id = self._following(stream_id)
        stream = self._add(stream_id, True)
        self.wake(stream)
        if self.closed is not None:
            stream.fail(self.closed)
            self.stream_changed(stream)
        return stream

    def accept_stream(self) -> "Stream | None":
        return self._accepted.pop(0) if self._accepted else None

    def close(self, reason: str) -> None:
        """Ends the connection at once; the peer gets `reason`. Unsent data is dropped."""
        if self.closed is None:
            self._close_text = cut(reason, _REASON_BYTES).encode()
            self.end(reason)
            self.control_due = True

    def _following(self, stream_id):
        stream_id += 2
        return stream_id if stream_id <= _LAST_ID else stream_id & 1 or 2

    def _add(self, stream_id, ours):
        stream = Stream(self, stream_id, ours, self._window, self._peer_window)
        self._streams[stream_id] = stream
        self._all.append(stream)
        return stream

    # -- for link.py ------------------------------------------------------------------------------------------
    def end(self, reason: str) -> None:
        """The connection is over: every stream that is not ends with `reason` as its error."""
        if self.closed is None:
            self.closed = reason
        for stream in self._all:
            if not stream.over():
                stream.fail(reason)
        for stream in self._accepted:  # nobody has seen them: their buffers go back
            stream.drop()
        self._accepted = []
        self._streams = {}
        self._all = []
        self._ready = []
        self._granting = []
        self._resets = []
        self.fins = []

    def has_something(self) -> bool:
        """False when `fill` would surely write nothing."""
        return self.control_due or len(self._ready) > 0

    def fill(self, view: memoryview) -> int:
        """Writes the next message into `view`. Returns its length, 0 when there is nothing to say."""
        if self._close_text is not ABSENT:
            return self._fill_close(view)
        at = self._fill_control(view) if self.control_due or (self._grants_due and self._ready) else 0
        room = len(view) - at
        ready = self._ready
        for _ in range(len(ready)):
            if room <= _DATA_HEAD:
                break
            stream = ready.pop(0)
            pending = stream.pending()
            if pending < 0 or (not stream.announced and self._may_open == 0):
                stream.queued = False  # until something changes: see `wake`
                continue
            at = self._fill_data(view, at, room, stream, pending)
            ready.append(stream)
            room = len(view) - at
        return at

    def _fill_data(self, view, at, room, stream, pending):
        kind = _DATA
        if not stream.announced:
            stream.announced = True
            self._may_open -= 1
            kind |= _OPEN
        if pending + _DATA_HEAD > room or pending + _REST_HEAD == room:
            start = at + _REST_HEAD
            end = at + min(room, pending + _REST_HEAD)
            kind |= _REST
        else:
            start = at + _DATA_HEAD
            end = start + pending
            pack_into("<H", view, at + _REST_HEAD, pending)
        if stream.take_into(view[start:end]):
            kind |= _FIN
            self.message_fins.append(stream)
        pack_into("<BH", view, at, kind, stream.id)
        return end

    def _fill_close(self, view):
        if self.close_sent:
            return 0
        self.close_sent = True
        text = self._close_text[: len(view) - 1]
        view[0] = _CLOSE
        view[1 : 1 + len(text)][:] = text
        return 1 + len(text)

    def _fill_control(self, view):
        """Credits, resets and grants; what does not fit waits for the next message."""
        self.control_due = False
        at = 0
        last = len(view) - _CREDIT_BYTES
        if self._grants_due:
            pack_into("<BB", view, at, _STREAMS, self._grants_due)
            self._peer_may_open += self._grants_due
            self._grants_due = 0
            at += 2
        while self._resets and at <= last:
            pack_into("<BH", view, at, _RESET, self._resets.pop(0))
            at += 3
        while self._granting and at <= last:
            stream = self._granting.pop(0)
            count = stream.grant()
            if count:
                pack_into("<BHH", view, at, _CREDIT, stream.id, count)
                at += _CREDIT_BYTES
        if self._resets or self._granting:
            self.control_due = True
        return at

    def message_leaves(self, packet_number: int) -> None:
        """The message just filled ends with this packet (counted from 1)."""
        for stream in self.message_fins:
            self.fins.append((packet_number, stream))
        self.message_fins = []

    def packets_arrived(self, count: int) -> None:
        """The peer has the first `count` packets of the session."""
        while self.fins and self.fins[0][0] <= count:
            stream = self.fins.pop(0)[1]
            stream.fin_acknowledged()
            self.stream_changed(stream)

    def message(self, view: memoryview) -> "str | None":
        """Takes one message. ProtocolError when it breaks the rules: the connection is then to be ended.

        Returns None, or the peer's reason when it closes the connection.
        """
        at = 0
        end = len(view)
        while at < end:
            kind = view[at]
            what = kind & _KIND_MASK
            if what == _DATA:
                at = self._on_data(view, at, end, kind)
            elif what == _CREDIT:
                stream_id, count = _fields("<HH", view, at + 1, end, 4)
                self._on_credit(stream_id, count)
                at += _CREDIT_BYTES
            elif what == _RESET:
                self._on_reset(_fields("<H", view, at + 1, end, 2)[0])
                at += 3
            elif what == _STREAMS:
                self._may_open += _fields("<B", view, at + 1, end, 1)[0]
                if self._may_open > STREAMS_GRANTED:
                    raise ProtocolError("the other side allows more than %d streams" % STREAMS_GRANTED)
                for stream in self._all:
                    if not stream.announced:
                        self.wake(stream)
                at += 2
            elif what == _CLOSE:
                return _words(view[at + 1 :])
            else:
                raise ProtocolError("a message holds a frame of unknown kind %d" % what)
        return None

    def _on_data(self, view, at, end, kind):
        if kind & _REST:
            start = at + _REST_HEAD
            if start > end:
                raise ProtocolError("a message ends inside a frame")
            stream_id = view[at + 1] | view[at + 2] << 8
            stop = end
        else:
            stream_id, length = _fields("<HH", view, at + 1, end, 4)
            start = at + _DATA_HEAD
            stop = start + length
            if stop > end:
                raise ProtocolError("a frame of stream %d reaches beyond its message" % stream_id)
        stream = self._streams.get(stream_id)
        if kind & _OPEN:
            stream = self._on_open(stream_id, stream)
        if stream is not None and stream.error is None:
            if not stream.arrived(view[start:stop], kind & _FIN):
                raise ProtocolError("the other side sent more on stream %d than its window or end allows" % stream_id)
            if kind & _FIN:
                self.stream_changed(stream)
        return stop

    def _on_open(self, stream_id, stream):
        if stream is not None or stream_id == 0 or (stream_id & 1 == 1) == self.initiator:
            raise ProtocolError("the other side opened stream %d, which is not its to open" % stream_id)
        if self._peer_may_open == 0:
            raise ProtocolError("the other side opened more streams than it was allowed")
        self._peer_may_open -= 1
        self._grant_when_scarce()
        stream = self._add(stream_id, False)
        self._accepted.append(stream)
        return stream

    def _on_credit(self, stream_id, count):
        stream = self._streams.get(stream_id)
        if stream is None:
            return
        stream.send_credit += count
        self.wake(stream)
        if stream.send_credit > CREDIT_BYTES:
            raise ProtocolError("the other side grants stream %d more than %d bytes" % (stream_id, CREDIT_BYTES))

    def _on_reset(self, stream_id):
        stream = self._streams.get(stream_id)
        if stream is not None and stream.error is None:
            stream.fail("the other side gave this stream up")
            if stream in self._accepted:  # nobody here has seen it
                self._accepted.remove(stream)
                stream.drop()
            self.stream_changed(stream)

    # -- for stream.py ----------------------------------------------------------------------------------------
    def give_up(self, stream: Stream) -> None:
        """Our own reset."""
        stream.fail("given up on this side")
        stream.drop()
        if stream.announced:
            self._resets.append(stream.id)
            self.control_due = True
        self.stream_changed(stream)

    def wake(self, stream: Stream) -> None:
        """The stream may have something to send."""
        if not stream.queued:
            stream.queued = True
            self._ready.append(stream)

    def grant(self, stream: Stream) -> None:
        """The stream may take more from the peer."""
        self._granting.append(stream)
        self.control_due = True

    def stream_changed(self, stream: Stream) -> None:
        """Forgets a stream that is over; one that the peer opened makes room for another."""
        if stream.done or not stream.over():
            return
        stream.done = True
        if self._streams.get(stream.id) is stream:
            del self._streams[stream.id]
            self._all.remove(stream)
            if not stream.ours:
                self._grants_due += 1
                self._grant_when_scarce()

    def _grant_when_scarce(self):
        """Grants go along with whatever is said next; a message of their own only when few are left to the peer."""
        if self._grants_due and self._peer_may_open * 2 < self._mine_streams:
            self.control_due = True

    def buffer(self, size: int) -> "bytearray | None":
        """A buffer of the pool or a new one; None when memory is short (a heap with holes)."""
        free = self._pool.get(size)
        if free:
            return free.pop()
        try:
            return bytearray(size)
        except MemoryError:
            return None

    def give_back(self, buffer: bytearray) -> None:
        free = self._pool.get(len(buffer))
        if free is None:
            free = self._pool[len(buffer)] = []
        free.append(buffer)


def _fields(layout, view, at, end, size):
    if at + size > end:
        raise ProtocolError("a message ends inside a frame")
    return unpack_from(layout, view, at)


def _words(view):
    return printable_bytes(view[:_REASON_BYTES]) or "no reason given"
