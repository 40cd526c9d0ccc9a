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
    """The peer's status in the list that counts for this store; None when it is not listed. Who is revoked from the
    share is revoked from each of its stores, whatever list a store has of its own. Nobody is listed in a store whose
    share is not open, since it is damaged: what the store itself says of members was never to count."""
    root = hierarchy.root_of(node, handle)
    if root.parent is not None:
        return None
    counting = hierarchy.peer_list(node, handle)
    peer = counting.system.peer(key)
    if root is not counting:
        member = root.system.peer(key)
        if member is not None and member.status == PEER_REVOKED:
            peer = member
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
    return [peer.key for peer in hierarchy.peer_list(node, handle).system.peers() if peer.status == PEER_ACTIVE]


def check_own(node, root):
    """UsageError when this node was shut out: nobody heeds what it says about members any more."""
    if status_of(node, root, node.identity.public) == PEER_REVOKED:
        raise UsageError(
            "this node was revoked from the share: another member must let it in again, with a new invite", "revoked"
        )


def admit(node, root, key, name, now_ms):
    """Makes `key` a member, on this member's word: no invite is needed for a stick in one's hand."""
    check_own(node, root)
    operations = []
    if status_of(node, root, key) != PEER_ACTIVE:
        operations.append(ops.peer_status(key, PEER_ACTIVE))
    if name:
        operations.append(ops.peer_name(key, stores.check_name(name, "member")))
    if operations:
        stores.write_system(root, operations, now_ms)


def revoke(node, root, key, now_ms):
    """Shuts a member out, here and wherever this write arrives, and ends the invites that it made. What it has it
    keeps (docs/security.md). True when something was written.

    Again for one that is revoked: only where nodes of the reference may see it otherwise."""
    if key == node.identity.public:
        raise UsageError("a node cannot revoke itself: another member can", "own_identity")
    status = _status_anywhere(node, root, key)
    if status is None:
        raise UsageError("no member of this share has the key %s" % key_text(key), "unknown_member")
    if status == PEER_REVOKED and not root.system.is_disputed(key):
        return False
    stores.write_system(root, [ops.peer_status(key, PEER_REVOKED)] + _end_invites(root, key), now_ms)
    return True


def _status_anywhere(node, root, key):
    """The status in the share, or in one of its stores that has a list of its own."""
    for handle in [root] + node.children(root):
        status = status_of(node, handle, key)
        if status is not None:
            return status
    return None


def _end_invites(root, key):
    """Operations that revoke the open invites of a member. Those beyond the limit are refused all the same: `accept`
    asks who made an invite."""
    made = []
    for invite in root.system.invites():
        if invite.status == INVITE_VALID and key in invite.makers():
            made.append(ops.invite_status(invite.id, INVITE_REVOKED))
            if len(made) == _INVITES_ENDED:
                break
    return made


def lists_of(node, root):
    """The handles whose lists of peers count in a share: the root's, and those of stores that have their own."""
    return [handle for handle in [root] + node.children(root) if hierarchy.peer_list(node, handle) is handle]


def known(node, root):
    """Iterates over the `Peer`s of a share as all its lists name them, each once."""
    lists = lists_of(node, root)
    for at, handle in enumerate(lists):
        for peer in handle.system.peers():
            if not any(other.system.peer(peer.key) is not None for other in lists[:at]):
                yield peer


def find(node, root, selector):
    """The key that a member's name or the beginning of its key means."""

    def items():
        for peer in known(node, root):
            yield key_text(peer.key), peer.name, peer

    from . import selecting  # here: no stick needs it

    found = selecting.matching(selector, items, 64)
    standing = [peer for peer in found if peer.status != PEER_REVOKED]
    if len(standing or found) == 1:
        return _surely(node, root, selector, (standing or found)[0])
    shown = printable(selector, stores.SHOWN)
    if found:
        digits = selecting.digits_apart([key_text(peer.key) for peer in standing or found])
        labels = [label(peer, digits) for peer in standing or found]
        raise UsageError("%s could be any of: %s" % (shown, selecting.listed(labels)), "ambiguous")
    raise UsageError(
        "no member is called %s; there are: %s" % (shown, selecting.listed(map(label, known(node, root)))),
        "unknown_member",
    )


def _surely(node, root, selector, peer):
    """The peer's key, unless it was named by a name that some other member gave it: people mean the one they know."""
    from . import selecting

    giver = root.system.named_by(peer.key)
    by_name = peer.name == selector and not key_text(peer.key).startswith(selecting.digits_of(selector) or "-")
    if by_name and giver not in (peer.key, node.identity.public):
        raise UsageError(
            "the name %s was given to %s by %s, not by itself: say its id if you mean it"
            % (printable(selector, stores.SHOWN), key_text(peer.key)[:8], name_of(node, giver)),
            "ambiguous",
        )
    return peer.key


def name_of(node, key):
    """A member's name, else the beginning of its key."""
    return printable(node.peer_name(key), stores.SHOWN) or key_text(key)[:8]


def label(peer, digits=8):
    """Name and the beginning of the key, as messages show a member."""
    return "%s (%s)" % (printable(peer.name, stores.SHOWN), key_text(peer.key)[:digits])


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
