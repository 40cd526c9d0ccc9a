"""A link over an open port: moves the bytes between them, and waits for whichever is due first."""

import select

from lattice_core.link.link import SERIAL, Link

from .port import Port, PortLost

_READS = 4  # at once: what floods the port does not keep its owner from everything else
_SAMPLE_BYTES = 4096  # of what came and went first, to say what seems to be there
_OUT_BYTES = 16384  # waits for the port at most; what the link has not given yet can still be replaced
_CLOSE_MS = 1500
_POLL_MS = 50


class Line:
    """Host's side of the link. PortError when the port cannot be opened, PortLost when it goes away.

    `heard`, `said`: the first bytes that came and went.
    """

    def __init__(self, path: str, crypto, seed: bytes, version: str, now_ms: int):
        self._port = Port(path)
        self._out = b""
        self.heard = self.said = b""
        self.link = Link(crypto, seed, True, SERIAL, version.encode(), now_ms)

    def exchange(self, now_ms: int) -> None:
        """Takes what came, a bounded amount of it, and sends what the port takes."""
        for _ in range(_READS):
            data = self._port.read()
            if not data:
                break
            self.heard += data[: _SAMPLE_BYTES - len(self.heard)]
            self.link.receive(data, now_ms)
        while True:
            if len(self._out) < _OUT_BYTES:
                self._gather(now_ms)
            if not self._out:
                return
            count = self._port.write(self._out)
            self.said += self._out[: min(count, _SAMPLE_BYTES - len(self.said))]
            self._out = self._out[count:]
            if count == 0:
                return

    def _gather(self, now_ms):
        """Frames of the link up to what may wait for the port, as one piece: few writes, few copies."""
        parts = [self._out]
        size = len(self._out)
        while size < _OUT_BYTES:
            packet = self.link.send(now_ms)
            if packet is None:
                break
            parts.append(bytes(packet))
            size += len(packet)
        self._out = b"".join(parts)

    def wait(self, now_ms: int, until_ms: int) -> None:
        """Until something comes, the port takes more of what waits, or a time of the link or the caller is reached."""
        due_ms = self.link.deadline_ms(now_ms)
        if due_ms is not None:
            until_ms = min(until_ms, due_ms)
        writers = [self._port] if self._out else []
        select.select([self._port], writers, [], max(0, until_ms - now_ms) / 1000)

    def close(self, reason: str, clock) -> None:
        """Tells the other side, briefly, and lets the port go. `clock()` gives the time in ms."""
        try:
            if self.link.connection is not None:
                self.link.close(reason)
                until_ms = clock() + _CLOSE_MS
                while self.link.closed is None and clock() < until_ms:
                    self.exchange(clock())
                    self.wait(clock(), clock() + _POLL_MS)
                self.exchange(clock())
        except PortLost:
            pass  # it is gone already: nobody is left to be told
        finally:
            self._port.close()

    def drop(self) -> None:
        """Lets the port go: it is gone."""
        self._port.close()
