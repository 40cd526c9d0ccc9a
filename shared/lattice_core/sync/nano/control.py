"""Control of a stick (docs/protocol.md, "Control"): status, setup, owners, clock. One request and one reply a stream.

The stick's half; `NanoPeer` has the other. A computer's node has no `device` and says so in words. Somebody who is
neither owner nor member learns the firmware's version and whether the stick is owned, nothing else.
"""

from ...compat import const
from ...errors import ProtocolError, Refused
from ...files.content_index import count_files
from ...node.device import FRESH, check_time
from ...node.members import list_is_cut
from ...text import cut
from ...wire.nano_messages import MESSAGE_BYTES, NanoFrame, StoreStatus
from ..common.peer import stranger

STORE_ID_BYTES = const(16)
KEY_BYTES = const(32)
_STORES_LISTED = const(64)  # in a status, as far as they fit one message
_NAME_BYTES = const(48)  # of a store's name or type in it
_FIELD_BYTES = const(16)  # keys and lengths around a store in a status, and around the status: more than they take


def serve(peer, frames, request):
    """Task: answers one ControlRequest, once its effect is durable."""
    if peer.device is None:
        raise Refused("this is a computer's node and no stick: there is nothing to control here", "not_a_stick")
    reply = _answer(peer, request)
    peer.commit()
    frames.post({"control_reply": reply})
    yield from peer.close_stream(frames)


def _answer(peer, request):
    device = peer.device
    if "status" in request:
        return {"status": status(peer)}
    if "setup" in request:
        _set_up(peer, request["setup"])
        return {"done": {}}
    if _list_is_cut(peer):
        raise list_is_cut() if device.is_owner(peer.key) else stranger()
    _must_not_be_revoked(peer)
    if "owner_add" in request:
        return _change_owner(peer, device.add_owner, request["owner_add"]["key"])
    if "owner_transfer" in request:
        return _change_owner(peer, device.transfer_owner, request["owner_transfer"]["key"])
    if "clock" in request:
        now_ms = request["clock"]["now_ms"]
        if not device.set_clock(peer.key, peer.node.members.is_member(peer.key), now_ms, peer.ticks_ms):
            raise Refused(
                "this stick takes the time from its owner, and from members only a little forward", "not_the_owner"
            )
    else:
        raise ProtocolError("a control request without content")
    return {"done": {}}


def _change_owner(peer, change, key):
    if key == peer.node.identity.public:
        raise Refused("a stick cannot own itself: name a member", "own_identity")
    if peer.node.members.is_revoked(peer.device.store_id, key):
        raise Refused("that node was revoked from this stick's share, so it could not command the stick", "revoked")
    change(peer.key, key)
    return {"done": {"unheard": not peer.node.members.is_member(key)}}


def _list_is_cut(peer):
    """True when nobody knows who is revoked: the list has lost something, or the whole root cannot be read."""
    device = peer.device
    if device.state == FRESH:
        return False
    return peer.node.members.lists.any_cut() or peer.node.tree.get(device.store_id) is None


def _must_not_be_revoked(peer):
    """An owner that was revoked from the stick's share commands it no longer: a stolen computer is shut out by one
    command, not two."""
    if _is_revoked(peer):
        raise Refused(
            "you were revoked from this stick's share: another owner commands it, or its button resets it", "revoked"
        )


def _is_revoked(peer):
    return peer.node.members.is_revoked(peer.device.store_id, peer.key)


def _set_up(peer, setup):
    """Owner, name and share in one transaction: power lost in between leaves the stick fresh or set up."""
    if len(setup["store_id"]) != STORE_ID_BYTES:
        raise ProtocolError("a setup without a store")
    if peer.device.state != FRESH:
        raise Refused(
            "this stick has an owner already; its owner can add you, or reset it with its button", "stick_owned"
        )
    check_time(setup["now_ms"])
    node = peer.node
    node.set_up_stick(peer.device, peer.key, setup["name"], setup["store_id"], setup["store_type"], setup["now_ms"])
    peer.device.set_clock(peer.key, True, setup["now_ms"], peer.ticks_ms)


def status(peer):
    """The Status values that this peer may see."""
    device = peer.device
    shown = {"version": peer.options.version, "owned": device.state != FRESH}
    list_cut = _list_is_cut(peer)
    if not (
        peer.node.members.is_member(peer.key) or (device.is_owner(peer.key) and (list_cut or not _is_revoked(peer)))
    ):
        return shown
    total, used = peer.options.flash()
    handles = peer.node.tree.replicas
    resting = peer.node.tree.resting()
    shown.update(
        {
            "member": True,
            "id": peer.node.identity.public,
            "owners": device.owners,
            "name": device.name,
            "store_count": len(handles) + len(resting),
            "flash_total": total,
            "flash_used": used,
            "last_error": device.last_error(),
            "state": device.state,
            "safe_to_unplug": device.safe_to_unplug(),
            "files": sum([handle.content.count() for handle in handles])
            + sum([_files(peer.node, store_id) for store_id in resting]),
            "forked": any(handle.weaver.own_chain_is_forked() for handle in handles),
            "damage": str(list_is_cut()) if list_cut else "",
        }
    )
    room = MESSAGE_BYTES - _FIELD_BYTES - _size({"control_reply": {"status": shown}})
    shown["stores"] = _listed(peer.node, resting, room)
    return shown


def _size(values, table=NanoFrame):
    return len(table.encode(values))


def _listed(node, resting, room):
    """As many stores as take at most `room` bytes, open ones first."""
    listed = []
    for store in (node.tree.replicas + resting)[:_STORES_LISTED]:
        values = _resting_status(node, store) if isinstance(store, bytes) else _store_status(store)
        room -= _size(values, StoreStatus) + _FIELD_BYTES
        if room < 0:
            break
        listed.append(values)
    return listed


def _store_status(handle):
    return {
        "id": handle.id,
        "name": cut(handle.name, _NAME_BYTES),
        "type": cut(handle.type, _NAME_BYTES),
        "intentions": handle.weaver.witnessed_count(),
        "files": handle.content.count(),
        "waiting": handle.weaver.floating_count,
        "waiting_bytes": handle.weaver.floating_bytes(),
    }


def _resting_status(node, store_id):
    """Of a store that is kept and not open: what floats in it is not counted."""
    store_type, name = node.tree.described(store_id)
    return {
        "id": store_id,
        "name": cut(name, _NAME_BYTES),
        "type": cut(store_type, _NAME_BYTES),
        "intentions": node.storage.store(store_id).count,
        "files": _files(node, store_id),
    }


def _files(node, store_id):
    return count_files(node.storage.store(store_id), node.crypto)
