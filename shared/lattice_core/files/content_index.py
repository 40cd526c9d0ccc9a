"""Which content of a store is wanted, what is referenced, what may be dropped: worked out from its entries."""

from ..compat import const
from ..errors import ProtocolError, StorageFull
from ..machines import kvlist, kvtable
from ..storage.contract import TABLE_DATA
from . import chunks, history, tree
from . import cid as cids
from .fetch_plan import UNFIT_KEPT, FetchPlan
from .reading import Version, file_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..seams import Crypto
    from ..storage.contract import Store
    from .budget import Budget
    from .contents import Contents

_WALKED_KEPT = const(16)  # trees that are remembered while all are walked
_HOST_WALKED = const(4096)  # times as many on a computer
_HOST_ESTIMATE_STEPS = const(65536)  # a third of a second


def count_files(store, crypto) -> int:
    """How many files the rows of a store name."""
    count = 0
    for found in kvlist.entries(store, crypto, tree.KEY_PREFIX, None):
        count += not found.winner.deleted
    return count


class ContentIndex:
    """The content of one store. `contents`: its blobs, and the rows that say what is wanted."""

    def __init__(self, store: "Store", crypto: "Crypto", contents: "Contents", budget: "Budget", own_key: bytes):
        self.store = store
        self.crypto = crypto
        self.contents = contents
        self.budget = budget
        self._considered = store.count  # the log up to here is reflected in what is wanted
        self._overlooked = budget.is_short()
        self._unnoted = []  # (path, size) of those that found no room, at most UNFIT_KEPT
        self._unnoted_count = 0
        self._own_key = own_key

    def rolled_back(self):
        """The log is what the last commit left: what comes now was not considered, whatever has come before."""
        self._considered = self.store.count
        self._overlooked = True

    def consider_events(self, events):
        """Takes note of entries that were projected: which content is wanted now."""
        keys = set()
        if any(event[0] == "lost" for event in events):
            # More happened at once than events are kept: the log says which keys.
            for _, hash, _, _ in self.store.witness_log(min(self._considered, self.store.count)):
                keys.update(history.keys_written(self.store, self.crypto, self.store.get(hash), tree.KEY_PREFIX))
        else:
            keys.update([event[2] for event in events if event[0] == "kv" and event[2][:3] == tree.KEY_PREFIX])
        self._considered = self.store.count
        for key in keys:
            row = self.store.row(TABLE_DATA, key)
            if row is not None:
                self._consider(key, row)

    def _consider(self, key, row):
        file = file_of(self.store, kvlist.Entry(self.store, self.crypto, key, row))
        entries = [] if file is None else [version.entry for version in file.versions if version.entry is not None]
        path = "" if file is None else file.path
        try:
            self.contents.consider(key, path, entries)
            if file is not None and file.version.problem and file.version.author == self._own_key:
                self.contents.note_no_file(key)
        except StorageFull:
            self._overlooked = True  # the entry stands all the same; `wanted` looks again
            for found in entries:
                if not self.contents.known(found):
                    self._unnoted_count += 1
                    if len(self._unnoted) < UNFIT_KEPT:
                        self._unnoted.append((path, found.size))

    def _consider_all(self):
        self._overlooked = False
        self._unnoted = []
        self._unnoted_count = 0
        for key, row in self.store.rows(TABLE_DATA, tree.KEY_PREFIX):
            self._consider(key, row)
        if not self._overlooked:
            self.contents.trust()

    def is_unsure(self) -> bool:
        """True when the rows of what is wanted may say too little."""
        return self._overlooked or self.contents.doubted()

    def lacks(self) -> bool:
        """True when content that an entry names is not here, as far as is known; `wanted` knows better."""
        if self.is_unsure():
            return True
        for _ in self.contents.wants():
            return True
        return False

    def wanted(self):
        """What to ask peers for, within the storage's room: see `FetchPlan`."""
        self.contents.check_suspects()
        if self.is_unsure():
            self._consider_all()
        is_host = self.budget.keep_ms > 0
        collect = None if is_host else self.drop_unreferenced
        wanted = FetchPlan(self.contents, self._losses, self.budget.room, collect, self._unnoted, self._unnoted_count)
        if is_host:
            wanted.estimate_steps = _HOST_ESTIMATE_STEPS
            wanted.looked_kept = _WALKED_KEPT * _HOST_WALKED
        return wanted

    def _losses(self):
        return self.contents.drops + self.budget.journal.rollbacks

    def count(self) -> int:
        """How many files there are, without a look at what stands there."""
        return count_files(self.store, self.crypto)

    def referenced(self):
        """Iterates over the digests of all blobs that a head names, losers included. A tree that many names share is
        walked once, or a few times on a stick: one small tree under a hundred thousand names would take minutes."""
        walked = {}
        most = _WALKED_KEPT * (_HOST_WALKED if self.budget.keep_ms else 1)
        for key, _ in self.store.rows(TABLE_DATA, tree.KEY_PREFIX):
            for head in kvtable.heads(self.store, self.crypto, TABLE_DATA, key):
                found = Version(self.store, head).entry
                if found is None or found.inline is not None or (found.digest, found.size) in walked:
                    continue
                if found.codec == cids.LIST:
                    if len(walked) >= most:
                        walked = {}
                    walked[(found.digest, found.size)] = True
                yield from self._blobs_of(found)

    def _blobs_of(self, found):
        yield found.digest
        try:
            for _, digest, _ in chunks.walk(self.contents, found.codec, found.digest, found.size, True):
                yield digest
        except ProtocolError:
            return  # damaged: what it named before the damage stays

    def drop_unreferenced(self):
        """Makes room: drops every blob that nothing references. Returns (blobs, bytes)."""
        dropped = self.contents.collect(self.referenced(), 0, 0)
        if dropped[0]:
            self.budget.journal.commit()  # flash gives the room back only then
        return dropped

    def collect(self, now_ms):
        """Drops blobs that nothing has referenced for as long as the budget says; looks at most once in a tenth of
        that time. Returns (blobs, bytes)."""
        keep_ms = self.budget.keep_ms
        if not self.contents.collect_is_due(now_ms, keep_ms // 10):
            return 0, 0
        self.contents.note_collected(now_ms)
        return self.contents.collect(self.referenced(), now_ms, keep_ms)
