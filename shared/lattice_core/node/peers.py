"""Who belongs to a share and who may connect (docs/security.md; statuses as in the reference, 05 §2)."""

from binascii import hexlify

from ..compat import const
from ..errors import UsageError
from ..model import ops
from ..text import printable
from ..wire.messages import INVITE_REVOKED, INVITE_VALID, PEER_ACTIVE, PEER_DORMANT, PEER_INVITED, PEER_REVOKED
from . import hierarchy, stores

_INVITES_ENDED = const(64)  # by one revocation: the write stays small whatever the revoked one has prepared

STATUS_NAMES = {PEER_INVITED: "invited", PEER_ACTIVE: "active", PEER_DORMANT: "dormant", PEER_REVOKED: "revoked"}


def status_of(node, handle, key):
    """The peer's status in the list that counts for this store; None when it is not listed."""
    peer = hierarchy.peer_list(node, handle).system.peer(key)
    return None if peer is None else peer.status


def may_connect(node, handle, key):
    """True when `key` may open a sync of this store, fetch from it or ask for its content."""
    if key == node.identity.public:
        return False
    status = status_of(node, handle, key)
    if status in (PEER_ACTIVE, PEER_DORMANT):
        return True
    # A joiner has no peer list yet: until it has arrived, the one at which it joined counts. A part of the list may
    # tell of a revocation that was taken back since; what it says of us comes last.
    if status is not None and status_of(node, handle, node.identity.public) is not None:
        return False
    return stores.joined_at(hierarchy.root_of(node, handle)) == key


def is_active(node, handle, key):
    return status_of(node, handle, key) == PEER_ACTIVE


def active(node, handle):
    """Keys of all ACTIVE members, this node included, in ascending order."""
    found = [peer.key for peer in hierarchy.peer_list(node, handle).system.peers() if peer.status == PEER_ACTIVE]
    return sorted(found)


def admit(node, root, key, name, now_ms):
    """Makes `key` a member, on this member's word: no invite is needed for a stick in one's hand."""
    operations = []
    if status_of(node, root, key) != PEER_ACTIVE:
        operations.append(ops.peer_status(key, PEER_ACTIVE))
    if name:
        operations.append(ops.peer_name(key, stores.check_name(name, "member")))
    if operations:
        stores.write_system(root, operations, now_ms)


def revoke(node, root, key, now_ms):
    """Shuts a member out, here and wherever this write arrives, and ends the invites that it made. What it has it
    keeps (docs/security.md)."""
    if key == node.identity.public:
        raise UsageError("a node cannot revoke itself: another member can")
    status = status_of(node, root, key)
    if status is None:
        raise UsageError("no member of this share has the key %s" % key_text(key))
    if status != PEER_REVOKED:
        stores.write_system(root, [ops.peer_status(key, PEER_REVOKED)] + _end_invites(root, key), now_ms)


def _end_invites(root, key):
    """Operations that revoke the open invites of a member. Those beyond the limit are refused all the same: `accept`
    asks who made an invite."""
    made = [invite for invite in root.system.invites() if invite.status == INVITE_VALID and invite.invited_by == key]
    return [ops.invite_status(invite.id, INVITE_REVOKED) for invite in made[:_INVITES_ENDED]]


def find(node, root, selector):
    """The key that a member's name or the beginning of its key means."""
    known = hierarchy.peer_list(node, root).system.peers()
    found = [peer for peer in known if peer.name == selector and peer.status != PEER_REVOKED]
    if not found:
        found = [peer for peer in known if selector and key_text(peer.key).startswith(selector.lower())]
    if len(found) == 1:
        return found[0].key
    names = [(printable(peer.name, stores.SHOWN), key_text(peer.key)[:8]) for peer in (found or known)]
    listed = ", ".join(["%s (%s)" % name for name in names])
    if found:
        raise UsageError("%s could be any of: %s" % (selector, listed))
    raise UsageError("no member is called %s; there are: %s" % (selector, listed))


def settle(node, root, now_ms):
    """What a member does once its peer list has told it that it is in: it stops trusting the one at which it joined
    for that alone, and tells its name. Returns True when something was written."""
    own = root.system.peer(node.identity.public)
    if own is None or own.status != PEER_ACTIVE:
        return False
    changed = stores.joined_at(root) is not None
    stores.forget_joined_at(root)
    if node.name and own.name != node.name and now_ms is not None and not root.weaver.read_only:
        stores.write_system(root, [ops.peer_name(node.identity.public, node.name)], now_ms)
        changed = True
    return changed


def key_text(key):
    return str(hexlify(key), "ascii")
