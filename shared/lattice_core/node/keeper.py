"""The stores of a node and the transaction that all of them share: the lower half of `node.Node`.

Own writes are durable when the call that makes them returns; what peers sent, and what was written through a handle, is
when `commit` returns or `durable(ticket)` says so.
"""

from ..compat import const
from ..errors import ProtocolError, StorageError, StorageFull, UsageError
from ..machines import registry
from . import device, hierarchy, stores
from .events import EVENTS_KEPT, EventLog
from .journal import Journal
from .whole import Lists

_MORE_ROOM_BYTES = const(1024)  # for another try to open a store that found no room
KEEP_UNREFERENCED_MS = const(2592000000)  # 30 days: until then `undo` finds what nothing names any more
NAME_RECORD = b"name"


class Keeper:
    """`stores`: the open handles. `damaged`: [(store id, words)] of stores that could not be opened.

    `keep_unreferenced_ms`: how long content stays that no file names any more; 0: until the room is needed (a stick).
    """

    def __init__(self, storage, crypto, identity, name="", keep_unreferenced_ms=KEEP_UNREFERENCED_MS):
        self.storage = storage
        self.crypto = crypto
        self.identity = identity
        self.name = self._committed_name = name
        self.keep_unreferenced_ms = keep_unreferenced_ms
        self.stores = []
        self.stores_open = stores.STORES_OPEN  # a computer sets more
        self.damaged = []
        self.events = EventLog(EVENTS_KEPT if keep_unreferenced_ms else 0)
        self.journal = Journal(storage, self.events, self)
        self.lists = Lists(self)
        self._no_room = None  # how much there was when it was not enough to open a store; None: none waits for room
        self._looking = None  # what is being looked over

    # -- stores ----------------------------------------------------------------------------------------------------

    def open(self, now_ms):
        """Opens every store of the storage, and what their roots declare. A damaged one is left closed and listed in
        `damaged`; the others work."""
        record = self.storage.record(NAME_RECORD)
        if not self.name and record is not None:
            self.name = str(record, "utf-8")
        self._committed_name = self.name
        self.damaged = []
        handles = []
        if getattr(self.storage, "salvaged", False):
            self._remake_root()
        for store_id in self.storage.store_ids():
            if not stores.is_made(self, store_id):
                continue
            try:
                handles.append(stores.open_store(self, store_id, now_ms, self.storage.commit))
                self.storage.commit()
            except (StorageError, ProtocolError) as error:  # ProtocolError: of what the medium holds
                self.storage.rollback()  # the others are committed: their weavers know of nothing that is lost
                self.damaged.append((store_id, str(error)))
        self.stores = [handle for handle in handles if handle.parent is None]
        children = [handle for handle in handles if handle.parent is not None]
        self.stores += children
        for root in self.roots():
            self._open_declared(root, now_ms)
        if self.journal.spoilt():
            self.rollback()
        self.lists.check()
        try:
            self.commit(now_ms)
        except StorageFull:
            pass  # it is rolled back: what opening wanted to write waits for room, everything else works

    def _remake_root(self):
        """Damage may have taken the row that says what the stick's root is; the children's, it declares."""
        record = self.storage.record(device.DEVICE)
        if record is not None:
            root_id = device.share_of(record)
            if root_id in self.storage.store_ids() and not stores.is_made(self, root_id):
                stores.remake_root(self, root_id)
                self.storage.commit()

    def _open_declared(self, root, now_ms):
        """What a share declares; the share is left closed when its state cannot be read."""
        try:
            archived = [child for child in self.children(root) if hierarchy.archived(self, child)]
            self.stores = [handle for handle in self.stores if handle not in archived]
            hierarchy.open_declared(self, root, now_ms)
        except StorageFull:
            self.note_no_room()
            self.journal.spoil()  # rolled back; what it declares beyond is closed for want of room
        except (StorageError, ProtocolError) as error:
            self.journal.spoil()
            self.damaged.append((root.id, str(error)))
            self.stores = [handle for handle in self.stores if root.id not in (handle.id, handle.parent)]

    def note_no_room(self):
        """A declared store stays closed: it is opened when there is more room than now."""
        room = self._room_for_stores()
        self._no_room = room if self._no_room is None else max(self._no_room, room)

    def _room_for_stores(self):
        return getattr(self.storage, "room_for_stores", self.storage.room)()

    def _open_what_waits(self, now_ms):
        if self._no_room is not None and self._room_for_stores() >= self._no_room + _MORE_ROOM_BYTES:
            before, self._no_room = self._no_room, None
            for root in self.roots():
                hierarchy.open_declared(self, root, now_ms)
            if self._no_room is not None:
                self._no_room = max(self._no_room, before)

    def get(self, store_id):
        """The open store with this id, or None."""
        for handle in self.stores:
            if handle.id == store_id:
                return handle
        return None

    def roots(self):
        return [handle for handle in self.stores if handle.parent is None]

    def is_damaged(self, store_id):
        return any(store_id == damaged for damaged, _ in self.damaged)

    def children(self, root):
        return [handle for handle in self.stores if handle.parent == root.id]

    def closed_children(self):
        """Iterates over declared stores that are not open here: (id, root's id, name, why, in words)."""
        return hierarchy.closed(self)

    def closed_child(self, store_id):
        """The same of one store, None when it is open or nobody has declared it."""
        return hierarchy.closed_child(self, store_id)

    def second_claims(self):
        """Iterates over stores that a second share declares: (id, that share's, name, id of the one it stays with)."""
        return hierarchy.claims(self)

    def has_own_list(self, handle):
        """True when a store's own system table says who is a member of it."""
        return hierarchy.peer_list(self, handle) is handle

    def is_cut(self, handle):
        """True when the list that counts for this store has lost something, and so decides nothing now."""
        return self.lists.any_cut() and self.lists.is_cut(hierarchy.peer_list(self, handle).id)

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
            raise UsageError(
                "there is no share here yet: `store create NAME` makes one, `join TOKEN` enters one", "no_share"
            )
        raise UsageError(
            "there is more than one share, name a store of the one you mean: %s" % stores.labels(self.stores),
            "ambiguous",
        )

    def create_store(self, name, store_type, parent_id, now_ms):
        """A new store. A data store without `parent_id` goes under the only root, which is made when there is none."""
        stores.check_name(name, "store")
        if now_ms is None:
            raise _no_clock()
        store_type = registry.type_named(store_type)
        if store_type == stores.ROOT_TYPE:
            if parent_id is not None:
                raise UsageError("a root store has no parent")
            return self.at_once(now_ms, self._create_root, name, now_ms)
        if not name:
            raise UsageError(
                "the name of a store is empty: without one it could not be told from the share", "bad_name"
            )
        if store_type not in registry.data_types():
            can = ", ".join(registry.data_types())
            raise UsageError("stores of type %s cannot be made here; %s can" % (store_type, can), "unknown_type")
        parent = None
        if parent_id is not None:
            parent = self.get(parent_id)
            if parent is None:
                raise UsageError("the parent store is not here", "unknown_store")
            if parent.parent is not None:
                raise UsageError("%s is no share: other nodes open only what a root declares" % parent.label())
        elif self.roots():
            parent = self.find_root()
        if parent is not None:
            stores.check_unused(parent, name)
        return self.at_once(now_ms, self._create_child, parent, name, store_type, now_ms)

    def _create_root(self, name, now_ms):
        return self.add_handle(stores.create_root(self, name, now_ms))

    def _create_child(self, parent, name, store_type, now_ms):
        if parent is None:
            parent = self._create_root("", now_ms)
        return self.add_handle(stores.create_child(self, parent, name, store_type, now_ms))

    def add_child(self, parent, name, store_type, now_ms):
        """A new store of a share, in the open transaction (see `at_once`)."""
        return self._create_child(parent, name, store_type, now_ms)

    def add_handle(self, handle):
        """A store that was opened: from now on it is served."""
        self.stores.append(handle)
        return handle

    def close_store(self, handle):
        self.stores.remove(handle)

    # -- an identity that has lost its data ----------------------------------------------------------------------------

    def note_restored(self):
        """The identity has lived with another storage. What it wrote then may be held by others, and a write that does
        not stand on it would fork its chain: a store that is joined stays read-only until a complete sync."""
        self.storage.put_record(stores.RESTORED_RECORD, b"1")

    def caught_up(self, handle):
        """A complete sync of the store has brought what the peer holds, our own writes of an earlier life with it."""
        forked = [author for author, _, _, _ in handle.weaver.forks()]
        if handle.weaver.doubts_own_chain() and self.identity.public not in forked:
            handle.weaver.doubt_own_chain(False)

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
            self.events.propose(events)
            if handle.parent is None and any(event[0] != "kv" for event in events):
                roots.append((handle, _children_named(events)))
        for root, named in roots:
            changed = hierarchy.open_declared(self, root, now_ms, named) or changed
        return changed

    def prepare(self, now_ms):
        """Adds to the open transaction what follows from its writes, before it is committed."""
        self.refresh(now_ms)
        self._open_what_waits(now_ms)
        self.lists.note()

    def committed(self):
        self._committed_name = self.name

    def unfinished(self):
        """True when a store holds half of a change."""
        return any(handle.weaver.unfinished for handle in self.stores)

    def reload(self):
        """After a rollback: what is stored counts again."""
        self.name = self._committed_name
        kept = self.storage.store_ids()
        self.stores = [handle for handle in self.stores if handle.id in kept]
        for handle in self.stores:
            handle.weaver.reload()
            handle.files.rolled_back()

    def reopen(self):
        """Opens again what the transaction that was rolled back had closed."""
        for root in self.roots():
            hierarchy.open_declared(self, root, None)
        self.lists.forget()

    def commit(self, now_ms=None):
        self.journal.commit(now_ms)

    def commit_due(self, now_ms, ticks_ms=None):
        return self.journal.commit_due(now_ms, ticks_ms)

    def rollback(self):
        self.journal.rollback()

    def ticket(self):
        return self.journal.ticket()

    def durable(self, ticket):
        return self.journal.durable(ticket)

    def make_room(self):
        """On a stick: drops content that nothing names any more, for what else finds no room. True when there was any.
        Commits."""
        if self.keep_unreferenced_ms:
            return False
        dropped = 0
        for handle in list(self.stores):
            dropped += handle.files.drop_unreferenced()[0]
        return dropped > 0

    def look_over(self):
        """Looks at one stored intention or blob, whether its bytes still have its hash, each once after a start: what
        is damaged is wanted again although nobody asks for it. True while there is more to look at."""
        if self._looking is None:
            self._looking = self._look_over()
        for _ in self._looking:
            return True
        return False

    def _look_over(self):
        for handle in list(self.stores):
            for _, hash, _, _ in handle.store.witness_log():
                handle.weaver.read(hash)
                yield
            for digest, _ in handle.store.blobs():
                handle.files.contents.check(digest)
                yield

    def note_damage(self, handle, hashes, digests):
        """What was found damaged in a store is wanted again, if that can be written now."""
        try:
            for hash in hashes:
                handle.weaver.note_damaged(hash)
            for digest in digests:
                handle.files.contents.check(digest)
            self.commit()
        except StorageError:
            return

    def lose_blob(self, contents, digest):
        """Somebody who reads has found a blob damaged: it is dropped, if that can be written now, and wanted again."""
        try:
            if not contents.check(digest):
                self.commit()
        except StorageError:
            return  # a medium that cannot be written: it is found again

    def at_once(self, now_ms, function, *arguments):
        """The result of `function`, with what it writes durable, or nothing of it."""
        with self.journal.write(now_ms):
            return function(*arguments)


def _children_named(events):
    """The ids of the children of which these events of a root tell; None when it may be any of them."""
    named = []
    for event in events:
        if event[0] == "lost" or (event[0] == "system" and event[2] == "child_removed"):
            return None
        if event[0] == "system" and event[2] in ("child", "child_status") and event[3] not in named:
            named.append(event[3])
    return named


def _no_clock():
    return UsageError(
        "this node does not know the time yet, so it cannot write: connect it to its owner's computer once",
        "no_clock",
    )
