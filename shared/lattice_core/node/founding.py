"""Stores are made, named and archived: what is written for it is what the reference writes, in its order."""

from ..compat import const
from ..errors import UsageError
from ..machines import registry
from ..model import ops
from ..text import printable
from ..wire.messages import CHILD_ACTIVE, CHILD_ARCHIVED, PEER_ACTIVE
from . import own_list, stores

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .journal import Journal
    from .members import Members
    from .replica import Replica
    from .tree import StoreTree

_ADMITTED_AT_ONCE = const(64)


class Founding:
    """`name`: of this node, as its own lists show it."""

    def __init__(self, tree: "StoreTree", members: "Members", journal: "Journal", name: str):
        self._tree = tree
        self._members = members
        self._journal = journal
        self._name = name

    def create(
        self,
        name: str,
        store_type: str,
        parent_id: "bytes | None",
        now_ms: "int | None",
        strategy: str = stores.INHERITED,
    ) -> "Replica":
        """A new store. A data store without `parent_id` goes under the only root, which is made when there is none.
        `strategy`: whose members are its members."""
        stores.check_name(name, "store")
        if now_ms is None:
            raise _no_clock()
        if strategy not in stores.STRATEGIES:
            raise UsageError("the members of a store are one of: %s" % ", ".join(stores.STRATEGIES), "bad_value")
        store_type = registry.type_named(store_type)
        if store_type == stores.ROOT_TYPE:
            if parent_id is not None:
                raise UsageError("a root store has no parent")
            with self._journal.write(now_ms):
                return self.root(name, now_ms)
        if not name:
            raise UsageError(
                "the name of a store is empty: without one it could not be told from the share", "bad_name"
            )
        if store_type not in registry.data_types():
            can = ", ".join(registry.data_types())
            raise UsageError("stores of type %s cannot be made here; %s can" % (store_type, can), "unknown_type")
        parent = None
        if parent_id is not None:
            parent = self._tree.get(parent_id)
            if parent is None:
                raise UsageError("the parent store is not here", "unknown_store")
        elif self._tree.roots():
            parent = self._tree.find_root()
        if parent is not None:
            self._check_parent(parent)
            self._check_unused(parent, name)
        with self._journal.write(now_ms):
            return self.child(parent or self.root("", now_ms), name, store_type, now_ms, strategy)

    def _check_parent(self, parent):
        if self._tree.depth_of(parent) >= stores.DEPTH - 1:
            raise UsageError("stores lie at most %d levels deep" % stores.DEPTH, "too_many")
        counting = self._tree.list_of(parent)
        if counting.parent is not None:
            self._members.check_own(counting)

    def archive(self, replica: "Replica", now_ms: int):
        """Closes a store and everything below it, here and wherever this write arrives. What it holds stays on every
        medium where it is."""
        parent = self._tree.get(replica.parent)
        if parent is None:
            raise UsageError("%s is a share: only a store in one can be archived" % replica.label(), "impossible")
        self._members.check_own(self._tree.list_of(parent))
        with self._journal.write(now_ms):
            parent.write_system([ops.child_status(replica.id, CHILD_ARCHIVED)], now_ms)

    def rename(self, replica: "Replica", name: str, now_ms: int):
        """Gives a store another name, for everybody. The name under which its parent declares it stays."""
        if not name:
            raise UsageError("the name of a store is empty", "bad_name")
        stores.check_name(name, "store")
        if name == replica.name:
            return
        self._members.check_own(self._tree.list_of(replica))
        self._check_unused(replica, name)
        with self._journal.write(now_ms):
            replica.write_system([ops.store_name(name)], now_ms)

    def root(self, name: str, now_ms: int) -> "Replica":
        """A new share, in the open transaction: the intentions are those of the reference, in its order."""
        root = self._tree.make(stores.new_id(self._tree.crypto), stores.ROOT_TYPE, None, now_ms)
        self._write_genesis(root, now_ms, self._nonce())
        naming = [ops.store_name(name)] if name else []
        root.write_system(naming + [ops.strategy_independent()], now_ms)
        if self._name:
            root.write_system([ops.peer_name(self._members.own, self._name)], now_ms)
        root.write_system([ops.peer_status(self._members.own, PEER_ACTIVE)], now_ms)
        return root

    def child(
        self, parent: "Replica", name: str, store_type: str, now_ms: int, strategy: str = stores.INHERITED
    ) -> "Replica":
        """A new store under `parent`, which declares it, in the open transaction."""
        nonce = self._nonce()
        if strategy == stores.INHERITED:
            store_id = stores.new_id(self._tree.crypto)
        else:
            store_id = own_list.make_id(self._tree.crypto, self._members.own, store_type, nonce)
        child = self._tree.make(store_id, store_type, parent.id, now_ms)
        child.alias = name
        self._write_genesis(child, now_ms, nonce)
        self._write_strategy(child, parent, [ops.store_name(name)] if name else [], strategy, now_ms)
        declaration = [ops.child_add(child.id, name, store_type), ops.child_status(child.id, CHILD_ACTIVE)]
        parent.write_system(declaration, now_ms)
        return child

    def _write_strategy(self, child, parent, naming, strategy, now_ms):
        if strategy == stores.INHERITED:
            child.write_system(naming + [ops.strategy_inherited()], now_ms)
            return
        own = self._members.own
        choice = ops.strategy_independent() if strategy == stores.INDEPENDENT else ops.strategy_snapshot(parent.id)
        child.write_system(naming + [choice], now_ms)
        if self._name:
            child.write_system([ops.peer_name(own, self._name)], now_ms)
        child.write_system([ops.peer_status(own, PEER_ACTIVE)], now_ms)
        others = self._copied(parent) if strategy == stores.SNAPSHOT else []
        for at in range(0, len(others), _ADMITTED_AT_ONCE):
            admitted = [ops.peer_status(key, PEER_ACTIVE) for key in others[at : at + _ADMITTED_AT_ONCE]]
            child.write_system(admitted, now_ms)

    def _copied(self, parent):
        """The members that a snapshot takes over: those of the store above that are active now, but this node."""
        members = self._members
        return [key for key in members.active(parent) if key != members.own and members.is_active(parent, key)]

    def _nonce(self):
        return int.from_bytes(self._tree.crypto.random(4), "little")

    def _write_genesis(self, replica, now_ms, nonce):
        replica.weaver.submit(ops.genesis(replica.type, nonce), [], now_ms)

    def _check_unused(self, replica, name):
        """UsageError when a store of the share has this name already: a second one could not be named any more."""
        root = self._tree.root_of(replica)
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
        for replica in self._tree.walk(root):
            if replica.parent is not None and replica.name == name:
                return replica.id
            for child in replica.system.children():
                if child.name == name and child.status != CHILD_ARCHIVED and self._tree.get(child.id) is None:
                    return child.id
        return None


def _no_clock():
    return UsageError(
        "this node does not know the time yet, so it cannot write: connect it to its owner's computer once", "no_clock"
    )
