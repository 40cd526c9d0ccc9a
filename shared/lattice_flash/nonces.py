"""Numbers that are used once (nonces): each stretch of a file that is written from one start to the next bears one.

A key and a nonce give a key stream, so a nonce must never stand over two different contents, not even where the first
one was written, never synced and lost: its bytes may still be on the chip. Therefore a number is used only below a
bound that is durable, and a start goes on at the bound that it finds, whatever was used of it. The marks of the log and
the checkpoint raise the bound as they are written; the first number after a start costs a copy of the records.

A factory reset begins at 1 again: no key outlives it.
"""

from lattice_core.compat import const

_AHEAD = const(64)  # reserved at a time
_LEFT = const(48)  # with fewer left a mark reserves more: littlefs may take the log back by 13 syncs, the bound with it


class Nonces:
    def __init__(self, reserve):
        self.next = 1
        self.bound = 1  # the numbers below it may be used
        self._reserve = reserve  # makes a bound durable

    def note_used(self, number):
        """A head on the flash bears this number."""
        if number >= self.next:
            self.next = number + 1

    def note_bound(self, bound):
        """The flash says that the numbers below this one are reserved."""
        if bound > self.bound:
            self.bound = bound

    def start(self):
        """Everything was read: what an earlier start had reserved counts as used."""
        self.next = self.bound = max(self.next, self.bound)

    def take(self):
        """A number that nobody has used. The first one after a start writes a copy of the records."""
        if self.next >= self.bound:
            bound = self.next + _AHEAD
            self._reserve(self.next, bound)
            self.next += 1
            self.bound = bound
        self.next += 1
        return self.next - 1

    def ahead(self):
        """The bound for a mark that is about to be written. It holds (`note_bound`) once that is durable."""
        return self.next + _AHEAD if self.bound - self.next < _LEFT else self.bound
