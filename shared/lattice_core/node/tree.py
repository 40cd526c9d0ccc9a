"""The stores of a node as a tree: roots, and below each what it and its children declare (reference 05 §5).

A store is open as a `Replica`. A declared one is kept, and opened, when its declaration arrives and closed, with
everything below it, when it is archived. On discovery nothing is written into it: its creator has written its genesis,
and that it inherits follows from its declaration until its own strategy arrives.

Where only some of the kept stores can be open at a time, the others rest: `wake` opens one, with what is above it, and
puts to rest who has not been used longest and has nothing open below.
"""

from ..compat import const
from ..errors import ProtocolError, StorageError, StorageFull, UsageError
from ..machines.registry import TYPE_ROOT
from ..machines.system import System
from ..storage.contract import TABLE_META
from ..wire.messages import CHILD_ARCHIVED
from . import stores
from .replica import Replica

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ..files.budget import Budget
    from ..files.files import Admits
    from ..model.identity import Identity
    from ..seams import Crypto
    from ..storage.contract import Storage
    from .events import EventLog
    from .journal import Journal

_MORE_ROOM_BYTES = const(1024)  # for another try to open a store that found no room
_ID_BYTES = const(16)

# parent's id (16; zeros for a root) ‖ key of who declared it (32; zeros for nobody) ‖ type: one row, so it is there
# wholly or not at all
_STORE = b"node/store"
_TYPE_AT = const(48)
_RESTORED = b"restored"  # the identity is older than the storage: see note_restored


