"""`init` and `status`: who this node is and what it holds."""

from typing import Annotated

import typer

from lattice_core.api.plain import bytes_fields
from lattice_core.api.rows import disputed, fork_rows, read_only, second_claims, skipped_by, waiting_rows
from lattice_core.node import peers
from lattice_core.node.stores import id_text

from .. import clock
from ..rekey import Rekey
from ..service.activity import running
from ..service.only_here import OnlyHere
from .arguments import Json
from .context import desk, now_ms, own_command
from .forks import show_waiting
from .members import claim_text, shown
from .output import count_text, emit, say, size_text

_SHOWN = 10  # keys and files that nobody else holds, per store


def init(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Option("--name", help="Name of this node, shown to members.")] = None,
    json: Json = False,
) -> None:
    """Make the node's identity and data directory, or give the node another name."""
    with desk(ctx, name, make=True) as on:
        if name is not None and name != on.node.name:
            on.node.rename(name, now_ms())
        data = {"id": on.node.identity.public.hex(), "name": on.node.name, "data": str(on.directory.path)}
    emit(json, data, lambda made: say("%s is %s, its data is in %s" % (made["name"], made["id"], made["data"])))


def status(ctx: typer.Context, json: Json = False) -> None:
    """Who this node is, its shares, stores and sticks, and what no other node is known to hold."""
    with desk(ctx, reads=True) as on:
        node = on.node
        data = {
            "id": node.identity.public.hex(),
            "name": node.name,
            "data": str(on.directory.path),
            "shares": [_share(node, root) for root in node.roots()],
            "sticks": _sticks(on),
            "read_only": read_only(node),
            "clock": clock.problems(node, on.storage, now_ms()),
            "busy": running(on.directory.path) if on.reads else None,
            "rekey": _unfinished(ctx, Rekey(on.directory.path)),
            "damaged": [{"id": id_text(store_id), "error": words} for store_id, words in node.damaged],
        }
    emit(json, data, _show)


def _unfinished(ctx, journal):
    """What a `node rekey` has left to do, with the command for it; None when nothing is."""
    left = journal.unfinished()
    if left is None:
        return None
    command = "%s node rekey" % own_command(ctx)
    if journal.joined:
        return "%s. Go on: `%s`" % (left, command)
    return "%s. Take it back: `%s --abandon`. Go on, with an invite of another member: `%s --invite TOKEN`" % (
        left,
        command,
        command,
    )


def _share(node, root):
    members = peers.active(node, root)
    return {
        "id": id_text(root.id),
        "name": root.name,
        "members": len(members),
        "disputed": disputed(node, root),
        "second_claims": [claim for claim in second_claims(node) if claim["share"] == id_text(root.id)],
        "stores": [_store(node, handle) for handle in [root, *node.children(root)]],
    }


def _store(node, handle):
    unheld = OnlyHere(node, handle, _SHOWN)
    return {
        "id": id_text(handle.id),
        "name": handle.name,
        "type": handle.type,
        "intentions": handle.store.count,
        "read_only": handle.weaver.read_only,
        "waiting": waiting_rows(node, handle.weaver.waiting()),
        "forks": fork_rows(node, handle),
        "skipped": skipped_by(node, handle),
        "only_here": {
            "intentions": unheld.intentions,
            "keys": [bytes_fields("key", key) for key in unheld.keys],
            "key_count": unheld.key_count,
            "files": unheld.files,
            "file_count": unheld.file_count,
        },
    }


def _sticks(on):
    node = on.node
    noted = {key.hex() for root in node.roots() for key in node.sticks(root)}
    seen = on.directory.config()["sticks"]
    return [
        {
            "id": stick_id,
            "name": node.peer_name(bytes.fromhex(stick_id)) or seen.get(stick_id, {}).get("name", ""),
            "port": seen.get(stick_id, {}).get("port"),
        }
        for stick_id in sorted(noted)
    ]


def _show(data):
    say("%s  %s" % (data["name"], data["id"]))
    say("data in %s" % data["data"])
    if data["read_only"]:
        say("READ ONLY: %s" % data["read_only"])
    if data["rekey"]:
        say("a new identity is not finished: %s" % data["rekey"])
    if data["busy"]:
        say("in use by %s%s" % (data["busy"]["by"], _how_far(data["busy"]["sync"])))
    for words in data["clock"]:
        say("CLOCK: %s" % words)
    if not data["shares"]:
        say("no share yet: `store create NAME` makes one, `join TOKEN` enters one")
    for share in data["shares"]:
        say("share %s%s, %s" % (share["id"][:8], _named(share), count_text(share["members"], "member")))
        for member in share["disputed"]:
            say("  members: a Rust node may see another status of %s than `peer list` does" % shown(member))
        for claim in share["second_claims"]:
            say("  %s" % claim_text(claim))
        for store in share["stores"]:
            counted = count_text(store["intentions"], "intention")
            say("  %s  %s, %s" % (store["name"] or "(share)", store["type"], counted))
            if store["read_only"] and not data["read_only"]:
                say("    READ ONLY: %s" % store["read_only"])
            show_waiting(store["waiting"], store["forks"], "    ")
            for author in store["skipped"]:
                counted = count_text(author["count"], "write")
                say("    %s by %s cannot be applied: left out here; a Rust node stops there" % (counted, shown(author)))
                say("    and applies nothing that was written later, changes of members included")
            _show_only_here(store["only_here"])
    for stick in data["sticks"]:
        say("stick %s (%s), last seen at %s" % (stick["name"], stick["id"][:8], stick["port"] or "no port here"))


def _how_far(sync):
    if sync is None:
        return ""
    return ": %s of %s at %s" % (size_text(sync["done_bytes"]), size_text(sync["total_bytes"]), sync["port"])


def _named(share):
    return " (%s)" % share["name"] if share["name"] else ""


def _show_only_here(only_here):
    if not only_here["intentions"] and not only_here["file_count"]:
        return
    contents = count_text(only_here["file_count"], "file's content", "files' content")
    say("    only here, as far as is known: %s, %s" % (count_text(only_here["intentions"], "write"), contents))
    for path in only_here["files"]:
        say("      %s" % path)
    if only_here["file_count"] > len(only_here["files"]):
        say("      … and %d more" % (only_here["file_count"] - len(only_here["files"])))
