"""The node's one open transaction: when it commits, who waits for it, what a failure takes with it.

Own writes and what peers sent share the storage's transaction. Whoever must not answer before something is durable
takes a `ticket` after writing it and asks `durable` before answering.
"""

from ..compat import const
from ..errors import StorageError
from ..limits import BATCH_BYTES, BATCH_MS

_LOST_KEPT = const(32)  # rows of transactions that were rolled back, remembered for those who still wait


class Transaction:
    """Numbers the transactions: `_open` is the one that runs, everything up to `_committed` that was not lost is
    durable. What was lost is remembered as (first, last); whoever waits for one of a time before that is told "lost",
    since nobody knows any more."""

    def __init__(self, storage):
        self.storage = storage
        self._open = 1
        self._committed = 0
        self._lost = []  # [first, last] of transactions in a row, ascending
        self._forgotten = 0  # what was lost up to here is not known any more
        self.rollbacks = 0
        self._since_ms = None  # when the running one was first seen to hold something
        self._batch_bytes = getattr(storage, "commit_bytes", BATCH_BYTES)

    def ticket(self):
        """A number for everything written so far; 0 when all of it is durable."""
        return self._open if self.storage.pending() else 0

    def durable(self, ticket):
        """True when all that was written before `ticket` is on the medium. StorageError when it was lost, or may
        have been."""
        if ticket == 0:
            return True
        if ticket <= self._forgotten or self._is_lost(ticket):
            raise StorageError("the medium failed before this was stored; nothing of it is kept")
        return ticket <= self._committed

    def _is_lost(self, ticket):
        return any(first <= ticket <= last for first, last in self._lost)

    def due(self, now_ms):
        """True when the running transaction is large or old enough for a commit. `now_ms`: any monotonic clock."""
        pending = self.storage.pending()
        if not pending:
            self._since_ms = None
            return False
        if self._since_ms is None:
            self._since_ms = now_ms
        return pending >= self._batch_bytes or now_ms - self._since_ms >= BATCH_MS

    def deadline_ms(self):
        """When the running transaction becomes due by age, on the clock given to `due`; None when it is empty."""
        return None if self._since_ms is None else self._since_ms + BATCH_MS

    def committed(self):
        self._committed = self._open
        self._open += 1
        self._since_ms = None

    def rolled_back(self):
        self.rollbacks += 1
        if self._lost and self._lost[-1][1] + 1 == self._open:
            self._lost[-1][1] = self._open
        else:
            self._lost.append([self._open, self._open])
            if len(self._lost) > _LOST_KEPT:
                self._forgotten = self._lost.pop(0)[1]
        self._open += 1
        self._since_ms = None