class StoreTree:
    """`replicas`: the open stores, each after its parent. `damaged`: [(store id, words)] of stores that could not be
    opened. `limit`: how many may be kept; `open_limit`: how many of these may be open, None for all of them.
    `crowded`: True when `wake` has found no place, since everything that is open is used."""

    def __init__(
        self,
        storage: "Storage",
        crypto: "Crypto",
        identity: "Identity",
        journal: "Journal",
        events: "EventLog",
        budget: "Budget",
    ):
        self.storage = storage
        self.crypto = crypto
        self.identity = identity
        self.budget = budget
        self.replicas = []
        self.limit = stores.STORES_KEPT  # a computer sets more
        self.open_limit: int | None = stores.STORES_OPEN  # a computer sets None
        self.crowded = False
        self.woken: Callable[[Replica], None] | None = None  # told of each store that `wake` has opened
        self.damaged = []
        self.members: Admits  # set by these: who may do what follows from the tree
        self._journal = journal
        self._events = events
        self._worked_out = []  # ids of stores whose rows were made anew since this start
        self._turn = 0  # counts uses: who was used last
        self._no_room = None  # how much there was when it was not enough to open a store; None: none waits for room

    # -- looking at the tree -------------------------------------------------------------------------------------------

    def get(self, store_id: "bytes | None") -> "Replica | None":
        """The open store with this id, or None."""
        for replica in self.replicas:
            if replica.id == store_id:
                return replica
        return None

    def walk(self, top: "Replica | None" = None) -> "list[Replica]":
        """The open stores, parents first: all of them, or `top` and everything below it."""
        if top is None:
            return list(self.replicas)
        found = [top]
        for replica in self.replicas:
            if replica.parent is not None and any(replica.parent == other.id for other in found):
                found.append(replica)
        return found

    def roots(self) -> "list[Replica]":
        return [replica for replica in self.replicas if replica.parent is None]

    def children(self, parent: "Replica") -> "list[Replica]":
        """The open stores directly below one."""
        return [replica for replica in self.replicas if replica.parent == parent.id]

    def ancestors(self, replica: "Replica") -> "Iterator[Replica]":
        """Iterates over the open stores above one, its parent first."""
        above = None if replica.parent is None else self.get(replica.parent)
        while above is not None:
            yield above
            above = None if above.parent is None else self.get(above.parent)

    def root_of(self, replica: "Replica") -> "Replica":
        """The root above a store; the highest store that is open where the root is not."""
        for above in self.ancestors(replica):
            replica = above
        return replica

    def list_of(self, replica: "Replica") -> "Replica":
        """The store whose system table says who may do what in `replica`: itself, or the one it inherits from."""
        if not _inherits(replica):
            return replica
        for above in self.ancestors(replica):
            replica = above
            if not _inherits(above):
                break
        return replica

    def has_own_list(self, replica: "Replica") -> bool:
        """True when a store's own system table says who is a member of it."""
        return not _inherits(replica)

    def strategy_of(self, replica: "Replica") -> str:
        """Whose list of members counts for a store: "root", "independent", "inherited" or "snapshot"."""
        if replica.parent is None:
            return "root"
        if _inherits(replica):
            return "inherited"
        return "snapshot" if replica.system.strategy() == "snapshot" else "independent"

    def depth_of(self, replica: "Replica") -> int:
        """How many open stores are above one."""
        return len(list(self.ancestors(replica)))

    def descending(self, top: "Replica") -> "list[Replica]":
        """`top` and everything open below it, each store followed by what is below it."""
        found = []
        waiting = [top]
        while waiting:
            found.append(waiting.pop())
            waiting.extend(reversed(self.children(found[-1])))
        return found

    def find(self, selector: str) -> "Replica":
        """The store that a name or the beginning of an id means; UsageError lists the candidates."""
        return stores.find(self.replicas, selector)

    def find_root(self, selector: "str | None" = None) -> "Replica":
        """The root of a store; without a selector the only one there is."""
        if selector:
            return self.root_of(self.find(selector))
        roots = self.roots()
        if len(roots) == 1:
            return roots[0]
        if not roots:
            raise UsageError(
                "there is no share here yet: `store create NAME` makes one, `join TOKEN` enters one", "no_share"
            )
        raise UsageError(
            "there is more than one share, name a store of the one you mean: %s" % stores.labels(self.replicas),
            "ambiguous",
        )

    # -- what is declared and not open ---------------------------------------------------------------------------------

    def closed(self) -> "Iterator[tuple[bytes, bytes, str, str]]":
        """Iterates over declared stores that are not open here: (id, parent's id, name, why, in words)."""
        for parent in self.replicas:
            for child in parent.system.children():
                if self._is_closed(parent, child):
                    yield child.id, parent.id, child.name, self._why_closed(parent, child.id)

    def closed_child(self, store_id: bytes) -> "tuple[bytes, bytes, str, str] | None":
        """The same of one store; None when it is open or nobody has declared it."""
        for parent in self.replicas:
            child = parent.system.child(store_id)
            if child is not None and self._is_closed(parent, child):
                return child.id, parent.id, child.name, self._why_closed(parent, child.id)
        return None

    def second_claims(self) -> "Iterator[tuple[bytes, bytes, str, bytes]]":
        """Iterates over stores that one store declares and another one had brought here before: (id, id of the store
        that declares it, name, id of the one it stays with, its own for a root)."""
        for parent in self.replicas:
            for child in parent.system.children():
                if child.status != CHILD_ARCHIVED and child.type and self._is_claimed_twice(parent, child.id):
                    yield child.id, parent.id, child.name, self.bound_to(child.id) or child.id

    def is_damaged(self, store_id: bytes) -> bool:
        return any(store_id == damaged for damaged, _ in self.damaged)

    def is_made(self, store_id: bytes) -> bool:
        """True when the storage holds the store and this node has finished making room for it."""
        return store_id in self.storage.store_ids() and self.storage.store(store_id).row(TABLE_META, _STORE) is not None

    def bound_to(self, store_id: bytes) -> "bytes | None":
        """The id of the store through which one that `is_made` came here, and with which it stays; None for a root."""
        parent = self._made_row(store_id)[:_ID_BYTES]
        return None if parent == bytes(_ID_BYTES) else parent

    def _made_row(self, store_id):
        row = self.storage.store(store_id).row(TABLE_META, _STORE)
        if row is None:
            raise UsageError("no room was made for store %s" % stores.id_text(store_id), "unknown_store")
        return row

    def _is_closed(self, parent, child):
        if child.status == CHILD_ARCHIVED or not child.type or child.id == parent.id:
            return False
        if self.get(child.id) is not None or self._is_claimed_twice(parent, child.id):
            return False
        return self.is_damaged(child.id) or self._no_room is not None or not self.is_made(child.id)

    def _is_claimed_twice(self, parent, store_id):
        """True for a store that came here through something else than this parent: it stays with that."""
        if store_id == parent.id:
            return False
        replica = self.get(store_id)
        if replica is not None:
            return replica.parent != parent.id
        return self.is_made(store_id) and self.bound_to(store_id) != parent.id

    def _why_closed(self, parent, store_id):
        for damaged, words in self.damaged:
            if damaged == store_id:
                return words
        if self.depth_of(parent) >= stores.DEPTH - 1:
            return "it lies more than %d levels deep" % stores.DEPTH
        if self._is_full():
            return "this node keeps at most %d stores" % self.limit
        return "there was no room to open it"

    # -- opening what is stored ----------------------------------------------------------------------------------------

    def open(self, now_ms: "int | None"):
        """Opens every store of the storage, and what they declare. A damaged one is left closed and listed in
        `damaged`; the others work."""
        self.damaged = []
        self.replicas = []
        made = [store_id for store_id in self.storage.store_ids() if self.is_made(store_id)]
        waiting = [(store_id, self.bound_to(store_id)) for store_id in made]
        opened = [None]  # parents first: what is bound to one of these comes next
        while opened:
            level = [item for item in waiting if item[1] in opened]
            waiting = [item for item in waiting if item[1] not in opened]
            opened = [store_id for store_id, bound in level if self._open_stored(store_id, bound, now_ms)]
        for store_id, bound in waiting:
            if bound not in made or self.is_damaged(bound):
                self._open_stored(store_id, bound, now_ms)  # it decides nothing while its parent is closed
        for replica in list(self.replicas):
            if replica in self.replicas:
                self._open_what_one_declares(replica, now_ms)

    def _open_stored(self, store_id, bound, now_ms):
        if self._is_archived(store_id, self.get(bound)) or (bound is not None and not self._may_open_more()):
            return False
        try:
            self.replicas.append(self._replica(store_id, now_ms, self.storage.commit))
            self.storage.commit()
            return True
        except (StorageError, ProtocolError) as error:  # ProtocolError: of what the medium holds
            self.storage.rollback()  # the others are committed: their weavers know of nothing that is lost
            self.damaged.append((store_id, str(error)))
            return False

    def _is_archived(self, store_id, parent):
        try:
            child = None if parent is None else parent.system.child(store_id)
        except (StorageError, ProtocolError):
            return False  # the parent is closed for that when it says what it declares, and this store with it
        return child is not None and child.status == CHILD_ARCHIVED

    def _open_what_one_declares(self, parent, now_ms):
        """A store whose state cannot be read is left closed, with everything below it."""
        try:
            self._open_declared(parent, now_ms)
        except StorageFull:
            self._note_no_room()
            self._journal.spoil()  # rolled back; what it declares beyond is closed for want of room
        except (StorageError, ProtocolError) as error:
            self._journal.spoil()
            self.damaged.append((parent.id, str(error)))
            self.close(parent)

    def remake_root(self, store_id: bytes):
        """Damage may have taken the row that says what a store is, and no other store declares it: it is a root."""
        if store_id in self.storage.store_ids() and not self.is_made(store_id):
            self.storage.store(store_id).put_row(TABLE_META, _STORE, bytes(_TYPE_AT) + TYPE_ROOT.encode())
            self.storage.commit()

    def _replica(self, store_id, now_ms, commit=None):
        """A store that `is_made`, opened. `commit`: see `Weaver.start`."""
        row = self._made_row(store_id)
        parent = self.bound_to(store_id)
        replica = Replica(
            self.storage,
            self.crypto,
            self.identity,
            self.budget,
            store_id,
            str(row[_TYPE_AT:], "utf-8"),
            parent,
            self.members,
        )
        if getattr(self.storage, "salvaged", False) and store_id not in self._worked_out:
            self._work_out_anew(replica)
            self._worked_out.append(store_id)
        replica.weaver.start(now_ms, commit)
        return replica

    def _work_out_anew(self, replica):
        """The log has lost records, of rows too: everything that follows from the others is made again."""
        for _ in replica.weaver.project_again(True):
            self.storage.commit()
        replica.contents.doubt()
        self.storage.commit()

    # -- adding and closing --------------------------------------------------------------------------------------------

    def add(
        self,
        store_id: bytes,
        store_type: str,
        parent_id: "bytes | None",
        now_ms: "int | None",
        declared_by: "bytes | None" = None,
    ) -> "Replica":
        """Makes room for a store that exists elsewhere (nothing is written into its log) and opens it."""
        replica = self.make(store_id, store_type, parent_id, now_ms, declared_by)
        if self.storage.record(_RESTORED) is not None:
            replica.weaver.doubt_own_chain(True)
        return replica

    def make(
        self,
        store_id: bytes,
        store_type: str,
        parent_id: "bytes | None",
        now_ms: "int | None",
        declared_by: "bytes | None" = None,
    ) -> "Replica":
        """Makes room for a store that nobody has yet, and opens it."""
        self._keep(store_id, store_type, parent_id, declared_by)
        replica = self._replica(store_id, now_ms)
        self.replicas.append(replica)
        return replica

    def _keep(self, store_id, store_type, parent_id, declared_by):
        row = (parent_id or bytes(_ID_BYTES)) + (declared_by or bytes(32)) + store_type.encode()
        self.storage.store(store_id).put_row(TABLE_META, _STORE, row)

    def _unmake(self, store_id):
        """Takes back that room was made for a store in which nothing is: it can be made again."""
        self.replicas = [replica for replica in self.replicas if replica.id != store_id]
        self.storage.store(store_id).put_row(TABLE_META, _STORE, None)

    # -- stores that rest ----------------------------------------------------------------------------------------------

    def kept(self) -> "list[bytes]":
        """Ids of the stores for which room is made, open or not."""
        return [store_id for store_id in self.storage.store_ids() if self.is_made(store_id)]

    def resting(self) -> "list[bytes]":
        """Ids of those of them that are not open, and neither damaged nor archived."""
        return [
            store_id
            for store_id in self.kept()
            if self.get(store_id) is None and not self.is_damaged(store_id) and not self._is_away(store_id)
        ]

    def _is_away(self, store_id):
        """True when a store that is not open, or one above it, is archived."""
        for _ in range(stores.DEPTH):
            parent = self.bound_to(store_id)
            if parent is None or self.get(store_id) is not None or not self.is_made(parent):
                return False
            child = System(self.storage.store(parent), self.crypto).child(store_id)
            if child is not None and child.status == CHILD_ARCHIVED:
                return True
            store_id = parent
        return True

    def described(self, store_id: bytes) -> "tuple[str, str]":
        """(type, name) of a kept store, read without opening it; no name where only its parent gives it one."""
        system = System(self.storage.store(store_id), self.crypto)
        return str(self._made_row(store_id)[_TYPE_AT:], "utf-8"), system.name()

    def use(self, replica: "Replica"):
        """`replica` stays open until as many calls of `release`."""
        self._turn += 1
        replica.uses += 1
        replica.used = self._turn

    def release(self, replica: "Replica"):
        replica.uses -= 1

    def wake(self, store_id: bytes, now_ms: "int | None") -> "Replica | None":
        """A kept store, opened when it rests, with those above it. None when there is none, it is archived or damaged,
        or there is no place (`crowded`)."""
        self.crowded = False
        path = []
        at = store_id
        while self.get(at) is None:
            if at is None or len(path) >= stores.DEPTH or not self.is_made(at) or self.is_damaged(at):
                return None
            path.append(at)
            at = self.bound_to(at)
        if path:
            self._journal.before_telling(now_ms)  # of what is put to rest, nothing is in the open transaction
        while path:
            above, next_id = self.get(at), path.pop()
            if above is None or self._is_archived(next_id, above) or not self._wake_one(above, next_id, now_ms):
                return None
            at = next_id
        replica = self.get(store_id)
        if replica is not None:
            self._turn += 1
            replica.used = self._turn
        return replica

    def _wake_one(self, above, store_id, now_ms):
        self.use(above)
        try:
            if not (self._may_open_more() or self._put_one_to_rest()):
                self.crowded = True
                return False
            replica = self._replica(store_id, now_ms)
        except StorageFull:
            self._note_no_room()
            return False
        except (StorageError, ProtocolError) as error:
            self._journal.spoil()
            self.damaged.append((store_id, str(error)))
            return False
        finally:
            self.release(above)
        self.replicas.append(replica)
        child = above.system.child(store_id)
        if child is not None:
            replica.alias = child.name
        if self.woken is not None:
            self.woken(replica)
        self._open_declared(replica, now_ms)
        return True

    def _may_open_more(self):
        return self.open_limit is None or len(self.replicas) < self.open_limit

    def _put_one_to_rest(self):
        """Closes the store that was not used longest, of those that have nothing open below. True when there is one."""
        above = [replica.parent for replica in self.replicas]
        found = None
        for replica in self.replicas:
            if replica.parent is None or replica.uses or replica.id in above or replica.weaver.unfinished:
                continue
            if replica.weaver.events:
                continue
            if found is None or replica.used < found.used:
                found = replica
        if found is None:
            return False
        self.replicas.remove(found)
        return True

    def _is_full(self):
        if len(self.storage.store_ids()) < self.limit:
            return False
        return len([store_id for store_id in self.kept() if not self._is_away(store_id)]) >= self.limit

    def close(self, top: "Replica"):
        """Closes a store and everything below it."""
        below = self.walk(top)
        self.replicas = [replica for replica in self.replicas if replica not in below]

    def note_restored(self):
        """The identity has lived with another storage. What it wrote then may be held by others, and a write that does
        not stand on it would fork its chain: a store that is joined stays read-only until a complete sync."""
        self.storage.put_record(_RESTORED, b"1")

    # -- part of each transaction --------------------------------------------------------------------------------------

    def refresh(self, now_ms: "int | None") -> bool:
        """Draws the conclusions from what was projected: wanted content, declared stores. Part of the transaction.
        True when a store was opened or closed."""
        changed = False
        told = []
        for replica in list(self.replicas):
            events = list(replica.weaver.events)
            if not events:
                continue
            del replica.weaver.events[:]
            replica.content.consider_events(events)
            self._events.propose(events)
            if any(event[0] in ("system", "lost") for event in events):
                told.append((replica, _children_named(events)))
        for parent, named in told:
            if parent in self.replicas:
                changed = self._open_declared(parent, now_ms, named) or changed
        return changed

    def open_waiting(self, now_ms: "int | None"):
        """Opens what found no room before, when there is more now."""
        if self._no_room is not None and self._room_for_stores() >= self._no_room + _MORE_ROOM_BYTES:
            before, self._no_room = self._no_room, None
            self._open_all_declared(now_ms)
            if self._no_room is not None:
                self._no_room = max(self._no_room, before)

    def unfinished(self) -> bool:
        """True when a store holds half of a change."""
        return any(replica.weaver.unfinished for replica in self.replicas)

    def reload(self):
        """After a rollback: what is stored counts again."""
        kept = self.storage.store_ids()
        self.replicas = [replica for replica in self.replicas if replica.id in kept]
        for replica in self.replicas:
            replica.rolled_back()

    def reopen(self):
        """Opens again what the transaction that was rolled back had closed."""
        self._open_all_declared(None)

    # -- what a store declares -----------------------------------------------------------------------------------------

    def _open_all_declared(self, now_ms):
        for parent in list(self.replicas):
            if parent in self.replicas:
                self._open_declared(parent, now_ms)

    def _open_declared(self, top, now_ms, named=None):
        """Opens what `top` declares and is not open, and what that declares; closes what is archived. True when
        anything changed. `named`: the ids of the children of `top` that may have changed, None for all."""
        changed = freed = False
        shares = _Shares(self)
        parents = [top]
        for parent in parents:
            told = parent.system.children() if named is None else _children(parent, named)
            named = None
            for child in told:
                if self._is_claimed_twice(parent, child.id):
                    continue  # whatever this store says of it
                replica = self.get(child.id)
                if child.status == CHILD_ARCHIVED:
                    if replica is not None:
                        self.close(replica)
                        changed = freed = True
                elif replica is not None:
                    replica.alias = child.name
                elif child.type and child.id != parent.id:
                    opened = self._open_child(parent, child, now_ms, shares)
                    if opened is not None:
                        changed = True
                        parents.append(opened)
        if freed:
            self._open_all_declared(now_ms)  # there is room now for others
        return changed

    def _open_child(self, parent, child, now_ms, shares):
        if self.is_damaged(child.id) or self.depth_of(parent) >= stores.DEPTH - 1:
            return None
        made = self.is_made(child.id)
        if not made and self._is_full() and not shares.make_room(parent, child.id):
            return None
        if made and not self._may_open_more():
            return None  # it rests
        before = len(self.replicas)
        try:
            need_store = getattr(self.storage, "need_store", None)
            if need_store is not None:
                need_store()
            if made:
                replica = self._replica(child.id, now_ms)  # archived before, or its parent was not open
                self.replicas.append(replica)
            elif self._may_open_more():
                maker = parent.system.declared_by(child.id)
                replica = self.add(child.id, child.type, parent.id, now_ms, maker)
            else:
                self._keep(child.id, child.type, parent.id, parent.system.declared_by(child.id))
                return None
        except StorageFull:
            self._note_no_room()  # the declaration stands all the same
            del self.replicas[before:]
            return None
        except (StorageError, ProtocolError) as error:
            self._journal.spoil()  # opening it may have changed it
            self.damaged.append((child.id, str(error)))
            del self.replicas[before:]
            return None
        replica.alias = child.name
        return replica

    def _note_no_room(self):
        """A declared store stays closed: it is opened when there is more room than now."""
        room = self._room_for_stores()
        self._no_room = room if self._no_room is None else max(self._no_room, room)

    def _room_for_stores(self):
        return getattr(self.storage, "room_for_stores", self.storage.room)()


