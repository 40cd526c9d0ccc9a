"""Applies what anybody wrote into the system table, whatever it is (docs/reference/03-state-machines.md §6).

Keys and values are the reference's. A row of a status remembers beside them which final statuses anybody has ever
written into it (`mark_of`): a later write takes one out of the row, and must not take it out of the world. Batches are
walked first to last: of several writes of one intention to one key the first counts (the opposite of `kv.py`). What the
table says is read in `system.py`.
"""

from struct import pack

from ..errors import ProtocolError
from ..model.ids import uuid_text
from ..model.ops import LEG_SYSTEM, split, system_operations
from ..storage.contract import TABLE_META, TABLE_SYSTEM
from ..wire import messages
from ..wire.fields import varint
from ..wire.scan import level
from . import kvtable
from .change import Change
from .keys import KeyBuilder

EARLY = b"early/"  # ‖ row key: hash of an intention that is not witnessed here and writes a final status there

_PEER_FINAL = (messages.PEER_REVOKED,)
_INVITE_FINAL = (messages.INVITE_REVOKED, messages.INVITE_CLAIMED)
_NOTHING = (0, 0)  # where a bytes or string field lies that is not there


def apply(change, segments):
    """Applies a checked system leg (`model.ops.split`). Events: ("system", store id, what, …).

    ProtocolError, before anything was written, when one of its operations cannot be applied.
    """
    for operation in system_operations(change.body, segments):
        _writes(change, operation)
    for operation in system_operations(change.body, segments):
        writes, event = _writes(change, operation)
        for key, content, mark in writes:
            change.write(TABLE_SYSTEM, key, content, mark)
        if event is not None:
            change.emit(("system", change.store.id) + event)


def note_early(store, crypto, intention):
    """Takes note of the final statuses in an intention that counts before it is witnessed: they hold from now on."""
    change = Change(store, crypto, intention, [])
    try:
        leg, segments = split(change.body)
        for operation in system_operations(change.body, segments) if leg == LEG_SYSTEM else ():
            for key, _, mark in _writes(change, operation)[0]:
                if mark:
                    store.put_row(TABLE_META, EARLY + key, intention.hash)
    except ProtocolError:
        return  # it is skipped


def _writes(change, operation):
    """([(row key, content, mark), …], event or None) of a single operation."""
    found = level(messages.SystemOp, change.body, operation)
    for name in found:
        if name in _WRITERS:
            message, writer = _WRITERS[name]
            return writer(change, level(message, change.body, found[name]))
    return (), None


# -- values --------------------------------------------------------------------------------------------------------


def _content(change, prefix, place):
    """`prefix` and the bytes at `place` as a stored value."""
    offset, size = place
    if len(prefix) + size <= kvtable.INLINE_BYTES:
        return kvtable.inline(prefix + change.read(offset, size))
    return kvtable.prefixed(prefix, offset, size)


def _bytes_message(change, message, segments):
    """A message whose only field (number 1) is bytes or a string; an empty one is not written."""
    place = level(message, change.body, segments).get(message.rows[0].name, _NOTHING)
    if not place[1]:
        return kvtable.inline(b"")
    return _content(change, b"\x0a" + varint(place[1]), place)


def _scalar_message(change, message, segments):
    """A message whose only field is a number."""
    return kvtable.inline(message.encode(level(message, change.body, segments)))


def mark_of(status):
    """The mark that a final status leaves in its row."""
    return 1 << status


def _status(change, message, segments, final):
    """(content, mark) of a status."""
    values = level(message, change.body, segments)
    status = values.get("status", 0)
    return kvtable.inline(message.encode(values)), mark_of(status) if status in final else 0


def _string(change, message, segments, name):
    """One string field of a message, as it is."""
    return _content(change, b"", level(message, change.body, segments).get(name, _NOTHING))


# -- operations ------------------------------------------------------------------------------------------------------


def _child_key(child, part):
    return b"child/" + uuid_text(child).encode() + b"/" + part


