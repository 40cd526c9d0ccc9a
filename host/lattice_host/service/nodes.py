"""Group `node`: who this node is and what it holds."""

from lattice_core.api.plain import bytes_fields
from lattice_core.api.rows import disputed, fork_rows, read_only, second_claims, skipped_by, waiting_rows
from lattice_core.node.node import Node
from lattice_core.node.replica import Replica
from lattice_core.node.stores import id_text

from .. import clock
from ..rekey import Rekey
from .activity import running
from .backend import Result
from .host_service import HostService
from .local import OpenNode
from .only_here import OnlyHere

_SHOWN = 10  # keys and files that nobody else holds, per store


class NodeService(HostService):
    READS = ("status",)
    MAKES = ("init",)

    def init(self, name: str | None = None) -> Result:
        """Makes the node where there is none, or gives it another name: {`id`, `name`, `data`}."""
        node = self.node
        if name is not None and name != node.name:
            node.rename(name, self.now_ms())
        return {"id": node.identity.public.hex(), "name": node.name, "data": str(self.on.directory.path)}

    def status(self, command: str = "lattice-host") -> Result:
        """Who this node is, its shares, stores and sticks, and what no other node is known to hold. `command`: how a
        command for this node begins."""
        node, directory = self.node, self.on.directory
        return {
            "id": node.identity.public.hex(),
            "name": node.name,
            "data": str(directory.path),
            "shares": [_share(node, root) for root in node.tree.roots()],
            "sticks": _sticks(self.on),
            "read_only": read_only(node),
            "clock": clock.problems(node, self.on.storage, self.now_ms()),
            "busy": running(directory.path) if self.on.reads else None,
            "rekey": _unfinished(Rekey(directory.path), command),
            "damaged": [{"id": id_text(store_id), "error": words} for store_id, words in node.tree.damaged],
        }


def _unfinished(journal: Rekey, command: str) -> str | None:
    """What a `node rekey` has left to do, with the command for it; None when nothing is."""
    left = journal.unfinished()
    if left is None:
        return None
    command += " node rekey"
    if journal.joined:
        return "%s. Go on: `%s`" % (left, command)
    return "%s. Take it back: `%s --abandon`. Go on, with an invite of another member: `%s --invite TOKEN`" % (
        left,
        command,
        command,
    )


def _share(node: Node, root: Replica) -> Result:
    members = node.members.active(root)
    return {
        "id": id_text(root.id),
        "name": root.name,
        "members": len(members),
        "disputed": disputed(node, root),
        "second_claims": [claim for claim in second_claims(node) if claim["share"] == id_text(root.id)],
        "stores": [_store(node, replica) for replica in node.tree.descending(root)],
    }


def _store(node: Node, replica: Replica) -> Result:
    unheld = OnlyHere(node, replica, _SHOWN)
    return {
        "id": id_text(replica.id),
        "name": replica.name,
        "type": replica.type,
        "intentions": replica.store.count,
        "read_only": replica.weaver.read_only,
        "waiting": waiting_rows(node, replica.weaver.waiting()),
        "forks": fork_rows(node, replica),
        "skipped": skipped_by(node, replica),
        "only_here": {
            "intentions": unheld.intentions,
            "keys": [bytes_fields("key", key) for key in unheld.keys],
            "key_count": unheld.key_count,
            "files": unheld.files,
            "file_count": unheld.file_count,
        },
    }


def _sticks(on: OpenNode) -> list[Result]:
    node = on.node
    noted = {key.hex() for root in node.tree.roots() for key in node.members.sticks(root)}
    seen = on.directory.config()["sticks"]
    return [
        {
            "id": stick_id,
            "name": node.members.peer_name(bytes.fromhex(stick_id)) or seen.get(stick_id, {}).get("name", ""),
            "port": seen.get(stick_id, {}).get("port"),
        }
        for stick_id in sorted(noted)
    ]
