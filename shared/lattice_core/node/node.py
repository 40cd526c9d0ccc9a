"""One node: its identity, its stores, who is in them.

Times are handed in: `now_ms` is wall time in ms, None on a stick that has no clock yet, which then may not write.
Nothing here waits.
"""

from ..errors import Refused, StorageFull, UsageError
from ..machines.registry import is_known
from ..storage.contract import TABLE_META
from ..wire.messages import PEER_ACTIVE, PEER_DORMANT, PEER_REVOKED
from . import hierarchy, peers, stores
from .keeper import NAME_RECORD, Keeper

_STICK = b"node/stick/"  # ‖ key: a row in the root's TABLE_META


class Node(Keeper):
    """What commands, syncs and the stick's loop work with. `stores`: the open handles."""

    def rename(self, name, now_ms):
        """The node's own name, told to every share that it is in."""
        if not name:
            raise UsageError("the name of a node is empty", "bad_name")
        self.at_once(now_ms, self._rename, stores.check_name(name, "node"), now_ms)

    def _rename(self, name, now_ms):
        self.name = name
        self.storage.put_record(NAME_RECORD, self.name.encode())
        for root in self.roots():
            peers.settle(self, root, now_ms)

    # -- members and invites ---------------------------------------------------------------------------------------

    def peers(self, root):
        """Members of the share as the system table lists them: objects with key, status, name."""
        return list(hierarchy.peer_list(self, root).system.peers())

    def may_connect(self, store_id, key):
        """False for a store that is not here, too: a stranger learns nothing."""
        handle = self.get(store_id)
        return handle is not None and not self.is_cut(handle) and peers.may_connect(self, handle, key)

    def is_member(self, key):
        """True when `key` is an ACTIVE member of any share here."""
        return any(not self.is_cut(root) and peers.is_active(self, root, key) for root in self.roots())

    def is_revoked(self, root_id, key):
        """True when the share `root_id` is here and lists `key` as REVOKED."""
        root = self.get(root_id)
        return root is not None and peers.status_of(self, root, key) == PEER_REVOKED

    def peer_name(self, key):
        """The name of a member, "" when none is known."""
        for root in self.roots():
            peer = root.system.peer(key)
            if peer is not None and peer.name:
                return peer.name
        return ""

    def admit(self, root, key, name, now_ms):
        self.at_once(now_ms, peers.admit, self, root, key, name, now_ms)

    def revoke_peer(self, root, key, now_ms):
        """True when something was written: False for a member that was revoked already."""
        return self.at_once(now_ms, peers.revoke, self, root, key, now_ms)

    def invite(self, root, now_ms, listed=None, expires_s=0, label=""):
        """A token; durable when this returns."""
        return self.at_once(now_ms, _invites().create, self, root, now_ms, listed, expires_s, label)

    def end_expired_invites(self, now_ms):
        """What an invite's maker does when its time has come: revokes it. Returns how many."""
        ended = 0
        for root in self.roots():
            if root.weaver.read_only is None:
                ended += self.at_once(now_ms, _invites().end_expired, root, now_ms)
        return ended

    def invites(self, root):
        return list(root.system.invites())

    def revoke_invite(self, root, selector, now_ms):
        """True when something was written: False for one that was revoked already."""
        return self.at_once(now_ms, _invites().revoke, root, _invites().find(root, selector), now_ms)

    def double_claims(self, root):
        return _invites().double_claims(root)

    def accept_join(self, store_id, secret, peer_key, now_ms, expires_s=0):
        """Lets a peer in, durable when this returns: the type of the root. Refused in words. `expires_s`: what the
        peer's token says."""
        handle = self.get(store_id)
        if handle is not None and self.is_cut(handle):
            raise list_is_cut()
        root, operations = _invites().accept(self, store_id, secret, peer_key, now_ms, expires_s)
        if operations:
            self.at_once(now_ms, stores.write_system, root, operations, now_ms)
        return root.type

    def begin_join(self, token, peer_key=None):
        """Checks before the secret is shown to `peer_key`. Refused names who may see it."""
        handle = self.get(token.store_id)
        self.begin_join_again(token, peer_key)
        if handle is not None and not self._is_shut_out(handle):
            raise UsageError("this node is in that share already: `sync` is enough", "already_member")

    def _is_shut_out(self, root):
        """True when our own list does not say that we are in: we were revoked, or it has not arrived."""
        return peers.status_of(self, root, self.identity.public) not in (PEER_ACTIVE, PEER_DORMANT)

    def begin_join_again(self, token, peer_key=None):
        """The same for a share that may be here already: others may have shut us out, and we have not heard of it."""
        handle = self.get(token.store_id)
        if token.inviter == self.identity.public:
            here = "this node is in that share already, and " if handle is not None else ""
            raise UsageError(here + "this invite was made here: it is for another node", "own_invite")
        if handle is None:
            self._check_unbound(token.store_id)
        elif handle.parent is not None:
            raise self._bound(token.store_id)
        if peer_key is not None and not token.may_be_shown_to(peer_key):
            names = ", ".join(_invites().where_redeemable(token, self.peer_name))
            raise Refused("this invite cannot be redeemed here, only at: %s" % names, "wrong_peer")

    def _check_unbound(self, store_id):
        if stores.is_made(self, store_id) and stores.bound_to(self, store_id) is not None:
            raise self._bound(store_id)

    def _bound(self, store_id):
        return UsageError(
            "a store with that share's id came here through another share, %s, and stays with it: this node cannot be "
            "in both; make another one (another data directory) for this invite"
            % stores.id_text(stores.bound_to(self, store_id)),
            "exists",
        )

    def complete_join(self, token, store_type, now_ms, peer_key=None):
        """The share was entered at `peer_key`: makes its root, empty until the first sync. Writes nothing into the
        log: a chain of ours from an earlier life must arrive before we go on with it."""
        _check_type(store_type)
        return self.at_once(now_ms, self._join, token.store_id, store_type, peer_key or token.inviter, now_ms)

    def _join(self, store_id, store_type, peer_key, now_ms):
        found = self.get(store_id)
        if found is not None:
            if found.parent is not None:  # another share has declared it meanwhile
                raise self._bound(store_id)
            stores.note_joined_at(found, peer_key)  # let in again: until its list says so
            return found
        return self.add_handle(stores.add_store(self, store_id, store_type, None, now_ms, peer_key))

    def set_up_stick(self, device, owner, name, root_id, store_type, now_ms):
        """A fresh stick becomes `owner`'s, in a share that the owner has let us into: all of it or nothing."""
        _check_type(store_type)
        return self.at_once(now_ms, self._set_up_stick, device, owner, name, root_id, store_type, now_ms)

    def _set_up_stick(self, device, owner, name, root_id, store_type, now_ms):
        device.setup(owner, name, root_id)
        self.name = name
        self.storage.put_record(NAME_RECORD, name.encode())
        found = self.get(root_id)
        return found if found is not None else self._join(root_id, store_type, owner, now_ms)

    def settle(self, now_ms):
        """After a sync: opens what was declared, tells our name where we are new, lets go of content whose time is
        over. True when there is something new for others."""
        changed = self.refresh(now_ms)
        for handle in self.stores:
            handle.weaver.look_again(now_ms)
        for root in self.roots():
            changed = self._settle(root, now_ms) or changed
        if self.keep_unreferenced_ms and now_ms is not None:
            for handle in self.stores:
                handle.files.collect(now_ms)
        if changed or self.storage.pending():
            self.commit(now_ms)
        return changed

    def _settle(self, root, now_ms):
        """A name that finds no room, or may not be written now, waits: what was synced is good without it."""
        if self.is_cut(root):
            return False
        try:
            return self.at_once(now_ms, peers.settle, self, root, now_ms)
        except (StorageFull, UsageError):
            return False

    # -- sticks that this host has set up ------------------------------------------------------------------------------

    def note_stick(self, root, key):
        """Remembers that a member is a stick of ours: invites list it first."""
        root.store.put_row(TABLE_META, _STICK + key, b"")

    def take_back_stick(self, root, key, now_ms):
        """A stick that was let in and then refused its setup: no stick of ours, and no member."""
        self.forget_stick(root, key)
        self.revoke_peer(root, key, now_ms)

    def forget_stick(self, root, key):
        root.store.put_row(TABLE_META, _STICK + key, None)

    def sticks(self, root):
        """Keys of our sticks in this share that are members now."""
        noted = [key[len(_STICK) :] for key, _ in root.store.rows(TABLE_META, _STICK)]
        return [key for key in noted if peers.is_active(self, root, key)]


def _invites():
    """The module, loaded where invites are made or redeemed: a stick at which nobody joins needs none of it."""
    from . import invites

    return invites


def list_is_cut():
    return Refused(
        "this stick's flash was damaged and has lost a part of its list of members: until that is back it gives "
        "nothing and takes no orders. `sync` with it from its owner's computer",
        "damaged",
    )


def _check_type(store_type):
    """Refused for a root that this node could only store and not read. Roots of data exist in meshes of the reference;
    none is ever made here."""
    if not is_known(store_type):
        raise Refused(
            "the share's root has a type that this node does not know: %s" % (repr(store_type[:64])), "unknown_type"
        )
