"""Rows that several groups return: members, writes that wait, forks. Plain values only."""

from ..node.members import STATUS_NAMES
from ..node.stores import id_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..node.node import Node
    from ..node.replica import Replica

    Row = dict[str, Any]


def member_name(node: "Node", key: bytes) -> str:
    """The name of an author, this node included; "" when none is known."""
    return node.name if key == node.identity.public else node.members.peer_name(key)


def named(node: "Node", key: bytes) -> "Row":
    """{id, name} of a key."""
    return {"id": key.hex(), "name": member_name(node, key)}


def member_rows(node: "Node", root: "Replica") -> "list[Row]":
    """All members of a share, as its own list names them and as the lists of single stores do; of a store in one, as
    its list names them."""
    sticks = node.members.sticks(root)
    rows = []
    for handle in node.members.lists_of(root) if root.parent is None else [root]:
        for member in handle.system.peers():
            if handle is root or root.system.peer(member.key) is None:
                rows.append(_member_row(node, root, handle, member, sticks))
    return rows


def _member_row(node, root, handle, member, sticks):
    row = {
        "id": member.key.hex(),
        "name": member.name,
        "status": STATUS_NAMES.get(member.status, "status %d" % member.status),
        "self": member.key == node.identity.public,
        "stick": member.key in sticks,
        "share": id_text(node.tree.root_of(root).id),
        "store": None if handle.parent is None else id_text(handle.id),
        "let_in_by": None,
        "named_by": None,
        "disputed": handle.system.is_disputed(member.key),
    }
    giver = handle.system.named_by(member.key)
    if giver not in (None, member.key, node.identity.public):
        row["named_by"] = named(node, giver)
    admitter = handle.system.admitted_by(member.key)
    if row["status"] == "active" and admitter != member.key:
        row["let_in_by"] = named(node, admitter)
        row["let_in_by"]["revoked"] = node.members.is_revoked(root.id, admitter)
    return row


def disputed(node: "Node", root: "Replica") -> "list[Row]":
    """[{id, name}] of the members whose status a node of the reference may read otherwise."""
    return [named(node, peer.key) for peer in root.system.peers() if root.system.is_disputed(peer.key)]


def second_claims(node: "Node") -> "list[Row]":
    """Stores that a second share declares, each of which stays with the one it came through."""
    return [
        {"id": id_text(store_id), "share": id_text(root_id), "name": name, "stays_with": id_text(first)}
        for store_id, root_id, name, first in node.tree.second_claims()
    ]


def skipped_by(node: "Node", handle: "Replica") -> "list[Row]":
    """[{id, name, count}] of the authors of writes that could not be applied."""
    counts = {}
    for _, author, _ in handle.weaver.skipped():
        counts[author] = counts.get(author, 0) + 1
    rows = []
    for author, count in counts.items():
        row = named(node, author)
        row["count"] = count
        rows.append(row)
    return rows


def read_only(node: "Node") -> "str | None":
    """Why this node may write nothing in any store, or None."""
    forked = [handle.weaver.read_only for handle in node.tree.replicas if handle.weaver.own_chain_is_forked()]
    return forked[0] if forked else None


def waiting_rows(node: "Node", waiting) -> "list[Row]":
    """Rows of the writes that wait, by author, from `Weaver.waiting`."""
    return [
        {
            "author": author.hex(),
            "author_name": member_name(node, author),
            "intentions": count,
            "bytes": size,
            "for": blocker.hex(),
        }
        for author, count, size, blocker in waiting
    ]


def fork_rows(node: "Node", handle: "Replica") -> "list[Row]":
    """Rows of the authors of whom a fork is known here."""
    return [
        {"author": author.hex(), "author_name": member_name(node, author), "kept": kept.hex(), "other": other.hex()}
        for author, kept, other, _ in handle.weaver.forks()
    ]
