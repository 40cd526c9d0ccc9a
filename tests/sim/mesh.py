"""Many nodes in one process that write, meet, part and restart at random: in the end every node has the same state.

`Mesh(seed, nodes).run()` is deterministic: a seed that fails fails again in the same way. The one share has a root and
a data store, and every member writes. Nodes meet over the Nano protocol on connections in memory that may be cut after
any number of bytes.
"""

import hashlib
import random

from lattice_core.errors import Refused
from lattice_core.model.identity import Identity
from lattice_core.node.node import Node
from lattice_core.storage.contract import TABLE_DATA, TABLE_HEADS, TABLE_SYSTEM
from lattice_core.sync.common.tasks import StreamLost
from lattice_core.sync.nano.peer import NanoPeer, Options
from lattice_core.testing.memory import MemoryStorage
from support import crypto
from support.fake_connection import Pair

START_MS = 1700000000000
TABLES = (TABLE_DATA, TABLE_HEADS, TABLE_SYSTEM)
KEYS = 24
STEPS = 40000  # turns of one meeting at most
QUIET = 3  # turns without news after which a meeting is over


class MeshCrypto:
    """The platform's crypto with randomness from the seed."""

    def __init__(self, rng):
        self._platform = crypto()
        self.random = rng.randbytes

    def __getattr__(self, name):
        return getattr(self._platform, name)


class Counts:
    """What a run cost. `cut`: meetings that lost their connection; `gaps`: those that went on where one had been cut.

    `refused`: meetings of nodes of which one has not heard of the other yet.
    """

    def __init__(self):
        self.rounds = self.meetings = self.streams = self.bytes = 0
        self.cut = self.gaps = self.refused = self.writes = self.joins = self.revoked = self.restarts = 0


