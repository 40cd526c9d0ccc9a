"""One node: its identity and the parts that it is made of. It founds stores and enters those of others.

Times are handed in: `now_ms` is wall time in ms, None on a stick that has no clock yet, which then may not write.
Nothing here waits. Own writes are durable when the call that makes them returns; what peers sent, and what was written
through a replica, is when `journal.commit` returns or `journal.durable(ticket)` says so.
"""

from ..compat import const
from ..errors import Refused, StorageError, StorageFull, UsageError
from ..files.budget import Budget
from ..machines import registry
from ..model import ops
from ..text import printable
from ..wire.messages import CHILD_ACTIVE, CHILD_ARCHIVED, PEER_ACTIVE
from . import device, own_list, stores
from .events import EVENTS_KEPT, EventLog
from .journal import Journal
from .members import Members
from .tree import StoreTree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from ..model.identity import Identity
    from ..model.token import Token
    from ..seams import Crypto
    from ..storage.contract import Storage
    from .device import Device
    from .invites import Invites
    from .replica import Replica

KEEP_UNREFERENCED_MS = const(2592000000)  # 30 days: until then `undo` finds what nothing names any more
_NAME = b"name"  # a record of the storage
_ADMITTED_AT_ONCE = const(64)

INHERITED = "inherited"
INDEPENDENT = "independent"
SNAPSHOT = "snapshot"
STRATEGIES = (INHERITED, INDEPENDENT, SNAPSHOT)


