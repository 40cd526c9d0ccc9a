"""`stick setup`, `status`, `owner add`, `owner transfer`, `forget`."""

from typing import Annotated

import typer

from .arguments import WAIT_FOR_STICK_S, Json, PortArgument, Store, Timeout, noun
from .connect import run
from .context import backend
from .output import count_text, emit, say, size_text
from .peer import show_shut_out

app = noun("Sticks: setting one up, asking how it is, owners.")
owner = noun("Who may administer a stick.")
app.add_typer(owner, name="owner")

_FORKED = (
    "a copy of this stick's flash was used too, so its identity has written two histories: it carries what others "
    "write and lets nobody in. Reset it with its button and set it up again"
)

Member = Annotated[str, typer.Argument(metavar="MEMBER", help="Name, or id (64 hex digits or its beginning).")]


@app.command()
def setup(
    ctx: typer.Context,
    port: PortArgument,
    store: Store = None,
    name: Annotated[str | None, typer.Option("--name", help="Name of the stick, `stick` if left out.")] = None,
    timeout: Timeout = WAIT_FOR_STICK_S,
    json: Json = False,
) -> None:
    """Take a fresh stick into the share of S. This node becomes its owner; `sync` then fills it.

    A stick of this node that was revoked (`stick forget`) is let in again."""
    data = run(ctx, "stick.setup", port=port, store=store, name=name, timeout_s=timeout)
    emit(json, data, _show_setup)


def _show_setup(data):
    if data["let_in_again"]:
        say("stick %s (%s) is let in again; `sync` tells it" % (data["name"], data["id"][:8]))
        return
    say("stick %s (%s) is set up and yours; `sync` fills it" % (data["name"], data["id"][:8]))


@app.command()
def status(ctx: typer.Context, port: PortArgument, timeout: Timeout = WAIT_FOR_STICK_S, json: Json = False) -> None:
    """Ask the stick behind PORT how it is. Who is no member learns its version and whether it is owned."""
    data = run(ctx, "stick.status", port=port, timeout_s=timeout)
    emit(json, data, _show_status)


def _show_status(data):
    if "id" not in data:
        more = "more is shown to its owners and to members that it has heard of only"
        if data["state"] == "fresh":
            more = "`stick setup PORT` takes it into a share and makes it yours"
        say("firmware %s, %s; %s" % (data["version"], data["state"], more))
        return
    say("%s  %s" % (data["name"], data["id"]))
    say("firmware %s, %s by %s" % (data["version"], data["state"], _names(data["owners"])))
    flash = data["flash"]
    sizes = tuple(size_text(flash[part]) for part in ("used", "total", "free", "for_files"))
    say("flash: %s of %s used, %s free, %s of it for files" % sizes)
    for store in data["stores"]:
        counts = count_text(store["intentions"], "intention"), count_text(store["files"], "file")
        say("  %s  %s, %s, %s" % (store["name"] or "(share)", store["type"], *counts))
        if store["waiting"]:
            waits = count_text(store["waiting"], "write"), size_text(store["waiting_bytes"])
            say("    %s (%s) not taken in: what they build on is not there; `sync` says whose" % waits)
    if data["store_count"] > len(data["stores"]):
        say("  and %s more" % count_text(data["store_count"] - len(data["stores"]), "store"))
    if data["forked"]:
        say("READ ONLY: %s" % _FORKED)
    if data["damage"]:
        say("DAMAGED: %s" % data["damage"])
    if data["last_error"]:
        say("last error: %s" % data["last_error"])
    say("safe to unplug" if data["safe_to_unplug"] else "BUSY: do not unplug yet")


def _names(owners):
    """Names; where one stands twice, with the beginning of the id."""
    names = [owner["name"] for owner in owners]
    shown = []
    for name, owner in zip(names, owners, strict=True):
        shown.append("%s (%s)" % (name, owner["id"][:8]) if name and names.count(name) > 1 else name or owner["id"][:8])
    return ", ".join(shown) or "nobody"


@owner.command("add")
def add_owner(
    ctx: typer.Context, port: PortArgument, member: Member, timeout: Timeout = WAIT_FOR_STICK_S, json: Json = False
) -> None:
    """Let a member administer the stick too."""
    data = run(ctx, "stick.add_owner", port=port, member=member, timeout_s=timeout)
    emit(json, data, lambda done: _show_owner("%s is an owner of this stick now, too", done))


@owner.command("transfer")
def transfer_owner(
    ctx: typer.Context, port: PortArgument, member: Member, timeout: Timeout = WAIT_FOR_STICK_S, json: Json = False
) -> None:
    """Hand the stick over: the member owns it, this node no longer does."""
    data = run(ctx, "stick.transfer_owner", port=port, member=member, timeout_s=timeout)
    emit(json, data, lambda done: _show_owner("%s owns this stick now, you no longer do", done))


def _show_owner(text, done):
    if done["is_self"]:
        text = "%s was an owner of this stick already and stays one"
    say(text % (done["name"] or done["owner"][:8]))
    if not done["known_there"]:
        say("The stick has not heard that this is a member: `sync` it, or its new owner cannot use what is on it.")


@app.command()
def forget(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the stick or beginning of its id.")],
    store: Store = None,
    json: Json = False,
) -> None:
    """Revoke a stick that is lost or given away. What is on it stays on it."""
    emit(json, backend(ctx).call("stick.forget", name=name, store=store), show_shut_out)
