"""Invites: made for a root, redeemed at any member that holds it, one joiner each.

Only the hash of a secret is in the store. Two members that have not met can both let somebody in with the same
invite; when they meet, both claims stand in the table and `double_claims` shows them.
"""

from ..compat import const
from ..errors import Refused, UsageError
from ..model import ops
from ..model.hlc import is_over
from ..storage.contract import TABLE_META
from ..text import printable
from ..wire.messages import INVITE_CLAIMED, INVITE_REVOKED, INVITE_VALID, PEER_ACTIVE, PEER_DORMANT, PEER_REVOKED
from . import hierarchy, peers, stores

_NOTE = b"node/invite/"  # ‖ id: a row of the root's TABLE_META at the maker: when it expires ‖ label
_EXPIRES_BYTES = const(8)
_ENDED_AT_ONCE = const(64)

STATUS_NAMES = {INVITE_VALID: "valid", INVITE_REVOKED: "revoked", INVITE_CLAIMED: "claimed"}


def create(node, root, now_ms, listed=None, expires_s=0, label=""):
    """A token for the share of `root`. `listed`: keys that may be shown the secret besides us; by default members
    that are ACTIVE now, this node's sticks first. `label`: for ourselves, whom it is for."""
    if root.parent is not None:
        raise UsageError("an invite is for the share as a whole: name its root")
    peers.check_own(node, root)
    if peers.status_of(node, root, node.identity.public) == PEER_DORMANT:
        raise UsageError(
            "this node is dormant in the share: nobody would take its invites; ask an active member for one",
            "not_a_member",
        )
    from ..model.token import LISTED_MAX, SECRET_BYTES, Token  # here: no stick makes one

    if listed is None:
        listed = _members_to_list(node, root, LISTED_MAX)
    secret = node.crypto.random(SECRET_BYTES)
    invite_id = node.crypto.blake3_digest(secret)
    operations = [
        ops.invite_status(invite_id, INVITE_VALID),
        ops.invite_invited_by(invite_id, node.identity.public),
    ]
    token = Token(root.id, secret, node.identity.public, listed, expires_s)
    token.encode(node.crypto)  # too many keys are refused before anything is written
    stores.write_system(root, operations, now_ms)
    if expires_s or label:
        note = expires_s.to_bytes(_EXPIRES_BYTES, "little") + stores.check_label(label).encode()
        root.store.put_row(TABLE_META, _NOTE + invite_id, note)
    return token


def noted(root, invite_id):
    """(when it expires in seconds or 0, label) as its maker noted it here."""
    row = root.store.row(TABLE_META, _NOTE + invite_id)
    return (0, "") if row is None else _note(row)


def _note(row):
    return int.from_bytes(row[:_EXPIRES_BYTES], "little"), str(row[_EXPIRES_BYTES:], "utf-8")


def end_expired(root, now_ms):
    """Revokes the invites made here whose time has come. Returns how many."""
    operations = []
    for key, row in root.store.rows(TABLE_META, _NOTE):
        invite_id = key[len(_NOTE) :]
        if len(operations) < _ENDED_AT_ONCE and is_over(_note(row)[0], now_ms):
            invite = root.system.invite(invite_id)
            if invite is not None and invite.status == INVITE_VALID:
                operations.append(ops.invite_status(invite_id, INVITE_REVOKED))
    if operations:
        stores.write_system(root, operations, now_ms)
    return len(operations)


def _members_to_list(node, root, most):
    """Sticks of ours, then others, at most `most`: of very many members those with the smallest keys."""
    chosen = node.sticks(root)[:most]
    for peer in hierarchy.peer_list(node, root).system.peers():
        if len(chosen) == most:
            break
        if peer.status == PEER_ACTIVE and peer.key != node.identity.public and peer.key not in chosen:
            chosen.append(peer.key)
    return chosen


def find(root, selector):
    """The invite whose id begins with `selector` (hex)."""

    def items():
        for invite in root.system.invites():
            yield peers.key_text(invite.id), "", invite

    from . import selecting  # here: no stick needs it

    found = selecting.matching(selector, items, 64)
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError("more than one invite begins with %s" % selector, "ambiguous")
    raise UsageError("no invite begins with %s; `invite list` shows them" % selector, "unknown_invite")


def is_redeemable(node, root, invite, now_ms=None):
    """True when a member that has heard of the invite lets somebody in with it."""
    if invite.status != INVITE_VALID or not _makers_are_active(node, root, invite):
        return False
    return not is_over(noted(root, invite.id)[0], now_ms)