_CHILD_OPS = (
    ("add_child", messages.ChildAdd),
    ("remove_child", messages.ChildRemove),
    ("set_status", messages.ChildSetStatus),
)


def _hierarchy(change, op):
    for name, message in _CHILD_OPS:
        if name in op:
            values = level(message, change.body, op[name])
            place = values.get("target_id", _NOTHING)
            if place[1] != 16:
                raise ProtocolError("a child id of %d bytes" % place[1])
            return _child(change, name, values, change.read(*place))
    return (), None


def _child(change, name, values, child):
    if name == "add_child":
        alias = _content(change, b"", values.get("alias", _NOTHING))
        store_type = _content(change, b"", values.get("store_type", _NOTHING))
        writes = ((_child_key(child, b"name"), alias, 0), (_child_key(child, b"type"), store_type, 0))
        return writes, ("child", child)
    if name == "remove_child":
        gone = kvtable.deleted()
        return [(_child_key(child, part), gone, 0) for part in (b"name", b"type", b"status")], ("child_removed", child)
    status = kvtable.inline(pack("<i", values.get("status", 0)))
    return ((_child_key(child, b"status"), status, 0),), ("child_status", child)


def _peer(change, op):
    mark = 0
    if "set_status" in op:
        what, part = "peer", b"/status"
        content, mark = _status(change, messages.SetPeerStatus, op["set_status"], _PEER_FINAL)
    elif "set_name" in op:
        what, part = "peer_name", b"/name"
        content = _string(change, messages.SetPeerName, op["set_name"], "name")
    elif "set_added_at" in op:
        what, part = None, b"/added_at"
        content = _scalar_message(change, messages.SetPeerAddedAt, op["set_added_at"])
    elif "set_added_by" in op:
        what, part = None, b"/added_by"
        content = _bytes_message(change, messages.SetPeerAddedBy, op["set_added_by"])
    else:
        return (), None
    return _of_key(change, b"peer/", op.get("pubkey", _NOTHING), part, content, what, mark)


def _invite(change, op):
    mark = 0
    if "set_status" in op:
        part = b"/status"
        content, mark = _status(change, messages.SetInviteStatus, op["set_status"], _INVITE_FINAL)
    elif "set_invited_by" in op:
        part = b"/invited_by"
        content = _bytes_message(change, messages.SetInviteInvitedBy, op["set_invited_by"])
    elif "set_claimed_by" in op:
        part = b"/claimed_by"
        content = _bytes_message(change, messages.SetInviteClaimedBy, op["set_claimed_by"])
    else:
        return (), None
    return _of_key(change, b"invite/", op.get("token_hash", _NOTHING), part, content, "invite", mark)


def _of_key(change, start, place, part, content, what, mark):
    """The write to a row named by the hexadecimal digits of a key or hash, of whatever length it came."""
    key = KeyBuilder(change.crypto).add(start).add_range(change.body, place[0], place[1], True).add(part).key()
    event = (what, change.read(*place)) if what and place[1] == 32 else None
    return ((key, content, mark),), event


def _strategy(change, op):
    if "set" not in op:
        return (), None
    strategy = level(messages.SetPeerStrategy, change.body, op["set"]).get("strategy")
    if strategy is None:
        return (), None
    values = level(messages.PeerStrategy, change.body, strategy)
    if "snapshot" in values:
        place = values["snapshot"]
        content = _content(change, b"\x1a" + varint(place[1]), place)
    else:
        content = kvtable.inline(messages.PeerStrategy.encode(values))
    return ((b"strategy", content, 0),), ("strategy",)


def _store(change, op):
    if "set_name" not in op:
        return (), None
    return ((b"name", _bytes_message(change, messages.SetStoreName, op["set_name"]), 0),), ("name",)


_WRITERS = {
    "hierarchy": (messages.HierarchyOp, _hierarchy),
    "peer": (messages.PeerOp, _peer),
    "strategy": (messages.PeerStrategyOp, _strategy),
    "store": (messages.StoreOp, _store),
    "invite": (messages.InviteOp, _invite),
}
