"""Group `store`: stores, their shares, and what they hold and wait for."""

from ..machines import registry
from ..node.stores import INHERITED, KV_TYPE, SNAPSHOT, has_marked_id, id_text
from ..wire.messages import CHILD_ARCHIVED
from .plain import hex_of
from .rows import fork_rows, named, waiting_rows
from .service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..node.node import Node
    from ..node.replica import Replica

# Why a node of the reference in the same share does not open a store as it is meant.
_BELOW = "it lies below another store: a Rust node opens what a root declares, and nothing below that"
_TYPE = "its type is unknown there"
_OWN_LIST = "it has members of its own: a Rust node in the share takes it for one that every member may have"


class StoreService(Service):
    READS = ("list", "status", "tree")
    MAKES = ("create",)

    def create(
        self, name: str, type: str = KV_TYPE, parent: "str | None" = None, strategy: str = INHERITED
    ) -> "dict[str, Any]":
        """Makes a data store under `parent` (a share or any store; None: the only share, which is made when there is
        none): {`id`, `name`, `type`, `root`, `parent`, `strategy`, `members`}. `strategy`: "inherited": whoever is a
        member of the parent; "independent": this node, and whom it invites to this store; "snapshot": the active
        members of the parent as they are now, which `members` then lists as [{`id`, `name`}]."""
        parent_id = None if parent is None else self.node.tree.find(parent).id
        made = self.node.create_store(name, type, parent_id, self.now_ms(), strategy)
        root = self.node.tree.root_of(made)
        copied = self.node.members.active(made) if strategy == SNAPSHOT else []
        row = _row(made)
        row["root"] = id_text(root.id)
        row["strategy"] = self.node.tree.strategy_of(made)
        row["members"] = [named(self.node, key) for key in copied]
        return row

    def name(self, store: str, name: str) -> "dict[str, Any]":
        """Gives a store another name, for everybody: {`id`, `name`, `was`}."""
        replica = self.node.tree.find(store)
        was = replica.name
        self.node.founding.rename(replica, name, self.now_ms())
        return {"id": id_text(replica.id), "name": replica.name, "was": was}

    def archive(self, store: str) -> "dict[str, Any]":
        """Closes a store and what lies below it, on every node: {`id`, `name`, `closed`: [{`id`, `name`}]}, itself
        first. Nothing is deleted."""
        replica = self.node.tree.find(store)
        closed = [{"id": id_text(one.id), "name": one.name} for one in self.node.tree.descending(replica)]
        self.node.founding.archive(replica, self.now_ms())
        return {"id": id_text(replica.id), "name": replica.name, "closed": closed}

    def list(self) -> "dict[str, Any]":
        """{`stores`: [{`id`, `name`, `type`, `parent`}]}: every open store, each followed by what lies below it."""
        tree = self.node.tree
        return {"stores": [_row(replica) for root in tree.roots() for replica in tree.descending(root)]}

    def tree(self, store: "str | None" = None) -> "dict[str, Any]":
        """{`stores`: [{`id`, `name`, `type`, `parent`, `depth`, `state`, `strategy`, `carried`, `why`, `rust`}]}: all
        stores that are declared below `store` (None: in every share), each followed by what lies below it. `state`:
        "open", "archived", "closed" (`why`), or "elsewhere": it came here through another store and stays there.
        `strategy`: "root", "inherited", "independent", "snapshot", or None while it is not open. `carried`: its type is
        unknown here. `rust`: why a node of the reference does not open it as it is meant, or None."""
        tops = [self.node.tree.find(store)] if store else self.node.tree.roots()
        return {"stores": [row for top in tops for row in _tree_rows(self.node, top)]}

    def status(self, store: "str | None" = None) -> "dict[str, Any]":
        """{`stores`: [...]}: what a store, or each of them, holds and waits for."""
        return {"stores": [_state(self.node, replica) for replica in self._chosen(store)]}

    def _chosen(self, store: "str | None") -> "list[Replica]":
        """The store that is meant, or all."""
        return [self.node.tree.find(store)] if store else self.node.tree.walk()


def _row(replica: "Replica") -> "dict[str, Any]":
    parent = None if replica.parent is None else id_text(replica.parent)
    return {"id": id_text(replica.id), "name": replica.name, "type": replica.type, "parent": parent}


def _tree_rows(node: "Node", top: "Replica") -> "list[dict[str, Any]]":
    """Rows of a store and of everything that is declared below it."""
    rows = []
    opened = [(0, top)]
    while opened:
        depth, replica = opened.pop()
        rows.append(_open_row(node, replica, depth))
        below = []
        for child in replica.system.children():
            found = _if_below(node, replica, child.id)
            if found is not None:
                below.append((depth + 1, found))
            else:
                rows.append(_closed_row(node, replica, child, depth + 1))
        opened.extend(reversed(below))
    return rows


def _if_below(node: "Node", parent: "Replica", store_id: bytes) -> "Replica | None":
    """The open store of this id when it is open below `parent`."""
    replica = node.tree.get(store_id)
    return replica if replica is not None and replica.parent == parent.id else None


def _open_row(node: "Node", replica: "Replica", depth: int) -> "dict[str, Any]":
    row = _row(replica)
    strategy = node.tree.strategy_of(replica)
    row.update({"depth": depth, "state": "open", "strategy": strategy, "carried": not replica.is_known, "why": None})
    parent = node.tree.get(replica.parent)
    row["rust"] = None if parent is None else _rust(parent, replica.type, strategy not in ("root", "inherited"))
    return row


def _closed_row(node: "Node", parent: "Replica", child, depth: int) -> "dict[str, Any]":
    found = node.tree.closed_child(child.id)
    why = found[3] if found is not None and found[1] == parent.id else None
    state = "archived" if child.status == CHILD_ARCHIVED else "closed" if why else "elsewhere"
    return {
        "id": id_text(child.id),
        "name": child.name,
        "type": child.type,
        "parent": id_text(parent.id),
        "depth": depth,
        "state": state,
        "strategy": None,
        "carried": not registry.is_known(child.type),
        "why": why,
        "rust": _rust(parent, child.type, has_marked_id(child.id)),
    }


def _rust(parent: "Replica", store_type: str, has_own_list: bool) -> "str | None":
    if parent.parent is not None:
        return _BELOW
    if not registry.is_known(store_type):
        return _TYPE
    return _OWN_LIST if has_own_list else None


def _state(node: "Node", replica: "Replica") -> "dict[str, Any]":
    weaver = replica.weaver
    row = _row(replica)
    row.update(
        {
            "carried": not replica.is_known,
            "intentions": replica.store.count,
            "authors": len(replica.store.authors()),
            "head": hex_of(replica.store.head),
            "state_hash": hex_of(weaver.state_hash()),
            "floating": weaver.floating_count,
            "skipped": [
                {"hash": hex_of(hash), "author": hex_of(author), "reason": reason}
                for hash, author, reason in weaver.skipped()
            ],
            "waiting": waiting_rows(node, weaver.waiting()),
            "forks": fork_rows(node, replica),
            "read_only": weaver.read_only,
        }
    )
    return row
