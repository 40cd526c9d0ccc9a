"""`peer list`, `peer admit`, `peer revoke`."""

from typing import Annotated

import typer

from .arguments import Json, Store, noun
from .context import backend
from .members import notes, shown
from .output import emit, say, table

app = noun("Members of a share: who they are, and shutting one out.")


@app.command("list")
def list_peers(ctx: typer.Context, store: Store = None, json: Json = False) -> None:
    """Members of the share of S, or of every share."""
    emit(json, backend(ctx).call("peer.list", store=store), _show)


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
def admit(
    ctx: typer.Context,
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="Name of the member or beginning of its id.")],
    store: Annotated[str, typer.Option("--store", metavar="S", help="Store that has members of its own.")],
    json: Json = False,
) -> None:
    """Let a member of the share, as a stick, into a store that has members of its own. Without an invite."""
    emit(json, backend(ctx).call("peer.admit", member=member, store=store), _show_admitted)


def _show_admitted(data):
    who = data["name"] or data["id"][:16]
    if data["written"]:
        say("%s is a member of store %s; sync so that the others hear of it" % (who, data["store"]))
    else:
        say("%s was a member of store %s already; nothing is to be done" % (who, data["store"]))


@app.command()
def revoke(
    ctx: typer.Context,
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="Name of the member or beginning of its id.")],
    store: Store = None,
    json: Json = False,
) -> None:
    """Shut a member out of the share, here and wherever this arrives. What it has it keeps."""
    emit(json, backend(ctx).call("peer.revoke", member=member, store=store), show_shut_out)


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
