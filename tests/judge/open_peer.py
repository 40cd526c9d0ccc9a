"""A connection's driver as the checkers need it: streams that a checker fills by hand."""

from judge.open_store import NOW_MS
from lattice_core.sync.reference.peer import RefPeer


class OpenPeer(RefPeer):
    """A peer that may have everything, of a node that needs no disk. `node` may be anything with a `crypto`."""

    def __init__(self, node, key=bytes(32)):
        super().__init__(node, HandConnection(key))

    def wall_ms(self):
        return NOW_MS

    def check_allowed(self, handle):
        """Everybody may."""

    def enter(self):
        """Nobody else sends anything."""

    def commit(self):
        """Nothing here is durable."""

    def commit_due(self):
        return False


class HandConnection:
    """`streams`: those that the tasks under test have opened."""

    closed = None

    def __init__(self, key):
        self.peer = key
        self.streams = []

    def open_stream(self):
        self.streams.append(HandStream())
        return self.streams[-1]

    def close(self, reason):
        self.closed = reason


class HandStream:
    """A stream whose other end is the checker: `arrive` gives frames to the task, `written` is what came from it,
    `over` says that no more arrives. Frames are not copied: they may be large for the stick's heap."""

    error = None

    def __init__(self, over=False):
        self.over = over
        self.written = b""
        self.done = False  # by the task
        self._arrived = []

    def arrive(self, payload):
        """One more frame of the peer's."""
        self._arrived.extend((len(payload).to_bytes(4, "big"), payload))

    def readable(self):
        return sum([len(piece) for piece in self._arrived])

    def read(self, count):
        if not self._arrived:
            return b""
        piece = self._arrived.pop(0)
        if len(piece) > count:
            self._arrived.insert(0, piece[count:])
            piece = piece[:count]
        return piece

    def at_end(self):
        return self.over and not self._arrived

    def write(self, data):
        self.written += bytes(data)
        return len(data)

    def finish(self):
        self.done = True

    def finished(self):
        return self.done

    def reset(self):
        self.done = True


def payloads(written):
    """The payloads of the frames in what a task has written."""
    found = []
    while written:
        size = int.from_bytes(written[:4], "big")
        found.append(written[4 : 4 + size])
        written = written[4 + size :]
    return found
