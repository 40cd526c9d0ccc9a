"""One store with one Nano peer over one stream: tips, then intentions both ways, then what each side must still pull.

The order on each direction (docs/protocol.md, "Nano streams"): reconciliation; items, then Sent; Done when everything
the other has sent is durable here; Content when the content it names was pulled, as far as the peer holds it; FIN.
Where each half stands is one state, and what may happen there is a row of session_states.py.
"""

from ...compat import const
from ...errors import LatticeError, ProtocolError, Refused, RefusedByPeer
from ...text import cut
from ...wire.nano_messages import ITEM_KEY, REASON_BYTES, WORDS_BYTES, NanoFrame
from ..common.outcome import Outcome
from ..common.tasks import StreamLost
from . import session_states as states
from . import tips
from .content import Content
from .items import ItemReceiver, ItemSender
from .message_stream import ITEM, Large
from .session_states import RECEIVING, SENDING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable

    from ...node.replica import Replica
    from .message_stream import MessageStream
    from .peer import NanoPeer

_FRAMES_AT_ONCE = const(512)  # of one stream before the others have their turn
_QUEUED = const(16)  # items prepared for sending; a computer prepares as many as it verifies together
_WAITING_BYTES = const(76)
_RECONCILE = ("open", "tips", "equal", "retry")


