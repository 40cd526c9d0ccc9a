"""What to ask a peer for: the missing blobs of a store in a useful order, within the room that there is.

Lists first, so that the size of everything is known early, then file by file. A file that does not fit is not begun;
it is named in `unfit` and the others still come. One `FetchPlan` serves one session:

    digest = wanted.next()       # None: nothing more until those asked for have come, or (`paused`) for now
    wanted.not_held(digest)      # the peer does not have it: not asked for again in this session
    wanted.again()               # when all asked for have come: True when it pays to go on with next()

A large file is looked through in pieces: `next` returns with `paused` set after a bounded number of blobs, so that
whoever calls it can have its other work done.
"""

from ..compat import const
from ..errors import ProtocolError
from . import chunks
from . import cid as cids

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

UNFIT_KEPT = const(64)
_NOT_HELD_KEPT = const(512)
_AVERAGE_BYTES = const(16384)  # of a chunk
_PAUSE_STEPS = const(128)  # blobs looked at in one call of `next`: some 40 ms of the stick's
LOOKED_KEPT = const(16)  # contents whose answer is remembered; a computer remembers more
_PLANNED = const(0)
_UNFIT = const(1)
_DAMAGED = const(2)
_MISSING = (chunks.MISSING_CHUNK, chunks.MISSING_LIST)


