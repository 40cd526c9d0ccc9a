"""Group `peer`: members of the shares."""

from ..errors import UsageError
from ..node.members import STATUS_NAMES
from ..node.stores import id_text
from .plain import hex_of
from .rows import member_rows, named
from .service import Service, chosen_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..node.node import Node
    from ..node.replica import Replica


class PeerService(Service):
    READS = ("list",)

    def list(self, store: "str | None" = None) -> "dict[str, Any]":
        """{`peers`: [...]}: members of the share of `store`, or of every share; of a store that has members of its own,
        these."""
        roots = [chosen_list(self.node, store)] if store else self.node.tree.roots()
        return {"peers": [row for root in roots for row in member_rows(self.node, root)]}

    def admit(self, member: str, store: str) -> "dict[str, Any]":
        """Lets an active member of the share, as one of this node's sticks, into one store that has members of its own,
        on this node's word: {`id`, `name`, `store`, `written`}. UsageError for any other store, or member."""
        node = self.node
        replica = node.tree.find(store)
        if node.tree.strategy_of(replica) != "independent":
            raise UsageError(
                "%s is no store with members of its own choice: into a share leads an invite" % replica.label(),
                "inherits",
            )
        root = node.tree.root_of(replica)
        key = node.members.find(root, member)
        if not node.members.is_active(root, key):
            raise UsageError("%s is no active member of the share" % node.members.label_of(key), "not_a_member")
        written = not node.members.is_active(replica, key)
        node.members.admit(replica, key, "", self.now_ms())
        return {
            "id": hex_of(key),
            "name": node.members.peer_name(key),
            "store": id_text(replica.id),
            "written": written,
        }

    def revoke(self, member: str, store: "str | None" = None) -> "dict[str, Any]":
        """Shuts a member (its name, or the beginning of its id) out of a share and every store in it, or out of one
        store that has members of its own: {`id`, `name`, `status`, `was`, `written`, `also_out`, `let_in`}."""
        root = chosen_list(self.node, store)
        return shut_out(self.node, root, self.node.members.find(root, member), self.now_ms())


def shut_out(node: "Node", root: "Replica", key: bytes, now_ms: int) -> "dict[str, Any]":
    """Revokes a member; what there is to say about it."""
    before = node.members.active(root)
    was = node.members.status_of(root, key)
    written = node.members.revoke(root, key, now_ms)
    lost = [other for other in before if other != key and not node.members.is_active(root, other)]
    let_in = [other for other in before if other != key and other not in lost and root.system.admitted_by(other) == key]
    return {
        "id": hex_of(key),
        "name": node.members.peer_name(key),
        "status": "revoked",
        "was": "only in single stores" if was is None else STATUS_NAMES[was],
        "written": written,
        "also_out": [named(node, other) for other in lost],
        "let_in": [named(node, other) for other in let_in],
    }
