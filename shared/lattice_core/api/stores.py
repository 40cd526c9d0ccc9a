"""Group `store`: stores, their shares, and what they hold and wait for."""

from ..node.stores import KV_TYPE, id_text
from .plain import hex_of
from .rows import fork_rows, waiting_rows
from .service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..node.node import Node
    from ..node.replica import Replica


class StoreService(Service):
    READS = ("list", "status")
    MAKES = ("create",)

    def create(self, name: str, type: str = KV_TYPE, parent: "str | None" = None) -> "dict[str, Any]":
        """Makes a data store in the share of `parent` (a store of it; None: the only share, which is made when there is
        none): {`id`, `name`, `type`, `root`}."""
        parent_id = None if parent is None else self.node.tree.find_root(parent).id
        made = self.node.create_store(name, type, parent_id, self.now_ms())
        root = self.node.tree.root_of(made)
        return {"id": id_text(made.id), "name": made.name, "type": made.type, "root": id_text(root.id)}

    def list(self) -> "dict[str, Any]":
        """{`stores`: [{`id`, `name`, `type`, `parent`}]}: every open store, children under their root."""
        rows = []
        for root in self.node.tree.roots():
            rows.append(_row(root))
            rows.extend([_row(child) for child in self.node.tree.children(root)])
        return {"stores": rows}

    def status(self, store: "str | None" = None) -> "dict[str, Any]":
        """{`stores`: [...]}: what a store, or each of them, holds and waits for."""
        return {"stores": [_state(self.node, replica) for replica in self._chosen(store)]}

    def _chosen(self, store: "str | None") -> "list[Replica]":
        """The store that is meant, or all."""
        return [self.node.tree.find(store)] if store else list(self.node.tree.replicas)


def _row(replica: "Replica") -> "dict[str, Any]":
    parent = None if replica.parent is None else id_text(replica.parent)
    return {"id": id_text(replica.id), "name": replica.name, "type": replica.type, "parent": parent}


def _state(node: "Node", replica: "Replica") -> "dict[str, Any]":
    weaver = replica.weaver
    row = _row(replica)
    row.update(
        {
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
