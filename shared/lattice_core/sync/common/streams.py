"""The connection interface: what a QUIC connection and a Nano link both give.

Everything above (join, sync, bootstrap, blobs) is written against these two classes and cannot tell
which transport it has. Both are sans-I/O: no method waits. Work that must wait is a *task*, a generator
that yields whenever it cannot go on; its driver (`tasks.py`) resumes it after anything happened and sends in
the time: `now_ms = yield`.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from ...seams import Buffer

    class Stream(Protocol):
        """One reliable, ordered, bidirectional byte stream with flow control of its own."""

        id: int
        error: "str | None"  # None, or why the stream ended early (reset by the peer, connection lost)

        def readable(self) -> int:
            """How many bytes `read` can return now."""
            ...

        def read(self, count: int) -> bytes:
            """At most `count` bytes that have arrived, b"" when there are none now. Gives the peer new window."""
            ...

        def peek(self) -> Buffer:
            """The bytes that have arrived and lie in one piece at the front, b"" when none have: to be parsed where
            they lie. A view of the stream's own buffer, good until the next call of anything on the connection. More
            may have arrived (`readable`); it shows once these are consumed."""
            ...

        def consume(self, count: int) -> None:
            """Takes `count` bytes off, at most as many as `peek` showed. Gives the peer new window, as `read` does."""
            ...

        def need(self, count: int) -> bool:
            """The reader goes on once `count` bytes have arrived and leaves them where they lie till then: the peer
            gets window for them now. False when so many can never wait here at once."""
            ...

        def ended(self) -> bool:
            """True when the peer has finished (FIN): what is `readable` is all that will come."""
            ...

        def at_end(self) -> bool:
            """True when the peer has finished (FIN) and every byte before it was read."""
            ...

        def writable(self) -> int:
            """How many bytes `write` would take now (0 when the peer's window or our buffer is full)."""
            ...

        def write(self, data: Buffer) -> int:
            """Takes as many bytes of `data` as fit, returns how many. Never after `finish`."""
            ...

        def finish(self) -> None:
            """Ends our direction after what was written (FIN). Promises nothing about the peer."""
            ...

        def finished(self) -> bool:
            """True when the peer's transport has everything including our FIN."""
            ...

        def reset(self) -> None:
            """Gives both directions up; the peer sees an error. What was read so far stays valid."""
            ...

    class MessageChannel(Protocol):
        """Messages of one protocol, both ways on one stream."""

        ended: bool  # the peer's direction ended orderly

        def turn(self) -> bool:
            """Writes what the window takes. True when something moved, a part of a message too."""
            ...

        def poll(self) -> "Any":
            """The next message, None when there is none now."""
            ...

    class Connection(Protocol):
        """An authenticated pair of nodes. `peer` is proven by the transport before this object exists."""

        local: bytes  # own Ed25519 public key, 32
        peer: bytes  # the other's, 32
        alpn: str  # "lattice-nano/1" or "lattice-sync/1"
        initiator: bool
        closed: "str | None"  # None while open, else the reason in words

        def open_stream(self) -> Stream: ...

        def accept_stream(self) -> "Stream | None":
            """The next stream that the peer opened, in order, or None."""
            ...

        def close(self, reason: str) -> None: ...


ALPN_NANO = "lattice-nano/1"
ALPN_SYNC = "lattice-sync/1"