class StoreSession:
    """Runs as one task: `run()` by the side that opens, `run(open message)` by the other.

    `sending` and `receiving` say where the two halves stand. Only `_event` changes them.
    """

    def __init__(self, peer: "NanoPeer", handle: "Replica", frames: "MessageStream", initiator: bool, live: bool):
        self.peer = peer
        self.node = peer.node
        self.handle = handle
        self.frames = frames
        self.initiator = initiator
        self.outcome = Outcome(handle)
        self.sending = states.COMPARING
        self.receiving = states.COMPARING
        self._agreed_at = handle.holdings.holds_items(peer.key)
        agreed = self._agreed if self._agreed_at else None  # a hint
        strangers = peer.options.chains
        root_id = handle.parent or b""
        self.exchange = tips.Exchange(
            handle.weaver, peer.node.crypto, handle.id, initiator, live, agreed, strangers, root_id
        )
        self.sender = ItemSender(handle.weaver, frames, peer.progress, max(_QUEUED, peer.options.verify_batch))
        self.receiver = ItemReceiver(peer, handle, frames)
        self.content = Content(peer, handle, frames, self.outcome)
        self._set_fills(peer.fills(handle))  # we only take, until the list admits the peer: see `Members.may_fill`
        self.stopping = False  # set by whoever ends a live session: `NanoPeer.stop`
        self._refill = not initiator and peer.refills(handle)  # we take and give nothing: see `Peer.refills`
        self._gives_nothing = False
        self._frozen = 0  # our witness sequence when the tips were taken
        self._missing = 0  # intentions that the peer had and we lacked, as far as the tips say
        self._sent_count = 0  # what our Sent announced
        self._durable_told = 0  # items received of which the peer knows that they are durable
        self._looked_at = -1  # `_durable_told` when it was last asked what content is lacking
        self._refused_unnamed = False  # something large, of an author that the peer has not read
        self._shown = None  # whose branch the next item is evidence of. Set by ItemRefused, cleared by the next item

    def run(self, opened: "dict | None" = None) -> "Generator[None, int, Outcome]":
        """Task: returns the Outcome. RefusedByPeer, ProtocolError, StorageError or StreamLost when it ends early."""
        if self.node.tree.get(self.handle.id) is not self.handle:
            raise Refused("%s was closed meanwhile" % self.handle.label(), "not_open")
        self.node.tree.use(self.handle)
        try:
            if opened is None:
                self._freeze()
                self._post(self.exchange.start())
            else:
                self._reconcile({"open": opened})
            while True:
                moved = self._receive()
                moved = self._send() or moved
                moved = self._hear_end() or moved
                if self._over():
                    break
                if moved:
                    self.peer.moved()
                elif not self.rests():
                    self.peer.check_silence()
                yield
        except LatticeError:
            if self.initiator and self.frames.stream.error is None:
                self.frames.stream.reset()  # nobody is left to go on with it
            raise
        finally:
            self.node.tree.release(self.handle)
            self.receiver.close()
            self.content.close()
        self._conclude()
        return self.outcome

    def _conclude(self) -> None:
        """Puts everything that this session left behind into the outcome."""
        outcome = self.outcome
        self.content.conclude()
        outcome.refused_here = self.receiver.refused_count
        outcome.waiting_here = self.handle.weaver.waiting()
        outcome.damaged_here = self.handle.weaver.withheld()
        own = self.node.identity.public
        if own in outcome.forks or own in self.sender.skipped or self._refused_unnamed:
            # Behind the last that the peer has acknowledged of our chain nothing is known to be there.
            known = self.handle.store.length_at(own, self.handle.holdings.holds_items(self.peer.key))
            outcome.unheld = self.handle.store.chain(own)[0] - known
        outcome.ended = True
        if outcome.has_all_of(own):
            self.node.caught_up(self.handle)

    def _check_takes(self) -> None:
        if not (self._refill and self.peer.refills(self.handle)):
            self.peer.check_takes(self.handle)

    def _check_gives(self) -> None:
        if self._gives_nothing:
            self._check_takes()
        else:
            self.peer.check_allowed(self.handle)

    def _takes_only(self) -> bool:
        return self._refill or self._fills

    def _look_at_list(self) -> None:
        """What has come may have changed whether the peer is in the list."""
        fills = self.peer.fills(self.handle)
        if self._fills and not fills:
            self.outcome.again = self.receiver.refused_count > 0  # what came before it was
        self._set_fills(fills)

    def _set_fills(self, fills: bool) -> None:
        self._fills = fills
        self.receiver.vetting = self.handle if fills else None

    # -- states ------------------------------------------------------------------------------------------------

    def _event(self, half: str, event: str, value=None) -> None:
        """Runs one row. ProtocolError when the event breaks the rules."""
        state = self.sending if half == SENDING else self.receiving
        row = states.row(half, state, event)
        if row is None:
            raise ProtocolError("'%s' of a peer that is '%s' here breaks the rules" % (event, state))
        action, following = row
        if half == SENDING:
            self.sending = following
        else:
            self.receiving = following
        if action:
            getattr(self, action)(value)

    def in_step(self) -> bool:
        """True when both sides have everything that the other had at the beginning (live sessions stay there)."""
        return states.joint(self.sending, self.receiving) in states.SETTLED

    def rests(self) -> bool:
        """True while nothing is awaited: a live session that is in step. One that is not live is to be ended by both
        sides, and who does not is silent."""
        return self.exchange.live and self.in_step()

    def ending(self) -> bool:
        """True when everything is said, and only the end of the stream has to go to and fro."""
        return self.receiving == states.FINISHED

    # -- receiving ---------------------------------------------------------------------------------------------

    def _receive(self) -> bool:
        receiver = self.receiver
        moved = False
        if receiver.busy():
            moved = receiver.take_large()
        for _ in range(_FRAMES_AT_ONCE):
            frame = None if receiver.busy() else self.frames.poll()
            if frame is None:
                break
            moved = True
            if not isinstance(frame, str):
                self._ingest()  # what came before it counts before it
                self._take(frame)
            elif frame != ITEM:
                raise ProtocolError("a %s on a sync stream" % frame)
            elif self._shown is not None:
                receiver.take_evidence(self._shown)
                self._shown = None
            elif self._takes_item() and receiver.add() >= self.peer.options.verify_batch:
                break
        return self._ingest(moved) or moved

    def _take(self, frame: "bytes | Large") -> None:
        if isinstance(frame, Large):
            self._begin_large(frame)
        else:
            self._message(NanoFrame.decode(frame))

    def _ingest(self, more: bool = False) -> bool:
        """True when something waited to be ingested."""
        if not self.receiver.waiting():
            return False
        self._check_takes()
        self.receiver.ingest(more)
        self._look_at_list()
        self.peer.commit_due()
        return True

    def _takes_item(self) -> bool:
        """False for an item that is passed over."""
        self._event(RECEIVING, states.ITEM)
        return self.receiving != states.RETRYING

    def _check_live(self, _=None) -> None:
        if not self.exchange.live:
            raise ProtocolError("an intention after the last one was announced")

    def _begin_large(self, frame: Large) -> None:
        shown, self._shown = self._shown, None
        if frame.name != ITEM:
            raise ProtocolError("a large %s that was not expected" % frame.name)
        passed_over = shown is None and not self._takes_item()
        self._check_takes()
        self.receiver.begin_large(frame.size, shown, passed_over)

    def _message(self, frame: dict) -> None:
        for name in frame:
            break
        else:
            raise ProtocolError("an empty or unknown message")
        body = frame[name]
        if name == "refusal":
            raise RefusedByPeer(cut(body["words"], WORDS_BYTES) or "the peer refused without a reason")
        if name in _RECONCILE:
            self._reconcile(frame)
        elif self.receiving == states.RETRYING:
            pass  # the peer sent it before our Retry arrived
        elif self.receiving == states.COMPARING:
            raise ProtocolError("%s before the tips were compared" % name)
        elif name == "sent":
            self._event(RECEIVING, states.ALL, body)
        elif name == "durable":
            self.sender.acknowledged(body["count"])
        elif name == "done":
            self._event(SENDING, states.WHOLE_DONE if body["whole"] else states.DONE, body)
        elif name == "item_refused":
            self._hear_refused(body)
        elif name == "waiting":
            self.outcome.waiting_there = _heard_waiting(body)
        elif name == "content":
            self._event(SENDING, states.CONTENT if body["done"] else states.PULLS, body)
        else:
            raise ProtocolError("%s on a sync stream" % name)

    def _hear_sent(self, body: dict) -> None:
        count = body["count"]
        if count != self.receiver.count:
            raise ProtocolError("%d intentions announced, %d received" % (count, self.receiver.count))
        self.outcome.withheld = body["withheld"]
        if not self.outcome.forks:
            self.outcome.not_sent = max(self._missing - count - self.outcome.withheld, 0)
        self._note_held()

    def _hear_done(self, body: dict) -> None:
        count = body["count"]
        if count != self._sent_count:
            raise ProtocolError("%d intentions done, %d sent" % (count, self._sent_count))
        self.sender.acknowledged(max(self.sender.durable, count))
        if body["whole"]:
            self.content.hear(None, self._frozen, self._nothing_refused())
        self._note_held()

    def _hear_pulls(self, body: dict) -> None:
        self.content.hear_pulls(body)

    def _hear_content(self, body: dict) -> None:
        self.content.hear(body, self._frozen, self._nothing_refused())

    def _nothing_refused(self) -> bool:
        """True as long as the peer has refused nothing that we hold, and got all that it may have."""
        return not (self.outcome.refused_there or self.outcome.forks or self.sender.withheld)

    def _note_held(self) -> None:
        """Once each side has said what it refuses: the peer holds all we had, and all that it sent us since."""
        if not (self._nothing_refused() and self.sending in states.HELD and self.receiving in states.HEARD):
            return
        sequence = self._frozen
        while self.receiver.ranges.end_of(sequence + 1):
            sequence = self.receiver.ranges.end_of(sequence + 1)
        self.outcome.held = sequence
        self.peer.enter()
        self.handle.holdings.acknowledged(self.peer.key, sequence)

    def _hear_refused(self, body: dict) -> None:
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
        self.peer.enter()
        self.handle.weaver.check_signature(body["hash"])  # the peer may have been shown what is damaged here
        if body["no_room"]:
            self.outcome.unfit_count += 1
        self.peer.progress.note_refused(body["hash"], body["author"], cut(body["reason"], REASON_BYTES), True)

    def _rest_of_chain(self, hash: bytes, author: bytes) -> int:
        """How many of what we hold are a refused intention and what follows it in its chain, at least 1."""
        store = self.handle.weaver.store
        found = store.position(hash)
        if found is None or found[0] != author:
            return 1
        return store.chain(author)[0] - found[1] + 1

    # -- reconciliation ----------------------------------------------------------------------------------------

    def _agreed(self, author: bytes) -> int:
        """How many of an author's intentions the peer has acknowledged before: sequences rise along a chain."""
        return self.handle.weaver.store.length_at(author, self._agreed_at)

    def _freeze(self) -> None:
        """What the tips tell the peer is durable, and nothing later counts."""
        self.handle.weaver.note_suspects()
        self.peer.commit()
        self._frozen = self.handle.weaver.store.count

    def _reconcile(self, frame: dict) -> None:
        if "open" in frame or "retry" in frame:
            self._freeze()
            self._event(SENDING, states.RESTART)
            self._event(RECEIVING, states.RESTART)
        replies = self.exchange.receive(frame)
        self._post(replies)
        if self.exchange.done():
            self._begin_items()
        elif any("retry" in reply for reply in replies):
            self._event(RECEIVING, states.RETRY)

    def _begin_items(self) -> None:
        self.receiver.begin()
        if self.exchange.peer_is_ahead(self.node.identity.public):
            self.peer.enter()
            self.handle.weaver.others_are_ahead()
            self.peer.commit()  # before anything comes: a sync that is cut leaves the chain where it must not grow
        plan = self.exchange.plan(self.peer.device is not None)
        if self._takes_only():
            self.sender.withheld = sum([self.handle.weaver.held(author)[0] - plan[author] for author in plan])
            plan = {}
        self._gives_nothing = not plan
        self.sender.begin(plan, self._frozen)
        for author in self.exchange.forks():
            self._note_fork(author)
        self._missing = self.exchange.missing()
        self.exchange.forget()
        self.peer.progress.expected_intentions += self._missing
        compared = states.EQUAL if self.exchange.state == tips.EQUAL else states.PLANNED
        self._event(SENDING, compared)
        self._event(RECEIVING, compared)
        self._note_held()

    def _note_fork(self, author: bytes) -> None:
        """The peer is told once, and is shown the tip of our branch: it then knows the fork for certain, and the author
        itself learns that its chain goes on elsewhere."""
        if not self.outcome.note_fork(author) or self.receiving == states.FINISHED:
            return
        weaver = self.handle.weaver
        length, tip = weaver.held(author)
        item = weaver.read(tip) if length else None
        if item is None or self._takes_only() or (weaver.knows_fork(author) and author != self.peer.key):
            self.frames.post({"item_refused": {"author": author, "fork": True}})
            return
        self.frames.post({"item_refused": {"author": author, "fork": True, "shown": True}})
        self.frames.post_bulk(ITEM_KEY, item.signature, item.body)

    def _post(self, frames: "Iterable[dict]") -> None:
        for frame in frames:
            self.frames.post(frame)

    # -- sending -----------------------------------------------------------------------------------------------

    def _send(self) -> bool:
        if self.sending == states.COMPARING:
            return self.frames.flush()
        if self._has_items():
            self._check_gives()  # asked each time: it may have been revoked since the opening
        moved = self.frames.flush()
        if self.receiving != states.FINISHED:
            self._give()
            self._acknowledge()
            self._look()
            self._finish()
            moved = self.frames.flush() or moved
        return moved

    def _has_items(self) -> bool:
        """True when intentions wait to be sent."""
        if self.sending == states.GIVING or self.frames.queued():
            return True
        return self._pushes() and self.sender.cursor < self.peer.durable_count(self.handle)

    def _pushes(self) -> bool:
        """True when what is witnessed from now on is sent too."""
        return self.exchange.live and not self._takes_only()

    def _give(self) -> None:
        if self.sending == states.GIVING:
            if self.sender.produce():
                self._event(SENDING, states.GIVEN if self.sender.count else states.NOTHING)
        elif self._pushes():
            self.sender.push(self.receiver.ranges, self.peer.durable_count(self.handle))

    def _say_sent(self, _=None) -> None:
        self._sent_count = self.sender.count
        self._note_held()
        withheld = self.sender.withheld + self.handle.weaver.withheld()
        self.frames.post({"sent": {"count": self._sent_count, "withheld": withheld}})

    def _acknowledge(self) -> None:
        receiver = self.receiver
        if receiver.busy():
            return
        if self.receiving == states.STORING:
            if not self.node.journal.durable(receiver.ticket):
                self.peer.commit()
            self._event(RECEIVING, states.DURABLE)
        elif receiver.count > self._durable_told and self.node.journal.durable(receiver.ticket) and not self._unread():
            self._durable_told = receiver.count
            self.frames.post({"durable": {"count": receiver.count}})

    def _unread(self) -> bool:
        """True when the peer has not read what it was told: counts of what is durable then wait, the last says all."""
        return self.frames.queued() >= self.sender.queue_limit + _QUEUED

    def _say_done(self, _=None) -> None:
        count = self._durable_told = self.receiver.count
        self._say_waiting()
        if count:
            self.frames.post({"done": {"count": count, "whole": not self.peer.lacks(self.handle)}})

    def _say_waiting(self, _=None) -> None:
        """What is held here and cannot be taken in yet: its authors' other nodes would not hear of it."""
        if self.handle.weaver.floating_count and not self._takes_only():
            waiting = [
                author + count.to_bytes(4, "little") + size.to_bytes(8, "little") + blocker
                for author, count, size, blocker in self.handle.weaver.waiting()
            ]
            self.frames.post({"waiting": b"".join(waiting)})

    def _look(self) -> None:
        """Pulls content once the intentions that name it are durable."""
        if self.content.pulled():
            self._event(RECEIVING, states.PULLED)
        if self._takes_only():
            if self.receiving == states.LOOKING:
                self._event(RECEIVING, states.UNLOOKED)
        elif self.receiving in states.IDLE and self._looked_at < self._durable_told:
            self._looked_at = self._durable_told
            self._event(RECEIVING, states.LACKING if self.peer.lacks(self.handle) else states.WHOLE)

    def _begin_pull(self, _=None) -> None:
        self.content.begin()

    def _end_pull(self, _=None) -> None:
        self.content.end()

    def _say_unlooked(self, _=None) -> None:
        if self.receiver.count:
            self.frames.post({"content": {"done": True, "missing": 1}})  # none was looked for

    # -- the end -----------------------------------------------------------------------------------------------

    def _finish(self) -> None:
        if self.receiving == states.COMPLETE:
            both = states.joint(self.sending, self.receiving)
            stays = self.exchange.live and not self.stopping
            if both == states.LEFT or (both != states.UNDER_WAY and not stays):
                self._event(RECEIVING, states.FINISH)

    def _say_fin(self, _=None) -> None:
        self.frames.finish()

    def _hear_end(self) -> bool:
        """True when the peer's direction has ended now."""
        heard = self.frames.ended and self.sending != states.ENDED
        if heard:
            if states.row(SENDING, self.sending, states.FIN) is None:
                raise ProtocolError("the peer ended the stream before it acknowledged what it got")
            self._event(SENDING, states.FIN)
        if self.frames.stream.error is not None:
            raise StreamLost(self.frames.stream.error)
        return heard

    def _over(self) -> bool:
        both = states.joint(self.sending, self.receiving)
        return both == states.OVER and not self.frames.queued() and self.frames.stream.finished()


def _heard_waiting(data: bytes) -> list:
    """[(author, intentions, bytes, hash), …] of a `waiting` message: 32, 4, 8 and 32 bytes each."""
    if len(data) % _WAITING_BYTES:
        raise ProtocolError("a list of what waits that is cut off")
    found = []
    for at in range(0, len(data), _WAITING_BYTES):
        count = int.from_bytes(bytes(data[at + 32 : at + 36]), "little")
        size = int.from_bytes(bytes(data[at + 36 : at + 44]), "little")
        found.append((bytes(data[at : at + 32]), count, size, bytes(data[at + 44 : at + 76])))
    return found
