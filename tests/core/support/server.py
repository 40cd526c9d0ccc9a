"""A client of the reference's server, and a shared store."""

from lattice_core.sync.common.streams import ALPN_SYNC
from lattice_core.sync.reference.messages import Messages
from lattice_core.sync.reference.peer import RefPeer
from support.fake_connection import Pair
from support.nano import START_MS, node
from support.reference import joined

FAR_MS = START_MS + 5000


class Client:
    """The other end of a connection to `server`, which sends what it likes."""

    def __init__(self, server, key):
        self.pair = Pair(key, server.identity.public, ALPN_SYNC)
        self.peer = RefPeer(server, self.pair.b)
        self.now_ms = FAR_MS

    def ask(self, *requests, **options):
        """Sends the requests (dicts, or bytes as they stand in a frame) on one stream; the answers until its end."""
        stream = self.pair.a.open_stream()
        messages = Messages(stream)
        for request in requests:
            messages.post([request] if isinstance(request, bytes) else request)
        if options.get("finish", True):
            messages.finish()
        answers = []
        for _ in range(200):
            self.now_ms += options.get("tick_ms", 1)
            messages.flush()
            self.peer.step(self.now_ms)
            answer = messages.poll()
            if answer is not None:
                answers.append(answer)
            elif messages.ended:
                break
        else:
            raise AssertionError("the stream does not end")
        return answers


def shared():
    """(world, notes, a client with the key of the member on the right)."""
    world, notes = joined(node(1, "left"), node(2, "right"))
    return world, notes, Client(world.left, world.right.identity.public)


def requests(store_id, hash):
    return (
        {"fetch_intentions": {"store_id": store_id, "hashes": [hash]}},
        {"fetch_chain": {"store_id": store_id, "target_hash": hash, "since_hash": hash}},
        {"reconcile": {"store_id": store_id, "messages": [{"done": True}]}},
    )
