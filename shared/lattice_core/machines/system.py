"""What the system table says: peers, children, invites, strategy, name (docs/reference/03-state-machines.md §6).

Anybody whose intention was ingested may have written anything here, so reading is tolerant: a row that makes no sense
is left out and hides no other. Nothing is cut: lists are iterators. What writes the rows is `system_apply.py`.

Who is in and who is out is not left to stamps, which anybody chooses (docs/security.md, "Revoking"): a row that has
ever known a revocation says REVOKED until every write that stands in it is an admission by an active member; an invite
that was ever claimed or revoked is never valid again; who made an invite is the author of its write.
"""

from binascii import unhexlify

from ..compat import const
from ..errors import ProtocolError, UsageError
from ..limits import DEPS
from ..model.ids import hex_text, uuid_parse, uuid_text
from ..storage.contract import TABLE_META, TABLE_SYSTEM
from ..wire import messages, utf8
from . import kvtable
from .system_apply import EARLY, mark_of

_ADMISSIONS = const(64)  # members whose own re-admissions decide about one: more are taken for none
_VALUE_BYTES = const(1024)  # read of a value: names longer than this are cut where they are shown
_CHILD = b"child/"
_PEER = b"peer/"
_INVITE = b"invite/"

_PEER_STATUS = (messages.PEER_INVITED, messages.PEER_ACTIVE, messages.PEER_DORMANT, messages.PEER_REVOKED)
_INVITE_FINAL = (messages.INVITE_CLAIMED, messages.INVITE_REVOKED)
_INVITE_STATUS = (0, messages.INVITE_VALID, messages.INVITE_REVOKED, messages.INVITE_CLAIMED)


class Peer:
    """`key` (32), `status` (messages.PEER_*), `name` ("" when none is known)."""

    def __init__(self, key, status, name):
        self.key = key
        self.status = status
        self.name = name


class Child:
    """`id` (16), `name`, `type` (text, "" when there is none), `status` (messages.CHILD_*, others as they are)."""

    def __init__(self, store_id, name, store_type, status):
        self.id = store_id
        self.name = name
        self.type = store_type
        self.status = status


class Invite:
    """`id` (hash of the secret), `status` (messages.INVITE_*, 0 unknown)."""

    def __init__(self, system, invite_id, status):
        self._system = system
        self.id = invite_id
        self.status = status

    @property
    def made_by(self):
        """Who wrote it into the table, None when nobody knows any more."""
        made = self._made()
        return None if made is None else made.author

    @property
    def made_ms(self):
        """The stamp of that write, None when nobody knows it any more."""
        made = self._made()
        return None if made is None else made.wall_ms

    def _made(self):
        # A claim takes the first write out of the status, but not out of the other row that it wrote.
        part = b"status" if self.status == messages.INVITE_VALID else b"invited_by"
        return next(self._system.heads(_invite_key(self.id, part)), None)

    def makers(self):
        """Iterates over the authors of all writes that stand in the status: of a valid one whoever made it."""
        for head in self._system.heads(_invite_key(self.id, b"status")):
            yield head.author

    @property
    def invited_by(self):
        """Whom the row names as the maker: a claim, whoever wrote it."""
        return next(self._system.keys_in(_invite_key(self.id, b"invited_by"), messages.SetInviteInvitedBy), None)

    def claims(self):
        """Iterates over the keys of all who have redeemed it; a key may come more than once."""
        return self._system.keys_in(_invite_key(self.id, b"claimed_by"), messages.SetInviteClaimedBy)

    @property
    def claimed_by(self):
        """The keys of all who have redeemed it, more than one when that happened at two nodes at once."""
        found = []
        for key in self.claims():
            if key not in found:
                found.append(key)
        return found


