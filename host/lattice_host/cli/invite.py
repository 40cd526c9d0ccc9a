"""`invite`, `invite list`, `invite revoke`."""

import shutil
import sys
from typing import Annotated

import typer

from ..clock import now_ms
from .arguments import Json, Noun, Store
from .context import backend
from .endings import WrongUsage
from .members import shown
from .output import emit, say, table, time_text
from .values import moment_s

app = Noun(help="Invites: let somebody into a share, without a network.")


@app.callback(invoke_without_command=True)
def invite(
    ctx: typer.Context,
    store: Store = None,
    expires: Annotated[
        str | None,
        typer.Option("--expires", metavar="WHEN", help="When it ends: 90m, 12h, 7d, 2w, or a date as 2026-12-24."),
    ] = None,
    label: Annotated[str, typer.Option("--label", metavar="TEXT", help="For `invite list` here: whom it is for.")] = "",
    json: Json = False,
) -> None:
    """Make an invite for a share, or for one store that has members of its own, and print its token."""
    if ctx.invoked_subcommand is not None:
        return
    expires_s = 0 if expires is None else _expires_s(expires, now_ms() // 1000)
    data = backend(ctx).call("invite.create", store=store, expires_s=expires_s, label=label)
    emit(json, data, _show)


def _expires_s(text, now_s):
    """Seconds since 1970 of a duration from now or of a local date, with or without a time."""
    when = moment_s(text, now_s, 1)
    if when is None:
        raise WrongUsage("--expires takes 90m, 12h, 7d, 2w, or a date as 2026-12-24 or 2026-12-24T18:00")
    if when <= now_s:
        raise WrongUsage("--expires %s has passed already" % text)
    return when


def _show(data):
    say(data["token"])
    if not sys.stdout.isatty():
        return
    from . import qr  # here: it is large, and only a terminal needs it

    width, needed = shutil.get_terminal_size().columns, qr.columns(data["token"])
    if width < needed:
        say("(its QR code needs %d columns, this terminal has %d)" % (needed, width))
    else:
        for line in qr.lines(data["token"]):
            print(line)
    say("It works once. It can be redeemed at: %s" % ", ".join(data["redeemable_at"]))
    say("First `sync` those with this node, so that they know of it.")
    if data["store"]:
        say(
            "It is for the store %s alone. A node that is not in the share holds it as a share of its own;"
            % data["store"]
        )
        say("a Rust node then shows nothing of a key-value store after its next start.")
    if data["expires_ms"]:
        say(
            "It expires on %s: Nano nodes refuse it from then on, and the first `sync` or `invite` here after that "
            "revokes it. Until that has arrived, Rust nodes and a stick whose clock is behind still take it."
            % time_text(data["expires_ms"])
        )


@app.command("list")
def list_invites(ctx: typer.Context, store: Store = None, json: Json = False) -> None:
    """Invites made, when and by whom, and who used them."""
    emit(json, backend(ctx).call("invite.list", store=store), _show_list)


def _show_list(data):
    rows = []
    for row in data["invites"]:
        status = row["status"]
        if status == "valid" and not row["redeemable"]:
            is_over = row["expires_ms"] is not None and row["expires_ms"] <= now_ms()
            status = "expired" if is_over else "void: its maker is no active member"
        made = "" if row["made_ms"] is None else time_text(row["made_ms"])
        expires = time_text(row["expires_ms"]) if row["expires_ms"] else ""
        makers, users = (", ".join(map(shown, row[who])) for who in ("invited_by", "claimed_by"))
        rows.append((row["id"][:16], status, made, makers, row["label"], expires, users))
    table(("id", "status", "made", "by", "label", "expires", "used by"), rows, "no invites")
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
    data = backend(ctx).call("invite.revoke", id=invite_id, store=store)
    emit(json, data, _show_revoked)


def _show_revoked(data):
    if data["written"]:
        say("invite %s is revoked; sync so that the others hear of it" % data["id"][:16])
    else:
        say("invite %s was revoked already; nothing is to be done" % data["id"][:16])
