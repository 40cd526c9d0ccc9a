"""Nodes in memory that speak `lattice-sync/1` over fake connections."""

from lattice_core.sync.common.streams import ALPN_SYNC
from lattice_core.sync.reference.peer import RefPeer
from support import nano as nano_support


class RefWorld(nano_support.NodePair):
    """Two nodes, the wire between them, and the time. `b` is the one that accepts."""

    alpn = ALPN_SYNC

    def peers(self):
        return RefPeer(self.left, self.pair.a), RefPeer(self.right, self.pair.b)


def joined(left, right, **wire):
    """Both in one share with a data store "notes": (world, handle on the left)."""
    return nano_support.joined(left, right, RefWorld, **wire)
