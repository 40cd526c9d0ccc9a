"""Intentions on a sync stream (docs/protocol.md, "Intentions between peers"): one half sends, the other verifies and
ingests.

The sender streams in its own witness order, so what an intention needs comes before it. The receiver refuses single
intentions or whole chains without ending the session, and says how many of those received are durable.
"""

from ...compat import ABSENT, const
from ...errors import ProtocolError
from ...model import intention as intentions
from ...model.events import EVENTS
from ...text import cut
from ...weaver.weaver import DROPPED
from ...wire.nano_messages import ITEM_HEAD_BYTES, ITEM_KEY, REASON_BYTES
from ..common.intake import Intake
from .incoming_body import IncomingBody

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...node.replica import Replica
    from ...weaver.weaver import Weaver
    from ..common.progress import Progress
    from .message_stream import MessageStream
    from .peer import NanoPeer

_RANGES = const(64)
_SKIPPED = const(256)
_EVENTS_TAKEN = EVENTS >> 1


class ItemSender:
    """Sends what the plan says, then (`live`) what is witnessed from then on and did not come from this peer."""

    def __init__(self, weaver: "Weaver", frames: "MessageStream", progress: "Progress", queue_limit: int):
        self.weaver = weaver
        self.queue_limit = queue_limit  # entries prepared ahead of the window
        self.frames = frames
        self.progress = progress
        self.count = 0  # items posted
        self.durable = 0  # of them durable at the peer, or refused by it
        self.withheld = 0  # items that are held and not given
        self.skipped = set()  # authors whose chains the peer does not take
        self.cursor = 0  # witnessed intentions up to here are sent, or known to the peer
        self._planned = None

    def begin(self, plan, cursor: int) -> None:
        self.count = 0
        self.durable = 0
        self.cursor = cursor
        self._planned = self.weaver.held_after(plan) if plan else None

    def produce(self) -> bool:
        """Queues items as long as there are planned ones and the queue is short. True when all are queued."""
        if self._planned is None:
            return True
        while self.frames.queued() < self.queue_limit:
            item = None
            for item in self._planned:
                break
            if item is None:
                self._planned = None
                return True
            self._post(item)
        return False

    def push(self, theirs: "Ranges", limit: int) -> None:
        """Queues what was witnessed since, up to sequence `limit`; `theirs` knows what came from this peer."""
        store = self.weaver.store
        while self.cursor < limit and self.frames.queued() < self.queue_limit:
            self.cursor += 1
            behind = theirs.end_of(self.cursor)
            if behind:
                self.cursor = behind
                continue
            item = self.weaver.read(store.witness_at(self.cursor)[0])
            if item is not None:
                self._post(item)

    def _post(self, item):
        if item.author in self.skipped:
            return
        self.frames.post_bulk(ITEM_KEY, item.signature, item.body)
        self.count += 1
        self.progress.sent_intentions += 1
        self.progress.sent_bytes += item.body.size + ITEM_HEAD_BYTES

    def skip(self, author: bytes) -> None:
        """The peer takes nothing more of this chain. Beyond a number it passes over what is sent all the same."""
        if len(self.skipped) < _SKIPPED:
            self.skipped.add(author)

    def acknowledged(self, count: int) -> None:
        if not self.durable <= count <= self.count:
            raise ProtocolError("%d intentions acknowledged of %d" % (count, self.count))
        self.progress.acknowledged += count - self.durable
        self.durable = count


class Ranges:
    """Witness sequences that came from the peer, as a few (first, last) pairs. Forgetting one costs a duplicate."""

    def __init__(self):
        self.pairs = []

    def add(self, first: int, last: int) -> None:
        if self.pairs and self.pairs[-1][1] + 1 == first:
            self.pairs[-1] = (self.pairs[-1][0], last)
            return
        if len(self.pairs) == _RANGES:
            self.pairs.pop(0)
        self.pairs.append((first, last))

    def end_of(self, sequence: int) -> int:
        """The last sequence of the range that holds `sequence`, or 0."""
        for first, last in self.pairs:
            if first <= sequence <= last:
                return last
        return 0