class System:
    """The system table of one store."""

    def __init__(self, store, crypto):
        self._store = store
        self._crypto = crypto

    # -- peers -------------------------------------------------------------------------------------------------------

    def peer(self, key):
        """The `Peer` with this key, or None."""
        return self._peer(key, self._store.row(TABLE_SYSTEM, _peer_key(key, b"status")))

    def _peer(self, key, row):
        written = None if row is None else self._read(kvtable.winner(row))
        if written is None:
            return None
        status = _peer_status(written)
        if (kvtable.marks_of(row) and not self._readmitted(key)) or self._is_final_early(_peer_key(key, b"status")):
            status = messages.PEER_REVOKED
        return Peer(key, status, _text(self._value(_peer_key(key, b"name"))))

    def peers(self):
        """Iterates over all peers, ascending by key."""
        return self._listed(_PEER, self._peer)

    def _is_final_early(self, row_key):
        """True while a final status counts that waits for what finds no room here (`system_apply.note_early`)."""
        early = self._store.row(TABLE_META, EARLY + row_key)
        return early is not None and not self._store.witness_sequence(early)

    def named_by(self, key):
        """Who gave the peer its name, None when it has none."""
        head = next(self.heads(_peer_key(key, b"name")), None)
        return None if head is None else head.author

    def admitted_by(self, key):
        """Who wrote the status that wins in the peer's row, None without a row."""
        head = next(self.heads(_peer_key(key, b"status")), None)
        return None if head is None else head.author

    def is_disputed(self, key):
        """True when a node of the reference, which goes by stamps alone, may see another status than we do."""
        row_key = _peer_key(key, b"status")
        row = self._store.row(TABLE_SYSTEM, row_key)
        if row is None:
            return False
        if not kvtable.marks_of(row):
            stands = [_peer_status(self._read(head)) for head in self.heads(row_key)] if kvtable.conflicted(row) else []
            return any(status != stands[0] for status in stands)
        peer = self._peer(key, row)
        return kvtable.conflicted(row) or (
            peer is not None and peer.status != _peer_status(self._read(kvtable.winner(row)))
        )

    def _readmitted(self, key):
        """True when a peer that was once revoked has been let in again: all that stands in its row are admissions by
        others who are active. Those who were themselves let in again are asked the same; nobody vouches for himself,
        nor do two for each other."""
        path = [key]
        waiting = [self._admitters(key)]
        passed = []
        while path:
            if waiting[-1] is None:
                return False
            if not waiting[-1]:
                passed.append(path.pop())
                waiting.pop()
                continue
            author = waiting[-1].pop()
            if author in path or len(path) + len(passed) > _ADMISSIONS:
                return False
            if author not in passed:
                path.append(author)
                is_active = self._written_status(author) == messages.PEER_ACTIVE
                waiting.append(self._admitters(author) if is_active else None)
        return True

    def _written_status(self, key):
        value = self._value(_peer_key(key, b"status"))
        return None if value is None else _peer_status(value)

    def _admitters(self, key):
        """The authors of what stands in a row that has known a revocation, none of a row that has not; None when a
        revocation stands in it, or more than one write can supersede."""
        row_key = _peer_key(key, b"status")
        if not kvtable.marks_of(self._store.row(TABLE_SYSTEM, row_key)):
            return []
        authors = []
        for count, head in enumerate(self.heads(row_key)):
            if count >= DEPS or _peer_status(self._read(head)) == messages.PEER_REVOKED:
                return None
            if head.author not in authors:
                authors.append(head.author)
        return authors

    # -- invites -----------------------------------------------------------------------------------------------------

    def invite(self, invite_id):
        """The `Invite` with this id, or None."""
        return self._invite(invite_id, self._store.row(TABLE_SYSTEM, _invite_key(invite_id, b"status")))

    def _invite(self, invite_id, row):
        written = None if row is None else self._read(kvtable.winner(row))
        if written is None:
            return None
        status = _invite_status(written)
        for final in _INVITE_FINAL:
            if kvtable.marks_of(row) & mark_of(final):
                status = final
                break
        else:
            if self._is_final_early(_invite_key(invite_id, b"status")):
                status = messages.INVITE_REVOKED
        return Invite(self, invite_id, status)

    def invites(self):
        """Iterates over all invites, ascending by id."""
        return self._listed(_INVITE, self._invite)

    def keys_in(self, row_key, message):
        """Iterates over the public keys in the heads of a row, the winner's first."""
        for head in self.heads(row_key):
            value = self._read(head)
            values = _decoded(message, value) if value is not None else None
            key = values[message.rows[0].name] if values else b""
            if len(key) == 32:
                yield key

    # -- children ----------------------------------------------------------------------------------------------------

    def child(self, store_id):
        """The declared child with this id, or None."""
        digits = uuid_text(store_id).encode()
        row = self._store.row(TABLE_SYSTEM, _CHILD + digits + b"/name")
        return None if row is None else self._child(digits, row)

    def children(self):
        """Iterates over all declared children, ascending by id."""
        for row_key, row in self._store.rows(TABLE_SYSTEM, _CHILD):
            if len(row_key) == 47 and row_key[42:] == b"/name":
                child = self._child(row_key[6:42], row)
                if child is not None:
                    yield child

    def declared_by(self, store_id):
        """Who declared a child, None when nobody did."""
        head = next(self.heads(_CHILD + uuid_text(store_id).encode() + b"/name"), None)
        return None if head is None else head.author

    def _child(self, digits, row):
        """The child whose name row this is, None when that row is deleted or no child's."""
        name = self._read(kvtable.winner(row))
        try:
            store_id = uuid_parse(str(digits, "utf-8"))
        except (UsageError, UnicodeError):
            return None
        if name is None or uuid_text(store_id).encode() != digits:
            return None
        stem = _CHILD + digits
        status = self._value(stem + b"/status")
        number = messages.CHILD_ACTIVE
        if status is not None and len(status) >= 4:
            number = int.from_bytes(status[:4], "little")
        return Child(store_id, _text(name), _text(self._value(stem + b"/type")), number)

    # -- the store itself --------------------------------------------------------------------------------------------

    def strategy(self):
        """Whose peer list counts: "independent", "inherited", "snapshot", or None when nothing readable is set."""
        value = self._value(b"strategy")
        values = _decoded(messages.PeerStrategy, value) if value is not None else None
        if values is None:
            return None
        if values.get("inherited"):
            return "inherited"
        return "snapshot" if len(values.get("snapshot", b"")) == 16 else "independent"

    def snapshot(self):
        """The store id of a "snapshot" strategy, or None."""
        if self.strategy() != "snapshot":
            return None
        values = _decoded(messages.PeerStrategy, self._value(b"strategy") or b"")
        return None if values is None else values["snapshot"]

    def name(self):
        """The store's own name, "" when it has none."""
        value = self._value(b"name")
        if value is None:
            return ""
        if len(value) == _VALUE_BYTES:
            return _text(value[3:])  # tag and a length of two bytes
        values = _decoded(messages.SetStoreName, value)
        return values["name"] if values else ""

    # -- writing -----------------------------------------------------------------------------------------------------

    def deps_for(self, operations):
        """The deps of an own intention with these SystemOps: the heads of one row per operation, each once."""
        deps = []
        for operation in operations:
            for head in self.heads(written_key(operation)):
                if len(deps) < DEPS and head.hash not in deps:
                    deps.append(head.hash)
        return deps

    # -- rows --------------------------------------------------------------------------------------------------------

    def heads(self, row_key):
        """Iterates over what stands in a row, the winner first."""
        return kvtable.heads(self._store, self._crypto, TABLE_SYSTEM, row_key)

    def _listed(self, stem, make):
        """Iterates over what `make(key, row)` gives for each row `stem` ‖ hex of 32 bytes ‖ "/status"."""
        end = len(stem) + 64
        for row_key, row in self._store.rows(TABLE_SYSTEM, stem):
            if row_key[end:] != b"/status":
                continue
            key = _unhex(row_key[len(stem) : end])
            item = make(key, row) if key is not None else None
            if item is not None:
                yield item

    def _value(self, row_key):
        """The value of a row, cut at _VALUE_BYTES; None when there is none."""
        row = self._store.row(TABLE_SYSTEM, row_key)
        return None if row is None else self._read(kvtable.winner(row))

    def _read(self, head):
        body = kvtable.value_of(self._store, head)
        return None if body is None else body.read(0, min(body.size, _VALUE_BYTES))


