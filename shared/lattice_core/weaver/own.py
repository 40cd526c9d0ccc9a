"""Own writes of one store: what may be written, its stamp, and that the own chain never forks.

The tip of the own chain also stands in a small record. A chain that ends before it, or goes elsewhere, was lost in part
or restored from a copy: writing on would fork it, so nothing is written until a peer has returned the rest.
"""

from struct import pack, unpack

from ..compat import const
from ..errors import ProtocolError, StorageError, StorageFull, UsageError
from ..limits import DEPS, OPS_BYTES
from ..model import hlc
from ..model.intention import create, encode_body, from_body
from ..storage.contract import TABLE_META, ZERO
from . import verdicts

_RECORD = b"own/"  # ‖ store id: (position u32, hash) of the own tip
_TIP = b"own/tip"  # the same as a row, where no record is left
_DOUBT = b"own/doubt"  # a row that is there while the own chain may go on elsewhere
AHEAD = b"ahead"
FORKED_RECORD = b"forked"  # store id ‖ hash of a write of ours that is not in our chain: for all stores of the node
GIVEN_UP = b"given up"  # the same record, once another identity has taken over what this one wrote
_FORKED = (
    "this node's identity has written two histories: a copy of its data directory was used too, or an older copy was "
    "restored. Nothing more is written under it; `node rekey --invite TOKEN` takes a new identity and brings along "
    "what only this copy has"
)
_FORMAT = ">I32s"
_TIP_BYTES = const(36)
_PIECE_BYTES = const(4096)
_TIPS_FOR_CLOCK = const(64)  # newest chains whose stamps count after a restart


