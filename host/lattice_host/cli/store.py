"""`store create`, `list`, `status`, `verify`."""

from typing import Annotated

import typer

from lattice_core.errors import UsageError
from lattice_core.machines.registry import TYPE_KV

from .arguments import Json, Store, StoreArgument, either, noun
from .context import backend
from .forks import show_waiting, who
from .output import count_text, emit, say, table, warn

app = noun("Stores: where values and files live, grouped in shares.")


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the new store.")],
    store_type: Annotated[str, typer.Option("--type", help="Type of the store.")] = TYPE_KV,
    parent: Annotated[
        str | None, typer.Option("--parent", metavar="ID", help="Store of the share it belongs to.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a data store in the share; the share too when there is none."""
    data = backend(ctx).call("store.create", name=name, type=store_type, parent=parent)
    emit(json, data, lambda made: say("store %s is %s, in the share %s" % (made["name"], made["id"], made["root"])))


@app.command("list")
def list_stores(ctx: typer.Context, json: Json = False) -> None:
    """All stores, with type and share."""
    emit(json, backend(ctx).call("store.list"), _show_list)


def _show_list(data):
    rows = [
        (row["name"] or "(share)", row["type"], row["id"], "" if row["parent"] is None else row["parent"][:8])
        for row in data["stores"]
    ]
    table(("name", "type", "id", "share"), rows, "no store yet: `store create NAME` makes one")


@app.command()
def status(ctx: typer.Context, name: StoreArgument = None, store: Store = None, json: Json = False) -> None:
    """What a store holds, and what it is waiting for."""
    emit(json, backend(ctx).call("store.status", store=either(name, store)), _show_states)


def _show_states(data):
    for state in data["stores"]:
        say("%s  %s  %s" % (state["name"] or "(share)", state["type"], state["id"]))
        say(
            "  %s by %s, %d waiting for others, state %s"
            % (
                count_text(state["intentions"], "intention"),
                count_text(state["authors"], "author"),
                state["floating"],
                state["state_hash"][:16],
            )
        )
        for skipped in state["skipped"]:
            say("  skipped %s of %s: %s" % (skipped["hash"][:16], skipped["author"][:8], skipped["reason"]))
        for fork in state["forks"]:
            say("  FORK by %s: %s is kept here, %s is not" % (who(fork), fork["kept"][:16], fork["other"][:16]))
        show_waiting(state["waiting"], state["forks"], "  ")
        if state["read_only"]:
            say("  READ ONLY: %s" % state["read_only"])


@app.command()
def verify(ctx: typer.Context, name: StoreArgument = None, store: Store = None, json: Json = False) -> None:
    """Check every hash, signature and chain on disk again."""
    data = backend(ctx).call("store.verify", store=either(name, store))
    emit(json, data, _show_reports)
    if not data["clean"]:
        raise UsageError(
            "damage was found: sync with a peer that has the data, it fills what is missing; what follows from the log "
            "was worked out anew where it could be: `store verify` again says what is left",
            "damaged",
        )


def _show_reports(data):
    for report in data["stores"]:
        good = "every hash, signature and chain is good" if not report["problems"] else "DAMAGED"
        say("%s: %s, %s" % (report["name"] or "(share)", count_text(report["intentions"], "intention"), good))
        for problem in report["problems"]:
            say("  %s" % problem)
    if data["medium"]:
        warn(data["medium"])
