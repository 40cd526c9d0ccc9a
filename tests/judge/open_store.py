"""A fresh store in memory with its weaver, and what the checkers of stores ask of it."""

from judge.cases import expect, h, intention
from lattice_core.machines.kv import Kv
from lattice_core.machines.projection import Projection
from lattice_core.machines.system import System
from lattice_core.model.identity import Identity
from lattice_core.weaver.memory import MemoryStorage
from lattice_core.weaver.weaver import DUPLICATE, FLOATING, REFUSED, WITNESSED, Weaver

NOW_MS = 1700000000000
FATES = {REFUSED: "refused", FLOATING: "floating", WITNESSED: "witnessed", DUPLICATE: "duplicate"}


class OpenStore:
    """The store of a case. `kind`: its type."""

    def __init__(self, crypto, case, kind, seed=bytes(32)):
        self.crypto = crypto
        self.storage = MemoryStorage()
        self.store = self.storage.store(h(case["store_id"]))
        identity = Identity(crypto, seed)
        self.weaver = Weaver(self.storage, self.store, crypto, identity, Projection(self.store, crypto, kind))
        self.weaver.start(NOW_MS)
        self.kv = Kv(self)
        self.system = System(self.store)

    def ingest(self, item):
        """The fate of an intention as a word."""
        return FATES[self.weaver.ingest(item, NOW_MS)]

    def ingest_all(self, items):
        for item in items:
            fate = self.ingest(item)
            expect(fate in ("witnessed", "floating"), "an intention was %s" % fate)

    def witnessed(self):
        """Hashes in witness order."""
        return [hash for _, hash, _, _ in self.store.witness_log()]


def intentions_of(crypto, case):
    return [intention(crypto, entry) for entry in case["intentions"]]


def in_causal_order(store):
    """Fails unless every witnessed intention stands behind its store_prev and deps."""
    zero = bytes(32)
    for sequence, hash, _, _ in store.witness_log():
        item = store.get(hash)
        for needed in [item.store_prev] + list(item.deps()):
            place = store.witness_sequence(needed)
            expect(needed == zero or 0 < place < sequence, "witnessed before what it needs")