class Mesh:
    def __init__(self, seed, nodes=20):
        self.seed = seed
        self.rng = random.Random(seed)
        self.crypto = MeshCrypto(self.rng)
        self.size = nodes
        self.now_ms = START_MS
        self.counts = Counts()
        self.nodes = []
        self.out = []  # nodes that were revoked: they take no part any more
        self.halves = {}  # node number: half, while the mesh is parted
        self.unfinished = set()  # pairs whose last meeting was cut
        self.root_id = self.data_id = b""
        self.links = {}  # public key: those whom this node meets

    # -- the run -----------------------------------------------------------------------------------------------

    def run(self, steps=200):
        """Grows the mesh while everything else goes on, then heals it. AssertionError when states differ."""
        first = self._new_node()
        data = first.create_store("notes", "core:kvstore", None, self.now_ms)
        self.data_id = data.id
        self.root_id = first.tree.root_of(data).id
        while len(self.nodes) < self.size:
            self._join()
            self._happen()
        for _ in range(steps):
            self._happen()
        self.halves = {}
        self._heal()
        self._check()
        return self.counts

    def _happen(self):
        self.now_ms += self.rng.randrange(1, 5000)
        dice = self.rng.random()
        if dice < 0.45:
            self._write(self.rng.choice(self.nodes))
        elif dice < 0.85:
            self._meet_somebody()
        elif dice < 0.91:
            self._restart(self.rng.randrange(len(self.nodes)))
        elif dice < 0.95:
            self.halves = {} if self.halves else {id(node): self.rng.randrange(2) for node in self.nodes}
        elif dice < 0.97 and len(self.nodes) > self.size * 3 // 4 and len(self.out) < self.size // 8:
            self._revoke()

    # -- what happens ------------------------------------------------------------------------------------------

    def _new_node(self):
        number = len(self.nodes) + len(self.out)
        identity = Identity(self.crypto, hashlib.sha256(b"%d %d" % (self.seed, number)).digest())
        node = Node(MemoryStorage(), self.crypto, identity, "node-%d" % number)
        node.open(self.now_ms)
        self.nodes.append(node)
        return node

    def _join(self):
        """A new node joins at any of those that are in; this is its first edge, and some others follow."""
        host = self.rng.choice(self.nodes)
        token = host.invites.create(host.tree.get(self.root_id), self.now_ms)
        node = self._new_node()
        self._meet(node, host, lambda peer: peer.join(token))
        assert node.tree.get(self.data_id) is not None, self._where("the joiner has no data store")
        self.counts.joins += 1
        others = [other for other in self.nodes if other is not node]
        for other in [host, *self.rng.sample(others, min(len(others), self.rng.randrange(3)))]:
            self.links.setdefault(node.identity.public, []).append(other.identity.public)

    def _write(self, node):
        self.counts.writes += 1
        view = node.tree.get(self.data_id).kv
        for _ in range(self.rng.choice((1, 1, 1, 4))):
            key = b"key-%d" % self.rng.randrange(KEYS)
            if self.rng.random() < 0.2:
                view.delete(key, self.now_ms)
            else:
                view.put(key, self.rng.randbytes(self.rng.choice((0, 8, 60, 700))), self.now_ms)
        node.journal.commit(self.now_ms)

    def _meet_somebody(self):
        one = self.rng.choice(self.nodes)
        near = [node for node in self.nodes if node is not one and self._linked(one, node)]
        near = [node for node in near if self.halves.get(id(node)) == self.halves.get(id(one))]
        if near:
            budget = self.rng.randrange(200, 6000) if self.rng.random() < 0.4 else None
            self._meet(one, self.rng.choice(near), lambda peer: peer.sync(), budget)

    def _linked(self, one, other):
        a, b = one.identity.public, other.identity.public
        return b in self.links.get(a, ()) or a in self.links.get(b, ())

    def _restart(self, at):
        """The process dies: what was committed comes back."""
        old = self.nodes[at]
        node = Node(old.storage.reopened(), self.crypto, old.identity, old.name)
        node.open(self.now_ms)
        self.nodes[at] = node
        if id(old) in self.halves:
            self.halves[id(node)] = self.halves[id(old)]
        self.counts.restarts += 1

    def _revoke(self):
        """A node is shut out by a neighbour. It has met all its neighbours before: those who know each other only
        through it hear of each other, for who has not heard of a member refuses it."""
        goes = self.rng.choice(self.nodes)
        near = [node for node in self.nodes if node is not goes and self._linked(goes, node)]
        if not near:
            return
        for _ in range(2):
            for node in near:
                self._meet(node, goes, lambda peer: peer.sync())
        by = self.rng.choice(near)
        if not by.members.may_connect(self.root_id, goes.identity.public):
            return
        by.members.revoke(by.tree.get(self.root_id), goes.identity.public, self.now_ms)
        self.nodes.remove(goes)
        self.out.append(goes)
        self.counts.revoked += 1

    def _meet(self, left, right, begin, budget=None):
        """One connection from begin to end. Cut when `budget` bytes have passed."""
        pair = Pair(left.identity.public, right.identity.public, budget=budget)
        peers = NanoPeer(left, pair.a, Options(verify_batch=8)), NanoPeer(right, pair.b, Options(verify_batch=8))
        task = begin(peers[0])
        quiet = 0
        for _ in range(STEPS):
            self.now_ms += 1
            moved = [peer.step(self.now_ms) for peer in peers]
            quiet = 0 if any(moved) else quiet + 1
            if task.done and quiet > QUIET:
                break
        else:
            raise AssertionError(self._where("a meeting does not end"))
        self._count(pair, {left.identity.public, right.identity.public})
        if isinstance(task.error, Refused):
            self.counts.refused += 1
        elif task.error is not None and not (budget and isinstance(task.error, StreamLost)):
            raise task.error
        pair.cut("over")
        for peer in peers:
            peer.step(self.now_ms)
        for node in (left, right):
            node.journal.commit(self.now_ms)
        return task.result

    def _count(self, pair, keys):
        self.counts.meetings += 1
        self.counts.bytes += pair.a.bytes_in + pair.b.bytes_in
        self.counts.streams += len(pair.a.streams)
        both = frozenset(keys)
        if pair.a.closed:
            self.counts.cut += 1
            self.unfinished.add(both)
        elif both in self.unfinished:
            self.unfinished.discard(both)
            self.counts.gaps += 1

    # -- the end -----------------------------------------------------------------------------------------------

    def _heal(self):
        """Everybody meets neighbours and strangers until all states are the same: in so many rounds as there are nodes
        at most."""
        for _ in range(self.size):
            self.counts.rounds += 1
            for one in self.nodes:
                others = [node for node in self.nodes if node is not one]
                near = [node for node in others if self._linked(one, node)]
                for other in near + self.rng.sample(others, 2):
                    self._meet(one, other, lambda peer: peer.sync())
            if len({self.state(node) for node in self.nodes}) == 1:
                return

    def state(self, node):
        """(hash of what is witnessed, hash of the rows) over both stores."""
        witnessed, rows = hashlib.sha256(), hashlib.sha256()
        for store_id in (self.root_id, self.data_id):
            store = node.tree.get(store_id).weaver.store
            for entry in sorted(entry[1] for entry in store.witness_log()):
                witnessed.update(entry)
            view = node.tree.get(store_id)
            if store_id == self.data_id:
                for entry in view.kv.list(deleted=True):
                    value = entry.value()
                    body = None if value is None else value.read(0, value.size)
                    rows.update(repr((entry.key, body)).encode())
            rows.update(
                repr(sorted((p.key, p.status) for p in node.members.listed(node.tree.get(self.root_id)))).encode()
            )
        return witnessed.hexdigest(), rows.hexdigest()

    def _check(self):
        states = [self.state(node) for node in self.nodes]
        assert len({witnessed for witnessed, _ in states}) == 1, self._where("witnessed sets differ")
        assert len({rows for _, rows in states}) == 1, self._where("states differ")

    def _where(self, what):
        return "%s (seed %d, %d nodes)" % (what, self.seed, self.size)
