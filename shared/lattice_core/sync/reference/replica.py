"""A store as `lattice-sync/1` sees it: the set that is reconciled, and the way in for what a peer sends."""

from ...compat import const
from ...errors import ProtocolError
from ...model import intention as intentions
from ...weaver.weaver import DROPPED, REFUSED
from ..common.intake import Intake

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ...model.intention import Intention

_ASKED_BEFORE_CHECK = const(16)
_NAMED = const(32)


class ReferenceReplica:
    """The witnessed intentions of one store. `peer` is a connection's driver (peer.Peer)."""

    def __init__(self, peer, handle):
        self.peer = peer
        self.handle = handle
        self.weaver = handle.weaver
        self.intake = Intake(peer, handle)
        store = handle.weaver.store
        self.range_summary = store.range_summary
        self.range_hashes = store.range_hashes
        identity = getattr(peer.node, "identity", None)  # the node of a checker has none
        self._own = None if identity is None else identity.public
        self._asked = 0
        self.held_back = 0  # not taken for want of room
        self.bad = 0  # entries that are no intention
        self.refused = 0  # not taken, or not even asked for, for what they are
        self.oldest_given = None  # of what the peer asked for: the smallest sequence of our log
        self._wished = set()  # hashes asked for
        self._no_room = []  # (hash, author) of those held back

    def get(self, hash):
        """The intention with this hash, to be sent, or None. Refused once the peer may have no more: an answer can be
        long, and it may be revoked meanwhile."""
        if self._asked % _ASKED_BEFORE_CHECK == 0:
            self.peer.check_allowed(self.handle)
        self._asked += 1
        sequence = self.weaver.store.witness_sequence(hash)
        if sequence and (self.oldest_given is None or sequence < self.oldest_given):
            self.oldest_given = sequence
        return self.weaver.read(hash)

    def commit(self):
        """Makes durable what the next message tells."""
        self.peer.commit()

    def wanted(self, hash):
        """False for what a fetch would bring in vain."""
        if self.weaver.store.witness_sequence(hash):
            return False
        if self.weaver.refuses(hash):
            self.refused += 1
            return False
        self._wished.add(hash)
        return True

    def all_came(self):
        """True when everything that was asked for is witnessed here."""
        return all(self.weaver.store.witness_sequence(hash) for hash in self._wished)

    def short(self):
        """True when something that the peer has handed over is not stored here."""
        return self.held_back > 0 or self.refused > 0

    def take(self, entries):
        """Ingests the SignedIntentions of an answer, each by itself; what cannot be read is skipped. Returns how many
        are stored, duplicates too."""
        return self.take_parsed(self.parsed(entries))

    def parsed(self, entries):
        items = []
        for entry in entries:
            try:
                items.append(parse(self.peer.node.crypto, entry))
            except ProtocolError:
                self.bad += 1
        return items

    def take_parsed(self, items: "list[Intention]") -> int:
        """Verifies and ingests intentions that the peer holds. Refused when it may not (or no longer) send any."""
        self.peer.check_allowed(self.handle)
        stored = 0
        for item, good in zip(items, self.intake.verified(items)):
            stored += self.ingest(item, good)
        self.peer.commit_due()
        return stored

    def ingest(self, item: "Intention", verified: bool) -> int:
        """1 when the intention is stored now, 0 when not."""
        self.peer.progress.received_bytes += item.body.size
        before = self.intake.new
        outcome, reason = self.intake.take(item, verified)
        if outcome == DROPPED:
            self.held_back += 1
            if len(self._no_room) < _NAMED:
                self._no_room.append((item.hash, item.author))
        elif outcome == REFUSED:
            self.refused += 1
            self.peer.progress.note_refused(item.hash, item.author, reason, False)
        elif self.intake.new > before and item.author == self._own:
            self.weaver.others_are_ahead()  # until a sync has brought all of it
        return 0 if reason else 1

    @property
    def new(self) -> int:
        """How many were taken and not known before."""
        return self.intake.new

    def tell_held_back(self):
        """Notes what found no room, once it is clear that it does not come in another way."""
        for hash, author in self._no_room:
            if not self.weaver.store.has(hash):
                self.peer.progress.note_refused(hash, author, "there is no room for it", False)


def parse(crypto, entry):
    """The intention of a SignedIntention dict, not yet verified. ProtocolError when it is none."""
    if len(entry["signature"]) != 64:
        raise ProtocolError("a signature of %d bytes" % len(entry["signature"]))
    return intentions.parse(crypto, entry["intention_borsh"], entry["signature"])
