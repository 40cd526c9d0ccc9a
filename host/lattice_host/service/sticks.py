"""Group `stick`: setting sticks up, asking how one is, owners. Operations at a port yield the events of
`StickPort.talk`."""

from lattice_core.api.peers import shut_out
from lattice_core.api.rows import member_name
from lattice_core.errors import Refused, UsageError
from lattice_core.files.budget import ROOM_KEPT_BYTES
from lattice_core.node.node import Node
from lattice_core.node.stores import id_text

from ..clock import now_ms
from .backend import Result, Stream
from .host_service import HostService
from .stick_port import StickPort, outcome_of
from .syncing import TIMEOUT_S


class StickService(HostService):
    def setup(
        self, port: str, store: str | None = None, name: str | None = None, timeout_s: float = TIMEOUT_S
    ) -> Stream:
        """Takes a fresh stick into the share of `store`, as `name`; this node becomes its owner. A stick of this node
        that was revoked is let in again. {`id`, `name`, `share`, `let_in_again`}."""
        on = self.on
        wire = StickPort(on, port)
        shown = yield from _ask(wire, timeout_s)
        if shown["owned"]:
            root = _let_in_again(on, wire.peer_key, shown, store)
            if name not in (None, shown["name"]):
                on.notify("the stick keeps its name %s" % shown["name"])
            name = shown["name"]
        else:
            root, called = self.node.tree.find_root(store), name or "stick"
            yield from wire.talk(lambda peer: peer.start(_set_up(peer, root, called), "setup"), timeout_s)
            name = called
        wire.remember(str(name))
        return {"id": wire.peer_key.hex(), "name": name, "share": id_text(root.id), "let_in_again": shown["owned"]}

    def status(self, port: str, timeout_s: float = TIMEOUT_S) -> Stream:
        """What the stick says of itself. Who is no member learns its `version` and `state`."""
        wire = StickPort(self.on, port)
        shown = yield from _ask(wire, timeout_s)
        data = _status(self.node, shown)
        if shown["member"]:
            wire.remember(shown["name"])
        return data

    def add_owner(self, port: str, member: str, timeout_s: float = TIMEOUT_S) -> Stream:
        """Lets a member administer the stick too: {`owner`, `name`, `known_there`, `is_self`}."""
        return self._change_owner(port, member, timeout_s, "owner_add")

    def transfer_owner(self, port: str, member: str, timeout_s: float = TIMEOUT_S) -> Stream:
        """Hands the stick over, so that this node no longer owns it: as `add_owner`."""
        return self._change_owner(port, member, timeout_s, "owner_transfer")

    def forget(self, name: str, store: str | None = None) -> Result:
        """Revokes a stick that is lost or given away, as `peer.revoke` does. What is on it stays on it."""
        on, node = self.on, self.node
        root = node.tree.find_root(store)
        key = node.members.find(root, name)
        data = shut_out(node, root, key, self.now_ms())
        node.members.forget_stick(root, key)
        on.commit()
        on.directory.forget_stick(key.hex())
        return data

    def _change_owner(self, port: str, member: str, timeout_s: float, command: str) -> Stream:
        node = self.node
        key = _key_of_member(node, member)
        wire = StickPort(self.on, port)

        def change(peer):
            if key == peer.key:
                raise UsageError("a stick cannot own itself: name a member", "own_identity")
            return getattr(peer, command)(key)

        answer = yield from wire.talk(change, timeout_s)
        return {
            "owner": key.hex(),
            "name": member_name(node, key),
            "known_there": not answer["done"]["unheard"],
            "is_self": key == node.identity.public,
        }


def _let_in_again(on, key, shown, store):
    """The share into which a stick is let in that obeys this node and was revoked. Refused for any other stick."""
    node = on.node
    if node.identity.public not in shown["owners"]:
        raise Refused(
            "this stick is owned by somebody else; its owner can let you in, or its button resets it (which erases it)",
            "not_the_owner",
        )
    there = [one["id"] for one in shown["stores"]]
    shares = [root for root in node.tree.roots() if root.id in there]
    if not shares:
        raise Refused(
            "this stick is yours, but none of its shares is here: `join` it with an invite of a member, or reset the "
            "stick with its button (which erases it)",
            "not_a_member",
        )
    if store is not None and node.tree.find_root(store) not in shares:
        raise Refused(
            "this stick is yours already, in share %s; its button resets it (which erases it)" % shares[0].label(),
            "already_member",
        )
    for root in shares:
        if not node.members.is_active(root, key):
            node.members.admit(root, key, "", now_ms())
            node.members.note_stick(root, key)
            on.commit()
            return root
    raise Refused("this stick is yours already; `sync` is enough", "already_member")


def _ask(wire: StickPort, timeout_s: float) -> Stream:
    """The stick's Status."""
    answer = yield from wire.talk(lambda peer: peer.status(), timeout_s)
    return answer["status"]


def _set_up(peer, root, name):
    """Task: the setup, unless it has happened before an interruption."""
    answer = yield from outcome_of(peer.status())
    if peer.node.identity.public not in answer["status"]["owners"]:
        yield from outcome_of(peer.setup(root, name, now_ms()))


def _status(node, shown):
    data = {"version": shown["version"], "state": shown["state"] or ("owned" if shown["owned"] else "fresh")}
    if not shown["member"]:
        return data
    total, used = shown["flash_total"], shown["flash_used"]
    free = max(total - used, 0)
    owners = [{"id": key.hex(), "name": node.members.peer_name(key)} for key in shown["owners"]]
    data.update(
        {
            "id": shown["id"].hex(),
            "name": shown["name"],
            "owner": owners[0]["id"] if owners else None,
            "owners": owners,
            "stores": [
                {
                    "id": id_text(store["id"]),
                    "name": _own_name(node, store),
                    "type": store["type"],
                    "intentions": store["intentions"],
                    "files": store["files"],
                    "waiting": store["waiting"],
                    "waiting_bytes": store["waiting_bytes"],
                }
                for store in shown["stores"]
            ],
            "store_count": max(shown["store_count"], len(shown["stores"])),
            "files": shown["files"],
            "flash": {"total": total, "used": used, "free": free, "for_files": max(free - ROOM_KEPT_BYTES, 0)},
            "last_error": shown["last_error"] or None,
            "forked": shown["forked"],
            "damage": shown["damage"] or None,
            "safe_to_unplug": shown["safe_to_unplug"],
        }
    )
    return data


def _own_name(node, store):
    """The name that this node knows a store by; what the stick says is cut to what its answer has room for."""
    handle = node.tree.get(store["id"])
    return store["name"] if handle is None else handle.name


def _key_of_member(node: Node, text: str) -> bytes:
    """The key that 64 hex digits, or a member's name or the beginning of its id, mean."""
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    if len(key) == 32:
        return key
    for root in node.tree.roots():
        return node.members.find(root, text)
    raise UsageError("%s is no id: an id has 64 hex digits" % text, "unknown_member")
