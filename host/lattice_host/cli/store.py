"""`store create`, `list`, `status`, `verify`."""

from typing import Annotated

import typer

from lattice_core.api.rows import fork_rows, waiting_rows
from lattice_core.errors import StorageError, UsageError
from lattice_core.node.stores import KV_TYPE, id_text

from ..mending import compare, mend
from .arguments import Json, Store, StoreArgument, either, noun
from .context import desk, now_ms
from .forks import show_waiting, who
from .output import count_text, emit, say, table, warn

app = noun("Stores: where values and files live, grouped in shares.")


@app.command()
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the new store.")],
    store_type: Annotated[str, typer.Option("--type", help="Type of the store.")] = KV_TYPE,
    parent: Annotated[
        str | None, typer.Option("--parent", metavar="ID", help="Store of the share it belongs to.")
    ] = None,
    json: Json = False,
) -> None:
    """Make a data store in the share; the share too when there is none."""
    with desk(ctx, make=True) as on:
        parent_id = None if parent is None else on.node.find_root(parent).id
        handle = on.node.create_store(name, store_type, parent_id, now_ms())
        root = on.node.root_of(handle)
        data = {"id": id_text(handle.id), "name": handle.name, "type": handle.type, "root": id_text(root.id)}
    emit(json, data, lambda made: say("store %s is %s, in the share %s" % (made["name"], made["id"], made["root"])))


def listed(node):
    """Every open store, children under their root."""
    rows = []
    for root in node.roots():
        for handle in [root, *node.children(root)]:
            parent = None if handle.parent is None else id_text(handle.parent)
            rows.append({"id": id_text(handle.id), "name": handle.name, "type": handle.type, "parent": parent})
    return rows


@app.command("list")
def list_stores(ctx: typer.Context, json: Json = False) -> None:
    """All stores, with type and share."""
    with desk(ctx, reads=True) as on:
        data = {"stores": listed(on.node)}
    emit(json, data, _show_list)


def _show_list(data):
    rows = [
        (row["name"] or "(share)", row["type"], row["id"], "" if row["parent"] is None else row["parent"][:8])
        for row in data["stores"]
    ]
    table(("name", "type", "id", "share"), rows, "no store yet: `store create NAME` makes one")


@app.command()
def status(ctx: typer.Context, name: StoreArgument = None, store: Store = None, json: Json = False) -> None:
    """What a store holds, and what it is waiting for."""
    store = either(name, store)
    with desk(ctx, reads=True) as on:
        handles = [on.node.find(store)] if store else list(on.node.stores)
        data = {"stores": [_state(on.node, handle) for handle in handles]}
    emit(json, data, _show_states)


def _state(node, handle):
    weaver = handle.weaver
    return {
        "id": id_text(handle.id),
        "name": handle.name,
        "type": handle.type,
        "parent": None if handle.parent is None else id_text(handle.parent),
        "intentions": handle.store.count,
        "authors": len(handle.store.authors()),
        "head": handle.store.head.hex(),
        "state_hash": weaver.state_hash().hex(),
        "floating": weaver.floating_count,
        "skipped": [
            {"hash": hash.hex(), "author": author.hex(), "reason": reason} for hash, author, reason in weaver.skipped()
        ],
        "waiting": waiting_rows(node, weaver.waiting()),
        "forks": fork_rows(node, handle),
        "read_only": weaver.read_only,
    }


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
    store = either(name, store)
    with desk(ctx) as on:
        handles = [on.node.find(store)] if store else list(on.node.stores)
        damage = _medium_damage(on.storage)
        on.node.rollback()
        if any(mend(on.node, handle.id) for handle in handles) or on.storage.mended:
            damage = damage or "; ".join(on.storage.mended)
            on.node.rollback()
        reports = [_verified(on.node, handle) for handle in handles]
        if not store:
            reports += [_closed(store_id, words) for store_id, words in on.node.damaged]
    clean = damage is None and all(report["problem_count"] == 0 for report in reports)
    emit(json, {"clean": clean, "medium": damage, "stores": reports}, _show_reports)
    if not clean:
        raise UsageError(
            "damage was found: sync with a peer that has the data, it fills what is missing; what follows from the log "
            "was worked out anew where it could be: `store verify` again says what is left",
            "damaged",
        )


def _medium_damage(storage):
    try:
        storage.check()
    except StorageError as error:
        return str(error)
    return None


def _verified(node, handle):
    report = handle.weaver.verify()
    if report.damaged or report.damaged_blobs:
        node.note_damage(handle, report.damaged, report.damaged_blobs)
    try:
        wrong = compare(node, handle)
    except StorageError as error:
        wrong = str(error)
    if wrong is not None:
        report.problem(wrong)
    return {
        "id": id_text(handle.id),
        "name": handle.name,
        "intentions": handle.store.count,
        "blobs": report.blobs,
        "bytes": report.bytes,
        "problems": report.problems,
        "problem_count": report.problem_count,
    }


def _closed(store_id, words):
    """The report of a store that is too damaged to be opened."""
    return {
        "id": id_text(store_id),
        "name": "",
        "intentions": 0,
        "blobs": 0,
        "bytes": 0,
        "problems": [words],
        "problem_count": 1,
    }


def _show_reports(data):
    for report in data["stores"]:
        good = "every hash, signature and chain is good" if not report["problems"] else "DAMAGED"
        say("%s: %s, %s" % (report["name"] or "(share)", count_text(report["intentions"], "intention"), good))
        for problem in report["problems"]:
            say("  %s" % problem)
    if data["medium"]:
        warn(data["medium"])
