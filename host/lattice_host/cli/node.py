"""`node rekey`: a new identity for a node whose own history was forked, or whose key may be in other hands."""

from typing import Annotated

import typer

from .arguments import WAIT_FOR_STICK_S, Json, Timeout, noun
from .connect import run
from .context import backend, own_command
from .endings import PartlyDone
from .join import token_text
from .output import count_text, emit, say, warn
from .sync import explain

app = noun("This node's own identity.")


@app.callback()
def node() -> None:
    """Keeps `rekey` a word of its own while it is the only one."""


@app.command()
def rekey(
    ctx: typer.Context,
    invite: Annotated[
        str | None, typer.Option("--invite", metavar="TOKEN", help="Invite of another member, for the new identity.")
    ] = None,
    via: Annotated[str, typer.Option("--via", metavar="PORT", help="Who to join at; `auto` finds a stick.")] = "auto",
    force: Annotated[
        bool, typer.Option("--force", help="Also where nothing is wrong, as for a key that others may have.")
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Take back a new identity that was begun and has not joined.")
    ] = False,
    timeout: Timeout = WAIT_FOR_STICK_S,
    json: Json = False,
) -> None:
    """Take a new identity, join with the invite, and write again what nobody else is known to hold.

    The old data is kept aside. Interrupted, it goes on when it is run again."""
    if abandon:
        emit(json, backend(ctx).call("identity.abandon"), _show_abandoned)
        return
    token = None if invite is None else token_text(invite)
    data = run(
        ctx,
        "identity.rekey",
        token=token,
        via=via,
        force=force,
        timeout_s=timeout,
        command=own_command(ctx),
    )
    emit(json, data, _show)
    explain(data)
    _explain(data)
    if data["pending"] or data["unreadable"] or data["closed"] or not data["complete"]:
        raise PartlyDone("the new identity is in its place, but not everything came over; see above")


def _show_abandoned(data):
    say("the new identity is taken back, this node stays who it is; nothing was changed")
    say("should `peer list` ever show %s, an invite reached it after all: revoke it" % data["abandoned"])


def _show(data):
    say("this node is %s now" % data["id"])
    say(
        "written again: %s; taken over: %s of others, %s"
        % (
            count_text(data["written"], "key or file", "keys and files"),
            count_text(data["others"], "write"),
            count_text(data["blobs"], "piece of content", "pieces of content"),
        )
    )
    say("the old data is kept in %s; delete it when nothing is missing" % data["aside"])
    for stick, command in zip(data["sticks"], data["commands"], strict=False):
        say("stick %s still obeys the old identity only; with it plugged in:" % (stick["name"] or stick["id"][:8]))
        say("  %s" % command)
    say("then revoke the old identity, which ends its invites (%d open):" % data["invites"])
    for command in data["commands"][len(data["sticks"]) :]:
        say("  %s" % command)
    say("if another copy still runs under the old identity, let it take a new one first")


def _explain(data):
    for key in data["conflicts"]:
        warn("%s was changed elsewhere too: both stand, as a conflict" % key)
    for key in data["not_deleted"]:
        warn("%s was deleted here and changed elsewhere since: it stays" % key)
    for member in data["revoked"]:
        warn("%s was revoked in the old data and is not here: `peer revoke %s`" % (_who(member), member["id"]))
    for member in data["let_in"]:
        warn("%s was let in by the old data and is unknown here: it needs a new invite" % _who(member))
    for label in data["elsewhere"]:
        warn("store %s is held by others and was not fetched here: run this again where it is" % label)
    if data["unreadable"]:
        unread = count_text(data["unreadable"], "piece")
        warn("%s of the old data could not be read; `store verify` there says more" % unread)
    for store in data["closed"]:
        warn("store %s of the old data is too damaged to be opened, it stays there: %s" % (store["id"], store["error"]))
    for label in data["pending"]:
        warn("not brought over yet: %s. Run `node rekey` again, with an invite if it is another share" % label)


def _who(member):
    return member["name"] or member["id"][:8]
