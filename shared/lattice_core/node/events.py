"""What was projected and is durable, as a log that several readers follow, each with a cursor of its own."""

from ..compat import const

EVENTS_KEPT = const(256)


class EventLog:
    """`watchers`: functions that each commit calls, one of each driver that waits for writes.

    `kept`: events that are held; a stick, where nobody follows, holds none."""

    def __init__(self, kept: int = EVENTS_KEPT):
        self.watchers = []
        self._kept = kept
        self._events = []
        self._cursor = 0  # of the end of `_events`
        self._proposed = []  # of the open transaction
        self._proposed_count = 0

    def propose(self, events: list):
        """Events of the open transaction: tuples as in model/events.py."""
        self._proposed_count += len(events)
        if self._kept:
            self._proposed.extend(events)

    def committed(self):
        if self._proposed_count:
            self._cursor += self._proposed_count
            self._events = (self._events + self._proposed)[-self._kept :] if self._kept else []
            self.rolled_back()
        for watcher in self.watchers:
            watcher()

    def rolled_back(self):
        self._proposed = []
        self._proposed_count = 0

    @property
    def cursor(self) -> int:
        """Where the log ends now: `since` gives what comes after it."""
        return self._cursor

    def since(self, cursor: int) -> tuple:
        """(events after `cursor`, the cursor after them). The first is ("lost",) when some are not held any more, or
        the cursor is of an earlier start."""
        behind = self._cursor - cursor
        if 0 <= behind <= len(self._events):
            return self._events[len(self._events) - behind :], self._cursor
        return [("lost",)] + self._events, self._cursor
