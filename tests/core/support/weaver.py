"""Weavers on any storage, authors who write whatever a test needs, and random histories of several nodes."""

from lattice_core.machines.kv_view import KvView
from lattice_core.machines.projection import Projection
from lattice_core.machines.registry import TYPE_KV
from lattice_core.machines.system import System
from lattice_core.model import intention as intentions
from lattice_core.model import ops
from lattice_core.model.identity import Identity
from lattice_core.storage.contract import ZERO
from lattice_core.testing.memory import MemoryStorage
from lattice_core.weaver.weaver import Weaver
from lattice_core.wire.messages import KvPayload
from support import crypto

CRYPTO = crypto()
STORE = b"a store of tests"
NOW_MS = 1700000000000


class Replica:
    """One node's weaver of the one store. `number` makes its identity."""

    def __init__(self, number, storage=None, kind=TYPE_KV, now_ms=NOW_MS, commit=None):
        self.identity = Identity(CRYPTO, bytes([number]) * 32)
        self.number = number
        self.kind = kind
        self.open(MemoryStorage() if storage is None else storage, now_ms, commit)

    def open(self, storage, now_ms=NOW_MS, commit=None):
        self.storage = storage
        self.store = storage.store(STORE)
        projection = Projection(self.store, CRYPTO, self.kind)
        self.weaver = Weaver(storage, self.store, CRYPTO, self.identity, projection)
        self.weaver.start(now_ms, commit)
        self.kv = KvView(self)
        self.system = System(self.store, CRYPTO)

    def witnessed(self):
        return [hash for _, hash, _, _ in self.store.witness_log()]

    def ingest(self, item, now_ms=NOW_MS, listed=False):
        return self.weaver.ingest(item, now_ms, False, listed)

    def take(self, item):
        """Ingests and commits; returns the fate. Keeps nothing that a small heap has no room for."""
        fate = self.ingest(item)
        self.storage.commit()
        self.weaver.events = []
        return fate

    def learn(self, other, now_ms=NOW_MS):
        """Takes all that another replica holds."""
        for item in other.weaver.held_after(dict.fromkeys(other.weaver.held_authors(), 0)):
            self.ingest(item, now_ms)

    def value(self, key):
        """The value of a key as bytes, None when there is none."""
        entry = self.kv.get(key)
        return None if entry is None else whole(entry.value())


def whole(body):
    return body.read(0, body.size)


class Author:
    """Writes intentions as it likes, rules or not. `tip` is where the next one goes."""

    def __init__(self, number, store_id=STORE):
        self.identity = Identity(CRYPTO, bytes([number]) * 32)
        self.key = self.identity.public
        self.store_id = store_id
        self.tip = ZERO
        self.wall_ms = 1000

    def write(self, payload=b"", deps=(), prev=None, wall_ms=None, counter=0):
        """A signed intention with these ops; without `prev` the next of the chain."""
        self.wall_ms += 1
        at = self.tip if prev is None else prev
        stamp = self.wall_ms if wall_ms is None else wall_ms
        item = intentions.create(CRYPTO, self.identity, stamp, counter, self.store_id, at, list(deps), payload)
        if prev is None:
            self.tip = item.hash
        return item

    def put(self, key, value, deps=(), **more):
        return self.write(put_ops([(key, value)]), deps, **more)


def put_ops(pairs):
    """Ops of a payload that writes these keys; None deletes."""
    operations = []
    for key, value in pairs:
        operations.append({"delete": {"key": key}} if value is None else {"put": {"key": key, "value": value}})
    return ops.app(KvPayload.encode({"ops": operations}))


# -- random histories ------------------------------------------------------------------------------------------------

KEYS = (b"", b"a", b"ab", b"b", b"\xff", b"a/" + b"long" * 60, b"a/" + b"long" * 60 + b"er")


def history(rng, length, authors=4):
    """Intentions of several authors who hear of each other now and then, in an order in which they may be witnessed."""
    writers = [_Writer(number + 1) for number in range(authors)]
    made = []
    for _ in range(length):
        writer = rng.choice(writers)
        if rng.below(3) == 0:
            writer.heard = len(made)
        made.append(writer.write(rng, made))
    return made


class _Writer:
    """An author with an unreliable clock who has heard of the first `heard` intentions."""

    def __init__(self, number):
        self.author = Author(number)
        self.heard = 0

    def write(self, rng, made):
        known = list(made[: self.heard])
        known.extend([item for item in made[self.heard :] if item.author == self.author.key])
        deps = [rng.choice(known).hash for _ in range(rng.below(4))] if known else []
        if rng.below(10) == 0:
            deps.append(ZERO)
        return self.author.write(self.payload(rng), deps, wall_ms=1000 + rng.below(30), counter=rng.below(2))

    def payload(self, rng):
        dice = rng.below(20)
        if dice == 0:
            return b""
        if dice == 1:
            return rng.bytes(1 + rng.below(20))
        if dice == 2:
            return ops.system_batch(
                [ops.store_name("n%d" % rng.below(9)), ops.peer_status(bytes([rng.below(3)]) * 32, rng.below(5))]
            )
        pairs = []
        for _ in range(1 + rng.below(3)):
            pairs.append((rng.choice(KEYS), None if rng.below(4) == 0 else rng.bytes(rng.below(30))))
        return put_ops(pairs)
