"""`peer list`, `peer revoke`."""

from typing import Annotated

import typer

from lattice_core.node import peers
from lattice_core.node.stores import id_text

from .arguments import Json, Store, noun
from .context import desk, now_ms
from .output import emit, say, table

app = noun("Members of a share: who they are, and shutting one out.")


@app.command("list")
def list_peers(ctx: typer.Context, store: Store = None, json: Json = False) -> None:
    """Members of the share of S, or of every share."""
    with desk(ctx) as on:
        node = on.node
        roots = [node.find_root(store)] if store else node.roots()
        data = {"peers": [_row(node, root, member) for root in roots for member in node.peers(root)]}
    emit(json, data, _show)


def _row(node, root, member):
    return {
        "id": member.key.hex(),
        "name": member.name,
        "status": peers.STATUS_NAMES.get(member.status, "status %d" % member.status),
        "self": member.key == node.identity.public,
        "stick": member.key in node.sticks(root),
        "share": id_text(root.id),
    }


def _show(data):
    rows = []
    for row in data["peers"]:
        notes = [word for word, yes in (("this node", row["self"]), ("stick", row["stick"])) if yes]
        rows.append((row["name"], row["status"], row["id"], ", ".join(notes)))
    table(("name", "status", "id", ""), rows, "no members: there is no share here yet")


@app.command()
def revoke(
    ctx: typer.Context,
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="Name of the member or beginning of its id.")],
    store: Store = None,
    json: Json = False,
) -> None:
    """Shut a member out of the share, here and wherever this arrives. What it has it keeps."""
    with desk(ctx) as on:
        root = on.node.find_root(store)
        key = peers.find(on.node, root, member)
        on.node.revoke_peer(root, key, now_ms())
        data = {"id": key.hex(), "status": "revoked"}
    emit(json, data, lambda done: say("%s is revoked; sync so that the others hear of it" % done["id"]))
