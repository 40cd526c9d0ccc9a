"""Members as commands show them: who let them in, who named them, where a Rust node may see it otherwise."""

from lattice_core.node import peers
from lattice_core.node.stores import id_text

from .forks import member_name


def named(node, key):
    """{id, name} of a key."""
    return {"id": key.hex(), "name": member_name(node, key)}


def shown(item):
    """A name, else the beginning of the id."""
    return item["name"] or item["id"][:8]


def member_rows(node, root):
    """All members of a share, as its own list names them and as the lists of single stores do."""
    sticks = node.sticks(root)
    rows = []
    for handle in peers.lists_of(node, root):
        for member in handle.system.peers():
            if handle is root or root.system.peer(member.key) is None:
                rows.append(_row(node, root, handle, member, sticks))
    return rows


def _row(node, root, handle, member, sticks):
    row = {
        "id": member.key.hex(),
        "name": member.name,
        "status": peers.STATUS_NAMES.get(member.status, "status %d" % member.status),
        "self": member.key == node.identity.public,
        "stick": member.key in sticks,
        "share": id_text(root.id),
        "store": None if handle is root else id_text(handle.id),
        "let_in_by": None,
        "named_by": None,
        "disputed": handle.system.is_disputed(member.key),
    }
    giver = handle.system.named_by(member.key)
    if giver not in (None, member.key, node.identity.public):
        row["named_by"] = named(node, giver)
    admitter = handle.system.admitted_by(member.key)
    if row["status"] == "active" and admitter != member.key:
        row["let_in_by"] = {**named(node, admitter), "revoked": node.is_revoked(root.id, admitter)}
    return row


def notes(row):
    """What there is to know about a member beside its status."""
    found = [word for word, yes in (("this node", row["self"]), ("stick", row["stick"])) if yes]
    if row["store"]:
        found.append("only in store %s" % row["store"][:8])
    if row["let_in_by"] and row["let_in_by"]["revoked"]:
        found.append("let in by %s, who is revoked" % shown(row["let_in_by"]))
    if row["named_by"]:
        found.append("named by %s" % shown(row["named_by"]))
    if row["disputed"]:
        found.append("a Rust node may see another status")
    return ", ".join(found)


def disputed(node, root):
    """[{id, name}] of the members whose status a node of the reference may read otherwise."""
    return [named(node, peer.key) for peer in root.system.peers() if root.system.is_disputed(peer.key)]


def second_claims(node):
    """Stores that a second share declares, each of which stays with the one it came through."""
    return [
        {"id": id_text(store_id), "share": id_text(root_id), "name": name, "stays_with": id_text(first)}
        for store_id, root_id, name, first in node.second_claims()
    ]


def claim_text(claim):
    return "store %s (%s) is declared by share %s, too, but came here through %s and stays with that" % (
        claim["name"] or "without a name",
        claim["id"][:8],
        claim["share"][:8],
        claim["stays_with"][:8],
    )


def skipped_by(node, handle):
    """[{id, name, count}] of the authors of writes that could not be applied."""
    counts = {}
    for _, author, _ in handle.weaver.skipped():
        counts[author] = counts.get(author, 0) + 1
    return [{**named(node, author), "count": count} for author, count in counts.items()]
