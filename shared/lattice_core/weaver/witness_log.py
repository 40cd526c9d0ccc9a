"""The node's own chained log of what it has witnessed (docs/reference/02-weaver.md §6).

Storage keeps, per entry, the intention's hash, the wall time and (the host) the chain's head; a record is put together
and signed only when somebody asks for it: signing is deterministic, so it is the same record every time, and ingest is
spared a signature. Checkpoints bound what is checked at start-up: from the last one the chain is computed again.
"""

from struct import pack, unpack

from ..compat import const
from ..errors import StorageError
from ..model.witness import content_encode, record_sign
from ..storage.contract import TABLE_META, ZERO

_CHECKPOINT = b"checkpoint"
_FORMAT = ">Q32sQ"  # sequence, head, highest stamp seen
CHECKPOINT_EVERY = const(128)  # entries: as many are checked at start-up at most, a quarter of a second on the stick


def gaps_of(store):
    """How many sequences of a store's log are without an entry."""
    gaps = getattr(store, "gaps", None)
    return 0 if gaps is None else gaps()


class WitnessLog:
    """The witness log of one store."""

    def __init__(self, store, crypto, identity):
        self._store = store
        self._crypto = crypto
        self._identity = identity
        self.checkpoint_every = CHECKPOINT_EVERY
        self._known = (0, ZERO)  # (sequence, head) computed last: records are mostly asked for in order

    def append(self, hash, wall_ms):
        """Witnesses a stored intention."""
        store = self._store
        content = content_encode(store.id, hash, wall_ms, store.head)
        store.witness(hash, wall_ms, self._crypto.blake3_digest(content))

    def content(self, sequence):
        """The WitnessContent of an entry. ValueError outside of 1..count."""
        hash, wall_ms = self._store.witness_at(sequence)
        return content_encode(self._store.id, hash, wall_ms, self._head_at(sequence - 1))

    def record(self, sequence):
        """The signed WitnessRecord of an entry. ValueError outside of 1..count."""
        content = self.content(sequence)
        self._known = (sequence, self._crypto.blake3_digest(content))
        return record_sign(self._identity, self._crypto, content)

    def _head_at(self, sequence):
        """Content hash of the record at `sequence`, ZERO before the first."""
        if sequence == 0:
            return ZERO
        if sequence == self._store.count:
            return self._store.head
        kept = self._store.head_at(sequence)
        if kept is not None:
            return kept
        start = self._known
        if start[0] > sequence:
            checkpoint = self.checkpoint()
            start = checkpoint[:2] if checkpoint[0] <= sequence else (0, ZERO)
        if start[0] == sequence:
            return start[1]
        for at, _, head in self._heads(start[0], start[1]):
            if at == sequence:
                return head
        raise StorageError("the witness log of store %s ends too early" % self._store.id.hex(), "damaged")

    def _heads(self, sequence, head):
        """Iterates over (sequence, hash, head) of the entries behind `sequence`, each head computed from the contents.
        Behind a gap, which damage has left, the chain goes on from the head that storage keeps."""
        for at, hash, _, wall_ms in self._store.witness_log(sequence):
            if at == sequence + 1:
                head = self._crypto.blake3_digest(content_encode(self._store.id, hash, wall_ms, head))
            else:
                head = self._store.head_at(at)
            sequence = at
            yield at, hash, head

    # -- checkpoints and the check ---------------------------------------------------------------------------------

    def checkpoint(self):
        """(sequence, head, highest stamp seen) of the last checkpoint; (0, ZERO, 0) when there is none."""
        row = self._store.row(TABLE_META, _CHECKPOINT)
        return unpack(_FORMAT, row) if row is not None else (0, ZERO, 0)

    def checkpoint_if_due(self, seen_ms):
        """Writes a checkpoint when the last one lies far enough back."""
        store = self._store
        if store.count % self.checkpoint_every == 0:
            store.put_row(TABLE_META, _CHECKPOINT, pack(_FORMAT, store.count, store.head, seen_ms))

    def check(self, whole=False):
        """StorageError unless the entries since the last checkpoint (or all) chain to the head that storage keeps and
        their intentions are there."""
        store = self._store
        sequence, head, _ = (0, ZERO, 0) if whole else self.checkpoint()
        gaps = gaps_of(store)
        if gaps:
            sequence, head = 0, ZERO  # the checkpoint may be of an entry that is lost
        if sequence > store.count:
            raise self._broken("it has %d entries, the last checkpoint is at %d" % (store.count, sequence))
        for at, hash, computed in self._heads(sequence, head):
            head = computed
            kept = store.head_at(at)
            if kept is not None and kept != head:
                raise self._broken("entry %d does not follow from the one before" % at)
            if not store.has(hash):
                raise self._broken("the intention of entry %d is missing" % at)
            sequence = at
        if (sequence != store.count and not gaps) or head != store.head:
            raise self._broken("its end does not follow from what is before")

    def _broken(self, what):
        return StorageError("the witness log of store %s is damaged: %s" % (self._store.id.hex(), what), "damaged")
