"""One node: its identity, its stores, and the transaction that all of them share.

Times are handed in: `now_ms` is wall time in ms, None on a stick that has no clock yet, which then may not write.
Nothing here waits. Own writes made through the node are durable when the call returns; what peers sent, and what
was written through a handle, is when `commit` returns or `durable(ticket)` says so.
"""

from ..compat import const
from ..errors import LatticeError, Refused, UsageError
from ..weaver.store import TABLE_META
from . import hierarchy, invites, peers, stores, unheld
from .transaction import Transaction

EVENTS_KEPT = const(1024)
_NAME = b"name"
_STICK = b"node/stick/"  # ‖ key: a row in the root's TABLE_META


class Node:
    """`stores`: the open handles."""

    def __init__(self, storage, crypto, identity, name=""):
        self.storage = storage
        self.crypto = crypto
        self.identity = identity
        self.name = name
        self.stores = []
        self.transaction = Transaction(storage)
        self._events = []
        self._uncommitted = []

    # -- stores ----------------------------------------------------------------------------------------------------

    def open(self, now_ms):
        """Opens every store of the storage, and what their roots declare. StorageError when one is damaged."""
        record = self.storage.record(_NAME)
        if not self.name and record is not None:
            self.name = str(record, "utf-8")
        self.stores = []
        handles = [stores.open_store(self, store_id, now_ms) for store_id in self.storage.store_ids()]
        self.stores = [handle for handle in handles if handle.parent is None]
        children = [handle for handle in handles if handle.parent is not None]
        self.stores += [handle for handle in children if not hierarchy.archived(self, handle)]
        for root in self.roots():
            hierarchy.open_declared(self, root, now_ms)
        self.commit(now_ms)

    def rename(self, name, now_ms):
        """The node's own name, told to every share that it is in."""
        self.name = stores.check_name(name, "node")
        self._at_once(now_ms, self._rename, now_ms)

    def _rename(self, now_ms):
        self.storage.put_record(_NAME, self.name.encode()[:256])
        for root in self.roots():
            peers.settle(self, root, now_ms)

    def get(self, store_id):
        """The open store with this id, or None."""
        for handle in self.stores:
            if handle.id == store_id:
                return handle
        return None

    def roots(self):
        return [handle for handle in self.stores if handle.parent is None]

    def children(self, root):
        return [handle for handle in self.stores if handle.parent == root.id]

    def root_of(self, handle):
        return hierarchy.root_of(self, handle)

    def find(self, selector):
        """The store that a name or the beginning of an id means; UsageError lists the candidates."""
        return stores.find(self.stores, selector)

    def find_root(self, selector=None):
        """The share of a store; without a selector the only one there is."""
        if selector:
            return self.root_of(self.find(selector))
        roots = self.roots()
        if len(roots) == 1:
            return roots[0]
        if not roots:
            raise UsageError("there is no share here yet: `store create NAME` makes one, `join TOKEN` enters one")
        raise UsageError(
            "there is more than one share, name a store of the one you mean: %s" % stores.labels(self.stores)
        )

    def create_store(self, name, store_type, parent_id, now_ms):
        """A new store. A data store without `parent_id` goes under the only root, which is made when there is none."""
        stores.check_name(name, "store")
        if now_ms is None:
            raise _no_clock()
        if store_type == stores.ROOT_TYPE:
            if parent_id is not None:
                raise UsageError("a root store has no parent")
            return self._at_once(now_ms, self._create_root, name, now_ms)
        if store_type not in stores.CREATABLE:
            raise UsageError(
                "stores of type %s cannot be made here; %s can" % (store_type, ", ".join(stores.CREATABLE))
            )
        parent = None
        if parent_id is not None:
            parent = self.get(parent_id)
            if parent is None:
                raise UsageError("the parent store is not here")
        elif self.roots():
            parent = self.find_root()
        return self._at_once(now_ms, self._create_child, parent, name, store_type, now_ms)

    def _create_root(self, name, now_ms):
        return self.add_handle(stores.create_root(self, name, now_ms))

    def _create_child(self, parent, name, store_type, now_ms):
        if parent is None:
            parent = self._create_root("", now_ms)
        return self.add_handle(stores.create_child(self, parent, name, store_type, now_ms))

    def add_handle(self, handle):
        """A store that was opened: from now on it is served."""
        self.stores.append(handle)
        return handle

    def close_store(self, handle):
        self.stores.remove(handle)

    # -- members and invites ---------------------------------------------------------------------------------------

    def peers(self, root):
        """Members of the share as the system table lists them: objects with key, status, name."""
        return hierarchy.peer_list(self, root).system.peers()

    def may_connect(self, store_id, key):
        """False for a store that is not here, too: a stranger learns nothing."""
        handle = self.get(store_id)
        return handle is not None and peers.may_connect(self, handle, key)

    def is_member(self, key):
        """True when `key` is an ACTIVE member of any share here."""
        return any([peers.is_active(self, root, key) for root in self.roots()])

    def peer_name(self, key):
        """The name of a member, "" when none is known."""
        for root in self.roots():
            peer = root.system.peer(key)
            if peer is not None and peer.name:
                return peer.name
        return ""

    def admit(self, root, key, name, now_ms):
        self._at_once(now_ms, peers.admit, self, root, key, name, now_ms)

    def revoke_peer(self, root, key, now_ms):
        self._at_once(now_ms, peers.revoke, self, root, key, now_ms)

    def invite(self, root, now_ms, listed=None):
        """A token; durable when this returns."""
        return self._at_once(now_ms, invites.create, self, root, now_ms, listed)

    def invites(self, root):
        return root.system.invites()

    def revoke_invite(self, root, selector, now_ms):
        self._at_once(now_ms, invites.revoke, root, invites.find(root, selector), now_ms)

    def double_claims(self, root):
        return invites.double_claims(root)

    def accept_join(self, store_id, secret, peer_key, now_ms):
        """Lets a peer in: the type of the root. Refused in words. Not yet durable: see `ticket`."""
        return invites.accept(self, store_id, secret, peer_key, now_ms)

    def begin_join(self, token, peer_key=None):
        """Checks before the secret is shown to `peer_key`. Refused names who may see it."""
        if self.get(token.store_id) is not None:
            raise UsageError("this node is in that share already: `sync` is enough")
        if token.inviter == self.identity.public:
            raise UsageError("this invite was made here: it is for another node")
        if peer_key is not None and not token.may_be_shown_to(peer_key):
            names = ", ".join(invites.where_redeemable(token, self.peer_name))
            raise Refused("this invite cannot be redeemed here, only at: %s" % names)

    def complete_join(self, token, store_type, now_ms, peer_key=None):
        """The share was entered at `peer_key`: makes its root, empty until the first sync. Writes nothing into the
        log: a chain of ours from an earlier life must arrive before we go on with it."""
        if store_type != stores.ROOT_TYPE:
            raise Refused(
                "the store behind this invite has the type %s, a share has a %s" % (store_type[:64], stores.ROOT_TYPE)
            )
        return self._at_once(now_ms, self._join, token.store_id, store_type, peer_key or token.inviter, now_ms)

    def _join(self, store_id, store_type, peer_key, now_ms):
        return self.add_handle(stores.add_store(self, store_id, store_type, None, now_ms, peer_key))

    def set_up_stick(self, device, owner, name, root_id, store_type, now_ms):
        """A fresh stick becomes `owner`'s, in a share that the owner has let us into: all of it or nothing."""
        if store_type != stores.ROOT_TYPE:
            raise Refused("a stick is set up with a share, not with a store of type %s" % store_type[:64])
        return self._at_once(now_ms, self._set_up_stick, device, owner, name, root_id, store_type, now_ms)

    def _set_up_stick(self, device, owner, name, root_id, store_type, now_ms):
        device.setup(owner, name, root_id)
        self.name = name
        self.storage.put_record(_NAME, name.encode())
        found = self.get(root_id)
        return found if found is not None else self._join(root_id, store_type, owner, now_ms)

    def settle(self, now_ms):
        """After a sync: opens what was declared, tells our name where we are new. True when anything changed."""
        changed = self.refresh(now_ms)
        for root in self.roots():
            changed = peers.settle(self, root, now_ms) or changed
        if changed:
            self.commit(now_ms)
        return changed

    def unheld(self, handle):
        """What of a store no other member is known to hold: an `unheld.Unheld`."""
        return unheld.find(self, handle)

    # -- sticks that this host has set up ------------------------------------------------------------------------------

    def note_stick(self, root, key):
        """Remembers that a member is a stick of ours: invites list it first."""
        root.store.put_row(TABLE_META, _STICK + key, b"")

    def forget_stick(self, root, key):
        root.store.put_row(TABLE_META, _STICK + key, None)

    def sticks(self, root):
        """Keys of our sticks in this share that are members now."""
        noted = [key[len(_STICK) :] for key, _ in root.store.rows(TABLE_META, _STICK)]
        return [key for key in noted if peers.is_active(self, root, key)]

    # -- transaction ---------------------------------------------------------------------------------------------------

    def refresh(self, now_ms):
        """Draws the conclusions from what was projected: wanted content, declared children. Part of the transaction.
        True when a store was opened or closed."""
        changed = False
        roots = []
        for handle in list(self.stores):
            events = list(handle.weaver.events)
            if not events:
                continue
            del handle.weaver.events[:]
            handle.files.consider_events(events)
            self._uncommitted.extend(events)
            if handle.parent is None and any([event[0] != "kv" for event in events]):
                roots.append(handle)
        for root in roots:
            changed = hierarchy.open_declared(self, root, now_ms) or changed
        return changed

    def commit(self, now_ms=None):
        """Makes everything since the last commit durable. On a StorageError everything since then is lost."""
        try:
            self.refresh(now_ms)
            self.storage.commit()
        except LatticeError:
            self.rollback()
            raise
        self.transaction.committed()
        self._events.extend(self._uncommitted)
        self._uncommitted = []
        if len(self._events) > EVENTS_KEPT:
            self._events = self._events[-EVENTS_KEPT:]
            self._events[0] = ("lost",)

    def commit_due(self, now_ms, ticks_ms=None):
        """Commits when a batch is full or old. True when it did. `ticks_ms`: a monotonic clock, `now_ms` otherwise."""
        clock = now_ms if ticks_ms is None else ticks_ms
        if not self.transaction.due(0 if clock is None else clock):
            return False
        self.commit(now_ms)
        return True

    def rollback(self):
        """Drops everything since the last commit, stores opened in it included."""
        self.storage.rollback()
        self.transaction.rolled_back()
        self._uncommitted = []
        kept = self.storage.store_ids()
        self.stores = [handle for handle in self.stores if handle.id in kept]
        for handle in self.stores:
            handle.weaver.reload()
        for root in self.roots():
            hierarchy.open_declared(self, root, None)  # what had been closed in it is open again

    def ticket(self):
        return self.transaction.ticket()

    def durable(self, ticket):
        return self.transaction.durable(ticket)

    def take_events(self):
        """What was projected and is durable since the last call: tuples as in machines, and ("lost", …) for a gap."""
        events = self._events
        self._events = []
        return events

    def _at_once(self, now_ms, function, *arguments):
        """Runs one own write and commits it; when it fails nothing of it stays, and nothing else is lost."""
        if self.storage.pending():
            self.commit(now_ms)
        try:
            result = function(*arguments)
        except LatticeError:
            self.rollback()
            raise
        self.commit(now_ms)
        return result


def _no_clock():
    return UsageError(
        "this node does not know the time yet, so it cannot write: connect it to its owner's computer once"
    )
