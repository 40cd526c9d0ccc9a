"""What to ask a peer for: the missing blobs of a store in a useful order, within the room that there is.

Lists first, so that the size of everything is known early, then file by file. A file that does not fit is not begun;
it is named in `unfit` and the others still come. One `Wanted` serves one session:

    digest = wanted.next()       # None: nothing more until those asked for have come
    wanted.not_held(digest)      # the peer does not have it: not asked for again in this session
    wanted.again()               # when all asked for have come: True when it pays to go on with next()
"""

from ..compat import const
from ..errors import ProtocolError
from . import chunks
from . import cid as cids

UNFIT_KEPT = const(64)
_NOT_HELD_KEPT = const(512)
_MISSING = (chunks.MISSING_CHUNK, chunks.MISSING_LIST)


class Wanted:
    """`room()`: bytes that content may take now; `collect()`: drops unreferenced blobs. Both None: no limit."""

    def __init__(self, contents, room=None, collect=None):
        self.contents = contents
        self.unfit = []  # (path, size) of the last pass, at most UNFIT_KEPT
        self.unfit_count = 0
        self.missing = 0  # blobs that the peer does not hold either
        self.blobs = self.bytes = 0  # asked for so far
        self._room = room
        self._collect = collect
        self._not_held = []
        self._pass = -1
        self._begin()

    def _begin(self):
        self._pass += 1
        self._asked = set()
        self._given = 0
        self.unfit = []
        self.unfit_count = 0
        self._planned = 0  # bytes of the files begun in this pass
        self._left = None if self._room is None else self._room()
        self._items = self._walk()

    def next(self):
        """The digest of the next blob to ask for, or None for now."""
        for digest, size in self._items:
            if digest in self._not_held or self._was_asked(digest):
                continue
            self._given += 1
            self.blobs += 1
            self.bytes += size
            return digest
        return None

    def again(self):
        """After all that was asked for has come: starts over when that may lead to more. False: finished."""
        if not self._given or self._not_held_is_full():
            return False
        self._begin()
        return True

    def not_held(self, digest):
        self.missing += 1
        if not self._not_held_is_full():
            self._not_held.append(digest)

    def _not_held_is_full(self):
        return len(self._not_held) >= _NOT_HELD_KEPT

    def estimate(self):
        """(blobs, bytes) that are missing as far as is known now."""
        count = total = 0
        for want in self.contents.wants():
            for kind, _, size in self._blobs_of(want):
                if kind in _MISSING:
                    count += 1
                    total += size
        return count, total

    def _was_asked(self, digest):
        """30 bits of the digest are remembered; which ones changes with each pass, so a chance equality only
        delays a blob."""
        at = self._pass * 4 % 28
        mark = int.from_bytes(digest[at : at + 4], "little") & 0x3FFFFFFF
        if mark in self._asked:
            return True
        self._asked.add(mark)
        return False

    def _walk(self):
        """The missing blobs of one pass: (digest, size)."""
        for want in self.contents.wants():
            if want.codec == cids.LIST:
                for kind, digest, _ in self._blobs_of(want):
                    if kind == chunks.MISSING_LIST and self._fits_list(want):
                        yield digest, 0
        for want in self.contents.wants():
            missing = self._missing_bytes(want)
            if missing == 0:
                self.contents.settle(want)
            elif missing > 0 and self._fits(want, missing):
                for kind, digest, size in self._blobs_of(want):
                    if kind == chunks.MISSING_CHUNK:
                        yield digest, size

    def _blobs_of(self, want):
        """The blobs of a want; none when a list of it is damaged: nobody can complete it."""
        try:
            for item in chunks.walk(self.contents.store, want.codec, want.digest, want.size):
                yield item
        except ProtocolError:
            return

    def _missing_bytes(self, want):
        """Bytes of content that are not here; -1 when the content does not add up."""
        total = 0
        try:
            for kind, _, size in chunks.walk(self.contents.store, want.codec, want.digest, want.size):
                if kind in _MISSING:
                    total += size
        except ProtocolError:
            return -1
        return total

    def _fits_list(self, want):
        """A list is fetched only for a file that may fit: its size is known from the entry."""
        return self._left is None or want.size <= self._left or self._fits_after_collect(want.size)

    def _fits(self, want, missing):
        if self._left is None:
            return True
        if missing > self._left and not self._fits_after_collect(missing):
            self.unfit_count += 1
            if len(self.unfit) < UNFIT_KEPT:
                self.unfit.append((want.path, want.size))
            return False
        self._left -= missing
        self._planned += missing
        return True

    def _fits_after_collect(self, needed):
        """Drops what nothing references, once in a session, and looks again. What was begun may be under way, so
        all of it counts as still to come; the next pass counts exactly."""
        if self._collect is None:
            return False
        self._collect()
        self._collect = None
        self._left = self._room() - self._planned
        return needed <= self._left
