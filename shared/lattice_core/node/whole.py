"""Whether a list of members is whole, on a medium that can lose a part of its log and go on (a stick's flash).

A list that lost a revocation would let somebody in who was shut out. So a small record, kept apart from the log and in
two copies, sums up which intentions the list was made of: the XOR of a keyed hash of each. At each start the sum is
compared. A list whose log lacks one of them is *cut*, and decides nothing (docs/security.md) until they are all back:
the difference between then and now is then the XOR of some of the newest intentions, and of nothing else, because
whoever does not know this node's key cannot make intentions whose hashes add up to a given sum.
"""

from ..compat import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .tree import StoreTree

_RECORD = b"list/"  # ‖ store id: 1 when it is cut ‖ sum
_NEWEST = const(192)  # intentions among which the difference is looked for: by chance it is found once in 2^64
_SUM_BYTES = const(32)


class Lists:
    """The sums of all lists of a node. Does nothing where storage loses nothing without failing as a whole."""

    def __init__(self, tree: "StoreTree"):
        self._tree = tree
        self._enabled = getattr(tree.storage, "may_lose", False)
        self._sums = {}  # store id: [last sequence in it, sum]
        self._cut = []  # ids of stores

    def is_cut(self, store_id):
        """True when the list of this store is not to be trusted."""
        return store_id in self._cut

    def any_cut(self):
        return len(self._cut) > 0

    def forget(self):
        """What was derived from an open transaction that was rolled back, or of stores that were closed."""
        self._sums = {}
        self._cut = []
        for replica in self._own_lists():
            if self._record(replica)[0]:
                self._cut.append(replica.id)

    def check(self):
        """At a start: compares every list with its sum. Part of the open transaction."""
        self.forget()
        for replica in self._own_lists():
            self._check(replica)
        self.note()

    def woken(self, replica):
        """The same for a store that is opened later: it was not open at the start, or it has rested."""
        if self._enabled and self._tree.has_own_list(replica) and replica.id not in self._cut:
            if self._record(replica)[0]:
                self._cut.append(replica.id)
            self._check(replica)

    def _check(self, replica):
        cut, before = self._record(replica)
        if before is not None and not cut and not self._follows(replica, before):
            self._cut.append(replica.id)
            self._write(replica, True, before)

    def note(self):
        """Before a commit: takes up what was witnessed since the last one, and trusts a list again that is whole."""
        for replica in self._own_lists():
            known = self._sums.get(replica.id)
            if known is not None and known[0] == replica.store.count:
                continue
            now = self._sum(replica)
            cut, before = self._record(replica)
            if not cut:
                if before != now and (before is not None or now):
                    self._write(replica, False, now)
            elif self._follows(replica, before):
                self._cut.remove(replica.id)
                self._write(replica, False, now)

    def _own_lists(self):
        """Stores that have a list of their own: the roots, and children that do not inherit one."""
        if not self._enabled:
            return ()
        return [replica for replica in self._tree.replicas if self._tree.has_own_list(replica)]

    def _record(self, replica):
        """(True when it is cut, sum); (False, None) for a list that has none yet."""
        record = self._tree.storage.record(_RECORD + replica.id)
        return (False, None) if record is None else (record[0] == 1, int.from_bytes(record[1:], "big"))

    def _write(self, replica, cut, value):
        record = bytes((1 if cut else 0,)) + value.to_bytes(_SUM_BYTES, "big")
        self._tree.storage.put_record(_RECORD + replica.id, record)

    def _mark(self, hash):
        key = self._tree.identity.seed
        return int.from_bytes(self._tree.crypto.blake3_digest(b"lattice-nano list" + key + hash), "big")

    def _sum(self, replica):
        """The sum of everything that is witnessed in a store now."""
        known = self._sums.get(replica.id)
        if known is None or known[0] > replica.store.count:
            known = self._sums[replica.id] = [0, 0]
        for sequence, hash, _, _ in replica.store.witness_log(known[0]):
            known[1] ^= self._mark(hash)
        known[0] = replica.store.count
        return known[1]

    def _follows(self, replica, before):
        """True when everything that made up the sum `before` is witnessed now: what has come since, which is among the
        newest, makes the whole difference."""
        difference = self._sum(replica) ^ before
        basis = []  # each with a highest bit of its own
        for _, hash, _, _ in replica.store.witness_log(max(replica.store.count - _NEWEST, 0)):
            mark = self._mark(hash)
            for other in basis:
                mark = min(mark, mark ^ other)
            if mark:
                basis.append(mark)
        for other in basis:
            difference = min(difference, difference ^ other)
        return difference == 0
