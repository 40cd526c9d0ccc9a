"""What the system table says: peers, children, invites, strategy, name (docs/reference/03-state-machines.md §6).

Anybody whose intention was ingested may have written anything here, so reading is tolerant: a row that makes no sense
is left out and hides no other. Lists are cut at LISTED entries; single look-ups know no limit. What writes the rows is
`system_apply.py`.
"""

from binascii import unhexlify

from ..compat import const
from ..errors import ProtocolError, UsageError
from ..model.ids import hex_text, uuid_parse, uuid_text
from ..weaver.store import TABLE_SYSTEM
from ..wire import messages, utf8
from . import kvtable

LISTED = const(512)
_VALUE_BYTES = const(1024)  # read of a value: names longer than this are cut where they are shown
_CHILD = b"child/"
_PEER = b"peer/"
_INVITE = b"invite/"

_PEER_STATUS = (messages.PEER_INVITED, messages.PEER_ACTIVE, messages.PEER_DORMANT, messages.PEER_REVOKED)
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
    """`id` (hash of the secret), `status` (messages.INVITE_*, 0 unknown), `invited_by` (key or None), `claimed_by`: the
    keys of all who have redeemed it, more than one when that happened at two nodes at once."""

    def __init__(self, invite_id, status, invited_by, claimed_by):
        self.id = invite_id
        self.status = status
        self.invited_by = invited_by
        self.claimed_by = claimed_by


class System:
    """The system table of one store."""

    def __init__(self, store):
        self._store = store

    # -- peers -------------------------------------------------------------------------------------------------------

    def peer(self, key):
        """The `Peer` with this key, or None."""
        return self._peer(key, self._value(_peer_key(key, b"status")))

    def _peer(self, key, status):
        if status is None:
            return None
        return Peer(key, _peer_status(status), _text(self._value(_peer_key(key, b"name"))))

    def peers(self):
        """All peers, ascending by key; at most LISTED."""
        return self._listed(_PEER, 32, self._peer)

    # -- invites -----------------------------------------------------------------------------------------------------

    def invite(self, invite_id):
        """The `Invite` with this id, or None."""
        return self._invite(invite_id, self._value(_invite_key(invite_id, b"status")))

    def _invite(self, invite_id, status):
        if status is None:
            return None
        invited_by = self._keys(_invite_key(invite_id, b"invited_by"), messages.SetInviteInvitedBy)
        claimed_by = self._keys(_invite_key(invite_id, b"claimed_by"), messages.SetInviteClaimedBy)
        return Invite(invite_id, _invite_status(status), invited_by[0] if invited_by else None, claimed_by)

    def invites(self):
        """All invites, ascending by id; at most LISTED."""
        return self._listed(_INVITE, 32, self._invite)

    def _keys(self, row_key, message):
        """Public keys in the heads of a row, the winner's first, each once."""
        found = []
        row = self._store.row(TABLE_SYSTEM, row_key)
        for record in kvtable.split(row) if row is not None else ():
            value = self._read(kvtable.Head(record))
            values = _decoded(message, value) if value is not None else None
            key = values[message.rows[0].name] if values else b""
            if len(key) == 32 and key not in found:
                found.append(key)
        return found

    # -- children ----------------------------------------------------------------------------------------------------

    def children(self):
        """All declared children, ascending by id; at most LISTED."""
        found = []
        for row_key, row in self._store.rows(TABLE_SYSTEM, _CHILD):
            if len(row_key) == 47 and row_key[42:] == b"/name" and len(found) < LISTED:
                child = self._child(row_key[6:42], row)
                if child is not None:
                    found.append(child)
        return found

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
        values = _decoded(messages.PeerStrategy, self._value(b"strategy") or b"")
        return values.get("snapshot") if self.strategy() == "snapshot" else None

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
            row_key = written_key(operation)
            row = self._store.row(TABLE_SYSTEM, row_key)
            for record in kvtable.split(row) if row is not None else ():
                hash = kvtable.hash_of(record)
                if hash not in deps:
                    deps.append(hash)
        return deps

    # -- rows --------------------------------------------------------------------------------------------------------

    def _listed(self, stem, size, make):
        """What `make(key, status value)` gives for each row `stem` ‖ hex of `size` bytes ‖ "/status"."""
        found = []
        end = len(stem) + 2 * size
        for row_key, row in self._store.rows(TABLE_SYSTEM, stem):
            if row_key[end:] != b"/status" or len(found) >= LISTED:
                continue
            key = _unhex(row_key[len(stem) : end])
            item = make(key, self._read(kvtable.winner(row))) if key is not None else None
            if item is not None:
                found.append(item)
        return found

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


_PEER_PARTS = {
    "set_status": b"status",
    "set_added_at": b"added_at",
    "set_added_by": b"added_by",
    "set_name": b"name",
}
_INVITE_PARTS = {"set_status": b"status", "set_invited_by": b"invited_by", "set_claimed_by": b"claimed_by"}


def _first(op, parts):
    for name in parts:
        if name in op:
            return parts[name]
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
