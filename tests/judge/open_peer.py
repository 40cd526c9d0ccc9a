"""A connection's driver as the checkers need it: streams that a checker fills by hand, nothing refused, no disk."""

from judge.open_store import NOW_MS
from lattice_core.sync.progress import Progress


class OpenPeer:
    """Stands for sync.peer.Peer towards the node whose key is `key`. `handle` may be anything with a weaver."""

    def __init__(self, node, key=bytes(32)):
        self.node = node
        self.key = key
        self.now_ms = 0
        self.progress = Progress()
        self.streams = []  # opened by the task under test

    def wall_ms(self):
        return NOW_MS

    def check_allowed(self, handle):
        """Everybody may."""

    def commit(self):
        """The storages of checkers are in memory."""

    def commit_due(self):
        return False

    def moved(self):
        """Nobody waits here."""

    def open_stream(self):
        stream = HandStream()
        self.streams.append(stream)
        return stream


class HandStream:
    """A stream whose other end is the checker: `arrived` and `written` are bytes."""

    error = None

    def __init__(self, arrived=b""):
        self.arrived = arrived
        self.written = b""
        self.done = False  # by the task
        self.peer_done = False

    def readable(self):
        return len(self.arrived)

    def read(self, count):
        piece, self.arrived = self.arrived[:count], self.arrived[count:]
        return piece

    def at_end(self):
        return self.peer_done and not self.arrived

    def write(self, data):
        self.written += bytes(data)
        return len(data)

    def finish(self):
        self.done = True

    def finished(self):
        return self.done

    def reset(self):
        self.done = True