class OwnChain:
    """Makes own intentions. `seen_ms`: the highest stamp seen that was at most an hour ahead then."""

    def __init__(self, storage, store, crypto, identity):
        self._why = None  # nothing can be written, for what stands in this store
        self._forked = False  # where no record and no row could be written
        self.seen_ms = 0
        self._storage = storage
        self._store = store
        self._crypto = crypto
        self._identity = identity
        self._last_ms = 0
        self._tip_damaged = False
        self._look_back = True  # stamps were seen that `seen_ms` does not know of

    def read_only(self):
        """None, or why nothing can be written, in words."""
        if self._storage.record(FORKED_RECORD) == GIVEN_UP:
            return "this identity is given up; `node rekey` goes on with the new one"
        return _FORKED if self.forked() else self._why

    def forked(self):
        """True when this identity has written two histories, in whatever store: it is then good for none."""
        return (
            self._forked
            or self._storage.record(FORKED_RECORD) is not None
            or verdicts.is_marked(self._store, self._identity.public)
        )

    def note_forked(self, intention):
        """A write of ours that is not in our chain. Part of the open transaction."""
        self._forked = True
        if self._storage.record(FORKED_RECORD) is None:
            try:
                self._storage.put_record(FORKED_RECORD, self._store.id + intention.hash)
            except (ValueError, StorageFull):
                return  # the mark of the fork stands in this store, if that finds room

    def load(self, seen_ms):
        """Reads the own tip. `seen_ms`: from the last checkpoint."""
        self._forked = False
        self.seen_ms = seen_ms
        self._look_back = True
        length, tip = self._store.chain(self._identity.public)
        self._tip_damaged = False
        self._last_ms = 0
        if length:
            try:
                self._last_ms = self._store.get(tip).wall_ms
            except (ProtocolError, StorageError):
                self._tip_damaged = True
        self._check_tip()

    def doubt(self, doubted):
        """Whether others may hold more of the own chain than this storage has ever known of. While it is doubted
        nothing is written: the tip that was noted here may have been lost with the rest. AHEAD: a peer says so."""
        if doubted != AHEAD or not self.doubted():
            self._store.put_row(TABLE_META, _DOUBT, (b"" if doubted is True else doubted) if doubted else None)
        self._check_tip()
        if not doubted and self._store.chain(self._identity.public)[0]:
            self._note_tip(self._identity.public)

    def doubted(self):
        return self._store.row(TABLE_META, _DOUBT) is not None

    def _tip_noted(self):
        record = self._storage.record(_RECORD + self._store.id)
        return self._store.row(TABLE_META, _TIP) if record is None else record

    def _check_tip(self):
        self._why = None
        if self._store.row(TABLE_META, _DOUBT) == AHEAD:
            self._why = (
                "others hold writes of this node that are not here, as after an older copy of its data was restored: "
                "a complete sync brings them"
            )
            return
        if self.doubted():
            self._why = (
                "this node's identity is older than its data, so others may hold writes of its own that are not here: "
                "a complete sync brings them"
            )
            return
        if self._tip_damaged:
            self._why = "this node's own last write is damaged here: sync with a node that has it"
            return
        record = self._tip_noted()
        if record is None:
            return
        if len(record) != _TIP_BYTES:
            self._why = "the note of this node's own chain is damaged: take a new identity (`node rekey`)"
            return
        position, hash = unpack(_FORMAT, record)
        length, _ = self._store.chain(self._identity.public)
        if length < position:
            self._why = (
                "this node's own chain ends at %d of %d: sync with a node that has the rest, or take a new "
                "identity (`node rekey`)" % (length, position)
            )
        elif self._store.chain_at(self._identity.public, position) != hash:
            self._why = "this node's own chain is not the one it wrote: take a new identity (`node rekey`)"

    def witnessed(self, intention, now_ms):
        """Takes note of an intention that was just witnessed, own or not."""
        wall_ms = intention.wall_ms
        if wall_ms > self.seen_ms:
            self.seen_ms = hlc.observe(self.seen_ms, wall_ms, now_ms)
            if wall_ms > self.seen_ms:
                self._look_back = True
        if intention.author == self._identity.public:
            self._last_ms = wall_ms
            self._note_tip(intention.author)

    def _note_tip(self, own):
        if self._why is not None:
            self._check_tip()
            if self._why is not None:
                return
        value = pack(_FORMAT, *self._store.chain(own))
        try:
            self._storage.put_record(_RECORD + self._store.id, value)
        except ValueError:  # all records are in use, on a computer with that many stores
            self._store.put_row(TABLE_META, _TIP, value)

    def check(self, size, deps, now_ms):
        """UsageError unless ops of `size` bytes may be written now on top of `deps`."""
        read_only = self.read_only()
        if read_only is not None:
            raise UsageError("nothing can be written to this store: " + read_only, "read_only")
        if now_ms is None:
            raise UsageError("this node has no clock yet: connect it to its owner", "no_clock")
        if size > OPS_BYTES:
            raise UsageError("a write of %d bytes is larger than the mesh takes (%d)" % (size, OPS_BYTES), "too_large")
        if len(deps) > DEPS:
            raise UsageError(
                "a write on top of %d others is more than the mesh takes (%d)" % (len(deps), DEPS), "too_large"
            )
        for dep in deps:
            if dep != ZERO and not self._store.witness_sequence(dep):
                raise UsageError("a write depends on %s, which is not witnessed here" % dep.hex())

    def create(self, ops, deps, now_ms):
        """The next own intention, signed; nothing of it is stored but the body of a large one.

        `ops`: bytes, or a `Body` that is too large to hold.
        """
        wall_ms = hlc.own_wall(now_ms, self._last_ms, self._highest_seen(deps, now_ms))
        store_id = self._store.id
        own = self._identity.public
        tip = self._store.chain(own)[1]
        if isinstance(ops, (bytes, bytearray, memoryview)):
            return create(self._crypto, self._identity, wall_ms, 0, store_id, tip, deps, ops)
        head = encode_body(own, wall_ms, 0, store_id, tip, sorted(deps), b"")
        return self._create_large(head[:-4] + ops.size.to_bytes(4, "little"), ops)

    def _create_large(self, head, ops):
        """An intention that is written to storage and hashed piece by piece. `head`: its body before the ops."""
        writer = self._storage.body_writer(len(head) + ops.size)
        hasher = self._crypto.blake3()
        writer.write(head)
        hasher.update(head)
        for offset in range(0, ops.size, _PIECE_BYTES):
            piece = ops.read(offset, min(_PIECE_BYTES, ops.size - offset))
            writer.write(piece)
            hasher.update(piece)
        hash = hasher.digest()
        return from_body(writer.body(), hash, self._identity.sign(hash))

    def _highest_seen(self, deps, now_ms):
        """The highest stamp seen that lies at most an hour ahead of now."""
        seen = self.seen_ms
        if self._look_back:
            for author in self._store.newest_authors(_TIPS_FOR_CLOCK):
                seen = self._observe(seen, self._store.chain(author)[1], now_ms)
            self._look_back = False
        for dep in deps:
            if dep != ZERO:
                seen = self._observe(seen, dep, now_ms)
        self.seen_ms = seen
        return seen

    def _observe(self, seen, hash, now_ms):
        try:
            return hlc.observe(seen, self._store.get(hash).wall_ms, now_ms)
        except (ProtocolError, StorageError):
            return seen  # damaged: it comes again


def unique(deps):
    """The deps, each once."""
    found = []
    for dep in deps:
        if dep not in found:
            found.append(bytes(dep))
    return found
