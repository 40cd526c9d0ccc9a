"""Who belongs to a store and who may connect (docs/security.md; statuses as in the reference, 05 §2)."""

from binascii import hexlify

from ..compat import const
from ..errors import Refused, UsageError
from ..model import ops
from ..storage.contract import TABLE_META
from ..text import printable
from ..wire.messages import INVITE_REVOKED, INVITE_VALID, PEER_ACTIVE, PEER_DORMANT, PEER_INVITED, PEER_REVOKED
from . import stores
from .whole import Lists

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..machines.system import Peer
    from ..model.intention import Intention
    from .journal import Journal
    from .replica import Replica
    from .tree import StoreTree

_GENESIS_AMONG = const(64)  # intentions of a store that has begun to arrive
_INVITES_ENDED = const(64)  # by one revocation: the write stays small whatever the revoked one has prepared
_STICK = b"node/stick/"  # ‖ key: a row in the root's TABLE_META

STATUS_NAMES = {PEER_INVITED: "invited", PEER_ACTIVE: "active", PEER_DORMANT: "dormant", PEER_REVOKED: "revoked"}


class Members:
    """The lists of peers of all stores. `own`: this node's key. `lists`: whether they are whole."""

    def __init__(self, tree: "StoreTree", journal: "Journal", own: bytes):
        self.own = own
        self.tree = tree
        tree.members = self
        self.lists = Lists(tree)
        tree.woken = self.lists.woken
        self._journal = journal

    # -- asking --------------------------------------------------------------------------------------------------------

    def listed(self, replica: "Replica") -> "list[Peer]":
        """The peers that the list of a store names: objects with key, status, name."""
        return list(self.tree.list_of(replica).system.peers())

    def status_of(self, replica: "Replica", key: bytes) -> "int | None":
        """The peer's status in the list that counts for this store; None when it is not listed. Who is revoked from the
        share is revoked from each of its stores, whatever list a store has of its own. Nobody is listed in a store
        whose root is not open, since it is damaged: what the store itself says of members was never to count."""
        root = self.tree.root_of(replica)
        if root.parent is not None:
            return None
        counting = self.tree.list_of(replica)
        peer = counting.system.peer(key)
        if root is not counting:
            member = root.system.peer(key)
            if member is not None and member.status == PEER_REVOKED:
                peer = member
        return None if peer is None else peer.status

    def may_connect(self, store_id: bytes, key: bytes) -> bool:
        """True when `key` may open a sync of this store, fetch from it or ask for its content. False for a store that
        is not here, too: a stranger learns nothing."""
        replica = self.tree.get(store_id)
        if replica is None or key == self.own or self.is_cut(replica):
            return False
        status = self.status_of(replica, key)
        if status in (PEER_ACTIVE, PEER_DORMANT):
            return True
        # A joiner has no peer list yet: until it has arrived, the one at which it joined counts. A part of the list may
        # tell of a revocation that was taken back since; what it says of us comes last.
        root, counting = self.tree.root_of(replica), self.tree.list_of(replica)
        if root.parent is not None:
            return False
        if status is not None:
            said = root if self.is_revoked(root.id, key) else counting
            if said.system.peer(self.own) is not None:
                return False
        return counting.joined_at() == key or (not stores.has_marked_id(counting.id) and root.joined_at() == key)

    def may_fill(self, store_id: bytes, key: bytes) -> bool:
        """True when `key` may bring a store that has its own list, although the list, of which too little is here yet,
        does not admit it: we take from it and give it nothing. It is a member of the store above."""
        replica = self.tree.get(store_id)
        if replica is None or replica.parent is None or not self.tree.has_own_list(replica):
            return False
        if replica.system.peer(self.own) is not None or self.status_of(replica, key) == PEER_REVOKED:
            return False
        return not self.may_connect(store_id, key) and self.may_connect(replica.parent, key)

    def takes(self, replica: "Replica", item: "Intention") -> bool:
        """True when an intention is taken from one who only `may_fill` the store: it is the genesis that the store's
        id names, or written by the maker or by somebody whom the list admits by then. So nobody else's word is in the
        list when it is asked about whoever brings it."""
        if not stores.has_marked_id(replica.id):
            return True
        maker = _maker_of(replica)
        if maker is None:
            return _begins(replica, item)
        return item.author == maker or self.status_of(replica, item.author) in (PEER_ACTIVE, PEER_DORMANT)

    def is_active(self, replica: "Replica", key: bytes) -> bool:
        return self.status_of(replica, key) == PEER_ACTIVE

    def is_member(self, key: bytes) -> bool:
        """True when `key` is an ACTIVE member of any share here."""
        return any(not self.is_cut(root) and self.is_active(root, key) for root in self.tree.roots())

    def is_revoked(self, root_id: "bytes | None", key: bytes) -> bool:
        """True when the share `root_id` is here and lists `key` as REVOKED."""
        root = self.tree.get(root_id)
        return root is not None and self.status_of(root, key) == PEER_REVOKED

    def is_shut_out(self, replica: "Replica") -> bool:
        """True when the list does not say that we are in: we were revoked, or it has not arrived."""
        return self.status_of(replica, self.own) not in (PEER_ACTIVE, PEER_DORMANT)

    def is_cut(self, replica: "Replica") -> bool:
        """True when a list that counts for this store has lost something, its own or the root's: it decides nothing
        now."""
        if not self.lists.any_cut():
            return False
        counting = (self.tree.list_of(replica), self.tree.root_of(replica))
        return any(self.lists.is_cut(one.id) for one in counting)

    def active(self, replica: "Replica") -> "list[bytes]":
        """Keys of all ACTIVE members, this node included, in ascending order."""
        return [peer.key for peer in self.listed(replica) if peer.status == PEER_ACTIVE]

    def check_own(self, replica: "Replica"):
        """UsageError when this node was shut out: nobody heeds what it says about members any more."""
        status = self.status_of(replica, self.own)
        if status == PEER_REVOKED:
            raise UsageError(
                "this node was revoked from the share: another member must let it in again, with a new invite",
                "revoked",
            )
        if status is None and replica.parent is not None:
            raise UsageError(
                "%s has members of its own, and this node is none of them: ask one for an invite" % replica.label(),
                "not_a_member",
            )

    # -- names ---------------------------------------------------------------------------------------------------------

    def peer_name(self, key: bytes) -> str:
        """The name of a member, "" when none is known."""
        for root in self.tree.roots():
            peer = root.system.peer(key)
            if peer is not None and peer.name:
                return peer.name
        return ""

    def label_of(self, key: bytes) -> str:
        """A member's name, else the beginning of its key."""
        return printable(self.peer_name(key), stores.SHOWN) or key_text(key)[:8]

    def lists_of(self, root: "Replica") -> "list[Replica]":
        """The stores whose lists of peers count in a share: the root, and those that have their own."""
        return [replica for replica in self.tree.walk(root) if self.tree.has_own_list(replica)]

    def known(self, root: "Replica") -> "Iterator[Peer]":
        """Iterates over the peers of a share as all its lists name them, each once."""
        lists = self.lists_of(root)
        for at, replica in enumerate(lists):
            for peer in replica.system.peers():
                if not any(other.system.peer(peer.key) is not None for other in lists[:at]):
                    yield peer

    def find(self, root: "Replica", selector: str) -> bytes:
        """The key that a member's name or the beginning of its key means."""

        def items():
            for peer in self.known(root):
                yield key_text(peer.key), peer.name, peer

        from . import selecting  # here: no stick needs it

        found = selecting.matching(selector, items, 64)
        standing = [peer for peer in found if peer.status != PEER_REVOKED]
        if len(standing or found) == 1:
            return self._surely(root, selector, (standing or found)[0])
        shown = printable(selector, stores.SHOWN)
        if found:
            digits = selecting.digits_apart([key_text(peer.key) for peer in standing or found])
            labels = [label(peer, digits) for peer in standing or found]
            raise UsageError("%s could be any of: %s" % (shown, selecting.listed(labels)), "ambiguous")
        raise UsageError(
            "no member is called %s; there are: %s" % (shown, selecting.listed(map(label, self.known(root)))),
            "unknown_member",
        )

    def _surely(self, root, selector, peer):
        """The peer's key, unless it was named by a name that some other member gave it: people mean the one they
        know."""
        from . import selecting

        giver = root.system.named_by(peer.key)
        by_name = peer.name == selector and not key_text(peer.key).startswith(selecting.digits_of(selector) or "-")
        if by_name and giver not in (peer.key, self.own):
            raise UsageError(
                "the name %s was given to %s by %s, not by itself: say its id if you mean it"
                % (printable(selector, stores.SHOWN), key_text(peer.key)[:8], self.label_of(giver)),
                "ambiguous",
            )
        return peer.key

    # -- writing -------------------------------------------------------------------------------------------------------

    def admit(self, root: "Replica", key: bytes, name: str, now_ms: int):
        """Makes `key` a member, on this member's word: no invite is needed for a stick in one's hand."""
        with self._journal.write(now_ms):
            self.check_own(root)
            operations = []
            if self.status_of(root, key) != PEER_ACTIVE:
                operations.append(ops.peer_status(key, PEER_ACTIVE))
            if name:
                operations.append(ops.peer_name(key, stores.check_name(name, "member")))
            if operations:
                root.write_system(operations, now_ms)

    def revoke(self, top: "Replica", key: bytes, now_ms: int) -> bool:
        """Shuts a member out, here and wherever this write arrives, and ends the invites that it made. What it has it
        keeps (docs/security.md). True when something was written.

        From a share: out of everything. So each list below that names it says so, too: who is in a single store never
        hears what the root says. From a store with a list of its own: out of this store and what inherits from it.

        Again for one that is revoked: only where nodes of the reference may see it otherwise."""
        with self._journal.write(now_ms):
            if key == self.own:
                raise UsageError("a node cannot revoke itself: another member can", "own_identity")
            lists = self.lists_of(top) if top.parent is None else [top]
            listed = [one for one in lists if one.system.peer(key) is not None]
            if not listed:
                raise UsageError("no member of this share has the key %s" % key_text(key), "unknown_member")
            if top not in listed:
                listed.append(top)
            standing = [one for one in listed if one is top or self.is_active(one, self.own)]
            standing = [one for one in standing if _stands(one, key)]
            for one in standing:
                one.write_system([ops.peer_status(key, PEER_REVOKED)] + _end_invites(one, key), now_ms)
            return len(standing) > 0

    def greet(self, replica: "Replica", name: str, now_ms: "int | None") -> bool:
        """What a member does once its list has told it that it is in: it stops trusting the one at which it joined for
        that alone, and tells its name. True when something was written."""
        own = replica.system.peer(self.own)
        if own is None or own.status != PEER_ACTIVE:
            return False
        changed = replica.joined_at() is not None
        replica.note_joined_at(None)
        if name and own.name != name and now_ms is not None and not replica.weaver.read_only:
            replica.write_system([ops.peer_name(self.own, name)], now_ms)
            changed = True
        return changed

    # -- sticks that this host has set up ------------------------------------------------------------------------------

    def note_stick(self, root: "Replica", key: bytes):
        """Remembers that a member is a stick of ours: invites list it first."""
        root.store.put_row(TABLE_META, _STICK + key, b"")

    def take_back_stick(self, root: "Replica", key: bytes, now_ms: int):
        """A stick that was let in and then refused its setup: no stick of ours, and no member."""
        self.forget_stick(root, key)
        self.revoke(root, key, now_ms)

    def forget_stick(self, root: "Replica", key: bytes):
        root.store.put_row(TABLE_META, _STICK + key, None)

    def sticks(self, root: "Replica") -> "list[bytes]":
        """Keys of our sticks in this share that are members now."""
        noted = [key[len(_STICK) :] for key, _ in root.store.rows(TABLE_META, _STICK)]
        return [key for key in noted if self.is_active(root, key)]


