"""`store create`, `list`, `tree`, `name`, `archive`, `status`, `verify`."""

from typing import Annotated

import typer

from lattice_core.errors import UsageError
from lattice_core.machines.registry import TYPE_KV

from .arguments import Json, Store, StoreArgument, either, noun
from .context import backend
from .forks import show_waiting, who
from .members import shown
from .output import count_text, emit, say, table, warn

app = noun("Stores: where values and files live, grouped in shares.")


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the new store.")],
    store_type: Annotated[str, typer.Option("--type", help="Type of the store.")] = TYPE_KV,
    parent: Annotated[
        str | None, typer.Option("--parent", metavar="S", help="Share or store that it is made below.")
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            metavar="WHO",
            help="Whose members it has. inherited: those of the parent. independent: this node, and whom it invites to "
            "this store. snapshot: those of the parent as they are now.",
        ),
    ] = "inherited",
    json: Json = False,
) -> None:
    """Make a data store in the share; the share too when there is none."""
    data = backend(ctx).call("store.create", name=name, type=store_type, parent=parent, strategy=strategy)
    emit(json, data, _show_made)


def _show_made(made):
    say("store %s is %s, in the share %s" % (made["name"], made["id"], made["root"]))
    if made["strategy"] == "independent":
        say("Nobody else is in it yet: `invite --store %s` makes an invite." % made["id"])
    elif made["strategy"] == "snapshot":
        names = ", ".join(map(shown, made["members"]))
        say("The active members of the store above were copied: %s. Nodes read it as a list of its own:" % names)
        say("whoever joins the share later does not get it, and nobody can be invited to it.")
    if made["strategy"] != "inherited":
        say("A Rust node that is in it and in the share hands it to every member of the share.")


@app.command("tree")
def show_tree(ctx: typer.Context, name: StoreArgument = None, store: Store = None, json: Json = False) -> None:
    """All stores of a share and what lies below them, also what is archived or not open here."""
    emit(json, backend(ctx).call("store.tree", store=either(name, store)), _show_tree)


def _show_tree(data):
    rows = []
    for row in data["stores"]:
        words = [row["state"]] if row["state"] != "open" else []
        if row["strategy"] in ("independent", "snapshot"):
            words.append(row["strategy"])
        words += [word for word, yes in (("carried", row["carried"]), ("not at Rust nodes", row["rust"])) if yes]
        if row["why"]:
            words.append(row["why"])
        name = row["name"] or ("(share)" if row["parent"] is None else "(no name)")
        rows.append(("  " * row["depth"] + name, row["type"], row["id"], ", ".join(words)))
    table(("name", "type", "id", ""), rows, "no store yet: `store create NAME` makes one")
    for why in sorted({row["rust"] for row in data["stores"] if row["rust"]}):
        say("not at Rust nodes: %s" % why)


@app.command("name")
def name_store(
    ctx: typer.Context,
    store: Annotated[str, typer.Argument(metavar="S", help="Store: name or beginning of its id.")],
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its new name.")],
    json: Json = False,
) -> None:
    """Give a store another name, for everybody."""
    data = backend(ctx).call("store.name", store=store, name=name)
    emit(json, data, lambda named: say("store %s is called %s now" % (named["id"], named["name"])))


@app.command()
def archive(
    ctx: typer.Context,
    store: Annotated[str, typer.Argument(metavar="S", help="Store: name or beginning of its id.")],
    json: Json = False,
) -> None:
    """Close a store and everything below it, on every node. Nothing is deleted; there is no command that opens it."""
    emit(json, backend(ctx).call("store.archive", store=store), _show_archived)


def _show_archived(data):
    say("%s closed; sync so that the others hear of it" % count_text(len(data["closed"]), "store is", "stores are"))
    for row in data["closed"]:
        say("  %s (%s)" % (row["name"] or "(no name)", row["id"][:8]))


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
        say("%s  %s  %s%s" % (state["name"] or "(share)", state["type"], state["id"], "  carried" * state["carried"]))
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
