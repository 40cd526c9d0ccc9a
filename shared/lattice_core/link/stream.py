"""One stream of a link connection: the `Stream` of sync/common/streams.py. The frames it needs are made by mux.py."""

from ..compat import ABSENT
from ..errors import ProtocolError, UsageError
from .ring import Ring

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..seams import Buffer
    from .mux import LinkConnection


class Stream:
    """Both directions of one stream. Buffers are taken from the connection's pool when first needed."""

    def __init__(self, connection: "LinkConnection", stream_id: int, ours: bool, window_bytes: int, send_credit: int):
        self.id = stream_id
        self.error: str | None = None
        self.ours = ours
        self._connection = connection
        self._window = window_bytes
        # receiving
        self._incoming: Ring = ABSENT
        self._granted = window_bytes  # bytes the peer may still send
        self._fin_received = False
        self.credit_due = 0  # bytes read since the peer was last told
        self._granting = False
        # sending
        self._outgoing: Ring = ABSENT
        self.send_credit = send_credit
        self.announced = not ours  # the peer knows the stream
        self._fin_wanted = False
        self.fin_sent = False
        self._fin_arrived = False
        self.queued = False  # for its turn to send
        self.done = False

    # -- for the owner of the stream ------------------------------------------------------------------------
    def readable(self) -> int:
        return self._incoming.count if self._incoming is not ABSENT else 0

    def read(self, count: int) -> bytes:
        incoming = self._incoming
        if incoming is ABSENT or incoming.count == 0 or count <= 0:
            return b""
        data = incoming.take(count)
        self.credit_due += len(data)
        self._after_read()
        return data

    def peek(self) -> "Buffer":
        incoming = self._incoming
        return b"" if incoming is ABSENT else incoming.peek()

    def consume(self, count: int) -> None:
        if count:
            self._incoming.skip(count)
            self.credit_due += count
            self._after_read()

    def _after_read(self):
        if self._incoming.count == 0 and (self._fin_received or self.error is not None):
            self._release_incoming()
            self._connection.stream_changed(self)
        elif self.credit_due * 5 >= self._window * 3:  # 5 packets of the smallest window
            self._grant()

    def _grant(self):
        if not self._granting:
            self._granting = True
            self._connection.grant(self)

    def need(self, count: int) -> bool:
        if count > self._window:
            return False
        if count > self._window - self.credit_due:
            self._grant()
        return True

    def ended(self) -> bool:
        return self._fin_received

    def at_end(self) -> bool:
        return self._fin_received and self.readable() == 0

    def writable(self) -> int:
        if self.error is not None or self._fin_wanted:
            return 0
        if self._outgoing is ABSENT:
            return self._connection.send_buffer_bytes
        return self._outgoing.room()

    def write(self, data: "Buffer") -> int:
        if self._fin_wanted:
            raise UsageError("stream %d was finished: nothing can be written to it" % self.id)
        room = self.writable()
        if room == 0:
            return 0
        view = memoryview(data)
        if len(view) > room:
            view = view[:room]
        if len(view):
            if self._outgoing is ABSENT:
                buffer = self._connection.buffer(self._connection.send_buffer_bytes)
                if buffer is None:
                    return 0
                self._outgoing = Ring(buffer)
            self._outgoing.put(view)
            if not self.queued:
                self._connection.wake(self)
        return len(view)

    def finish(self) -> None:
        self._fin_wanted = True
        self._connection.wake(self)

    def finished(self) -> bool:
        return self._fin_arrived

    def reset(self) -> None:
        if not self.done and self.error is None:
            self._connection.give_up(self)

    # -- for mux.py --------------------------------------------------------------------------------------------
    def pending(self) -> int:
        """Bytes that may be sent now; -1 for nothing at all, 0 when only a FIN or the announcement is due."""
        if self.error is not None or self.fin_sent:
            return -1
        count = self._outgoing.count if self._outgoing is not ABSENT else 0
        if count:
            count = min(count, self.send_credit)
            return count if count else -1
        return 0 if self._fin_wanted or not self.announced else -1

    def take_into(self, target: memoryview) -> bool:
        """Fills `target` with bytes to send. Returns True when the FIN goes with them."""
        if len(target):
            self._outgoing.take_into(target)
            self.send_credit -= len(target)
        empty = self._outgoing is ABSENT or self._outgoing.count == 0
        if empty and self._fin_wanted:
            self.fin_sent = True
            self._release_outgoing()
        return self.fin_sent

    def arrived(self, payload: memoryview, fin: int) -> bool:
        """Takes what the peer sent. Returns False when it broke its window or sent after its FIN."""
        if self._fin_received or len(payload) > self._granted:
            return False
        if len(payload):
            self._granted -= len(payload)
            if self._incoming is ABSENT:
                buffer = self._connection.buffer(self._window)
                if buffer is None:
                    raise ProtocolError("there is no memory for another stream: fewer at once")
                self._incoming = Ring(buffer)
            self._incoming.put(payload)
        if fin:
            self._fin_received = True
            if self.readable() == 0:
                self._release_incoming()
        return True

    def grant(self) -> int:
        """Bytes of new window to tell the peer; 0 when it needs none any more."""
        self._granting = False
        if self._fin_received or self.error is not None:
            return 0
        count = self.credit_due
        self.credit_due = 0
        self._granted += count
        return count

    def fin_acknowledged(self) -> None:
        self._fin_arrived = True

    def over(self) -> bool:
        """True when neither side will send anything more and everything was read."""
        if self.error is not None:
            return self.readable() == 0
        return self._fin_arrived and self._fin_received and self.readable() == 0

    def fail(self, reason: str) -> None:
        """Ends what has not ended yet; what has arrived stays readable. No error when both sides had finished."""
        if self.error is None and not (self._fin_received and self._fin_arrived):
            self.error = reason
        self._release_outgoing()
        if self.readable() == 0:
            self._release_incoming()

    def drop(self) -> None:
        """Forgets what has arrived, too."""
        self._fin_received = False
        self._release_incoming()

    def _release_incoming(self):
        if self._incoming is not ABSENT:
            self._connection.give_back(self._incoming.buffer)
            self._incoming = ABSENT

    def _release_outgoing(self):
        if self._outgoing is not ABSENT:
            self._connection.give_back(self._outgoing.buffer)
            self._outgoing = ABSENT