class _Shares:
    """How the kept stores are shared among those who declared them: whoever declares hundreds does not keep out what
    others make."""

    def __init__(self, tree):
        self.tree = tree

    def make_room(self, parent, store_id):
        """Lets go of an empty store of whoever has most, for one of somebody who has fewer. True when it did."""
        makers = {}  # who declared: [ids]
        for kept in self.tree.kept():
            row = self.tree._made_row(kept)
            if row[:_ID_BYTES] != bytes(_ID_BYTES):
                makers.setdefault(row[_ID_BYTES:_TYPE_AT], []).append(kept)
        maker = parent.system.declared_by(store_id)
        if not makers:
            return False
        most = max(makers.values(), key=len)
        if len(most) <= len(makers.get(maker, ())) + 1:
            return False
        for kept in most:
            if not self.tree.storage.store(kept).count:
                self.tree._unmake(kept)
                return True
        return False


def _children(parent, named):
    for store_id in named:
        child = parent.system.child(store_id)
        if child is not None:
            yield child


def _children_named(events):
    """The ids of the children of which these events of a store tell; None when it may be any of them."""
    named = []
    for event in events:
        if event[0] == "lost" or (event[0] == "system" and event[2] == "child_removed"):
            return None
        if event[0] == "system" and event[2] in ("child", "child_status") and event[3] not in named:
            named.append(event[3])
    return named


def _inherits(replica):
    if replica.parent is None or stores.has_marked_id(replica.id):
        return False
    return replica.system.strategy() in (None, "inherited")
