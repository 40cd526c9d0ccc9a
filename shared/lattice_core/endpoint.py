"""A link and the peer on its connection, in one object without input or output of its own.

A driver moves bytes between a pipe and an endpoint and brings the time, on two clocks with two names:

    ticks_ms    never goes back and never leaps: silence, timers, deadlines. Starts anywhere
    wall_ms     what a calendar shows: stamps. None where the machine has no clock (a stick asks its device)

    endpoint = Endpoint(Link(…), lambda connection: NanoPeer(node, connection))
    endpoint.receive(data, ticks_ms)        # what came from the pipe
    endpoint.step(ticks_ms, wall_ms)        # True while there is more to do at once
    endpoint.send(ticks_ms)                 # the next bytes for the pipe, until it gives None
    endpoint.deadline_ms(ticks_ms)          # by then all of this again, whatever comes

A peer that has no link below it (QUIC) is driven by the same `step` and `deadline_ms`.
"""

from .errors import StorageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from .link.link import Link
    from .link.mux import LinkConnection
    from .seams import Buffer
    from .sync.common.peer import Peer


class Endpoint:
    """`make_peer(connection)` is called for each connection of the link; `peer` is the newest one, None between two
    connections and after the medium failed it."""

    def __init__(self, link: "Link", make_peer: "Callable[[LinkConnection], Peer]"):
        self.link = link
        self.peer: Peer | None = None
        self.connection: LinkConnection | None = None  # the link's, as `step` has seen it last
        self._make_peer = make_peer

    def receive(self, data: "Buffer", ticks_ms: int) -> None:
        """Takes what came from the pipe: any slice of a serial line, or one whole packet. Never raises."""
        self.link.receive(data, ticks_ms)

    def send(self, ticks_ms: int) -> "memoryview | None":
        """The next bytes for the pipe, valid until the next call of any method, or None."""
        return self.link.send(ticks_ms)

    def step(self, ticks_ms: int, wall_ms: "int | None" = None) -> bool:
        """Follows the link's connection, then runs its peer until that waits. True when there is more to do at once.

        StorageError when the medium failed. The peer has then ended its connection, and what it had sent since the
        last commit is rolled back.
        """
        connection = self.link.connection
        if connection is not self.connection:
            self._follow(connection, ticks_ms, wall_ms)
        peer = self.peer
        if peer is None:
            return False
        try:
            return peer.step(ticks_ms, wall_ms)
        except StorageError:
            self.peer = None  # nothing of it is stepped again; its connection lives until the other side was told
            raise

    def _follow(self, connection, ticks_ms, wall_ms):
        """The old connection is over. Its peer takes what had arrived, and its tasks learn of the end."""
        old, self.peer = self.peer, None
        self.connection = connection
        if connection is not None:
            self.peer = self._make_peer(connection)
        if old is not None:
            try:
                old.step(ticks_ms, wall_ms)
            finally:
                old.close(old.connection.closed or "the connection is over")

    def deadline_ms(self, ticks_ms: int) -> "int | None":
        """When `step` and `send` want to be called at the latest, None when only input matters."""
        due_ms = self.link.deadline_ms(ticks_ms)
        peer = self.peer
        peer_ms = None if peer is None else peer.deadline_ms()
        if peer_ms is not None and (due_ms is None or peer_ms < due_ms):
            due_ms = peer_ms
        return due_ms

    def close(self, reason: str) -> None:
        """Ends the connection: go on with `send` until the other side was told (`Link.close`)."""
        if self.peer is not None:
            self.peer.close(reason)
        self.link.close(reason)

    def lost(self, reason: str, ticks_ms: int, wall_ms: "int | None" = None) -> None:
        """The pipe is gone, and the connection with it."""
        if self.link.connection is not None:
            self.link.connection.end(reason)
        self._follow(None, ticks_ms, wall_ms)