def written_key(operation):
    """The row key of a SystemOp (a dict) whose heads an own write supersedes."""
    if "peer" in operation:
        op = operation["peer"]
        return _peer_key(op["pubkey"], _first(op, _PEER_PARTS))
    if "invite" in operation:
        op = operation["invite"]
        return _invite_key(op["token_hash"], _first(op, _INVITE_PARTS))
    if "hierarchy" in operation:
        op = operation["hierarchy"]
        for name in op:
            part = b"/status" if name == "set_status" else b"/name"
            return _CHILD + uuid_text(op[name]["target_id"]).encode() + part
    if "strategy" in operation:
        return b"strategy"
    if "store" in operation:
        return b"name"
    raise UsageError("an own system operation without a variant")


_PEER_PARTS = (  # literals all through: they stay in a stick's flash
    ("set_status", b"status"),
    ("set_added_at", b"added_at"),
    ("set_added_by", b"added_by"),
    ("set_name", b"name"),
)
_INVITE_PARTS = (("set_status", b"status"), ("set_invited_by", b"invited_by"), ("set_claimed_by", b"claimed_by"))


def _first(op, parts):
    for name, part in parts:
        if name in op:
            return part
    raise UsageError("an own system operation without a variant")


def _peer_key(key, part):
    return _PEER + hex_text(key).encode() + b"/" + part


def _invite_key(invite_id, part):
    return _INVITE + hex_text(invite_id).encode() + b"/" + part


def _unhex(digits):
    """The bytes of lower-case hexadecimal digits, None when they are none."""
    try:
        data = unhexlify(digits)
    except ValueError:
        return None
    return data if hex_text(data).encode() == digits else None


def _decoded(message, value):
    """A decoded message, None when it is malformed."""
    try:
        return message.decode(value)
    except ProtocolError:
        return None


def _peer_status(value):
    """An undecodable or unknown status counts as INVITED, as at the reference."""
    values = _decoded(messages.SetPeerStatus, value)
    status = values["status"] if values else 0
    return status if status in _PEER_STATUS else messages.PEER_INVITED


def _invite_status(value):
    """An undecodable or unknown status counts as VALID, as at the reference."""
    values = _decoded(messages.SetInviteStatus, value)
    status = values["status"] if values else messages.INVITE_VALID
    return status if status in _INVITE_STATUS else messages.INVITE_VALID


def _text(value):
    """Text of a value; "" for none. A cut value ends in whole characters."""
    if value is None:
        return ""
    for end in range(len(value), max(len(value) - 4, -1), -1):
        if utf8.valid(value[:end]):
            return utf8.decode(value[:end])
    return ""