def revoke(root, invite, now_ms):
    """Nobody can redeem the invite any more, at members that have heard of it. True when something was written."""
    if invite.status == INVITE_CLAIMED:
        raise UsageError("this invite was redeemed already; `peer revoke` shuts the member out", "invite_used")
    if invite.status == INVITE_REVOKED:
        return False
    stores.write_system(root, [ops.invite_status(invite.id, INVITE_REVOKED)], now_ms)
    return True


def accept(node, store_id, secret, peer_key, now_ms, expires_s=0):
    """The server's half of a join: (handle of the root, system operations that let the peer in), or Refused in words
    that tell a stranger nothing. Writes nothing.

    Claim and membership are one write: an invite that was used up without letting anybody in would lock the joiner
    out. A member that joins again needs no operations.
    """
    root = node.get(store_id)
    if root is None or root.parent is not None:
        raise _unknown()
    if peer_key == node.identity.public:
        raise Refused("a node cannot join at itself", "own_invite")
    status = peers.status_of(node, root, peer_key)
    invite_id = node.crypto.blake3_digest(secret)
    invite = root.system.invite(invite_id) if secret else None
    if invite is None or invite.status != INVITE_VALID:
        if status == PEER_ACTIVE:
            return root, []
        raise _refusal(invite, status, peer_key)
    if status == PEER_ACTIVE:
        return root, []  # the invite stays good for somebody else
    if peers.status_of(node, root, node.identity.public) in (PEER_REVOKED, PEER_DORMANT):
        # It would use the invite up, and nobody would heed what this node says.
        raise Refused(
            "this node is no active member of that share itself: redeem the invite at another one", "not_a_member"
        )
    if not _makers_are_active(node, root, invite):
        # Whoever is revoked would otherwise come back with an invite that it kept.
        raise Refused(
            "whoever made this invite is no active member any more: ask another member for a new one", "invite_revoked"
        )
    if is_over(expires_s, now_ms) or is_over(noted(root, invite_id)[0], now_ms):
        raise expired()
    if now_ms is None:
        raise Refused(
            "this stick does not know the time yet: connect it to its owner's computer once, then try again", "no_clock"
        )
    return root, [
        ops.invite_status(invite_id, INVITE_CLAIMED),
        ops.invite_claimed_by(invite_id, peer_key),
        ops.peer_status(peer_key, PEER_ACTIVE),
    ]


def expired():
    """The error for an invite whose time is over."""
    return Refused("this invite has expired: ask for a new one", "invite_expired")


def _refusal(invite, status, peer_key):
    if invite is None:
        if status == PEER_REVOKED:
            return Refused("you were revoked from this share; a new invite lets you in again", "revoked")
        return _unknown()
    if invite.status == INVITE_REVOKED:
        return Refused("this invite was revoked: ask for a new one", "invite_revoked")
    if invite.status == INVITE_CLAIMED:
        if peer_key in invite.claims():
            return Refused("you have used this invite already and were revoked since: ask for a new one", "invite_used")
        return Refused("this invite was used already: each lets one node in, ask for a new one", "invite_used")
    return _unknown()


def _unknown():
    return Refused(
        "this invite is not known here: it may be for another share, or this node has not heard of it yet "
        "(sync it with the one who made the invite)",
        "unknown_invite",
    )


def _makers_are_active(node, root, invite):
    """True when everybody whose write makes this invite valid is an active member. The authors count, not whom the row
    names as its maker: that may be anybody."""
    last = None
    for maker in invite.makers():
        if maker != last and not peers.is_active(node, root, maker):
            return False
        last = maker
    return last is not None


def double_claims(root):
    """Invites that let in more than one node: a list of (invite, [keys])."""
    found = []
    for invite in root.system.invites():
        keys = invite.claimed_by
        if len(keys) > 1:
            found.append((invite, keys))
    return found


def where_redeemable(token, name_of):
    """Names (or short keys) of the identities that the secret may be shown to, for the user who stands elsewhere."""
    shown = []
    for key in (token.inviter,) + token.listed:
        shown.append(printable(name_of(key), stores.SHOWN) or peers.key_text(key)[:8])
    return shown


def inherited(node, handle):
    """True when the store's members are those of another store."""
    return hierarchy.peer_list(node, handle) is not handle
