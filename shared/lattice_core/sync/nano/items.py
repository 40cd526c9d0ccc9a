"""Intentions on a sync stream (docs/protocol.md, "Intentions between peers"): one half sends, the other verifies and
ingests.

The sender streams in its own witness order, so what an intention needs comes before it. The receiver refuses single
intentions or whole chains without ending the session, and says how many of those received are durable.
"""

from ...compat import const
from ...errors import ProtocolError, StorageFull
from ...limits import ROWS_TO_OPS
from ...model import intention as intentions
from ...model.events import EVENTS
from ...text import cut
from ...weaver.weaver import DROPPED, DUPLICATE, REFUSED
from ...wire.nano_messages import ITEM_HEAD_BYTES, ITEM_KEY, REASON_BYTES
from .incoming_body import IncomingBody

_RANGES = const(64)
_SKIPPED = const(256)
_EVENTS_TAKEN = EVENTS >> 1
_FEW_BYTES = const(4096)  # ops that cannot make rows without end


class ItemSender:
    """Sends what the plan says, then (`live`) what is witnessed from then on and did not come from this peer."""

    def __init__(self, weaver, frames, progress, queue_limit):
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

    def begin(self, plan, cursor):
        self.count = 0
        self.durable = 0
        self.cursor = cursor
        self._planned = self.weaver.held_after(plan) if plan else None

    def produce(self):
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

    def push(self, theirs, limit):
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

    def skip(self, author):
        """The peer takes nothing more of this chain. Beyond a number it passes over what is sent all the same."""
        if len(self.skipped) < _SKIPPED:
            self.skipped.add(author)

    def acknowledged(self, count):
        if not self.durable <= count <= self.count:
            raise ProtocolError("%d intentions acknowledged of %d" % (count, self.count))
        self.progress.acknowledged += count - self.durable
        self.durable = count


class Ranges:
    """Witness sequences that came from the peer, as a few (first, last) pairs. Forgetting one costs a duplicate."""

    def __init__(self):
        self.pairs = []

    def add(self, first, last):
        if self.pairs and self.pairs[-1][1] + 1 == first:
            self.pairs[-1] = (self.pairs[-1][0], last)
            return
        if len(self.pairs) == _RANGES:
            self.pairs.pop(0)
        self.pairs.append((first, last))

    def end_of(self, sequence):
        """The last sequence of the range that holds `sequence`, or 0."""
        for first, last in self.pairs:
            if first <= sequence <= last:
                return last
        return 0


