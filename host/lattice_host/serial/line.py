"""The bytes between an open port and an endpoint: what came goes in, what is to be sent goes out. Never waits."""

from lattice_core.endpoint import Endpoint

from .port import Port

_READS = 4  # at once: what floods the port does not keep its owner from everything else
_SAMPLE_BYTES = 4096  # of what came and went first, to say what seems to be there
_OUT_BYTES = 16384  # waits for the port at most; what the link has not given yet can still be replaced


class Line:
    """PortError when the port cannot be opened; `exchange` raises PortLost when it goes away.

    `heard`, `said`: the first bytes that came and went. `waiting`: True while the port takes no more of what is to go.
    """

    def __init__(self, path: str, endpoint: Endpoint):
        self._port = Port(path)
        self._out = b""
        self.endpoint = endpoint
        self.heard = self.said = b""

    def fileno(self) -> int:
        return self._port.fileno()

    @property
    def waiting(self) -> bool:
        return bool(self._out)

    def exchange(self, ticks_ms: int) -> None:
        """Takes what came, a bounded amount of it, and sends what the port takes."""
        for _ in range(_READS):
            data = self._port.read()
            if not data:
                break
            if len(self.heard) < _SAMPLE_BYTES:
                self.heard += data[: _SAMPLE_BYTES - len(self.heard)]
            self.endpoint.receive(data, ticks_ms)
        while True:
            if len(self._out) < _OUT_BYTES:
                self._gather(ticks_ms)
            if not self._out:
                return
            count = self._port.write(self._out)
            if len(self.said) < _SAMPLE_BYTES:
                self.said += self._out[: min(count, _SAMPLE_BYTES - len(self.said))]
            self._out = self._out[count:]
            if count == 0:
                return

    def _gather(self, ticks_ms):
        """Frames of the link up to what may wait for the port, as one piece: few writes, few copies."""
        parts = [self._out]
        size = len(self._out)
        while size < _OUT_BYTES:
            packet = self.endpoint.send(ticks_ms)
            if packet is None:
                break
            parts.append(bytes(packet))
            size += len(packet)
        self._out = b"".join(parts)

    def close(self) -> None:
        """Lets the port go."""
        self._port.close()
