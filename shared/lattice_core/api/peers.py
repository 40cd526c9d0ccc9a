"""Group `peer`: members of the shares."""

from ..node import peers
from .plain import hex_of
from .rows import member_rows, named
from .service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..node.node import Node
    from ..node.stores import Replica


class PeerService(Service):
    READS = ("list",)

    def list(self, store: "str | None" = None) -> "dict[str, Any]":
        """{`peers`: [...]}: members of the share of `store`, or of every share."""
        roots = [self.node.find_root(store)] if store else self.node.roots()
        return {"peers": [row for root in roots for row in member_rows(self.node, root)]}

    def revoke(self, member: str, store: "str | None" = None) -> "dict[str, Any]":
        """Shuts a member (its name, or the beginning of its id) out of a share: {`id`, `name`, `status`, `was`,
        `written`, `also_out`, `let_in`}."""
        root = self.node.find_root(store)
        return shut_out(self.node, root, peers.find(self.node, root, member), self.now_ms())


def shut_out(node: "Node", root: "Replica", key: bytes, now_ms: int) -> "dict[str, Any]":
    """Revokes a member; what there is to say about it."""
    before = peers.active(node, root)
    was = peers.status_of(node, root, key)
    written = node.revoke_peer(root, key, now_ms)
    lost = [other for other in before if other != key and not peers.is_active(node, root, other)]
    let_in = [other for other in before if other != key and other not in lost and root.system.admitted_by(other) == key]
    return {
        "id": hex_of(key),
        "name": node.peer_name(key),
        "status": "revoked",
        "was": "only in single stores" if was is None else peers.STATUS_NAMES[was],
        "written": written,
        "also_out": [named(node, other) for other in lost],
        "let_in": [named(node, other) for other in let_in],
    }
