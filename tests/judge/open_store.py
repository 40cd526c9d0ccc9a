"""A fresh store in memory with its weaver, and what the checkers of stores ask of it."""

from judge.cases import FilledBody, expect, h, intention
from lattice_core.machines.projection import Projection
from lattice_core.machines.registry import kind_of
from lattice_core.machines.system import System
from lattice_core.model.identity import Identity
from lattice_core.testing.memory import MemoryStorage
from lattice_core.weaver.weaver import DUPLICATE, FLOATING, REFUSED, WITNESSED, Weaver

NOW_MS = 1700000000000
FATES = {REFUSED: "refused", FLOATING: "floating", WITNESSED: "witnessed", DUPLICATE: "duplicate"}


class FilledStorage(MemoryStorage):
    """Storage in memory that keeps a large body as its head and a count of equal bytes, if that is what it is."""

    def body_writer(self, size, content=False):
        return _FilledWriter()


class _FilledWriter:
    def __init__(self):
        self.filled = FilledBody(b"", 0, 0)

    def write(self, data):
        filled = self.filled
        count = filled.size - len(filled.head)
        if data == bytes((data[0],)) * len(data) and (not count or filled.fill == data[0]):
            self.filled = FilledBody(filled.head, data[0], count + len(data))
        else:
            expect(not count, "a large body that is not one byte repeated")
            self.filled = FilledBody(filled.head + data, 0, 0)

    def body(self):
        return self.filled


class OpenStore:
    """The store of a case. `kind`: its type."""

    def __init__(self, crypto, case, kind, seed=bytes(32)):
        self.crypto = crypto
        self.storage = FilledStorage()
        self.store = self.storage.store(h(case["store_id"]))
        identity = Identity(crypto, seed)
        self.weaver = Weaver(self.storage, self.store, crypto, identity, Projection(self.store, crypto, kind))
        self.weaver.start(NOW_MS)
        self.view = kind_of(kind).view(self)
        self.system = System(self.store, crypto)

    def ingest(self, item):
        """The fate of an intention as a word."""
        fate = FATES[self.weaver.ingest(item, NOW_MS)]
        self.storage.commit()
        return fate

    def ingest_all(self, items):
        for item in items:
            self.weaver.events = []
            fate = self.ingest(item)
            expect(fate in ("witnessed", "floating"), "an intention was %s" % fate)

    def witnessed(self):
        """Hashes in witness order."""
        return [hash for _, hash, _, _ in self.store.witness_log()]


def intentions_of(crypto, case):
    """The intentions of a case; their text is taken out of it: both at once are too much for a small heap."""
    entries = case.pop("intentions")
    entries.reverse()
    found = []
    while entries:
        found.append(intention(crypto, entries.pop()))
    return found


def in_causal_order(store):
    """Fails unless every witnessed intention stands behind its store_prev and deps."""
    zero = bytes(32)
    for sequence, hash, _, _ in store.witness_log():
        item = store.get(hash)
        for needed in [item.store_prev] + list(item.deps()):
            place = store.witness_sequence(needed)
            expect(needed == zero or 0 < place < sequence, "witnessed before what it needs")
