"""`peer list`, `peer revoke`."""

from typing import Annotated

import typer

from lattice_core.api.rows import member_rows, named
from lattice_core.node import peers

from .arguments import Json, Store, noun
from .context import desk, now_ms
from .members import notes, shown
from .output import emit, say, table

app = noun("Members of a share: who they are, and shutting one out.")


@app.command("list")
def list_peers(ctx: typer.Context, store: Store = None, json: Json = False) -> None:
    """Members of the share of S, or of every share."""
    with desk(ctx, reads=True) as on:
        node = on.node
        roots = [node.find_root(store)] if store else node.roots()
        data = {"peers": [row for root in roots for row in member_rows(node, root)]}
    emit(json, data, _show)


def _show(data):
    rows = [(row["name"], row["status"], row["id"], notes(row)) for row in data["peers"]]
    table(("name", "status", "id", ""), rows, "no members: there is no share here yet")
    for row in data["peers"]:
        if row["disputed"] and row["status"] == "revoked":
            say(
                "%s is revoked here, but a Rust node may still let it in: `peer revoke %s` again makes all nodes agree"
                % (shown(row), row["id"][:16])
            )


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
        data = shut_out(on.node, root, key)
    emit(json, data, show_shut_out)


def shut_out(node, root, key):
    """Revokes a member; what there is to say about it."""
    before = peers.active(node, root)
    was = peers.status_of(node, root, key)
    written = node.revoke_peer(root, key, now_ms())
    lost = [other for other in before if other != key and not peers.is_active(node, root, other)]
    let_in = [other for other in before if other != key and other not in lost and root.system.admitted_by(other) == key]
    return {
        "id": key.hex(),
        "name": node.peer_name(key),
        "status": "revoked",
        "was": "only in single stores" if was is None else peers.STATUS_NAMES[was],
        "written": written,
        "also_out": [named(node, other) for other in lost],
        "let_in": [named(node, other) for other in let_in],
    }


def show_shut_out(data):
    who = "%s (%s)" % (data["name"] or "a member without a name", data["id"][:16])
    if not data["written"]:
        say("%s was revoked already; nothing is to be done" % who)
        return
    if data["was"] == "revoked":
        say("%s was revoked already; now Rust nodes read it so, too, once this has arrived there" % who)
    else:
        say("%s is revoked; sync so that the others hear of it" % who)
    for other in data["also_out"]:
        say("%s had been let in again by that member and is out, too; a new invite lets it in" % _who(other))
    for other in data["let_in"]:
        say("%s was let in by that member and stays; `peer revoke %s` shuts it out" % (_who(other), other["id"][:16]))


def _who(other):
    return "%s (%s)" % (other["name"] or "a member without a name", other["id"][:16])