def _begins(replica, item):
    from . import own_list  # here: it is asked once for such a store

    return own_list.begins(replica.weaver.crypto, replica.id, item)


def _maker_of(replica):
    """Who has made a store that has its own list; None as long as its genesis has not come. Before that stands only
    what this node may have written itself."""
    for sequence in range(1, min(replica.store.count, _GENESIS_AMONG) + 1):
        item = replica.store.get(replica.store.witness_at(sequence)[0])
        if item is not None and _begins(replica, item):
            return item.author
    return None


def _stands(replica, key):
    """True when a list does not say, or not undisputedly, that a key is revoked."""
    peer = replica.system.peer(key)
    return peer is None or peer.status != PEER_REVOKED or replica.system.is_disputed(key)


def _end_invites(root, key):
    """Operations that revoke the open invites of a member. Those beyond the limit are refused all the same: a join
    asks who made an invite."""
    made = []
    for invite in root.system.invites():
        if invite.status == INVITE_VALID and key in invite.makers():
            made.append(ops.invite_status(invite.id, INVITE_REVOKED))
            if len(made) == _INVITES_ENDED:
                break
    return made


def list_is_cut():
    return Refused(
        "this stick's flash was damaged and has lost a part of its list of members: until that is back it gives "
        "nothing and takes no orders. `sync` with it from its owner's computer",
        "damaged",
    )


def label(peer: "Peer", digits: int = 8) -> str:
    """Name and the beginning of the key, as messages show a member."""
    return "%s (%s)" % (printable(peer.name, stores.SHOWN), key_text(peer.key)[:digits])


def key_text(key: bytes) -> str:
    return str(hexlify(key), "ascii")
