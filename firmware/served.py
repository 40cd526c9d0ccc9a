"""One transport that is served: the endpoint on it, and what its pipe did not take at once."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from lattice_core.endpoint import Endpoint

    from .board import Transport


class ServedTransport:
    """`listen(packet_bytes)` makes an endpoint that nobody has spoken on yet. Nothing here knows another transport."""

    def __init__(self, transport: "Transport", listen: "Callable[[int], Endpoint]"):
        self.transport = transport
        self._listen = listen
        self._packet_bytes = 0
        # The end of a frame that the pipe did not take at once: a view of the link's own buffer
        self.rest: bytes | memoryview | None = None
        self._begin()

    def begin(self):
        """Begins anew, as if nobody had spoken. The connection there was is dropped without a word."""
        self.rest = None
        del self.endpoint  # its buffers first
        self._begin()

    def _begin(self):
        self._packet_bytes = self.transport.packet_bytes
        self.endpoint = self._listen(self._packet_bytes)

    def receive(self, into, view, most, ticks_ms):
        """Gives the link what has come, at most `most` times `into` (of which `view` is a memoryview)."""
        endpoint = self.endpoint
        if self.transport.packet_bytes > self._packet_bytes > 0:
            self._packet_bytes = self.transport.packet_bytes
            endpoint.link.set_packet_bytes(self._packet_bytes)
        for reads in range(most):
            count = self.transport.read_into(into)
            if not count:
                return reads > 0
            endpoint.receive(view[:count], ticks_ms)
        return True

    def send(self, ticks_ms):
        """Frames, until the link has none or the pipe takes no more. True when any went out."""
        moved = False
        while True:
            packet = self.rest
            if packet is None:
                packet = self.endpoint.send(ticks_ms)
                if packet is None:
                    return moved
                moved = True
            taken = self.transport.send(packet)
            if taken < len(packet):
                self.rest = packet[taken:]
                return moved
            self.rest = None

    def deadline_ms(self, ticks_ms):
        """When this one wants its turn at the latest. A pipe that takes nothing holds its link up, but not its peer."""
        if self.rest is None:
            return self.endpoint.deadline_ms(ticks_ms)
        peer = self.endpoint.peer
        return None if peer is None else peer.deadline_ms()

    def close_peer(self, reason):
        peer = self.endpoint.peer
        if peer is not None:
            self.endpoint.peer = None
            peer.close(reason)
        return peer
