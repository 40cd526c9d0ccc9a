"""Invites: made for a list of members, of a root or of a store with its own, redeemed at any member that holds it, one
joiner each.

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
from . import stores
from .members import key_text, list_is_cut

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from ..machines.system import Invite
    from ..model.token import Token
    from ..seams import Crypto
    from .journal import Journal
    from .members import Members
    from .replica import Replica
    from .tree import StoreTree

_NOTE = b"node/invite/"  # ‖ id: a row of the root's TABLE_META at the maker: when it expires ‖ label
_EXPIRES_BYTES = const(8)
_ENDED_AT_ONCE = const(64)

STATUS_NAMES = {INVITE_VALID: "valid", INVITE_REVOKED: "revoked", INVITE_CLAIMED: "claimed"}


class Invites:
    """Of all lists of a node."""

    def __init__(self, tree: "StoreTree", members: "Members", journal: "Journal", crypto: "Crypto"):
        self._tree = tree
        self._members = members
        self._journal = journal
        self._crypto = crypto

    # -- at the maker --------------------------------------------------------------------------------------------------

    def create(
        self,
        root: "Replica",
        now_ms: int,
        listed: "list[bytes] | None" = None,
        expires_s: int = 0,
        label: str = "",
    ) -> "Token":
        """A token for the share of `root`, or for one store that has its own list; durable when this returns. `listed`:
        keys that may be shown the secret besides us; by default members that are ACTIVE now, this node's sticks first.
        `label`: for ourselves, whom it is for."""
        self._check_list(root)
        members = self._members
        members.check_own(root)
        if members.status_of(root, members.own) == PEER_DORMANT:
            raise UsageError(
                "this node is dormant in the share: nobody would take its invites; ask an active member for one",
                "not_a_member",
            )
        from ..model.token import LISTED_MAX, SECRET_BYTES, Token  # here: no stick makes one

        if listed is None:
            listed = self._members_to_list(root, LISTED_MAX)
        secret = self._crypto.random(SECRET_BYTES)
        invite_id = self._crypto.blake3_digest(secret)
        token = Token(root.id, secret, members.own, listed, expires_s)
        token.encode(self._crypto)  # too many keys are refused before anything is written
        stores.check_label(label)
        operations = [ops.invite_status(invite_id, INVITE_VALID), ops.invite_invited_by(invite_id, members.own)]
        with self._journal.write(now_ms):
            root.write_system(operations, now_ms)
            if expires_s or label:
                note = expires_s.to_bytes(_EXPIRES_BYTES, "little") + label.encode()
                root.store.put_row(TABLE_META, _NOTE + invite_id, note)
        return token

    def _check_list(self, replica):
        strategy = self._tree.strategy_of(replica)
        if strategy == "inherited":
            whose = self._tree.list_of(replica)
            raise UsageError(
                "%s inherits its members: invite to the %s with `invite --store %s`, and everything that inherits from "
                "it comes along"
                % (
                    replica.label(),
                    "share" if whose.parent is None else "store " + whose.label(),
                    stores.id_text(whose.id),
                ),
                "inherits",
            )
        if strategy == "snapshot":
            raise UsageError(
                "the members of %s are those of the store above when it was made, and stay so: nobody is invited to it"
                % replica.label(),
                "inherits",
            )

    def _members_to_list(self, root, most):
        """Sticks of ours, then others, at most `most`: of very many members those with the smallest keys."""
        own = self._members.own
        chosen = self._members.sticks(root)[:most]
        for peer in self._tree.list_of(root).system.peers():
            if len(chosen) == most:
                break
            if peer.status == PEER_ACTIVE and peer.key != own and peer.key not in chosen:
                chosen.append(peer.key)
        return chosen

    def list(self, root: "Replica") -> "list[Invite]":
        return list(root.system.invites())

    def find(self, root: "Replica", selector: str) -> "Invite":
        """The invite whose id begins with `selector` (hex)."""

        def items():
            for invite in root.system.invites():
                yield key_text(invite.id), "", invite

        from . import selecting  # here: no stick needs it

        found = selecting.matching(selector, items, 64)
        if len(found) == 1:
            return found[0]
        if found:
            raise UsageError("more than one invite begins with %s" % selector, "ambiguous")
        raise UsageError("no invite begins with %s; `invite list` shows them" % selector, "unknown_invite")

    def revoke(self, root: "Replica", selector: str, now_ms: int) -> bool:
        """Nobody can redeem the invite any more, at members that have heard of it. True when something was written:
        False for one that was revoked already."""
        with self._journal.write(now_ms):
            invite = self.find(root, selector)
            if invite.status == INVITE_CLAIMED:
                raise UsageError("this invite was redeemed already; `peer revoke` shuts the member out", "invite_used")
            if invite.status == INVITE_REVOKED:
                return False
            root.write_system([ops.invite_status(invite.id, INVITE_REVOKED)], now_ms)
            return True

    def end_expired(self, now_ms: int) -> int:
        """What an invite's maker does when its time has come: revokes it. Returns how many."""
        ended = 0
        for root in self._tree.replicas:
            if root.weaver.read_only is None and self._tree.has_own_list(root):
                operations = _ending(root, now_ms)
                if operations:
                    with self._journal.write(now_ms):
                        root.write_system(operations, now_ms)
                ended += len(operations)
        return ended

    def is_redeemable(self, root: "Replica", invite: "Invite", now_ms: "int | None" = None) -> bool:
        """True when a member that has heard of the invite lets somebody in with it."""
        if invite.status != INVITE_VALID or not self._makers_are_active(root, invite):
            return False
        return not is_over(noted(root, invite.id)[0], now_ms)

    def _makers_are_active(self, root, invite):
        """True when everybody whose write makes this invite valid is an active member. The authors count, not whom the
        row names as its maker: that may be anybody."""
        last = None
        for maker in invite.makers():
            if maker != last and not self._members.is_active(root, maker):
                return False
            last = maker
        return last is not None

    # -- where it is redeemed ------------------------------------------------------------------------------------------

    def accept(self, store_id: bytes, secret: bytes, peer_key: bytes, now_ms: "int | None", expires_s: int = 0) -> str:
        """Lets a peer in, durable when this returns: the type of the root. Refused in words that tell a stranger
        nothing. `expires_s`: what the peer's token says.

        Claim and membership are one write: an invite that was used up without letting anybody in would lock the joiner
        out. A member that joins again needs none.
        """
        replica = self._tree.wake(store_id, now_ms)
        if replica is not None and self._members.is_cut(replica):
            raise list_is_cut()
        root, operations = self._letting_in(store_id, secret, peer_key, now_ms, expires_s)
        if operations:
            with self._journal.write(now_ms):
                root.write_system(operations, now_ms)
        return root.type

    def _letting_in(self, store_id, secret, peer_key, now_ms, expires_s):
        """(root, system operations that let the peer in)."""
        members = self._members
        root = self._tree.get(store_id)
        if root is None or not self._tree.has_own_list(root) or self._tree.root_of(root).parent is not None:
            raise _unknown()
        if peer_key == members.own:
            raise Refused("a node cannot join at itself", "own_invite")
        status = members.status_of(root, peer_key)
        if root.parent is not None and members.is_revoked(self._tree.root_of(root).id, peer_key):
            raise _refusal(None, status, peer_key)  # before an invite is used up: what the root says stands above
        invite_id = self._crypto.blake3_digest(secret)
        invite = root.system.invite(invite_id) if secret else None
        if invite is None or invite.status != INVITE_VALID:
            if status == PEER_ACTIVE:
                return root, []
            raise _refusal(invite, status, peer_key)
        if status == PEER_ACTIVE:
            return root, []  # the invite stays good for somebody else
        if members.status_of(root, members.own) in (PEER_REVOKED, PEER_DORMANT):
            # It would use the invite up, and nobody would heed what this node says.
            raise Refused(
                "this node is no active member of that share itself: redeem the invite at another one", "not_a_member"
            )
        if not self._makers_are_active(root, invite):
            # Whoever is revoked would otherwise come back with an invite that it kept.
            raise Refused(
                "whoever made this invite is no active member any more: ask another member for a new one",
                "invite_revoked",
            )
        if is_over(expires_s, now_ms) or is_over(noted(root, invite_id)[0], now_ms):
            raise expired()
        if now_ms is None:
            raise Refused(
                "this stick does not know the time yet: connect it to its owner's computer once, then try again",
                "no_clock",
            )
        return root, [
            ops.invite_status(invite_id, INVITE_CLAIMED),
            ops.invite_claimed_by(invite_id, peer_key),
            ops.peer_status(peer_key, PEER_ACTIVE),
        ]

    def double_claims(self, root: "Replica") -> "list[tuple[Invite, list[bytes]]]":
        """Invites that let in more than one node: a list of (invite, [keys])."""
        found = []
        for invite in root.system.invites():
            keys = invite.claimed_by
            if len(keys) > 1:
                found.append((invite, keys))
        return found


