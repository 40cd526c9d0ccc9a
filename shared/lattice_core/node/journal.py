"""The journal: the node's one open transaction, and the only place that commits it.

Own writes and what peers sent share the storage's transaction. An answer that must not precede durability takes a
`ticket` after the write and asks `durable` before it is sent.

What one peer sent never shares a transaction with what another one sent: `enter` commits the other's part first. So
the rollback of a peer that fails takes only what this peer has sent, and its tickets say so.
"""

from ..compat import const
from ..errors import StorageError
from ..limits import BATCH_BYTES, BATCH_MS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    from ..storage.contract import Storage
    from .events import EventLog

    class Parts(Protocol):
        """What takes part in each transaction."""

        def prepare(self, now_ms: "int | None") -> None:
            """Adds what follows from the writes, before a commit."""
            ...

        def unfinished(self) -> bool:
            """True when there is half of a change."""
            ...

        def committed(self) -> None: ...

        def reload(self) -> None:
            """After a rollback: what is stored counts again."""
            ...

        def reopen(self) -> None:
            """After that: opens again what the transaction had closed."""
            ...


_LOST_KEPT = const(32)  # runs of transactions that were rolled back, remembered for those who still wait


class Journal:
    """Numbers the transactions: `_open` is the one that runs; everything up to `_committed` that was not lost is
    durable. Lost ones are kept as (first, last); a ticket older than all that are kept counts as lost.

    `parts`: the node, which is asked around each commit and rollback.
    """

    def __init__(self, storage: "Storage", events: "EventLog", parts: "Parts"):
        self.storage = storage
        self.events = events
        self.writer = None  # the peer whose step runs; None for this node itself. Set and cleared by the peer's step
        self.rollbacks = 0
        self._parts = parts
        self._holder = None  # the writer whose items the open transaction holds
        self._open = 1
        self._committed = 0
        self._lost = []  # [first, last] of transactions in a row, ascending
        self._forgotten = 0  # tickets up to here count as lost
        self._since_ms = None  # when the running one was first seen to hold something
        self._batch_bytes = getattr(storage, "commit_bytes", BATCH_BYTES)
        self._spoilt = False
        self._now_ms = None  # of the write that runs

    # -- own writes ------------------------------------------------------------------------------------------------

    def write(self, now_ms: "int | None") -> "Journal":
        """`with journal.write(now_ms):` makes what the block writes durable, or keeps nothing of it. Nothing else is
        lost when it fails."""
        self._now_ms = now_ms
        return self

    def __enter__(self):
        if self.spoilt():
            self.rollback()  # `durable` tells those who wrote it
        if self.storage.pending():
            self.commit(self._now_ms)
        self._holder = None
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None:
            self.rollback()  # after a fault of this program, too: half a change never stays in the open transaction
        else:
            self.commit(self._now_ms)

    # -- what peers send -------------------------------------------------------------------------------------------

    def enter(self, now_ms: "int | None"):
        """Before items of `writer` go into the transaction: commits what another one has in it. When that fails, it is
        lost for the other one, whose ticket says so, and this one goes on."""
        if self._holder is not self.writer:
            if self.storage.pending() or self.spoilt():
                try:
                    self.commit(now_ms)
                except StorageError:
                    pass  # it is rolled back
            self._holder = self.writer

    def is_of_others(self) -> bool:
        """True when what is open was sent by another peer than `writer`."""
        return self._holder is not None and self._holder is not self.writer

    def give_up(self, writer):
        """A peer failed in the middle: rolls back what it has in the open transaction, and nothing of others."""
        if self.spoilt() or (self._holder is writer and self.storage.pending()):
            self.rollback()

    # -- the transaction -------------------------------------------------------------------------------------------

    def commit(self, now_ms: "int | None" = None):
        """Makes everything since the last commit durable. On a StorageError everything since then is lost; so it is
        when a change since then was left in the middle."""
        self.refuse_spoilt()
        try:
            self._parts.prepare(now_ms)
            if self.spoilt():
                raise _spoilt()
            self.storage.commit()
        except Exception:  # a fault of this program, too: half a change never stays in the open transaction
            self.rollback()
            raise
        self._committed = self._open
        self._open += 1
        self._since_ms = self._holder = None
        self._parts.committed()
        self.events.committed()

    def before_telling(self, now_ms: "int | None"):
        """Commits when anything is open: what is told next must not be lost."""
        if self.storage.pending():
            self.commit(now_ms)

    def commit_due(self, now_ms: "int | None", ticks_ms: "int | None" = None) -> bool:
        """Commits when a batch is full or old. True when it did. `ticks_ms`: a monotonic clock, `now_ms` otherwise."""
        self.refuse_spoilt()
        clock = now_ms if ticks_ms is None else ticks_ms
        if not self._is_due(0 if clock is None else clock):
            return False
        self.commit(now_ms)
        return True

    def _is_due(self, clock_ms):
        pending = self.storage.pending()
        if not pending:
            self._since_ms = None
            return False
        if self._since_ms is None:
            self._since_ms = clock_ms
        return pending >= self._batch_bytes or clock_ms - self._since_ms >= BATCH_MS

    def deadline_ms(self) -> "int | None":
        """When the open transaction becomes due by age, on the clock of `commit_due`; None when it is empty."""
        return None if self._since_ms is None else self._since_ms + BATCH_MS

    def rollback(self):
        """Drops everything since the last commit, stores opened in it included. When it fails itself it is still to
        be done."""
        self._spoilt = True
        self.storage.rollback()
        self._note_lost()
        self.events.rolled_back()
        self._parts.reload()
        self._spoilt = False
        self._parts.reopen()

    def _note_lost(self):
        self.rollbacks += 1
        if self._lost and self._lost[-1][1] + 1 == self._open:
            self._lost[-1][1] = self._open
        else:
            self._lost.append([self._open, self._open])
            if len(self._lost) > _LOST_KEPT:
                self._forgotten = self._lost.pop(0)[1]
        self._open += 1
        self._since_ms = self._holder = None

    def spoilt(self) -> bool:
        """True when the open transaction holds half of a change: it can only be rolled back."""
        return self._spoilt or self._parts.unfinished()

    def spoil(self):
        """A change was left in the middle, in a store that is not open."""
        self._spoilt = True

    def refuse_spoilt(self):
        """Rolls back and raises StorageError when the open transaction is spoilt."""
        if self.spoilt():
            self.rollback()
            raise _spoilt()

    # -- tickets ---------------------------------------------------------------------------------------------------

    def ticket(self) -> int:
        """A number for everything written so far; 0 when all of it is durable. What another writer has open is
        committed first: a ticket is never lost with somebody else's items."""
        if not self.storage.pending():
            return 0
        number = self._open
        if self._holder is not None:
            self.enter(None)
        return number

    def durable(self, ticket: int) -> bool:
        """True when all that was written before `ticket` is on the medium. StorageError when it was lost, or may
        have been."""
        if ticket == 0:
            return True
        if ticket <= self._forgotten or any(first <= ticket <= last for first, last in self._lost):
            raise StorageError("the medium failed before this was stored; nothing of it is kept")
        return ticket <= self._committed


def _spoilt():
    return StorageError("a change failed in the middle: nothing since the last commit is kept")
