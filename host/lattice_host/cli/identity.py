"""`init` and `status`: who this node is and what it holds."""

from typing import Annotated

import typer

from .arguments import Json
from .context import backend, own_command
from .forks import show_waiting
from .members import claim_text, shown
from .output import count_text, emit, say, size_text


def init(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Option("--name", help="Name of this node, shown to members.")] = None,
    json: Json = False,
) -> None:
    """Make the node's identity and data directory, or give the node another name."""
    data = backend(ctx).call("node.init", name=name)
    emit(json, data, lambda made: say("%s is %s, its data is in %s" % (made["name"], made["id"], made["data"])))


def status(ctx: typer.Context, json: Json = False) -> None:
    """Who this node is, its shares, stores and sticks, and what no other node is known to hold."""
    emit(json, backend(ctx).call("node.status", command=own_command(ctx)), _show)


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