class ItemReceiver:
    """Takes items: small ones in batches that are verified together, large ones into storage while they arrive."""

    def __init__(self, node, handle, frames, progress, authors_refused):
        self.node = node
        self.weaver = handle.weaver
        self.frames = frames
        self.progress = progress
        self.count = 0  # items taken, in whatever way they ended
        self.ticket = node.ticket()
        self.ranges = Ranges()
        self._batch = []
        self._verifying = None  # (batch, its verdicts to come)
        self._verify_begin = getattr(node.crypto, "ed25519_verify_begin", None)
        self._refused = set()  # authors of whose chains nothing more is taken
        self._authors_refused = authors_refused  # at most; what they would all be told waits in memory
        self._told = 0  # refusals
        self.refused_count = 0
        self._body = None
        self._large_shown = None
        self._room_made = False

    def begin(self):
        self.count = 0
        self._batch = []
        self._verifying = None

    def busy(self):
        """True in the middle of a large intention."""
        return self._body is not None

    def waiting(self):
        """True when small items wait to be verified or ingested."""
        return len(self._batch) > 0 or self._verifying is not None

    # -- small ones --------------------------------------------------------------------------------------------

    def add(self, payload):
        """One whole item, to be ingested with the batch. Returns how many wait."""
        if len(payload) <= ITEM_HEAD_BYTES:
            raise ProtocolError("an item of %d bytes" % len(payload))
        self.progress.received_bytes += len(payload)
        body = bytes(payload[ITEM_HEAD_BYTES:])
        self._batch.append(intentions.parse(self.node.crypto, body, bytes(payload[:ITEM_HEAD_BYTES])))
        return len(self._batch)

    def ingest(self, now_ms, more=False):
        """Verifies and ingests what waits. With `more` to come, the last batch is verified on the platform's other
        cores, if it has any, while the one before it is ingested. StorageError when what came before was lost with its
        transaction."""
        before, batch = self._verifying, self._batch
        self._verifying = None
        self._batch = []
        signed = [(item.author, item.hash, item.signature) for item in batch]
        if signed and more and self._verify_begin is not None:
            self._verifying = (batch, self._verify_begin(signed))
            batch = []
        if before is not None:
            self._ingest_batch(before[0], before[1].result(), now_ms)
        if batch:
            self._ingest_batch(batch, self.node.crypto.ed25519_verify_many(signed), now_ms)

    def _ingest_batch(self, batch, verdicts, now_ms):
        self.node.journal.enter(now_ms)
        self.node.durable(self.ticket)
        for item, good in zip(batch, verdicts):
            self._ingest_one(item, good, now_ms)
            if len(self.weaver.events) >= _EVENTS_TAKEN:
                self.node.refresh(now_ms)  # before some are lost and must be read from the log again
        self.count += len(batch)
        self.ticket = self.node.ticket()

    def _ingest_one(self, item, verified, now_ms):
        if item.author in self._refused:
            self.refused_count += 1
            return
        weaver = self.weaver
        before = weaver.store.count
        alone = item.ops_size > _FEW_BYTES and item.ops_size * ROWS_TO_OPS > self.node.storage.room()
        if alone and self.node.storage.pending():
            self.node.commit(now_ms)  # it may not fit, and then takes nothing else with it
        try:
            outcome = weaver.ingest(item, now_ms, verified, True)
        except StorageFull:
            if weaver.unfinished:
                self.node.rollback()
                if not alone:
                    raise
            elif self._make_room():
                self._ingest_one(item, verified, now_ms)
                return
            size, room = item.body.size, self.node.storage.room()
            self._refuse(item, "there is no room for it: it has %d bytes, %d are left" % (size, room), True)
            return
        after = weaver.store.count
        if after > before:
            self.ranges.add(before + 1, after)
        if outcome == DROPPED:
            self._refuse(item, "there is no room for what waits for others", True)
        elif outcome == REFUSED:
            self._refuse(item, weaver.refused(item.hash) or "it was refused", False)
        elif outcome != DUPLICATE:
            self.progress.received_intentions += 1

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

    def take_evidence(self, payload, author):
        """One whole item that shows where another branch of the author's chain ends. It counts among none."""
        if len(payload) <= ITEM_HEAD_BYTES:
            raise ProtocolError("an item of %d bytes" % len(payload))
        head = bytes(payload[:ITEM_HEAD_BYTES])
        self._evidence(intentions.parse(self.node.crypto, bytes(payload[ITEM_HEAD_BYTES:]), head), author)
        self.ticket = self.node.ticket()

    def _evidence(self, item, author):
        if item.author != author:
            raise ProtocolError("evidence against one author, signed by another")
        if intentions.verify(self.node.crypto, item):
            self.node.journal.enter(None)
            self.weaver.take_evidence(item)

    def _make_room(self):
        """Content that nothing names any more gives way, once in a session. True when it did."""
        made = self._room_made
        self._room_made = True
        return not made and self.node.make_room()

    # -- large ones --------------------------------------------------------------------------------------------

    def begin_large(self, size, shown=None):
        """`shown`: the author of whose branch it is evidence."""
        if size <= ITEM_HEAD_BYTES:
            raise ProtocolError("an item of %d bytes" % size)
        self._large_shown = shown
        if size > self.node.storage.room():
            self._make_room()
        self._body = IncomingBody(self.node, self.frames, size, ITEM_HEAD_BYTES)

    def take_large(self, now_ms):
        """Takes what has arrived of a large item. True when something did."""
        arriving = self._body
        moved = arriving.take()
        self.progress.received_bytes += moved
        if not arriving.complete():
            return moved > 0
        self._body = None
        self.node.journal.enter(now_ms)
        self.node.durable(self.ticket)
        if self._large_shown is not None:
            self._end_evidence(arriving)
            return True
        self.count += 1
        if arriving.reason is not None:
            self.refused_count += 1  # its author is not known
            self.progress.note_refused(b"", b"", arriving.reason, False)
            self._tell(b"", b"", arriving.reason, True)
        else:
            try:
                item = intentions.from_body(arriving.body(), arriving.hasher.digest(), arriving.head)
                self._ingest_one(item, intentions.verify(self.node.crypto, item), now_ms)
            finally:
                arriving.discard()  # what the store did not take gives its room back
        self.ticket = self.node.ticket()
        return True

    def _end_evidence(self, arriving):
        if arriving.reason is None:
            try:
                item = intentions.from_body(arriving.body(), arriving.hasher.digest(), arriving.head)
                self._evidence(item, self._large_shown)
            finally:
                arriving.discard()
        self.ticket = self.node.ticket()

    def close(self):
        if self._body is not None:
            self._body.discard()
            self._body = None
