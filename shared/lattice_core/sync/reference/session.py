"""The reference's session of set reconciliation, both roles (docs/reference/04-sync.md §2.3). No streams, no waiting.

State is what is outstanding; the loop of §2.3 as a table:

    outstanding                      nothing buffered             the peer's SyncDone
    asking    pending or fetches     wait                         noted
    settled   nothing                post SyncDone → told         noted
    told      nothing, SyncDone sent wait                         → over

One payload answers one payload: `pending` counts our payloads that ask for an answer, `fetches` our FetchIntentions
without their last response. Messages map to handlers in `_HANDLERS`; everything else is ignored.

Beyond the reference: what is asked for is filtered against everything witnessed and refused here; answers, rounds and
ignored messages are bounded, so that no peer keeps a session alive for ever or makes it hold more than a frame.
"""

from ...compat import const
from ...errors import ProtocolError
from ...limits import MESSAGES_IGNORED, RECONCILE_PAYLOADS, RECONCILE_RANGES, RECONCILE_REPLY_BYTES
from . import reconcile
from .fetch import chunks
from .large import ChunkedBuffer, fetch_pieces, hash_fields, range_field, reconcile_pieces

FETCH_HASHES = const(4096)  # asked for at once; a smaller piece bounds the peer's frames (`piece`)


class Session:
    """`items` is what is reconciled (stored.ReferenceReplica); `out` takes messages (messages.Messages).

    `most`: how many intentions are asked for at most, the others are counted in `left`.
    """

    def __init__(self, items, store_id, out, most=None, piece=FETCH_HASHES):
        self.items = items
        self.store_id = store_id
        self.out = out
        self.most = most
        self.piece = piece
        self.pending = 0
        self.fetches = 0
        self.sent_done = False
        self.received_done = False
        self.received = 0  # intentions taken, duplicates too
        self.sent = 0
        self.asked = 0
        self.left = 0  # needed, and not asked for
        self.equal = False  # the peer has shown that its set is ours
        self.whole = True  # every range that was named has been looked at
        self.peer_count = 0  # of the peer's set when the session began, as it says
        self.initiator = False
        self._rounds = 0
        self._ignored = 0

    def start(self):
        """The initiator's first message."""
        self.items.commit()
        self.initiator = True
        self.pending = 1
        ranges = ChunkedBuffer()
        ranges.add(range_field(reconcile.opening(self.items)))
        self._post_ranges(ranges)

    def receive(self, message):
        """Takes one PeerMessage dict. ProtocolError ends the session."""
        for name in message:
            if name in _HANDLERS:
                _HANDLERS[name](self, message[name])
                return
        self._ignored += 1
        if self._ignored > MESSAGES_IGNORED:
            raise ProtocolError("more than %d messages that mean nothing in a session" % MESSAGES_IGNORED)

    def settle(self):
        """To be called when no message is buffered: says SyncDone once nothing is outstanding."""
        if not self.sent_done and self.settled():
            self.items.commit()
            self.out.post({"sync_done": {"store_id": self.store_id}})
            self.sent_done = True

    def settled(self):
        return self.pending == 0 and self.fetches == 0

    def over(self):
        return self.sent_done and self.received_done

    def may_be_left(self):
        """True when the peer may go without another word: a reference initiator closes before its SyncDone is out."""
        return self.sent_done and self.settled()

    # -- handlers ----------------------------------------------------------------------------------------------

    def _on_reconcile(self, payload):
        self._rounds += 1
        if self._rounds == 1:
            self.peer_count = peer_count({"reconcile": payload})
        if self._rounds > RECONCILE_PAYLOADS:
            raise ProtocolError("the peer does not come to an end after %d payloads" % RECONCILE_PAYLOADS)
        if self.pending:
            self.pending -= 1
        self.items.commit()  # what is told below must not be lost
        replies = ChunkedBuffer()
        fetches = []
        if self._process(payload["messages"], replies, fetches):
            self.pending += 1
        if replies.count:
            self._post_ranges(replies)
        for hashes in fetches:
            self.fetches += 1
            self.out.post(fetch_pieces(self.store_id, hashes))

    def _process(self, messages, replies, fetches):
        """Adds the replies, and what is needed as one `ChunkedBuffer` for each FetchIntentions. Returns whether any
        reply asks for an answer."""
        count = 0
        counted = False
        equal = self._rounds == 1
        for message in messages:
            if count == RECONCILE_RANGES or replies.size > RECONCILE_REPLY_BYTES:
                self.whole = False
                break
            more, lacking = reconcile.process(self.items, message)
            for reply in more:
                counted = counted or "done" not in reply
                replies.add(range_field(reply))
            self._wish(lacking, fetches)
            count += 1
            equal = equal and self._shows_equality(message, more, count)
        self.equal = equal and count > 0
        return counted

    def _shows_equality(self, message, replies, count):
        """Whether a message of the peer's first payload may mean that both hold the same."""
        if self.initiator:
            return "done" in message
        opening = message.get("range_fingerprint")
        whole = opening is not None and opening["start"] == reconcile.FIRST and opening["end"] == reconcile.LAST
        return whole and count == 1 and "done" in replies[0]

    def _post_ranges(self, ranges):
        self.out.post(reconcile_pieces(self.store_id, ranges))

    def _wish(self, lacking, fetches):
        """Adds what is to be asked for. What floats here is asked for too, as by the reference: the peer has witnessed
        it, and with what it hands over so may we."""
        wanted = []
        seen = set()
        for hash in lacking:
            if hash not in seen and self.items.wanted(hash):
                seen.add(hash)
                wanted.append(hash)
        if self.most is not None:
            room = max(self.most - self.asked, 0)
            self.left += max(len(wanted) - room, 0)
            wanted = wanted[:room]
        self.asked += len(wanted)
        while wanted:
            if not fetches or fetches[-1].count == self.piece:
                fetches.append(ChunkedBuffer())
            room = self.piece - fetches[-1].count
            fetches[-1].add(hash_fields(wanted[:room]), len(wanted[:room]))
            wanted = wanted[room:]

    def _on_fetch(self, payload):
        self.items.commit()
        self.out.post(chunks(self.items.get, self.store_id, payload["hashes"], self._count_sent))

    def _count_sent(self, count):
        self.sent += count

    def _on_response(self, payload):
        if not self.fetches:
            return  # nothing was asked for
        self.received += self.items.take(payload["intentions"])
        if payload["done"]:
            self.fetches -= 1

    def _on_done(self, payload):
        self.received_done = True


def peer_count(message):
    """How many the peer holds: the messages of its first payload cover its whole set. 0 when they are equal to ours."""
    count = 0
    for each in message["reconcile"]["messages"] if "reconcile" in message else ():
        if "range_fingerprint" in each:
            count += each["range_fingerprint"]["count"]
        elif "range_items_request" in each:
            count += len(each["range_items_request"]["hashes"])
    return count


_HANDLERS = {
    "reconcile": Session._on_reconcile,
    "fetch_intentions": Session._on_fetch,
    "intention_response": Session._on_response,
    "sync_done": Session._on_done,
}
