"""The one way in for the intentions that a peer sends, whoever it is: items of a Nano peer, answers of the reference
and pages of its bootstrap. It verifies, ingests, counts and rolls back.

Three rules stand here and nowhere else:

- `Peer.enter` comes before each write: after any commit the open transaction belongs to nobody, and what one peer has
  sent must never be rolled back with what another one sends.
- Whether a full medium left half a change is asked of the weaver (`unfinished`), not of the store: the store may hold
  an intention since long (it floated), and may not hold the first half of a change that does not begin with it.
- What is half done is rolled back with all that this peer sent since the last commit, and the session ends; who waits
  for an acknowledgement learns it from its ticket. What may not fit is therefore committed apart from what came before.
"""

from ...compat import const
from ...errors import StorageFull
from ...limits import ROWS_TO_OPS
from ...model import intention as intentions
from ...weaver.weaver import DROPPED, DUPLICATE, REFUSED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ...model.intention import Intention
    from ...node.replica import Replica
    from .peer import Peer

_FEW_BYTES = const(4096)  # ops that cannot make rows without end


class Intake:
    """Takes intentions into one store. Whom it refuses what is its caller's."""

    def __init__(self, peer: "Peer", handle: "Replica"):
        self.peer = peer
        self.node = peer.node
        self.weaver = handle.weaver
        self.storage = handle.weaver.storage
        self.new = 0  # taken and not known before
        self._room_made = False  # set by the first that finds no room
        self._verify_begin = getattr(peer.node.crypto, "ed25519_verify_begin", None)

    # -- verify ------------------------------------------------------------------------------------------------

    def verified(self, items: "Sequence[Intention]") -> "Sequence[bool]":
        """Whose signatures are good, in the order of `items`."""
        return self.node.crypto.ed25519_verify_many(_signed(items))

    def verify_meanwhile(self, items: "Sequence[Intention]"):
        """The same on the platform's other cores: an object whose `result()` waits; None where there are none."""
        return None if self._verify_begin is None else self._verify_begin(_signed(items))

    # -- ingest ------------------------------------------------------------------------------------------------

    def take(self, item: "Intention", verified: bool) -> "tuple[int, str]":
        """(outcome, reason): one of the weaver's outcomes, and in words why it was REFUSED, or DROPPED for want of
        room. StorageError when the medium failed and something before it was lost with it."""
        now_ms = self.peer.wall_ms()
        alone = item.ops_size > _FEW_BYTES and item.ops_size * ROWS_TO_OPS > self.storage.room()
        if alone and self.storage.pending():
            self.node.journal.commit(now_ms)  # it may not fit, and then takes nothing else with it
        self.peer.enter()
        try:
            outcome = self.weaver.ingest(item, now_ms, verified, True)
        except StorageFull:
            if self.weaver.unfinished:
                self.node.journal.rollback()
                if not alone:
                    raise
            elif self.make_room():
                return self.take(item, verified)
            size, room = item.body.size, self.storage.room()
            return DROPPED, "there is no room for it: it has %d bytes, %d are left" % (size, room)
        if outcome == DROPPED:
            return outcome, "there is no room for what waits for others"
        if outcome == REFUSED:
            return outcome, self.weaver.refused(item.hash) or "it was refused"
        if outcome != DUPLICATE:
            self.new += 1
            self.peer.progress.received_intentions += 1
        return outcome, ""

    def take_evidence(self, item: "Intention") -> None:
        """An intention that shows where another branch of its author's chain ends. It is not stored."""
        if intentions.verify(self.node.crypto, item):
            self.peer.enter()
            self.weaver.take_evidence(item)

    def make_room(self) -> bool:
        """Content that nothing names any more gives way, once in a session. True when it did."""
        made = self._room_made
        self._room_made = True
        return not made and self.node.make_room()


def _signed(items):
    return [(item.author, item.hash, item.signature) for item in items]
