"""`invite`, `invite list`, `invite revoke`."""

import sys
from typing import Annotated

import typer

from lattice_core.node import invites, peers
from lattice_core.node.stores import id_text

from .arguments import Json, Noun, Store
from .context import desk, now_ms
from .output import emit, say, table

app = Noun(help="Invites: let somebody into a share, without a network.")


@app.callback(invoke_without_command=True)
def invite(ctx: typer.Context, store: Store = None, json: Json = False) -> None:
    """Make an invite for the share of S and print its token."""
    if ctx.invoked_subcommand is not None:
        return
    with desk(ctx) as on:
        node = on.node
        root = node.find_root(store)
        token = node.invite(root, now_ms())
        places = invites.where_redeemable(token, node.peer_name)
        data = {
            "token": token.encode(node.crypto),
            "id": token.invite_id(node.crypto).hex(),
            "share": id_text(root.id),
            "redeemable_at": places,
        }
    emit(json, data, _show)


def _show(data):
    say(data["token"])
    if not sys.stdout.isatty():
        return
    import segno  # here: it is large, and only a terminal needs it

    segno.make(data["token"], error="m").terminal(compact=True)
    say("It works once. It can be redeemed at: %s" % ", ".join(data["redeemable_at"]))
    say("First `sync` those with this node, so that they know of it.")


@app.command("list")
def list_invites(ctx: typer.Context, store: Store = None, json: Json = False) -> None:
    """Invites made, and who used them."""
    with desk(ctx) as on:
        node = on.node
        roots = [node.find_root(store)] if store else node.roots()
        data = {"invites": [_row(node, root, made) for root in roots for made in node.invites(root)]}
    emit(json, data, _show_list)


def _row(node, root, made):
    return {
        "id": made.id.hex(),
        "status": invites.STATUS_NAMES.get(made.status, "status %d" % made.status),
        "invited_by": [{"id": key.hex(), "name": node.peer_name(key)} for key in _keys(made.invited_by)],
        "claimed_by": [{"id": key.hex(), "name": node.peer_name(key)} for key in _keys(made.claimed_by)],
        "share": id_text(root.id),
    }


def _keys(value):
    """One key, several or none, as a list."""
    if not value:
        return []
    return [value] if isinstance(value, bytes) else list(value)


def _show_list(data):
    rows = []
    for row in data["invites"]:
        who = ", ".join(claimer["name"] or claimer["id"][:8] for claimer in row["claimed_by"])
        rows.append((row["id"][:16], row["status"], who))
    table(("id", "status", "used by"), rows, "no invites")
    for row in data["invites"]:
        if len(row["claimed_by"]) > 1:
            keys = [claimer["id"] for claimer in row["claimed_by"]]
            say("invite %s let in more than one node: %s" % (row["id"][:16], ", ".join(keys)))
            say("  `peer revoke ID` shuts out the one that you do not know")


@app.command()
def revoke(
    ctx: typer.Context,
    invite_id: Annotated[str, typer.Argument(metavar="ID", help="Beginning of the invite's id, see `invite list`.")],
    store: Store = None,
    json: Json = False,
) -> None:
    """End an invite that nobody has used."""
    with desk(ctx) as on:
        root = on.node.find_root(store)
        found = invites.find(root, invite_id)
        on.node.revoke_invite(root, invite_id, now_ms())
        data = {"id": peers.key_text(found.id), "status": "revoked"}
    emit(json, data, lambda done: say("invite %s is revoked; sync so that the others hear of it" % done["id"][:16]))