class FetchPlan:
    """`room()`: bytes that content may take now; `collect()`: drops unreferenced blobs. Both None: no limit.

    `losses()` is another number whenever blobs that were there may be gone. `unnoted`: (path, size) of content whose
    want found no room, `unnoted_count` of them or more.
    """

    def __init__(
        self, contents, losses, room=None, collect: "Callable[[], object] | None" = None, unnoted=(), unnoted_count=0
    ):
        self.contents = contents
        self.paused = False
        self.estimate_steps = 1024  # blobs that an estimate looks at
        self.looked_kept = LOOKED_KEPT
        self.unfit = []  # (path, size) of the last pass, at most UNFIT_KEPT
        self.unfit_count = 0
        self.missing = 0  # blobs that the peer does not hold either
        self.blobs = self.bytes = 0  # asked for so far
        self.path = ""  # of the file that the blob given last belongs to
        self._stopped = False
        self._losses = losses
        self._room = room
        self._collect = collect
        self._unnoted = unnoted
        self._unnoted_count = unnoted_count
        self._steps = 0
        self._not_held = []
        self._pass = -1
        self._begin()

    def _begin(self):
        self._pass += 1
        self._asked = set()
        self._given = 0
        self.unfit = list(self._unnoted)
        self.unfit_count = self._unnoted_count
        self._planned = 0  # bytes of the files begun in this pass
        self._left = None if self._room is None else self._room()
        self._items = self._walk()

    def next(self):
        """The digest of the next blob to ask for, or None for now."""
        self.paused = False
        if self._stopped:
            return None
        for item in self._items:
            if item is None:
                self.paused = True
                return None
            digest, size, self.path = item
            if digest in self._not_held or self._was_asked(digest):
                continue
            self._given += 1
            self.blobs += 1
            self.bytes += size
            return digest
        return None

    def again(self):
        """When all that was asked for has come: True when next() may lead to more, from the start if need be."""
        if self.paused:
            return True
        if not self._given or self._not_held_is_full() or self._stopped:
            return False
        self._begin()
        return True

    def stop(self):
        """Nothing more is to be asked of this peer."""
        self._stopped = True

    def not_held(self, digest):
        self.missing += 1
        if not self._not_held_is_full():
            self._not_held.append(digest)

    def _not_held_is_full(self):
        return len(self._not_held) >= _NOT_HELD_KEPT

    def estimate(self):
        """(blobs, bytes) that are missing as far as is known now. What would take too many steps to look at counts
        as missing."""
        left = self.estimate_steps
        count = total = 0
        for want in self.contents.wants():
            unseen = want.size
            for item in self._blobs_of(want):
                if item is None:
                    continue
                left -= 1
                if left < 0:
                    break
                if item[0] != chunks.HELD_LIST:
                    unseen -= item[2]
                if item[0] in _MISSING:
                    count += 1
                    total += item[2]
            if left < 0:
                count += unseen // _AVERAGE_BYTES + 1
                total += unseen
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
        """The missing blobs of one pass: (digest, size, path), and None where a pause may be made."""
        # Many names may share one content: it is looked through once, or a few times where memory is small.
        looked = {}
        for want in self.contents.wants():
            if want.codec != cids.LIST:
                continue
            if self._step():
                yield None
            if _key(want) in looked or self.contents.known(want):
                continue
            self._remember(looked, want, _PLANNED)
            fits = None  # not looked at yet
            for item in self._blobs_of(want):
                if item is None:
                    yield None
                elif item[0] == chunks.MISSING_LIST:
                    if fits is None:
                        fits = self._may_fit((yield from self._missing_bytes(want)))
                    if fits:
                        yield item[1], 0, want.path
        looked = {}
        for want in self.contents.wants():
            if self._step():
                yield None
            if self.contents.known(want):
                self.contents.settle(want)
                continue
            before = looked.get(_key(want))
            if before is not None:
                self._seen_before(want, before)
                continue
            losses = self._losses()
            missing = yield from self._missing_bytes(want)
            if missing == 0 and losses == self._losses():
                self.contents.settle(want)
            elif missing < 0:
                self.missing += self._pass == 0  # it is not here, and the peer must not take it to be
                self._remember(looked, want, _DAMAGED)
            elif missing > 0 and self._fits(want, missing):
                self._remember(looked, want, _PLANNED)
                for item in self._blobs_of(want):
                    if item is None:
                        yield None
                    elif item[0] == chunks.MISSING_CHUNK:
                        yield item[1], item[2], want.path
            elif missing > 0:
                self._remember(looked, want, _UNFIT)

    def _step(self):
        """Counts one more; True where a pause may be made."""
        self._steps += 1
        if self._steps < _PAUSE_STEPS:
            return False
        self._steps = 0
        return True

    def _remember(self, looked, want, outcome):
        if want.codec == cids.LIST:
            if len(looked) >= self.looked_kept:
                looked.clear()
            looked[_key(want)] = outcome

    def _seen_before(self, want, outcome):
        """A content under another name has had this outcome in this pass."""
        if outcome == _UNFIT:
            self._note_unfit(want)
        elif outcome == _DAMAGED:
            self.missing += self._pass == 0

    def _steps_of(self, want):
        """Walks a want, with None where a pause may be made. ProtocolError when a list of it is damaged."""
        for item in chunks.walk(self.contents, want.codec, want.digest, want.size, True):
            if self._step():
                yield None
            yield item

    def _blobs_of(self, want):
        """The same; ends where a list is damaged: nobody can complete it."""
        try:
            yield from self._steps_of(want)
        except ProtocolError:
            return

    def _missing_bytes(self, want):
        """Returns bytes of content that are not here, -1 when the content does not add up; yields None for pauses."""
        total = 0
        try:
            for item in self._steps_of(want):
                if item is None:
                    yield None
                elif item[0] in _MISSING:
                    total += item[2]
        except ProtocolError:
            return -1
        return total

    def _may_fit(self, missing):
        """A list is fetched only for a file that may fit: what is behind it is known from the entry or its list."""
        return missing > 0 and (self._left is None or missing <= self._left or self._fits_after_collect(missing))

    def _fits(self, want, missing):
        if self._left is None:
            return True
        if missing > self._left and not self._fits_after_collect(missing):
            self._note_unfit(want)
            return False
        self._left -= missing
        self._planned += missing
        return True

    def _note_unfit(self, want):
        self.unfit_count += 1
        if len(self.unfit) < UNFIT_KEPT:
            self.unfit.append((want.path, want.size))

    def _fits_after_collect(self, needed):
        """Drops what nothing references, once in a session, and looks again. What was begun may be under way, so
        all of it counts as still to come; the next pass counts exactly."""
        room, collect = self._room, self._collect
        if room is None or collect is None:
            return False
        collect()
        self._collect = None
        self._left = room() - self._planned
        return needed <= self._left


def _key(want):
    return want.digest + want.size.to_bytes(8, "little")