def noted(root: "Replica", invite_id: bytes) -> "tuple[int, str]":
    """(when it expires in seconds or 0, label) as its maker noted it here."""
    row = root.store.row(TABLE_META, _NOTE + invite_id)
    return (0, "") if row is None else _note(row)


def _note(row):
    return int.from_bytes(row[:_EXPIRES_BYTES], "little"), str(row[_EXPIRES_BYTES:], "utf-8")


def _ending(root, now_ms):
    """Operations that revoke the invites made here whose time has come."""
    operations = []
    for key, row in root.store.rows(TABLE_META, _NOTE):
        invite_id = key[len(_NOTE) :]
        if len(operations) < _ENDED_AT_ONCE and is_over(_note(row)[0], now_ms):
            invite = root.system.invite(invite_id)
            if invite is not None and invite.status == INVITE_VALID:
                operations.append(ops.invite_status(invite_id, INVITE_REVOKED))
    return operations


def expired() -> Refused:
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


def where_redeemable(token: "Token", name_of: "Callable[[bytes], str]") -> "list[str]":
    """Names (or short keys) of the identities that the secret may be shown to, for the user who stands elsewhere."""
    shown = []
    for key in (token.inviter,) + tuple(token.listed):
        shown.append(printable(name_of(key), stores.SHOWN) or key_text(key)[:8])
    return shown
