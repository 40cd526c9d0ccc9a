"""One store with one Nano peer over one stream: tips, then intentions both ways, then what each side must still pull.

The order on each direction (docs/protocol.md, "Nano streams"): reconciliation; items, then Sent; Done when everything
the other has sent is durable here; Content when the content it names was pulled, as far as the peer holds it; FIN.
Done says when no content is lacking, and who was sent nothing need not say Done. With `live` both sides stay before
the FIN and push what is new until the initiator ends.
"""

from ...compat import const
from ...errors import LatticeError, ProtocolError, RefusedByPeer
from ...storage.chains import length_up_to
from ...text import cut
from ...wire.nano_messages import ITEM_KEY, REASON_BYTES, WORDS_BYTES, NanoFrame
from ..common.outcome import Outcome
from ..common.peer import ANSWER_MS
from ..common.tasks import StreamLost
from . import tips
from .content import Content
from .items import ItemReceiver, ItemSender
from .message_stream import ITEM, Large, held

_FRAMES_AT_ONCE = const(512)  # of one stream before the others have their turn
_QUEUED = const(16)  # items prepared for sending; a computer prepares as many as it verifies together
_WAITING_BYTES = const(76)
_RECONCILE = ("open", "tips", "equal", "retry")


class StoreSession:
    """Runs as one task: `run()` by the side that opens, `run(open message)` by the other."""

    def __init__(self, peer, handle, frames, initiator, live):
        self.peer = peer
        self.node = peer.node
        self.handle = handle
        self.frames = frames
        self.initiator = initiator
        self.outcome = Outcome(handle)
        self._agreed_at = handle.files.holdings.holds_items(peer.key)
        agreed = self._agreed if self._agreed_at else None  # a hint
        strangers = peer.options.chains
        root_id = handle.parent or b""
        self.exchange = tips.Exchange(
            handle.weaver, peer.node.crypto, handle.id, initiator, live, agreed, strangers, root_id
        )
        self.sender = ItemSender(handle.weaver, frames, peer.progress, max(_QUEUED, peer.options.verify_batch))
        self.receiver = ItemReceiver(peer.node, handle, frames, peer.progress, peer.options.authors_refused)
        self.content = Content(peer, handle, frames, self.outcome)
        self.stopping = False
        self._refill = not initiator and peer.refills(handle)  # we take and give nothing: see `Peer.refills`
        self._frozen = 0  # our witness sequence when the tips were taken
        self._retrying = False
        self._missing = 0  # intentions that the peer had and we lacked, as far as the tips say
        self._sent_count = None  # ours, once Sent is posted
        self._their_sent = None
        self._durable_told = 0
        self._done_told = False
        self._done_heard = False
        self._refused = False  # by the peer: it does not hold all we have
        self._refused_unnamed = False  # something large, of an author that it has not read
        self._finishing = False
        self._shown = None  # whose branch the next item is evidence of

    def run(self, opened=None):
        """Task: returns the Outcome. RefusedByPeer, ProtocolError, StorageError or StreamLost when it ends early."""
        try:
            if opened is None:
                self._freeze()
                self._post(self.exchange.start())
            else:
                self._reconcile({"open": opened})
            while True:
                moved = self._receive()
                moved = self._send() or moved
                if self._over():
                    break
                if moved:
                    self.peer.moved()
                elif not self.in_step():
                    self.peer.check_silence(ANSWER_MS)
                yield
        except LatticeError:
            if self.initiator and self.frames.stream.error is None:
                self.frames.stream.reset()  # nobody is left to go on with it
            raise
        finally:
            self.receiver.close()
            self.content.close()
        self._conclude()
        return self.outcome

    def _conclude(self):
        """Everything that this session left behind, in the outcome."""
        outcome = self.outcome
        self.content.conclude()
        outcome.refused_here = self.receiver.refused_count
        outcome.waiting_here = self.handle.weaver.waiting()
        outcome.damaged_here = self.handle.weaver.withheld()
        own = self.node.identity.public
        if own in outcome.forks or own in self.sender.skipped or self._refused_unnamed:
            # Behind the last that the peer has acknowledged of our chain nothing is known to be there.
            known = length_up_to(self.handle.store, own, self.handle.files.holdings.holds_items(self.peer.key))
            outcome.unheld = self.handle.store.chain(own)[0] - known
        outcome.ended = True
        if outcome.has_all_of(own):
            self.node.caught_up(self.handle)

    def _check_allowed(self):
        if not (self._refill and self.peer.refills(self.handle)):
            self.peer.check_allowed(self.handle)

    def in_step(self):
        """True when both sides have everything that the other had at the beginning (live sessions stay there)."""
        return self._done_heard and self._done_told and self.content.told and self._content_is_settled()

    def ending(self):
        """True when everything is said, and only the end of the stream has to go to and fro."""
        return self._finishing

    def _content_is_settled(self):
        """A side that was sent nothing and wants nothing says nothing about content."""
        return self.content.heard is not None or (self._sent_count == 0 and not self.content.awaited)

    # -- receiving ---------------------------------------------------------------------------------------------

    def _receive(self):
        receiver = self.receiver
        now_ms = self.peer.wall_ms()
        moved = False
        if receiver.busy():
            moved = receiver.take_large(now_ms)
        for _ in range(_FRAMES_AT_ONCE):
            frame = None if receiver.busy() else self.frames.poll()
            if frame is None:
                break
            moved = True
            payload = None if isinstance(frame, Large) else held(frame, ITEM_KEY)
            if payload is None:
                self._ingest(now_ms)  # what came before it counts before it
                self._take(frame)
            elif self._shown is not None:
                receiver.take_evidence(payload, self._shown)
                self._shown = None
            elif self._expects_items() and receiver.add(payload) >= self.peer.options.verify_batch:
                break
        return self._ingest(now_ms, moved) or moved

    def _take(self, frame):
        if isinstance(frame, Large):
            self._begin_large(frame)
        else:
            self._message(NanoFrame.decode(frame))

    def _ingest(self, now_ms, more=False):
        """True when something waited to be ingested."""
        if not self.receiver.waiting():
            return False
        self._check_allowed()
        self.receiver.ingest(now_ms, more)
        self.peer.commit_due()
        return True

    def _expects_items(self):
        if self.exchange.done():
            if self._their_sent is not None and not self.exchange.live:
                raise ProtocolError("an intention after the last one was announced")
            return True
        if self._retrying:
            return False  # sent before our Retry arrived
        raise ProtocolError("an intention before the tips were compared")

    def _begin_large(self, frame):
        shown, self._shown = self._shown, None
        if frame.name != ITEM or not (self.exchange.done() and (shown or self._expects_items())):
            raise ProtocolError("a large %s that was not expected" % frame.name)
        self._check_allowed()
        self.receiver.begin_large(frame.size, shown)

    def _message(self, frame):
        for name in frame:
            break
        else:
            raise ProtocolError("an empty or unknown message")
        body = frame[name]
        if name == "refusal":
            raise RefusedByPeer(cut(body["words"], WORDS_BYTES) or "the peer refused without a reason")
        if name in _RECONCILE:
            self._reconcile(frame)
        elif not self.exchange.done():
            if not self._retrying:
                raise ProtocolError("%s before the tips were compared" % name)
        elif name == "sent":
            self.outcome.withheld = body["withheld"]
            self._hear_sent(body["count"])
        elif name == "durable":
            self.sender.acknowledged(body["count"])
        elif name == "done":
            self._hear_done(body["count"], body["whole"])
        elif name == "item_refused":
            self._hear_refused(body)
        elif name == "waiting":
            self.outcome.waiting_there = _heard_waiting(body)
        elif name == "content":
            self.content.hear(body, self._frozen, not self._refused)
        else:
            raise ProtocolError("%s on a sync stream" % name)

    def _hear_sent(self, count):
        if self._their_sent is not None or count != self.receiver.count:
            raise ProtocolError("%d intentions announced, %d received" % (count, self.receiver.count))
        self._their_sent = count
        if not self.outcome.forks:
            self.outcome.not_sent = max(self._missing - count - self.outcome.withheld, 0)
        self._note_held()

    def _hear_done(self, count, whole):
        if not self._sent_count or count != self._sent_count or self._done_heard:
            raise ProtocolError("%d intentions done, %s sent" % (count, self._sent_count))
        self._done_heard = True
        self.sender.acknowledged(max(self.sender.durable, count))
        if whole:
            self.content.hear_whole(self._frozen, not self._refused)
        self._note_held()

    def _note_held(self):
        """Once each side has said what it refuses: the peer holds all we had, and all that it sent us since."""
        if self._refused or not self._done_heard or self._their_sent is None:
            return
        sequence = self._frozen
        while self.receiver.ranges.end_of(sequence + 1):
            sequence = self.receiver.ranges.end_of(sequence + 1)
        self.outcome.held = sequence
        self.handle.files.holdings.acknowledged(self.peer.key, sequence)

    def _hear_refused(self, body):
        self._refused = True
        if len(body["author"]) == 32:
            self.sender.skip(body["author"])
            if body["fork"]:
                self._note_fork(body["author"])
                if body["shown"]:
                    self._shown = body["author"]
                return
        else:
            self._refused_unnamed = True
        self.outcome.refused_there += self._rest_of_chain(body["hash"], body["author"])
        self.handle.weaver.check_signature(body["hash"])  # the peer may have been shown what is damaged here
        if body["no_room"]:
            self.outcome.unfit_count += 1
        self.peer.progress.note_refused(body["hash"], body["author"], cut(body["reason"], REASON_BYTES), True)

    def _rest_of_chain(self, hash, author):
        """How many of what we hold are a refused intention and what follows it in its chain, at least 1."""
        store = self.handle.weaver.store
        sequence = store.witness_sequence(hash)
        if not sequence or store.witness_author(sequence) != author:
            return 1
        return store.chain(author)[0] - length_up_to(store, author, sequence) + 1

    # -- reconciliation ----------------------------------------------------------------------------------------

    def _agreed(self, author):
        """How many of an author's intentions the peer has acknowledged before: sequences rise along a chain."""
        return length_up_to(self.handle.weaver.store, author, self._agreed_at)

    def _freeze(self):
        """What the tips tell the peer is durable, and nothing later counts."""
        self.handle.weaver.note_suspects()
        self.peer.commit()
        self._frozen = self.handle.weaver.store.count

    def _reconcile(self, frame):
        if "open" in frame or "retry" in frame:
            self._freeze()
            if self._done_told or self._done_heard:
                raise ProtocolError("the exchange begins anew after it was over")
            self._sent_count = self._their_sent = None
            self._retrying = False
        replies = self.exchange.receive(frame)
        self._post(replies)
        if self.exchange.done():
            self._begin_items()
        elif any("retry" in reply for reply in replies):
            self._retrying = True

    def _begin_items(self):
        self.receiver.begin()
        if self.exchange.peer_is_ahead(self.node.identity.public):
            self.handle.weaver.others_are_ahead()
            self.peer.commit()  # before anything comes: a sync that is cut leaves the chain where it must not grow
        plan = self.exchange.plan(self.peer.device is not None)
        if self._refill:
            self.sender.withheld = sum([self.handle.weaver.held(author)[0] - plan[author] for author in plan])
            plan = {}
        self.sender.begin(plan, self._frozen)
        for author in self.exchange.forks():
            self._refused = True  # nor does the peer hold our branch
            self._note_fork(author)
        self._missing = self.exchange.missing()
        self.exchange.forget()
        self.peer.progress.expected_intentions += self._missing
        if self.exchange.state == tips.EQUAL:
            self._sent_count = self._their_sent = 0
            self._done_told = self._done_heard = True
            self._tell_waiting()
            self._note_held()

    def _note_fork(self, author):
        """The peer is told once, and is shown the tip of our branch: it then knows the fork for certain, and the author
        itself learns that its chain goes on elsewhere."""
        if not self.outcome.note_fork(author) or self._finishing:
            return
        weaver = self.handle.weaver
        length, tip = weaver.held(author)
        item = weaver.read(tip) if length else None
        if item is None or self._refill or (weaver.knows_fork(author) and author != self.peer.key):
            self.frames.post({"item_refused": {"author": author, "fork": True}})
            return
        self.frames.post({"item_refused": {"author": author, "fork": True, "shown": True}})
        self.frames.post_bulk(ITEM_KEY, item.signature, item.body)

    def _tell_waiting(self):
        """What is held here and cannot be taken in yet: its authors' other nodes would not hear of it."""
        if self.handle.weaver.floating_count and not self._refill:
            waiting = [
                author + count.to_bytes(4, "little") + size.to_bytes(8, "little") + blocker
                for author, count, size, blocker in self.handle.weaver.waiting()
            ]
            self.frames.post({"waiting": b"".join(waiting)})

    def _post(self, frames):
        for frame in frames:
            self.frames.post(frame)

    # -- sending -----------------------------------------------------------------------------------------------

    def _send(self):
        if self.exchange.done() and self._has_items():
            self._check_allowed()  # asked each time: it may have been revoked since the opening
        moved = self.frames.flush()
        if self.exchange.done() and not self._finishing:
            if self._sent_count is None:
                if self.sender.produce():
                    self._sent_count = self.sender.count
                    self._done_heard = self._sent_count == 0  # there is nothing to acknowledge
                    self._note_held()
                    withheld = self.sender.withheld + self.handle.weaver.withheld()
                    self.frames.post({"sent": {"count": self._sent_count, "withheld": withheld}})
            elif self.exchange.live and not self._refill:
                self.sender.push(self.receiver.ranges, self.peer.durable_count(self.handle))
            self._acknowledge()
            if self._done_told:
                self._pull()
            self._finish()
            moved = self.frames.flush() or moved
        return moved

    def _has_items(self):
        """True when intentions wait to be sent."""
        if self._sent_count is None:
            return True
        if self.frames.queued():
            return True
        return self.exchange.live and not self._refill and self.sender.cursor < self.peer.durable_count(self.handle)

    def _acknowledge(self):
        receiver = self.receiver
        if receiver.busy():
            return
        if not self._done_told and self._their_sent is not None:
            self._tell_done()
        elif receiver.count > self._durable_told and self.node.durable(receiver.ticket) and not self._unread():
            self._durable_told = receiver.count
            self.frames.post({"durable": {"count": receiver.count}})

    def _unread(self):
        """True when the peer has not read what it was told: counts of what is durable then wait, the last says all."""
        return self.frames.queued() >= self.sender.queue_limit + _QUEUED

    def _tell_done(self):
        receiver = self.receiver
        if not self.node.durable(receiver.ticket):
            self.peer.commit()
        self._done_told = True
        self._durable_told = receiver.count
        self._tell_waiting()
        if receiver.count:
            whole = not self.peer.lacks(self.handle)
            self.content.told = whole
            self.frames.post({"done": {"count": receiver.count, "whole": whole}})

    def _pull(self):
        if not self._refill:
            self.content.pull(self._durable_told)
        elif not self.content.told:
            self.content.told = True
            if self.receiver.count:
                self.frames.post({"content": {"done": True, "missing": 1}})  # none was looked for

    def _finish(self):
        if self.content.puller is not None or not self.content.told:
            return
        if not self._done_told or self._sent_count is None:
            return
        if self.exchange.live and not (self.stopping or self.frames.ended):
            return
        self._finishing = True
        self.frames.finish()

    # -- the end -----------------------------------------------------------------------------------------------

    def _over(self):
        if self.frames.ended and not (self._done_heard and self._content_is_settled()):
            raise ProtocolError("the peer ended the stream before it acknowledged what it got")
        stream = self.frames.stream
        if stream.error is not None:
            raise StreamLost(stream.error)
        return self._finishing and self.frames.ended and not self.frames.queued() and stream.finished()


def _heard_waiting(data):
    """[(author, intentions, bytes, hash), …] of a `waiting` message: 32, 4, 8 and 32 bytes each."""
    if len(data) % _WAITING_BYTES:
        raise ProtocolError("a list of what waits that is cut off")
    found = []
    for at in range(0, len(data), _WAITING_BYTES):
        count = int.from_bytes(bytes(data[at + 32 : at + 36]), "little")
        size = int.from_bytes(bytes(data[at + 36 : at + 44]), "little")
        found.append((bytes(data[at : at + 32]), count, size, bytes(data[at + 44 : at + 76])))
    return found
