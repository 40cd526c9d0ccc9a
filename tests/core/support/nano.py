"""Nodes with storage in memory, connected by fake connections: what the tests of the Nano sync stand on."""

from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.sync.common.streams import ALPN_NANO
from lattice_core.sync.nano.peer import NanoPeer, Options
from lattice_core.testing.memory import MemoryStorage
from support import START_MS, crypto
from support.fake_connection import Pair


def node(number, name, storage=None, platform=None):
    """A node whose identity follows from `number`."""
    platform = platform or crypto()
    made = Node(storage or MemoryStorage(), platform, Identity(platform, bytes([number]) * 32), name)
    made.open(START_MS)
    return made


class NodePair:
    """Two nodes, the wire between them, and the time."""

    alpn = ALPN_NANO

    def __init__(self, left, right, now_ms=START_MS + 1000, **wire):
        self.left = left
        self.right = right
        self.now_ms = now_ms
        self.wire = wire
        self.device = None
        self.connect()

    def connect(self, **wire):
        settings = dict(self.wire)
        settings.update(wire)
        self.pair = Pair(self.left.identity.public, self.right.identity.public, self.alpn, **settings)
        self.a, self.b = self.peers()
        return self

    def peers(self):
        """One object for each end of the wire."""
        flash = Options("1.0", 2, 2, lambda: (2621440, 65536))
        a = NanoPeer(self.left, self.pair.a, Options(verify_batch=8, blob_requests=3))
        return a, NanoPeer(self.right, self.pair.b, flash, self.device)

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


def joined(left, right, world_of=NodePair, **wire):
    """Both in one share with a data store "notes": (world, handle on the left)."""
    notes = left.create_store("notes", "core:kvstore", None, START_MS)
    token = left.invite(left.roots()[0], START_MS)
    world = world_of(left, right, **wire)
    world.run(world.b.join(token))
    return world, notes


def hashes(handle):
    """Everything witnessed in a store."""
    return {hash for _, hash, _, _ in handle.weaver.store.witness_log()}


def same(left, right):
    """True when both hold the same stores with the same intentions."""
    theirs = {handle.id: hashes(handle) for handle in right.stores}
    ours = {handle.id: hashes(handle) for handle in left.stores}
    return ours == theirs
