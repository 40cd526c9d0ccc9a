"""One node: its identity and the parts that it is made of. It founds stores and enters those of others.

Times are handed in: `now_ms` is wall time in ms, None on a stick that has no clock yet, which then may not write.
Nothing here waits. Own writes are durable when the call that makes them returns; what peers sent, and what was written
through a replica, is when `journal.commit` returns or `journal.durable(ticket)` says so.
"""

from ..compat import const
from ..errors import Refused, StorageError, StorageFull, UsageError
from ..files.budget import Budget
from ..machines import registry
from . import device, stores
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
    from .founding import Founding
    from .invites import Invites
    from .replica import Replica

KEEP_UNREFERENCED_MS = const(2592000000)  # 30 days: until then `undo` finds what nothing names any more
_NAME = b"name"  # a record of the storage


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

    @property
    def founding(self) -> "Founding":
        """Makes stores, names and archives them."""
        from .founding import Founding  # here: no stick makes a store

        return Founding(self.tree, self.members, self.journal, self.name)

    def create_store(
        self,
        name: str,
        store_type: str,
        parent_id: "bytes | None",
        now_ms: "int | None",
        strategy: str = stores.INHERITED,
    ) -> "Replica":
        """A new store: see `Founding.create`."""
        return self.founding.create(name, store_type, parent_id, now_ms, strategy)

    # -- entering a share of others ------------------------------------------------------------------------------------

    def begin_join(self, token: "Token", peer_key: "bytes | None" = None):
        """Checks before the secret is shown to `peer_key`. Refused names who may see it."""
        here = self.tree.wake(token.store_id, None)
        self.begin_join_again(token, peer_key)
        if here is not None and not self.members.is_shut_out(here):
            raise UsageError("this node is in that share already: `sync` is enough", "already_member")

    def begin_join_again(self, token: "Token", peer_key: "bytes | None" = None):
        """The same for a share that may be here already: others may have shut us out, and we have not heard of it."""
        found = self.tree.wake(token.store_id, None)
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
        found = self.tree.wake(store_id, now_ms)
        if found is None:
            self._check_unbound(store_id)
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
                if self.tree.get(replica.id) is not replica:
                    break  # it rests
                replica.weaver.read(hash)
                yield
            for digest, _ in replica.store.blobs():
                if self.tree.get(replica.id) is not replica:
                    break
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


def _check_type(store_type):
    """Refused for a root that this node could only store and not read. Roots of data exist in meshes of the reference;
    none is ever made here."""
    if not registry.is_known(store_type):
        raise Refused(
            "the share's root has a type that this node does not know: %s" % (repr(store_type[:64])), "unknown_type"
        )