class ItemReceiver:
    """Takes items: small ones in batches that are verified together, large ones into storage while they arrive."""

    def __init__(self, peer: "NanoPeer", handle: "Replica", frames: "MessageStream"):
        self.peer = peer
        self.node = peer.node
        self.weaver = handle.weaver
        self.intake = Intake(peer, handle)
        self.frames = frames
        self.progress = peer.progress
        self.count = 0  # items taken, in whatever way they ended
        self.ticket = self.node.journal.ticket()
        self.ranges = Ranges()
        self.refused_count = 0
        self.vetting: Replica | None = None  # the store, while only some authors are taken: `Members.takes`
        self._batch = []
        self._verifying = None  # (batch, its verdicts to come)
        self._refused = set()  # authors of whose chains nothing more is taken
        self._authors_refused = peer.options.authors_refused  # at most; what they would all be told waits in memory
        self._told = 0  # refusals
        self._body: IncomingBody = ABSENT  # from `begin_large` until all of it has come
        self._large_shown: bytes | None = None  # the author of whose branch it is evidence
        self._large_passed_over = False  # it was sent before our Retry arrived

    def begin(self) -> None:
        """The comparison is over: what comes from now on counts."""
        self.count = 0
        self._batch = []
        self._verifying = None

    def busy(self) -> bool:
        """True in the middle of a large intention."""
        return self._body is not ABSENT

    def waiting(self) -> bool:
        """True when small items wait to be verified or ingested."""
        return len(self._batch) > 0 or self._verifying is not None

    # -- small ones --------------------------------------------------------------------------------------------

    def add(self) -> int:
        """Takes the item that the stream shows, to be ingested with the batch. Returns how many wait."""
        self._batch.append(self._parsed())
        self.progress.received_bytes += self.frames.size
        return len(self._batch)

    def _parsed(self):
        signature, body = self.frames.payload(ITEM_HEAD_BYTES)
        if not body:
            raise ProtocolError("an item of %d bytes" % self.frames.size)
        return intentions.parse(self.node.crypto, body, signature)

    def ingest(self, more: bool = False) -> None:
        """Verifies and ingests what waits. With `more` to come, the last batch is verified on the platform's other
        cores, if it has any, while the one before it is ingested. StorageError when what came before was lost with its
        transaction."""
        before, batch = self._verifying, self._batch
        self._verifying = None
        self._batch = []
        if batch and more:
            verdicts = self.intake.verify_meanwhile(batch)
            if verdicts is not None:
                self._verifying = (batch, verdicts)
                batch = []
        if before is not None:
            self._ingest_batch(before[0], before[1].result())
        if batch:
            self._ingest_batch(batch, self.intake.verified(batch))

    def _ingest_batch(self, batch, verdicts):
        self.peer.enter()
        self.node.journal.durable(self.ticket)
        for item, good in zip(batch, verdicts):
            self._ingest_one(item, good)
            if len(self.weaver.events) >= _EVENTS_TAKEN:
                self.node.tree.refresh(self.peer.wall_ms())  # before some are lost and must be read from the log again
        self.count += len(batch)
        self.ticket = self.node.journal.ticket()

    def _ingest_one(self, item, verified):
        if item.author in self._refused:
            self.refused_count += 1
            return
        vetting = self.vetting
        if vetting is not None and not self._vetted(vetting, item):
            self._refuse(item, "neither its author nor who brings it is in the list of this store", False)
            return
        before = self.weaver.store.count
        outcome, reason = self.intake.take(item, verified)
        after = self.weaver.store.count
        if after > before:
            self.ranges.add(before + 1, after)
        if reason:
            self._refuse(item, reason, outcome == DROPPED)

    def _vetted(self, handle, item):
        members = self.node.members
        return members.takes(handle, item) or members.may_connect(handle.id, self.peer.key)

    def _refuse(self, item, reason, no_room):
        """Says why; what follows in the same chain is not taken in this session. ProtocolError when too many authors'
        intentions are bad; where only the room ends, the rest is passed over."""
        self.refused_count += 1
        if len(self._refused) < self._authors_refused:
            self._refused.add(item.author)
        elif not no_room:
            raise ProtocolError("intentions of more than %d authors had to be refused" % self._authors_refused)
        self.progress.note_refused(item.hash, item.author, reason, False)
        self._tell(item.hash, item.author, reason, no_room)

    def _tell(self, hash, author, reason, no_room):
        """Refusals wait until the peer reads: beyond a number that an honest one hears they are not told one by one."""
        if self._told < self._authors_refused:
            self._told += 1
            message = {"hash": hash, "author": author, "reason": cut(reason, REASON_BYTES), "no_room": no_room}
            self.frames.post({"item_refused": message})

    def take_evidence(self, author: bytes) -> None:
        """Takes the item that the stream shows: where another branch of the author's chain ends. It counts among
        none."""
        self._evidence(self._parsed(), author)

    def _evidence(self, item, author):
        if item.author != author:
            raise ProtocolError("evidence against one author, signed by another")
        self.intake.take_evidence(item)
        self.ticket = self.node.journal.ticket()

    # -- large ones --------------------------------------------------------------------------------------------

    def begin_large(self, size: int, shown: "bytes | None" = None, passed_over: bool = False) -> None:
        """`shown`: the author of whose branch it is evidence. `passed_over`: it is read and thrown away."""
        if size <= ITEM_HEAD_BYTES:
            raise ProtocolError("an item of %d bytes" % size)
        self._large_shown = shown
        self._large_passed_over = passed_over
        if size > self.node.storage.room():
            self.intake.make_room()
        self._body = IncomingBody(self.node, self.frames, size, ITEM_HEAD_BYTES, store=not passed_over)

    def take_large(self) -> bool:
        """Takes what has arrived of a large item. True when something did."""
        arriving = self._body
        moved = arriving.take()
        self.progress.received_bytes += moved
        if not arriving.complete():
            return moved > 0
        self._body = ABSENT
        if not self._large_passed_over:
            self._end_large(arriving)
        return True

    def _end_large(self, arriving):
        self.peer.enter()
        self.node.journal.durable(self.ticket)
        if self._large_shown is None:
            self.count += 1
        if arriving.reason is None:
            try:
                item = intentions.from_body(arriving.body(), arriving.hasher.digest(), arriving.head)
                if self._large_shown is not None:
                    self._evidence(item, self._large_shown)
                else:
                    self._ingest_one(item, intentions.verify(self.node.crypto, item))
            finally:
                arriving.discard()  # what the store did not take gives its room back
        elif self._large_shown is None:
            self.refused_count += 1  # its author is not known
            self.progress.note_refused(b"", b"", arriving.reason, False)
            self._tell(b"", b"", arriving.reason, True)
        self.ticket = self.node.journal.ticket()

    def close(self) -> None:
        """Gives back the room of a large item that did not come whole."""
        if self._body is not ABSENT:
            self._body.discard()
            self._body = ABSENT