class Node:
    """`journal`: the open transaction; `tree`: the stores; `members` and `invites`: who may do what; `events`: what was
    projected and is durable. The journal asks the node what belongs into a transaction.

    `keep_unreferenced_ms`: how long content stays that no file names any more; 0: until the room is needed (a stick).
    """

    def __init__(
        self,
        storage: "Storage",
        crypto: "Crypto",
        identity: "Identity",
        name: str = "",
        keep_unreferenced_ms: int = KEEP_UNREFERENCED_MS,
    ):
        self.storage = storage
        self.crypto = crypto
        self.identity = identity
        self.name = self._committed_name = name
        self.events = EventLog(EVENTS_KEPT if keep_unreferenced_ms else 0)
        self.journal = Journal(storage, self.events, self)
        self.budget = Budget(storage, self.journal, keep_unreferenced_ms)
        self.tree = StoreTree(storage, crypto, identity, self.journal, self.events, self.budget)
        self.members = Members(self.tree, self.journal, identity.public)
        self._invites = None
        self._looking = None  # what is being looked over

    @property
    def invites(self) -> "Invites":
        """Loaded where invites are made or redeemed: a stick at which nobody joins needs none of it."""
        if self._invites is None:
            from .invites import Invites

            self._invites = Invites(self.tree, self.members, self.journal, self.crypto)
        return self._invites

    def open(self, now_ms: "int | None"):
        """Opens every store of the storage, and what they declare. A damaged one is left closed and listed in
        `tree.damaged`; the others work."""
        record = self.storage.record(_NAME)
        if not self.name and record is not None:
            self.name = str(record, "utf-8")
        self._committed_name = self.name
        owned = self.storage.record(device.DEVICE) if getattr(self.storage, "salvaged", False) else None
        if owned is not None:
            self.tree.remake_root(device.share_of(owned))  # its children, it declares
        self.tree.open(now_ms)
        if self.journal.spoilt():
            self.journal.rollback()
        self.members.lists.check()
        try:
            self.journal.commit(now_ms)
        except StorageFull:
            pass  # it is rolled back: what opening wanted to write waits for room, everything else works

    def rename(self, name: str, now_ms: int):
        """The node's own name, told to every share that it is in."""
        if not name:
            raise UsageError("the name of a node is empty", "bad_name")
        with self.journal.write(now_ms):
            self._rename(stores.check_name(name, "node"))
            for replica in self.tree.walk():
                if self.tree.has_own_list(replica):
                    self.members.greet(replica, self.name, now_ms)

    def _rename(self, name):
        self.name = name
        self.storage.put_record(_NAME, name.encode())

    # -- founding stores -----------------------------------------------------------------------------------------------

    def create_store(
        self,
        name: str,
        store_type: str,
        parent_id: "bytes | None",
        now_ms: "int | None",
        strategy: str = INHERITED,
    ) -> "Replica":
        """A new store. A data store without `parent_id` goes under the only root, which is made when there is none.
        `strategy`: whose members are its members."""
        stores.check_name(name, "store")
        if now_ms is None:
            raise _no_clock()
        if strategy not in STRATEGIES:
            raise UsageError("the members of a store are one of: %s" % ", ".join(STRATEGIES), "bad_value")
        store_type = registry.type_named(store_type)
        if store_type == stores.ROOT_TYPE:
            if parent_id is not None:
                raise UsageError("a root store has no parent")
            with self.journal.write(now_ms):
                return self.found_root(name, now_ms)
        if not name:
            raise UsageError(
                "the name of a store is empty: without one it could not be told from the share", "bad_name"
            )
        if store_type not in registry.data_types():
            can = ", ".join(registry.data_types())
            raise UsageError("stores of type %s cannot be made here; %s can" % (store_type, can), "unknown_type")
        parent = None
        if parent_id is not None:
            parent = self.tree.get(parent_id)
            if parent is None:
                raise UsageError("the parent store is not here", "unknown_store")
        elif self.tree.roots():
            parent = self.tree.find_root()
        if parent is not None:
            self._check_parent(parent)
            self._check_unused(parent, name)
        with self.journal.write(now_ms):
            return self.found_child(parent or self.found_root("", now_ms), name, store_type, now_ms, strategy)

    def _check_parent(self, parent):
        if self.tree.depth_of(parent) >= stores.DEPTH - 1:
            raise UsageError("stores lie at most %d levels deep" % stores.DEPTH, "too_many")
        counting = self.tree.list_of(parent)
        if counting.parent is not None:
            self.members.check_own(counting)

    def archive_store(self, replica: "Replica", now_ms: int):
        """Closes a store and everything below it, here and wherever this write arrives. What it holds stays on every
        medium where it is."""
        parent = self.tree.get(replica.parent)
        if parent is None:
            raise UsageError("%s is a share: only a store in one can be archived" % replica.label(), "impossible")
        self.members.check_own(self.tree.list_of(parent))
        with self.journal.write(now_ms):
            parent.write_system([ops.child_status(replica.id, CHILD_ARCHIVED)], now_ms)

    def name_store(self, replica: "Replica", name: str, now_ms: int):
        """Gives a store another name, for everybody. The name under which its parent declares it stays."""
        if not name:
            raise UsageError("the name of a store is empty", "bad_name")
        stores.check_name(name, "store")
        if name == replica.name:
            return
        self._check_unused(replica, name)
        with self.journal.write(now_ms):
            replica.write_system([ops.store_name(name)], now_ms)

    def found_root(self, name: str, now_ms: int) -> "Replica":
        """A new share, in the open transaction: the intentions are those of the reference, in its order."""
        root = self.tree.make(stores.new_id(self.crypto), stores.ROOT_TYPE, None, now_ms)
        self._write_genesis(root, now_ms, self._nonce())
        naming = [ops.store_name(name)] if name else []
        root.write_system(naming + [ops.strategy_independent()], now_ms)
        if self.name:
            root.write_system([ops.peer_name(self.identity.public, self.name)], now_ms)
        root.write_system([ops.peer_status(self.identity.public, PEER_ACTIVE)], now_ms)
        return root

    def found_child(
        self, parent: "Replica", name: str, store_type: str, now_ms: int, strategy: str = INHERITED
    ) -> "Replica":
        """A new store under `parent`, which declares it, in the open transaction."""
        nonce = self._nonce()
        if strategy == INHERITED:
            store_id = stores.new_id(self.crypto)
        else:
            store_id = own_list.make_id(self.crypto, self.identity.public, store_type, nonce)
        child = self.tree.make(store_id, store_type, parent.id, now_ms)
        child.alias = name
        self._write_genesis(child, now_ms, nonce)
        self._write_strategy(child, parent, [ops.store_name(name)] if name else [], strategy, now_ms)
        declaration = [ops.child_add(child.id, name, store_type), ops.child_status(child.id, CHILD_ACTIVE)]
        parent.write_system(declaration, now_ms)
        return child

    def _write_strategy(self, child, parent, naming, strategy, now_ms):
        if strategy == INHERITED:
            child.write_system(naming + [ops.strategy_inherited()], now_ms)
            return
        own = self.identity.public
        choice = ops.strategy_independent() if strategy == INDEPENDENT else ops.strategy_snapshot(parent.id)
        child.write_system(naming + [choice], now_ms)
        if self.name:
            child.write_system([ops.peer_name(own, self.name)], now_ms)
        child.write_system([ops.peer_status(own, PEER_ACTIVE)], now_ms)
        others = self._copied(parent) if strategy == SNAPSHOT else []
        for at in range(0, len(others), _ADMITTED_AT_ONCE):
            admitted = [ops.peer_status(key, PEER_ACTIVE) for key in others[at : at + _ADMITTED_AT_ONCE]]
            child.write_system(admitted, now_ms)

    def _copied(self, parent):
        """The members that a snapshot takes over: those of the store above that are active now, but this node."""
        members = self.members
        return [key for key in members.active(parent) if key != members.own and members.is_active(parent, key)]

    def _nonce(self):
        return int.from_bytes(self.crypto.random(4), "little")

    def _write_genesis(self, replica, now_ms, nonce):
        replica.weaver.submit(ops.genesis(replica.type, nonce), [], now_ms)

    def _check_unused(self, replica, name):
        """UsageError when a store of the share has this name already: a second one could not be named any more."""
        root = self.tree.root_of(replica)
        used = self._named(root, name)
        if used is None:
            return
        number = 2
        while self._named(root, "%s-%d" % (name, number)) is not None:
            number += 1
        shown = printable(name, stores.SHOWN)
        raise UsageError(
            "this share has a store called %s already (%s); use that one, or another name, as %s-%d"
            % (shown, stores.id_text(used), shown, number),
            "exists",
        )

    def _named(self, root, name):
        """The id of the store in a share that is called so, or None."""
        for replica in self.tree.walk(root):
            if replica.parent is not None and replica.name == name:
                return replica.id
            for child in replica.system.children():
                if child.name == name and child.status != CHILD_ARCHIVED and self.tree.get(child.id) is None:
                    return child.id
        return None

    # -- entering a share of others ------------------------------------------------------------------------------------

    def begin_join(self, token: "Token", peer_key: "bytes | None" = None):
        """Checks before the secret is shown to `peer_key`. Refused names who may see it."""
        here = self.tree.get(token.store_id)
        self.begin_join_again(token, peer_key)
        if here is not None and not self.members.is_shut_out(here):
            raise UsageError("this node is in that share already: `sync` is enough", "already_member")

    def begin_join_again(self, token: "Token", peer_key: "bytes | None" = None):
        """The same for a share that may be here already: others may have shut us out, and we have not heard of it."""
        found = self.tree.get(token.store_id)
        if token.inviter == self.identity.public:
            here = "this node is in that share already, and " if found is not None else ""
            raise UsageError(here + "this invite was made here: it is for another node", "own_invite")
        if found is None:
            self._check_unbound(token.store_id)
        elif found.parent is not None and not self.tree.has_own_list(found):
            raise self._bound(token.store_id)
        if peer_key is not None and not token.may_be_shown_to(peer_key):
            from .invites import where_redeemable

            names = ", ".join(where_redeemable(token, self.members.peer_name))
            raise Refused("this invite cannot be redeemed here, only at: %s" % names, "wrong_peer")

    def _check_unbound(self, store_id):
        if self.tree.is_made(store_id) and self.tree.bound_to(store_id) is not None:
            raise self._bound(store_id)

    def _bound(self, store_id):
        return UsageError(
            "a store with that share's id came here through another share, %s, and stays with it: this node cannot be "
            "in both; make another one (another data directory) for this invite"
            % stores.id_text(self.tree.bound_to(store_id)),
            "exists",
        )

    def complete_join(
        self, token: "Token", store_type: str, now_ms: "int | None", peer_key: "bytes | None" = None
    ) -> "Replica":
        """The share was entered at `peer_key`: makes its root, empty until the first sync. Writes nothing into the
        log: a chain of ours from an earlier life must arrive before we go on with it."""
        _check_type(store_type)
        with self.journal.write(now_ms):
            return self._join(token.store_id, store_type, peer_key or token.inviter, now_ms)

    def _join(self, store_id, store_type, peer_key, now_ms):
        found = self.tree.get(store_id)
        if found is None:
            found = self.tree.add(store_id, store_type, None, now_ms)
        elif found.parent is not None and not self.tree.has_own_list(found):  # another share has declared it meanwhile
            raise self._bound(store_id)
        found.note_joined_at(peer_key)  # let in again, too: until its list says so
        return found

    def set_up_stick(
        self, device: "Device", owner: bytes, name: str, root_id: bytes, store_type: str, now_ms: "int | None"
    ) -> "Replica":
        """A fresh stick becomes `owner`'s, in a share that the owner has let us into: all of it or nothing."""
        _check_type(store_type)
        with self.journal.write(now_ms):
            device.setup(owner, name, root_id)
            self._rename(name)
            found = self.tree.get(root_id)
            return found if found is not None else self._join(root_id, store_type, owner, now_ms)

    # -- after a sync --------------------------------------------------------------------------------------------------

    def after_sync(self, now_ms: "int | None") -> bool:
        """Opens what was declared, tells our name where we are new, lets go of content whose time is over. True when
        there is something new for others."""
        changed = self.tree.refresh(now_ms)
        for replica in self.tree.walk():
            replica.weaver.look_again(now_ms)
        for replica in self.tree.walk():
            if self.tree.has_own_list(replica):
                changed = self._greet(replica, now_ms) or changed
        if self.budget.keep_ms and now_ms is not None:
            for replica in self.tree.walk():
                replica.content.collect(now_ms)
        if changed or self.storage.pending():
            self.journal.commit(now_ms)
        return changed

    def _greet(self, replica, now_ms):
        """A name that finds no room, or may not be written now, waits: what was synced is good without it."""
        if self.members.is_cut(replica):
            return False
        try:
            with self.journal.write(now_ms):
                return self.members.greet(replica, self.name, now_ms)
        except (StorageFull, UsageError):
            return False

    def caught_up(self, replica: "Replica"):
        """A complete sync of the store has brought what the peer holds, our own writes of an earlier life with it."""
        forked = [author for author, _, _, _ in replica.weaver.forks()]
        if replica.weaver.doubts_own_chain() and self.identity.public not in forked:
            replica.weaver.doubt_own_chain(False)

    # -- room and damage -----------------------------------------------------------------------------------------------

    def make_room(self) -> bool:
        """On a stick: drops content that nothing names any more, for what else finds no room. True when there was any.
        Commits."""
        if self.budget.keep_ms:
            return False
        dropped = 0
        for replica in self.tree.walk():
            dropped += replica.content.drop_unreferenced()[0]
        return dropped > 0

    def look_over(self) -> bool:
        """Looks at one stored intention or blob, whether its bytes still have its hash, each once after a start: what
        is damaged is wanted again although nobody asks for it. True while there is more to look at."""
        if self._looking is None:
            self._looking = self._look_over()
        for _ in self._looking:
            return True
        return False

    def _look_over(self):
        for replica in self.tree.walk():
            for _, hash, _, _ in replica.store.witness_log():
                replica.weaver.read(hash)
                yield
            for digest, _ in replica.store.blobs():
                replica.contents.check(digest)
                yield

    def note_damage(self, replica: "Replica", hashes: "list[bytes]", digests: "list[bytes]"):
        """What was found damaged in a store is wanted again, if that can be written now."""
        try:
            for hash in hashes:
                replica.weaver.note_damaged(hash)
            for digest in digests:
                replica.contents.check(digest)
            self.journal.commit()
        except StorageError:
            return

    # -- for the journal -----------------------------------------------------------------------------------------------

    def prepare(self, now_ms: "int | None"):
        """Adds to the open transaction what follows from its writes, before it is committed."""
        self.tree.refresh(now_ms)
        self.tree.open_waiting(now_ms)
        self.members.lists.note()

    def unfinished(self) -> bool:
        return self.tree.unfinished()

    def committed(self):
        self._committed_name = self.name

    def reload(self):
        self.name = self._committed_name
        self.tree.reload()

    def reopen(self):
        self.tree.reopen()
        self.members.lists.forget()


def _no_clock():
    return UsageError(
        "this node does not know the time yet, so it cannot write: connect it to its owner's computer once", "no_clock"
    )


def _check_type(store_type):
    """Refused for a root that this node could only store and not read. Roots of data exist in meshes of the reference;
    none is ever made here."""
    if not registry.is_known(store_type):
        raise Refused(
            "the share's root has a type that this node does not know: %s" % (repr(store_type[:64])), "unknown_type"
        )
