"""Nodes in memory that speak `lattice-sync/1` over fake connections."""

from fake_connection import Pair
from lattice_core.sync.ref_peer import RefPeer
from lattice_core.sync.streams import ALPN_SYNC
from nano_support import START_MS


class RefWorld:
    """Two nodes, the wire between them, and the time. `b` is the one that accepts."""

    def __init__(self, left, right, now_ms=START_MS + 1000, **wire):
        self.left = left
        self.right = right
        self.now_ms = now_ms
        self.wire = wire
        self.connect()

    def connect(self, **wire):
        settings = dict(self.wire)
        settings.update(wire)
        self.pair = Pair(self.left.identity.public, self.right.identity.public, ALPN_SYNC, **settings)
        self.a = RefPeer(self.left, self.pair.a)
        self.b = RefPeer(self.right, self.pair.b)
        return self

    def run(self, task, steps=20000, tick_ms=1):
        """Runs both sides until the task is done and all is quiet; returns its result or raises its error."""
        idle = 0
        for _ in range(steps):
            self.now_ms += tick_ms
            busy = self.a.step(self.now_ms)
            busy = self.b.step(self.now_ms) or busy
            idle = 0 if busy else idle + 1
            if task.done and idle > 3:
                break
        else:
            raise AssertionError("%s is not done; closed: %s" % (task.name, self.pair.a.closed))
        if task.error is not None:
            raise task.error
        return task.result

    def sync(self):
        return self.run(self.a.sync())


def joined(left, right, **wire):
    """Both in one share with a data store "notes": (world, handle on the left)."""
    notes = left.create_store("notes", "core:kvstore", None, START_MS)
    token = left.invite(left.roots()[0], START_MS)
    world = RefWorld(left, right, **wire)
    world.run(world.b.join(token))
    return world, notes
