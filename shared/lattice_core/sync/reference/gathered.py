"""What a session of `lattice-sync/1` brings, put in order before it goes in. Computers only.

It comes in the order of hashes. Each by itself nearly all would float, and what floats is bounded: so it is gathered
until all that was asked for is here, and then goes in so that each finds what it needs.
"""

from .replica import ReferenceReplica

GATHERED_BYTES = 33554432  # of all sessions of a connection; what is beyond goes in as it comes
_BESIDE_BYTES = 1024  # of memory, for each beside its body
_AT_ONCE = 256  # go in before the others have their turn


class GatheredItems(ReferenceReplica):
    """`take` gathers; `order` when all is here, then `work` until it returns False."""

    def __init__(self, peer, handle):
        super().__init__(peer, handle)
        self._gathered = {}  # hash: item, its signature verified
        self._bytes = 0
        self._ordered = None

    def take(self, entries):
        """Gathers what is good of an answer. Returns how many those are."""
        self.peer.check_allowed(self.handle)
        items = self.parsed(entries)
        good = 0
        for item, verdict in zip(items, self.intake.verified(items)):
            size = item.body.size + _BESIDE_BYTES
            if not verdict or self.peer.gathered_bytes + size > GATHERED_BYTES:
                good += self.ingest(item, verdict)
            elif item.hash not in self._gathered:
                good += 1
                self._gathered[item.hash] = item
                self._bytes += size
                self.peer.gathered_bytes += size
        self.peer.commit_due()
        return good

    def order(self):
        """All that was asked for has come."""
        if self._gathered and self._ordered is None:
            self._ordered = in_order(self._gathered)

    def work(self):
        """Ingests some of what was ordered. False when there was nothing to do."""
        if self._ordered is None:
            return False
        self.peer.check_allowed(self.handle)
        for _ in range(_AT_ONCE):
            item = None
            for item in self._ordered:
                break
            if item is None:
                self._ordered = None
                self.drop()
                break
            self.ingest(item, True)
        self.peer.commit_due()
        return True

    def drop(self):
        """Forgets what was gathered and has not gone in."""
        self._gathered = {}
        self.peer.gathered_bytes -= self._bytes
        self._bytes = 0


def in_order(gathered):
    """Takes the items out of a dict {hash: item}, each behind those of them that it needs. Each is looked at twice."""
    for hash in list(gathered):
        path = [hash]
        while path:
            item = gathered.get(path[-1])
            needed = [] if item is None else [dep for dep in item.deps() if dep in gathered]
            if item is not None and item.store_prev in gathered:
                needed.append(item.store_prev)
            if needed:
                path.extend(needed)
            else:
                path.pop()
                if item is not None:
                    yield gathered.pop(item.hash)
